import type { IamIdentityProvider } from '../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { changeOf, defineCommand, type Given, type Inputs, type InputValues } from '../../../cli/define.ts';
import type { Chosen } from '../../../cli/inputs/kind.ts';
import { description, resourceName } from '../../../cli/inputs/names.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { printable } from '../../../cli/io.ts';
import { CliError } from '../../../errors.ts';
import { roleAt, roleName } from '../roles/role.ts';
import { clientId, clientSecret, configurationType, groupsClaim, issuerUrl, scope } from './fields.ts';
import { type IdentityProviderReference, identityProvider } from './identity-provider.ts';
import { fetchProvider, lookUp, titled } from './look-up.ts';
import { providerView, shown } from './view.ts';

const chosenProvider = (context: Context, { identityProvider: one }: Chosen) =>
  lookUp(context, one as IdentityProviderReference);

const inputs = {
  identityProvider: {
    kind: identityProvider,
    positional: 'IDENTITY_PROVIDER',
    flag: false,
    required: true,
    help: 'Name or id of the identity provider.',
    question: 'Which identity provider would you like to change?',
  },
  name: {
    kind: resourceName,
    help: 'Another name.',
    current: async (context, chosen) => (await chosenProvider(context, chosen)).name,
  },
  description: {
    kind: description,
    help: 'What the identity provider is for. Pass an empty string to clear it.',
    current: async (context, chosen) => (await chosenProvider(context, chosen)).description,
  },
  configurationType,
  oidcIssuer: {
    kind: issuerUrl,
    help: 'Another issuer URL.',
    current: async (context, chosen) => (await chosenProvider(context, chosen)).oidc?.issuer,
  },
  oidcClientId: {
    kind: clientId,
    help: 'Another client id.',
    current: async (context, chosen) => (await chosenProvider(context, chosen)).oidc?.clientId,
  },
  oidcClientSecret: {
    kind: clientSecret,
    help: 'Another client secret; empty takes it away, for a public client with PKCE. Stays when left out.',
  },
  oidcPkceEnabled: {
    kind: boolean,
    help: 'Use PKCE with S256 for sign-in. `--oidc-pkce-enabled=false` switches it off.',
  },
  oidcAdditionalScopes: {
    kind: scope,
    many: true,
    help: 'Scope to ask for besides openid, email and profile, in place of the present ones; empty takes them away.',
  },
  oidcGroupsClaim: {
    ...groupsClaim,
    current: async (context, chosen) => (await chosenProvider(context, chosen)).oidc?.groupsClaim,
  },
  defaultRole: {
    kind: roleAt('identityProvider'),
    help: 'Another role, by name or id, that users get when they first sign in.',
  },
} as const satisfies Inputs;

type UpdateInput = InputValues<typeof inputs>;

const changing = [
  'name',
  'description',
  'oidcIssuer',
  'oidcClientId',
  'oidcClientSecret',
  'oidcPkceEnabled',
  'oidcAdditionalScopes',
  'oidcGroupsClaim',
  'defaultRole',
] as const;

interface Plan {
  readonly before: IamIdentityProvider;
  readonly after: IamIdentityProvider;
  /** One line a change, without secrets. */
  readonly changes: readonly string[];
}

/** Returns what the update makes of `before`. */
async function planOf(context: Context, input: UpdateInput, given: Given, before: IamIdentityProvider): Promise<Plan> {
  // The gateway writes unset fields too: an empty secret sent back would clear the one that is there.
  const { clientSecret: _hidden, ...oidc } = before.oidc ?? {};
  const after: IamIdentityProvider = {
    ...(before.id === undefined ? {} : { id: before.id }),
    name: input.name ?? before.name ?? '',
    description: input.description ?? before.description ?? '',
    defaultRole: input.defaultRole?.id ?? before.defaultRole ?? '',
    oidc: {
      ...oidc,
      issuer: input.oidcIssuer ?? oidc.issuer ?? '',
      clientId: input.oidcClientId ?? oidc.clientId ?? '',
      // Left out it stays: nobody but the platform knows it (protocols 9).
      ...(input.oidcClientSecret === undefined ? {} : { clientSecret: input.oidcClientSecret }),
      additionalScopes: given.has('oidcAdditionalScopes') ? input.oidcAdditionalScopes : (oidc.additionalScopes ?? []),
      groupsClaim: input.oidcGroupsClaim ?? oidc.groupsClaim ?? '',
      pkceEnabled: given.has('oidcPkceEnabled') ? input.oidcPkceEnabled : oidc.pkceEnabled === true,
    },
  };
  if (after.oidc?.clientSecret === '' && after.oidc.pkceEnabled !== true) {
    throw new CliError('usage', '`--oidc-client-secret=""` leaves nothing to sign in with', {
      code: 'usage.update',
      hint: 'add `--oidc-pkce-enabled`',
    });
  }
  return { before, after, changes: await differences(context, before, after) };
}

