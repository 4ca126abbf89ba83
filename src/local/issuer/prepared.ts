// Operations that ask somebody outside before they do their part in the store: another issuer for its keys, a provider
// for what it supports, a cloud for a token. Guarantees: nobody is asked for a caller who may not do the
// operation.

import type { AuthRegistrationRequest, AuthSession } from '../../api/schema/types/auth.gen.ts';
import type { IamAccountAssociationsCheckRequest } from '../../api/schema/types/iam.gen.ts';
import { requiredUidp } from '../api/selection.ts';
import { inBothVersions } from '../api/versions/both.ts';
import { invalidArgument } from '../core/failures.ts';
import type { CallContext, PreparedHandlers } from '../core/handler.ts';
import { findAssociations } from '../iam/account-associations.ts';
import type { CloudCheck } from '../iam/clouds/check.ts';
import { createIdentityProvider, type PkceSupport, updateIdentityProvider } from '../iam/identity-providers.ts';
import { register, type UpstreamLogin } from '../iam/registration.ts';
import { toCheckResponse, toV1Check } from '../iam/v2/account-associations.ts';
import * as v2 from '../iam/v2/identity-providers.ts';
import type { Store, Tx } from '../store/database.ts';

export interface Others {
  readonly store: Store;
  /** Returns whose token this is, another issuer's than ours. Throws StatusError. */
  verifyLogin(bearer: string): Promise<UpstreamLogin & { readonly actor: Readonly<Record<string, string>> }>;
  /** Returns what the discovery document of an issuer says. Never throws. */
  pkceSupport(issuer: string): Promise<PkceSupport>;
  readonly checkCloud: CloudCheck;
  /** Registers a cluster, where the platform has any. */
  readonly registerCluster: RegisterCluster | undefined;
  readonly agentProof: (bearer: string) => AgentProof;
}

/** How the token of a cluster's agent is proved. */
export interface AgentProof {
  /** Verifies the token against what an identity demands. Throws StatusError. */
  asIdentity(identity: string): Promise<ProvedAgent>;
  /** Verifies it with the keys that its issuer publishes. Throws StatusError. */
  asPublished(): Promise<ProvedAgent>;
}

export interface ProvedAgent {
  readonly issuer: string;
  readonly subject: string;
}

/** Returns the rest of the work, for the transaction of the call. */
export type RegisterCluster = (
  request: AuthRegistrationRequest,
  proof: AgentProof,
) => Promise<(tx: Tx, context: CallContext) => AuthSession>;

export function createPreparedHandlers(others: Others): PreparedHandlers {
  const { store, verifyLogin, pkceSupport, checkCloud } = others;
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

  const v2Handlers: PreparedHandlers = {
    'iam.v2.IdentityProvidersService.CreateIdentityProvider': async (request) => {
      const support = await pkce(request.identityProvider?.oidc);
      return (tx, caller, context) => ({ response: v2.createIdentityProvider(tx, caller, request, context, support) });
    },
    'iam.v2.IdentityProvidersService.UpdateIdentityProvider': async (request) => {
      const support = await pkce(store.read((tx) => v2.maskProvider(tx, request)).resource.oidc);
      return (tx, caller, context) => ({ response: v2.updateIdentityProvider(tx, caller, request, context, support) });
    },
    'iam.v2.AccountAssociationsService.CheckAccountAssociation': async (request) => {
      const response = toCheckResponse(await check(toV1Check(request)));
      return () => ({ response });
    },
  };
  return {
    ...inBothVersions(v2Handlers),
    'auth.v1.Auth.Register': async (request, bearer) => {
      if (request.clusterId !== undefined && request.clusterId !== '') {
        if (others.registerCluster === undefined) throw invalidArgument('this platform has no clusters');
        const finish = await others.registerCluster(request, others.agentProof(bearer));
        return (tx, _caller, context) => {
          const response = finish(tx, context);
          return { response, actor: { identity: response.identity ?? '', actor: {} } };
        };
      }
      const login = await verifyLogin(bearer);
      return (tx) => {
        const response = register(tx, login, request);
        return { response, actor: { identity: response.identity ?? '', actor: login.actor } };
      };
    },
    'iam.v1.IdentityProviders.Create': async (request) => {
      const support = await pkce(request.identityProvider?.oidc);
      return (tx, caller, context) => ({
        response: createIdentityProvider(tx, caller, request, context, support),
      });
    },
    'iam.v1.IdentityProviders.Update': async (request) => {
      const support = await pkce(request.oidc);
      return (tx, caller, context) => ({
        response: updateIdentityProvider(tx, caller, request, context, support),
      });
    },
    'iam.v1.GroupAccountAssociations.Check': async (request) => {
      const response = await check(request);
      return () => ({ response });
    },
  };
}
