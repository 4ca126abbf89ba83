// SCIM of an identity provider: its connector is let in by a token, which is shown once.

import type { IamIdentityProviderSCIM } from '../../../api/schema/types/iam.gen.ts';
import { CallFailure } from '../../caller.ts';
import type { Action } from '../../page.ts';
import { Copied } from '../../parts/copied.tsx';
import { backTo, formFrame, onceFrame } from '../../parts/form-frame.tsx';
import { rowsShown } from '../../parts/list-frame.tsx';
import { type Behind, path, providerHere, rowId } from './providers.ts';

/** On or off; without a token there is nothing to switch, so that comes first. */
export const scim = (behind: Behind): Action =>
  formFrame({
    path,
    behind,
    load: providerHere,
    pane(visit, _form, { id, name, scim: state }) {
      const link = (
        <p>
          <a class="button" href={visit.href(path, 'token', { ...rowsShown(visit), id })}>
            {state?.etag ? 'Replace the token' : 'Generate a token'}
          </a>{' '}
          {isLive(state) && (
            <a class="button" href={visit.href(path, 'revoke', { ...rowsShown(visit), id })}>
              Revoke the token
            </a>
          )}
        </p>
      );
      return {
        title: `SCIM of ${name}`,
        submit: state?.enabled ? 'Switch SCIM off' : 'Switch SCIM on',
        anchor: rowId(id),
        above: link,
        fields: (
          <p>
            {state?.enabled
              ? 'The connector of the provider is let in. Switched off, its users and groups stay as they are.'
              : state?.etag
                ? 'The connector of the provider is shut out.'
                : 'There is no token yet: generate one, and SCIM can be switched on.'}{' '}
            {state?.endpointUrl && <code>{state.endpointUrl}</code>}
          </p>
        ),
        same: ['iam', 'identity-providers', 'scim', state?.enabled ? 'disable' : 'enable', id],
      };
    },
    async submit(visit, _form, { id, name, scim: state }) {
      if (!state?.etag) throw new CallFailure('taken', `${name} has no SCIM token yet: generate one first.`);
      const enabled = state.enabled !== true;
      await visit.caller.call('iam.v1.IdentityProviders.SetScimEnabled', {
        identityProviderId: id,
        enabled,
        etag: state.etag,
      });
      return { to: backTo(visit, path, rowId(id)), notice: `SCIM of “${name}” is ${enabled ? 'on' : 'off'}.` };
    },
  });

/** Whether a token lets a connector in. */
const isLive = (state: IamIdentityProviderSCIM | undefined): boolean =>
  state?.credentialState === 'CREDENTIAL_STATE_LIVE' || state?.credentialState === 'CREDENTIAL_STATE_ROTATING';

export const revoke = (behind: Behind): Action =>
  formFrame({
    path,
    behind,
    async load(visit) {
      const provider = await providerHere(visit);
      if (!isLive(provider.scim))
        throw new CallFailure('taken', `${provider.name} has no SCIM token that could be revoked.`);
      return provider;
    },
    pane: (_visit, _form, { id, name }) => ({
      title: `Revoke the SCIM token of ${name}`,
      submit: 'Revoke token',
      isDangerous: true,
      anchor: rowId(id),
      fields: (
        <p>
          The connector of <strong>{name}</strong> is shut out at once, until another token is made. Its users and
          groups stay as they are.
        </p>
      ),
      same: ['iam', 'identity-providers', 'scim', 'token', 'revoke', id],
    }),
    async submit(visit, _form, { id, name }) {
      await visit.caller.call('iam.v1.IdentityProviders.RevokeScimToken', { identityProviderId: id });
      return { to: backTo(visit, path, rowId(id)), notice: `Revoked the SCIM token of “${name}”.` };
    },
  });

interface MadeScimToken {
  readonly token: string;
  readonly endpoint: string;
}

export const token = (behind: Behind): Action =>
  formFrame({
    path,
    behind,
    load: providerHere,
    pane: (_visit, _form, { id, name, scim: state }) => ({
      title: `SCIM token of ${name}`,
      submit: state?.etag ? 'Replace token' : 'Generate token',
      anchor: rowId(id),
      fields: (
        <p>
          {state?.etag
            ? 'The connector needs the new token; the present one stops working.'
            : 'The connector of the provider signs in with it.'}
        </p>
      ),
      same: ['iam', 'identity-providers', 'scim', 'token', state?.etag ? 'regenerate' : 'generate', id],
    }),
    async submit(visit, _form, { id, scim: state }) {
      const made = state?.etag
        ? await visit.caller.call('iam.v1.IdentityProviders.RegenerateScimToken', {
            identityProviderId: id,
            etag: state.etag,
          })
        : await visit.caller.call('iam.v1.IdentityProviders.GenerateScimToken', { identityProviderId: id });
      const kept: MadeScimToken = { token: made.token ?? '', endpoint: made.endpointUrl ?? '' };
      return { to: visit.href(path, 'generated', { ...rowsShown(visit), id, ticket: visit.put(kept) }) };
    },
  });

export const tokenShown = (behind: Behind): Action =>
  onceFrame<MadeScimToken>({
    path,
    behind,
    title: 'SCIM token generated',
    body: (_visit, { token: text, endpoint }) => (
      <>
        <p class="warning">Copy the token now: it is shown this once and is kept nowhere.</p>
        <Copied id="scim-endpoint" label="Base URL" text={endpoint} />
        <Copied id="scim-token" label="Token" text={text} />
      </>
    ),
    afterwards: 'The token was shown once and is kept nowhere. If it is lost, replace it.',
    anchor: ({ query }) => rowId(query.get('id') ?? ''),
  });
