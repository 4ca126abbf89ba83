import type { IamIdentityProvider } from '../../../api/schema/types/iam.gen.ts';
import { defineCommand, type Inputs, type InputValues } from '../../../cli/define.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { description, resourceName } from '../../../cli/inputs/names.ts';
import { organization } from '../../../cli/inputs/references.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { printable } from '../../../cli/io.ts';
import { roleAt } from '../roles/role.ts';
import { clientId, clientSecret, configurationType, groupsClaim, issuerUrl, scope } from './fields.ts';
import { correlationRule, toWireRule } from './rules.ts';
import { providerView, shown } from './view.ts';

/** `validate` says what is missing in words that name PKCE as well; a person is asked for the secret. */
const askedSecret: Kind<string> = {
  ...clientSecret,
  fallback: async () => undefined,
};

const inputs = {
  parent: {
    kind: organization,
    aliases: ['group'],
    required: true,
    config: 'default.group',
    help: 'Organization whose users sign in there.',
    question: 'Which organization is the identity provider for?',
  },
  name: { kind: resourceName, help: 'Name of the identity provider. Defaults to the host of its issuer.' },
  description: { kind: description, help: 'What the identity provider is for.' },
  configurationType,
  oidcIssuer: {
    kind: issuerUrl,
    required: true,
    help: 'Issuer URL, which has the discovery document below it.',
    question: 'What is the issuer URL of the identity provider?',
  },
  oidcClientId: {
    kind: clientId,
    required: true,
    help: 'Client id that the identity provider gave the platform.',
    question: 'Which client id did the identity provider give the platform?',
  },
  oidcPkceEnabled: {
    kind: boolean,
    help: 'Use PKCE with S256 for sign-in; a public client then needs no secret.',
  },
  oidcClientSecret: {
    kind: askedSecret,
    requiredUnless: 'oidcPkceEnabled',
    help: 'Client secret that belongs to the client id. It is never shown again.',
    question: 'What is the client secret?',
  },
  oidcAdditionalScopes: {
    kind: scope,
    many: true,
    help: 'Scope to ask for besides openid, email and profile.',
  },
  oidcGroupsClaim: groupsClaim,
  oidcCorrelationRule: {
    kind: correlationRule,
    help: 'Which claim of a token is the external id of a SCIM user; cannot be changed later.',
  },
  defaultRole: {
    kind: roleAt('parent'),
    required: true,
    help: 'Role, by name or id, that users get when they first sign in.',
    question: 'Which role do users get when they first sign in?',
  },
} as const satisfies Inputs;

export default defineCommand({
  path: ['iam', 'identity-providers', 'create'],
  summary: 'Create an identity provider.',
  description:
    'The identity provider must allow the redirect URI "<issuer of the platform>/oauth/callback" and the authorization code flow.',
  aliases: ['make', 'mk'],
  inputs,
  validate: ({ oidcClientSecret, oidcPkceEnabled, oidcCorrelationRule, oidcAdditionalScopes = [] }, context) => [
    ...(oidcPkceEnabled === true || (oidcClientSecret ?? (context.io.interactive ? 'asked' : '')) !== ''
      ? []
      : ['one of `--oidc-client-secret` or `--oidc-pkce-enabled` is required']),
    ...(oidcCorrelationRule === 'oid_equals_external_id' && !oidcAdditionalScopes.includes('profile')
      ? ['`--oidc-correlation-rule=oid_equals_external_id` needs `--oidc-additional-scopes=profile`']
      : []),
  ],
  examples: [
    {
      text: 'With a client secret',
      args: '--name=google --parent=example.com --oidc-issuer=https://accounts.google.com --oidc-client-id=foo --oidc-client-secret=bar --default-role=viewer',
    },
    {
      text: 'With PKCE, as a public client',
      args: '--name=google --parent=example.com --oidc-issuer=https://accounts.google.com --oidc-client-id=foo --oidc-pkce-enabled --default-role=viewer',
    },
    { text: 'Answer questions instead', args: '' },
  ],
  view: providerView,
  formats: ['table', 'json', 'id'],
  confirm: (input) => {
    const { parent, oidcIssuer, defaultRole } = input;
    const lines = [
      `This creates the identity provider "${nameOf(input)}" for "${parent.name}".`,
      `Anyone who signs in at ${oidcIssuer} gets the role "${defaultRole.name}".`,
      'Do you want to continue?',
    ];
    return { message: lines.map(printable).join('\n'), default: true };
  },
  run: async (context, input) => {
    const made = await (await context.api()).call('iam.v1.IdentityProviders.Create', {
      parentId: input.parent.id,
      identityProvider: toProvider(input),
    });
    return shown(context, made);
  },
});

const nameOf = ({ name, oidcIssuer }: InputValues<typeof inputs>) => name ?? new URL(oidcIssuer).hostname;

function toProvider(input: InputValues<typeof inputs>): IamIdentityProvider {
  const { description: about, oidcClientSecret, oidcGroupsClaim, oidcCorrelationRule } = input;
  return {
    name: nameOf(input),
    ...(about === undefined ? {} : { description: about }),
    defaultRole: input.defaultRole.id,
    oidc: {
      issuer: input.oidcIssuer,
      clientId: input.oidcClientId,
      ...(oidcClientSecret === undefined ? {} : { clientSecret: oidcClientSecret }),
      additionalScopes: [...input.oidcAdditionalScopes],
      ...(oidcGroupsClaim === undefined ? {} : { groupsClaim: oidcGroupsClaim }),
      ...(oidcCorrelationRule === undefined ? {} : { correlationRule: toWireRule(oidcCorrelationRule) }),
      pkceEnabled: input.oidcPkceEnabled,
    },
  };
}
