// Creating and changing an identity provider. Guarantees: a client secret is in one request and in no page.

import { issuerUrlProblem } from '../../../api/identity-rules.ts';
import type { IamIdentityProvider } from '../../../api/schema/types/iam.gen.ts';
import { type Form, refuse } from '../../form.ts';
import { rolesOf } from '../../identities.ts';
import type { Action, Visit } from '../../page.ts';
import { nameProblem, SelectField, TextField } from '../../parts/fields.tsx';
import { backTo, formFrame } from '../../parts/form-frame.tsx';
import { type Behind, path, providerHere, rowId } from './providers.ts';

type Roles = Awaited<ReturnType<typeof rolesOf>>;

function fieldsOf(visit: Visit, form: Form, roles: Roles, before: IamIdentityProvider | undefined) {
  const { oidc } = before ?? {};
  return (
    <>
      <TextField form={form} name="name" label="Name" required autofocus maxLength={100} initial={before?.name ?? ''} />
      <TextField
        form={form}
        name="description"
        label="Description (optional)"
        maxLength={500}
        initial={before?.description ?? ''}
      />
      <TextField
        form={form}
        name="issuer"
        type="url"
        label="Issuer"
        required
        maxLength={255}
        initial={oidc?.issuer ?? ''}
        note={`It has to allow the redirect address ${visit.platform.issuer}/oauth/callback.`}
      />
      <TextField form={form} name="client" label="Client ID" required maxLength={255} initial={oidc?.clientId ?? ''} />
      <SecretField form={form} isNew={before === undefined} />
      <SelectField
        form={form}
        name="pkce"
        label="PKCE"
        initial={oidc?.pkceEnabled ? 'on' : 'off'}
        options={[
          { value: 'off', label: 'off' },
          { value: 'on', label: 'on: a public client then needs no secret' },
        ]}
      />
      <TextField
        form={form}
        name="groups"
        label="Claim with groups (optional)"
        maxLength={100}
        initial={oidc?.groupsClaim ?? ''}
        note="Group mappings compare it."
      />
      <TextField
        form={form}
        name="scopes"
        label="Additional scopes (optional)"
        maxLength={500}
        initial={oidc?.additionalScopes?.join(' ') ?? ''}
        note="Asked for besides openid, email and profile; with spaces between them."
      />
      <SelectField
        form={form}
        name="role"
        label="Default role"
        initial={before?.defaultRole ?? roles.find(({ name }) => name === 'viewer')?.id ?? ''}
        options={roles.map(({ id, name }) => ({ value: id, label: name }))}
      />
    </>
  );
}

/** Typed secrets are not shown again: they have to be typed once more when the form comes back. */
function SecretField({ form, isNew }: { readonly form: Form; readonly isNew: boolean }) {
  return (
    <TextField
      form={{ ...form, value: () => '' }}
      name="secret"
      type="password"
      label={isNew ? 'Client secret' : 'Another client secret (optional)'}
      maxLength={1000}
      note={isNew ? 'It is never shown again.' : 'The present one stays when this is empty.'}
    />
  );
}

function providerIn(form: Form, before: IamIdentityProvider | undefined): IamIdentityProvider {
  const [name, issuer, client, secret] = [
    form.value('name'),
    form.value('issuer'),
    form.value('client'),
    form.value('secret'),
  ];
  const isPublic = form.value('pkce') === 'on';
  const problem = issuerUrlProblem(issuer);
  const additionalScopes = scopesIn(form);
  // RFC 6749, 3.3.
  const wrong = additionalScopes.find((scope) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope));
  refuse({
    name: nameProblem(name, 'the identity provider'),
    issuer: problem === undefined ? undefined : `The issuer ${problem}.`,
    client: client === '' ? 'Say which client the provider knows the platform by.' : undefined,
    scopes: wrong === undefined ? undefined : `“${wrong}” is no scope: use letters, digits and signs without quotes.`,
    secret: before === undefined && secret === '' && !isPublic ? 'Give the client secret, or use PKCE.' : undefined,
  });
  // The gateway writes unset fields too: an empty secret sent back would clear the one that is there.
  const { clientSecret: _hidden, ...oidc } = before?.oidc ?? {};
  return {
    ...(before?.id === undefined ? {} : { id: before.id }),
    name,
    description: form.value('description'),
    defaultRole: form.value('role'),
    oidc: {
      ...oidc,
      issuer,
      clientId: client,
      ...(secret === '' ? {} : { clientSecret: secret }),
      additionalScopes,
      groupsClaim: form.value('groups'),
      pkceEnabled: isPublic,
    },
  };
}

const scopesIn = (form: Form, before?: readonly string[]): string[] =>
  form
    .value('scopes', before?.join(' '))
    .split(/[\s,]+/)
    .filter((scope) => scope !== '');

const words = (form: Form, roles: Roles, before?: IamIdentityProvider): readonly string[] => [
  `--name=${form.value('name', before?.name) || 'NAME'}`,
  `--oidc-issuer=${form.value('issuer', before?.oidc?.issuer) || 'ISSUER'}`,
  `--oidc-client-id=${form.value('client', before?.oidc?.clientId) || 'CLIENT_ID'}`,
  ...(form.value('pkce') === 'on' ? ['--oidc-pkce-enabled'] : []),
  ...scopeWords(scopesIn(form, before?.oidc?.additionalScopes)),
  `--default-role=${roles.find(({ id }) => id === form.value('role', before?.defaultRole))?.name ?? 'viewer'}`,
];

const scopeWords = (scopes: readonly string[]): readonly string[] =>
  scopes.length === 0 ? [] : [`--oidc-additional-scopes=${scopes.join(',')}`];

export const create = (behind: Behind): Action =>
  formFrame({
    path,
    behind,
    load: ({ caller }) => rolesOf(caller),
    pane: (visit, form, roles) => ({
      title: 'Create identity provider',
      submit: 'Create identity provider',
      anchor: 'create',
      fields: fieldsOf(visit, form, roles, undefined),
      same: ['iam', 'identity-providers', 'create', `--parent=${visit.organization.name}`, ...words(form, roles)],
    }),
    async submit(visit, form) {
      const identityProvider = providerIn(form, undefined);
      await visit.caller.call('iam.v1.IdentityProviders.Create', {
        parentId: visit.organization.id,
        identityProvider,
      });
      return { to: backTo(visit, path, 'main'), notice: `Created the identity provider “${identityProvider.name}”.` };
    },
  });

export const update = (behind: Behind): Action =>
  formFrame({
    path,
    behind,
    load: async (visit) => ({ before: await providerHere(visit), roles: await rolesOf(visit.caller) }),
    pane: (visit, form, { before, roles }) => ({
      title: 'Change identity provider',
      submit: 'Save',
      anchor: rowId(before.id),
      fields: fieldsOf(visit, form, roles, before),
      same: ['iam', 'identity-providers', 'update', before.id, ...words(form, roles, before)],
    }),
    async submit(visit, form, { before }) {
      const changed = providerIn(form, before);
      await visit.caller.call('iam.v1.IdentityProviders.Update', changed);
      return { to: backTo(visit, path, rowId(before.id)), notice: `Saved the identity provider “${changed.name}”.` };
    },
  });
