// Operations that ask somebody outside before they do their part in the store: another issuer for its keys, a provider
// for what it supports, a cloud for a token. Guarantees: whoever may not do the operation makes nobody be asked.

import type { IamAccountAssociationsCheckRequest, OperationTypes } from '../../api/schema/types.gen.ts';
import type { Caller } from '../core/types.ts';
import { findAssociations } from '../iam/account-associations.ts';
import type { CloudCheck } from '../iam/clouds/check.ts';
import { createIdentityProvider, type PkceSupport, updateIdentityProvider } from '../iam/identity-providers.ts';
import { register, type UpstreamLogin } from '../iam/registration.ts';
import { toCheckResponse, toV1Check } from '../iam/v2/account-associations.ts';
import * as v2 from '../iam/v2/identity-providers.ts';
import type { Store, Tx } from '../store/database.ts';
import type { CallFacts } from './handlers.ts';
import { requiredUidp } from './selection.ts';
import { inBothVersions } from './versions/handlers.ts';

export interface Outside {
  readonly store: Store;
  /** Whose token this is, another issuer's than ours. Throws StatusError. */
  verifyLogin(bearer: string): Promise<UpstreamLogin & { readonly actor: Readonly<Record<string, string>> }>;
  /** What the discovery document of an issuer says. Never throws. */
  pkceSupport(issuer: string): Promise<PkceSupport>;
  readonly checkCloud: CloudCheck;
}

/** What is left to do in the transaction, and who did it when no caller is known before. */
export interface Outcome<Response> {
  readonly response: Response;
  readonly actor?: Pick<Caller, 'identity' | 'actor'>;
}

type Finish<Response> = (tx: Tx, caller: Caller, facts: CallFacts) => Outcome<Response>;

export type OutsideHandler<Id extends keyof OperationTypes> = (
  request: OperationTypes[Id]['request'],
  bearer: string,
) => Promise<Finish<OperationTypes[Id]['response']>>;

export type OutsideHandlers = { readonly [Id in keyof OperationTypes]?: OutsideHandler<Id> };

export function createOutsideHandlers({ store, verifyLogin, pkceSupport, checkCloud }: Outside): OutsideHandlers {
  const pkce = async (oidc: { issuer?: string; pkceEnabled?: boolean } | undefined): Promise<PkceSupport> =>
    oidc?.pkceEnabled === true && oidc.issuer !== undefined ? pkceSupport(oidc.issuer) : 'unknown';
  const check = ({ group, accountType = 'UNKNOWN' }: IamAccountAssociationsCheckRequest) => {
    const id = requiredUidp('group', group);
    return checkCloud(
      id,
      store.read((tx) => findAssociations(tx, id)),
      accountType,
    );
  };

  const newer: OutsideHandlers = {
    'iam.v2.IdentityProvidersService.CreateIdentityProvider': async (request) => {
      const support = await pkce(request.identityProvider?.oidc);
      return (tx, caller, facts) => ({ response: v2.createIdentityProvider(tx, caller, request, facts, support) });
    },
    'iam.v2.IdentityProvidersService.UpdateIdentityProvider': async (request) => {
      const support = await pkce(store.read((tx) => v2.maskProvider(tx, request)).resource.oidc);
      return (tx, caller, facts) => ({ response: v2.updateIdentityProvider(tx, caller, request, facts, support) });
    },
    'iam.v2.AccountAssociationsService.CheckAccountAssociation': async (request) => {
      const response = toCheckResponse(await check(toV1Check(request)));
      return () => ({ response });
    },
  };
  return {
    ...inBothVersions(newer),
    'auth.v1.Auth.Register': async (request, bearer) => {
      const login = await verifyLogin(bearer);
      return (tx) => {
        const response = register(tx, login, request);
        return { response, actor: { identity: response.identity ?? '', actor: login.actor } };
      };
    },
    'iam.v1.IdentityProviders.Create': async (request) => {
      const support = await pkce(request.identityProvider?.oidc);
      return (tx, caller, facts) => ({
        response: createIdentityProvider(tx, caller, request, facts, support),
      });
    },
    'iam.v1.IdentityProviders.Update': async (request) => {
      const support = await pkce(request.oidc);
      return (tx, caller, facts) => ({
        response: updateIdentityProvider(tx, caller, request, facts, support),
      });
    },
    'iam.v1.GroupAccountAssociations.Check': async (request) => {
      const response = await check(request);
      return () => ({ response });
    },
  };
}
