import { compact } from '../../../api/compact.ts';
import type { IamIdentityProvider } from '../../../api/schema/types/iam.gen.ts';
import { ancestry, parentOf } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { defineView, type TreeNode } from '../../../cli/define.ts';
import { groupDirectory, type Reference } from '../../../cli/inputs/references.ts';
import { roleName } from '../roles/role.ts';
import { correlationRuleName } from './rules.ts';

export interface ShownProvider {
  readonly provider: IamIdentityProvider;
  /** Name of the default role. Fetched when a column first asks for it. */
  readonly defaultRole: () => Promise<string>;
  /** The groups around it, outermost first. Fetched when a tree is drawn. */
  readonly place: () => Promise<readonly Reference[]>;
}

export const providerView = defineView<ShownProvider>({
  id: ({ provider }) => provider.id ?? '',
  columns: [
    { head: 'ID', id: true, value: ({ provider }) => provider.id },
    { head: 'NAME', value: ({ provider }) => provider.name },
    { head: 'DESCRIPTION', rank: 4, value: ({ provider }) => provider.description },
    {
      head: 'CONFIGURATION',
      rank: 2,
      brief: ({ provider }) => provider.oidc?.issuer,
      value: ({ provider }) => configurationLines(provider).join('\n'),
    },
    { head: 'DEFAULT ROLE', rank: 1, value: ({ defaultRole }) => defaultRole() },
    { head: 'SCIM', rank: 3, value: ({ provider }) => scimWord(provider) },
  ],
  json: ({ provider }) => inScriptNames(provider),
  tree,
  envelope: 'items',
  empty: 'No identity providers found.',
});

export function shown(context: Context, provider: IamIdentityProvider): ShownProvider {
  return {
    provider,
    defaultRole: async () => (provider.defaultRole ? roleName(context, provider.defaultRole) : ''),
    place: async () => {
      const { byId } = await groupDirectory(context);
      const parent = parentOf(provider.id ?? '');
      const around = ancestry(parent).reverse();
      return around.flatMap((id) => {
        const name = byId.get(id)?.name ?? (id === parent ? id : undefined);
        return name === undefined ? [] : [{ id, name }];
      });
    },
  };
}

/** Prints what a person must know on lines of their own; scripts look for `PKCE Enabled` (outputs.md). */
function configurationLines({ oidc }: IamIdentityProvider): string[] {
  if (oidc === undefined) return [];
  const { issuer, clientId, additionalScopes = [], groupsClaim, correlationRule, pkceEnabled } = oidc;
  return [
    'OIDC',
    `Issuer: ${issuer ?? ''}`,
    `Client ID: ${clientId ?? ''}`,
    ...(additionalScopes.length === 0 ? [] : [`Additional Scopes: ${additionalScopes.join(', ')}`]),
    ...(groupsClaim ? [`Groups Claim: ${groupsClaim}`] : []),
    ...(correlationRule?.startsWith('CORRELATION_RULE_OID')
      ? [`Correlation Rule: ${correlationRuleName(correlationRule)}`]
      : []),
    ...(pkceEnabled ? ['PKCE Enabled'] : []),
  ];
}

/** Returns whether the connector is let in, and what it has to prove itself with. */
function scimWord({ scim }: IamIdentityProvider): string {
  const token = (scim?.credentialState ?? '').replace(/^CREDENTIAL_STATE_/, '').replace(/^UNSPECIFIED$/, '');
  const words = {
    NOT_ISSUED: '',
    LIVE: '',
    EXPIRED: ', token expired',
    REVOKED: ', token revoked',
    ROTATING: ', token rotating',
  };
  const more = Object.entries(words).find(([state]) => state === token)?.[1] ?? '';
  return `${scim?.enabled ? 'enabled' : 'disabled'}${more}`;
}

/** The keys that scripts read (script-contracts 3, `identity-providers list`); `pkce_enabled` is there either way. */
function inScriptNames({ id, name, description, defaultRole, oidc, scim }: IamIdentityProvider) {
  return {
    id,
    name,
    ...(description ? { description } : {}),
    ...(defaultRole ? { default_role: defaultRole } : {}),
    ...(oidc === undefined
      ? {}
      : {
          oidc: {
            issuer: oidc.issuer,
            client_id: oidc.clientId,
            additional_scopes: oidc.additionalScopes ?? [],
            ...(oidc.groupsClaim ? { groups_claim: oidc.groupsClaim } : {}),
            correlation_rule: oidc.correlationRule,
            pkce_enabled: oidc.pkceEnabled === true,
          },
        }),
    ...(scim === undefined
      ? {}
      : {
          scim: {
            enabled: scim.enabled === true,
            ...Object(
              compact({
                endpoint_url: scim.endpointUrl,
                token_expire_time: scim.tokenExpireTime,
                previous_token_expire_time: scim.previousTokenExpireTime,
                credential_state: scim.credentialState,
                etag: scim.etag,
              }),
            ),
          },
        }),
  };
}

interface Branch {
  /** Empty for a provider. Names of organizations may repeat. */
  readonly id: string;
  readonly label: string;
  readonly children: Branch[];
}

/** Providers below the groups around them: own ones before those of folders, each in the order of names. */
async function tree(providers: readonly ShownProvider[]): Promise<readonly TreeNode[]> {
  const roots: Branch[] = [];
  const placed = await Promise.all(providers.map(async (one) => ({ ...one, around: await one.place() })));
  placed.sort((a, b) => compare(pathOf(a.around), pathOf(b.around)));
  for (const { provider, around } of placed) {
    let level = roots;
    for (const { id, name } of around) {
      const known = level.find((branch) => branch.id === id);
      const branch = known ?? { id, label: `[${name}]`, children: [] };
      if (known === undefined) level.push(branch);
      level = branch.children;
    }
    const description = provider.description ? ` ${provider.description}` : '';
    level.push({ id: '', label: `${provider.name}${description}`, children: [] });
  }
  return roots;
}

const pathOf = (around: readonly Reference[]) => around.map(({ name }) => name).join('/');

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