async function differences(
  context: Context,
  before: IamIdentityProvider,
  after: IamIdentityProvider,
): Promise<string[]> {
  const role = async (id = '') => (id === '' ? '' : roleName(context, id));
  const rows: (readonly [what: string, was: string | undefined, is: string | undefined])[] = [
    ['name', before.name, after.name],
    ['description', before.description, after.description],
    ['issuer', before.oidc?.issuer, after.oidc?.issuer],
    ['client id', before.oidc?.clientId, after.oidc?.clientId],
    ['additional scopes', before.oidc?.additionalScopes?.join(', '), after.oidc?.additionalScopes?.join(', ')],
    ['groups claim', before.oidc?.groupsClaim, after.oidc?.groupsClaim],
  ];
  if (before.defaultRole !== after.defaultRole) {
    rows.push(['default role', await role(before.defaultRole), await role(after.defaultRole)]);
  }
  const changes = rows
    .filter(([, was = '', is = '']) => was !== is)
    .map(([what, was = '', is = '']) => `${what}: "${was}" becomes "${is}"`);
  const secret = after.oidc?.clientSecret;
  if (secret !== undefined) changes.push(secret === '' ? 'client secret: taken away' : 'client secret: replaced');
  if ((before.oidc?.pkceEnabled === true) !== (after.oidc?.pkceEnabled === true)) {
    changes.push(`PKCE: switched ${after.oidc?.pkceEnabled ? 'on' : 'off'}`);
  }
  return changes;
}

export default defineCommand({
  path: ['iam', 'identity-providers', 'update'],
  summary: 'Change an identity provider.',
  description:
    'Changes what the flags say and keeps the rest. A client secret or PKCE must remain. The correlation rule of SCIM users cannot be changed.',
  inputs,
  check: [changeOf(...changing)],
  validate: ({ oidcClientSecret, oidcPkceEnabled }) =>
    oidcClientSecret === '' && oidcPkceEnabled === false
      ? ['`--oidc-client-secret=""` and `--oidc-pkce-enabled=false` leave nothing to sign in with']
      : [],
  examples: [
    { text: 'Another name and description', args: 'my-idp --name=new-name --description=new-description' },
    { text: 'Another default role', args: 'my-idp --default-role=viewer' },
    { text: 'From a client secret to PKCE', args: 'my-idp --oidc-pkce-enabled --oidc-client-secret=""' },
  ],
  view: providerView,
  formats: ['table', 'json', 'id'],
  confirm: async (input, context, given) => {
    const { before, changes } = await planOf(context, input, given, await lookUp(context, input.identityProvider));
    if (changes.length === 0) return undefined;
    const lines = [
      `This changes the identity provider ${titled(before)}:`,
      ...changes.map((change) => `  ${change}`),
      'Do you want to continue?',
    ];
    return { message: lines.map(printable).join('\n'), default: true };
  },
  run: async (context, input, given) => {
    const now = await fetchProvider(context, input.identityProvider.id);
    const { before, after, changes } = await planOf(context, input, given, now);
    if (before.oidc === undefined) {
      throw new CliError('usage', `"${before.name}" is not an OIDC provider`, { code: 'usage.update' });
    }
    if (changes.length === 0) {
      context.io.note(printable(`Identity provider "${before.name}" is like that already.`));
      return shown(context, before);
    }
    return shown(context, await (await context.api()).call('iam.v1.IdentityProviders.Update', after));
  },
});
