// Every operation of iam.v1 and iam.v2beta1 against everybody who may call it; iam.v2 is the same functions. The expected answers are worked out here from the
// vendored spec/api.json and spec/roles.json: capabilities, scope and bundles as they are published, none of our tables.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtInRoleId, demoFolders, demoOrganizations, personId } from '../support/ids.ts';
import { type Answer, startTestPlatform, type TestPlatform } from '../support/platform.ts';

interface Rpc {
  readonly name: string;
  readonly response: string;
  readonly http: readonly { readonly method: string; readonly path: string }[];
  readonly capabilities: readonly string[];
  readonly unscoped: boolean;
  readonly iam: string;
  readonly scope: string | null;
  readonly event: { readonly type: string } | null;
}

interface Api {
  readonly services: readonly { readonly package: string; readonly service: string; readonly rpcs: readonly Rpc[] }[];
  readonly messages: Readonly<
    Record<string, { readonly fields: readonly { readonly json: string; readonly repeated: boolean }[] }>
  >;
  readonly role_bundles: Readonly<Record<string, readonly string[]>>;
}

function readSpec<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../../spec', name), 'utf8')) as T;
}

const api = readSpec<Api>('api.json');
const roles = readSpec<{ name: string; bundles: string[] }[]>('roles.json');

const pastRoles = readSpec<{ name: string; capabilities: string[] }[]>('enforce-roles.json');

const operations = api.services
  .filter((service) => ['chainguard.platform.iam', 'chainguard.platform.iam.v2beta1'].includes(service.package))
  .flatMap(({ service, rpcs }) => rpcs.map((rpc) => ({ id: `${service}.${rpc.name}`, rpc })));

function builtIn(name: string): ReadonlySet<string> {
  const bundles = roles.find((role) => role.name === name)?.bundles ?? [];
  const past = pastRoles.find((role) => role.name === name)?.capabilities ?? [];
  return new Set([...bundles.flatMap((bundle) => api.role_bundles[bundle] ?? []), ...past]);
}

/** Half of several pairs: what makes "all of the capabilities" differ from "one of them". */
const customCapabilities = [
  'account_associations.list',
  'account_associations.update',
  'group_invites.create',
  'groups.list',
  'identity.create',
  'identity.list',
  'identity_providers.create',
  'identity_providers.list',
  'role_bindings.list',
  'roles.create',
  'terms.list',
];

const nothing: ReadonlySet<string> = new Set();

/** What everybody holds at the place where operations are tried. */
const callers = {
  owner: builtIn('owner'),
  editor: builtIn('editor'),
  viewer: builtIn('viewer'),
  'custom role': new Set(customCapabilities),
  'owner elsewhere': nothing,
  stranger: nothing,
  'no token': undefined,
  'expired token': undefined,
} as const;
type CallerName = keyof typeof callers;
const callerNames = Object.keys(callers) as CallerName[];

const organization = demoOrganizations.private;
const { engineering, sandbox } = demoFolders;
const dev = personId('dev@example.com');

let platform: TestPlatform;
/** Makes what operations are tried on; a person of its own. */
let maker: string;
/** A role that everybody who holds anything may grant. */
let seer: string;
const tokens: Partial<Record<CallerName, string>> = {};
let made = 0;

async function start(): Promise<void> {
  platform = await startTestPlatform();
  maker = await platform.token(dev);
  seer = await make(`/iam/v1/roles/${organization}`, { name: 'seer', capabilities: ['groups.list'] });
  const custom = await make(`/iam/v1/roles/${organization}`, { name: 'custom', capabilities: customCapabilities });
  const bindings: Partial<Record<CallerName, readonly [string, string]>> = {
    owner: ['owner', organization],
    editor: ['editor', organization],
    viewer: ['viewer', organization],
    'custom role': [custom, organization],
    'owner elsewhere': ['owner', sandbox],
    'expired token': ['owner', organization],
  };
  for (const name of callerNames) {
    if (name === 'no token') continue;
    const email = `${name.replace(' ', '-')}@example.com`;
    const binding = bindings[name];
    const identity = platform.user(email, ...(binding === undefined ? [] : [binding]));
    tokens[name] = await platform.token(identity, { email, ...(name === 'expired token' ? { ttlSeconds: -1 } : {}) });
  }
}

/** The id of something new. */
async function make(path: string, body: object): Promise<string> {
  const answer = await platform.call(maker, 'POST', path, { body });
  if (answer.status !== 200) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
  return answer.body.id ?? answer.body.group;
}

const named = (name: string): string => {
  made += 1;
  return `${name}-${made}`;
};
const claimMatch = { issuer: 'https://issuer.example', subject: 's' };
const oidc = { issuer: 'https://idp.example', clientId: 'c', clientSecret: 's' };

const folder = () => make(`/iam/v1/groups/${engineering}`, { name: named('folder') });
const identity = (group: string) => make(`/iam/v1/identities/${group}`, { name: named('robot'), claimMatch });
const role = (group: string) => make(`/iam/v1/roles/${group}`, { name: named('role'), capabilities: ['groups.list'] });
const binding = async (group: string) =>
  make(`/iam/v1/rolebindings/${group}`, { identity: await identity(group), role: seer });
const invite = (group: string) => make(`/iam/v1/group_invites/${group}`, { role: seer, ttl: '60s' });
const provider = (group: string) => make(`/iam/v1/identityProviders/${group}`, { name: named('idp'), oidc });
const mapping = (idp: string) =>
  make(`/iam/v1/externalGroupRoleMappings/${idp}`, {
    externalGroupId: named('g'),
    roleUidp: seer,
    scope: organization,
  });
const association = (group: string) => make(`/iam/v1/account_associations/${group}`, { name: 'prod' });

async function providerWithToken(group: string): Promise<{ id: string; etag: string }> {
  const id = await provider(group);
  const token = await platform.call(maker, 'POST', `/iam/v1/identityProviders/${id}:generateScimToken`, { body: {} });
  return { id, etag: token.body.etag };
}

/** One call: what fills the path's variable, the query or the body, and for lists what must be in the answer or not. */
interface Sample {
  readonly target?: string;
  readonly query?: string;
  readonly body?: unknown;
  readonly lists?: string;
}

/** A sample that succeeds for whoever may do it, on things of its own below `group`. */
const samples: Readonly<Record<string, (group: string) => Promise<Sample>>> = {
  'Groups.Create': async (group) => ({ target: group, body: { name: 'x' } }),
  'Groups.Update': async (group) => ({ target: group, body: { name: named('renamed') } }),
  'Groups.List': async (group) => ({ lists: group }),
  'Groups.Delete': async (group) => ({ target: group }),
  'Groups.LookupGroup': async () => ({}),
  'Groups.RequestGroupAccess': async () => ({ target: organization, body: {} }),
  'Groups.CheckEligibility': async () => ({}),
  'GroupInvites.Create': async (group) => ({ target: group, body: { role: seer, ttl: '60s' } }),
  'GroupInvites.CreateWithGroup': async () => ({ body: { group: named('organization'), ttl: '60s' } }),
  'GroupInvites.List': async (group) => ({ lists: await invite(group) }),
  'GroupInvites.Delete': async (group) => ({ target: await invite(group) }),
  'Identities.Create': async (group) => ({ target: group, body: { name: 'x', claimMatch } }),
  'Identities.Update': async (group) => ({ target: await identity(group), body: { name: 'renamed', claimMatch } }),
  'Identities.List': async (group) => ({ lists: await identity(group) }),
  'Identities.Lookup': async () => {
    const row = platform.store.read((tx) => tx.get('SELECT issuer, subject FROM identities WHERE id = ?', dev));
    return { query: `issuer=${String(row?.['issuer'])}&subject=${encodeURIComponent(String(row?.['subject']))}` };
  },
  'Identities.Delete': async (group) => ({ target: await identity(group) }),
  'IdentityProviders.Create': async (group) => ({ target: group, body: { name: 'x', oidc } }),
  'IdentityProviders.Update': async (group) => ({ target: await provider(group), body: { name: 'renamed', oidc } }),
  'IdentityProviders.List': async (group) => ({ lists: await provider(group) }),
  'IdentityProviders.Delete': async (group) => ({ target: await provider(group) }),
  'IdentityProviders.GenerateScimToken': async (group) => ({ target: await provider(group), body: {} }),
  'IdentityProviders.RegenerateScimToken': async (group) => {
    const { id, etag } = await providerWithToken(group);
    return { target: id, body: { etag } };
  },
  'IdentityProviders.RevokeScimToken': async (group) => ({ target: (await providerWithToken(group)).id, body: {} }),
  'IdentityProviders.SetScimEnabled': async (group) => {
    const { id, etag } = await providerWithToken(group);
    return { target: id, body: { enabled: true, etag } };
  },
  'ExternalGroupRoleMappings.Create': async (group) => ({
    target: await provider(group),
    body: { externalGroupId: 'g', roleUidp: seer, scope: organization },
  }),
  'ExternalGroupRoleMappings.Get': async (group) => ({ target: await mapping(await provider(group)) }),
  'ExternalGroupRoleMappings.List': async (group) => ({ lists: await mapping(await provider(group)) }),
  'ExternalGroupRoleMappings.Delete': async (group) => ({ target: await mapping(await provider(group)) }),
  'ExternalGroupRoleMappings.BatchDelete': async (group) => {
    const parentId = await provider(group);
    return { body: { parentId, ids: [await mapping(parentId)] } };
  },
  'Roles.Create': async (group) => ({ target: group, body: { name: 'x', capabilities: ['groups.list'] } }),
  'Roles.Update': async (group) => ({ target: await role(group), body: { name: 'y', capabilities: ['groups.list'] } }),
  'Roles.List': async (group) => ({ lists: await role(group) }),
  'Roles.Delete': async (group) => ({ target: await role(group) }),
  'RoleBindings.Create': async (group) => ({ target: group, body: { identity: await identity(group), role: seer } }),
  'RoleBindings.CreateBatch': async (group) => ({
    target: group,
    body: [{ identity: await identity(group), role: seer }],
  }),
  'RoleBindings.Update': async (group) => ({
    target: await binding(group),
    body: { identity: await identity(group), role: seer },
  }),
  'RoleBindings.List': async (group) => ({ lists: await binding(group) }),
  'RoleBindings.Delete': async (group) => ({ target: await binding(group) }),
  'GroupAccountAssociations.Create': async (group) => ({ target: group, body: {} }),
  'GroupAccountAssociations.Update': async (group) => ({ target: await association(group), body: {} }),
  'GroupAccountAssociations.List': async (group) => ({ lists: await association(group) }),
  'GroupAccountAssociations.Delete': async (group) => ({ target: await association(group) }),
  'GroupAccountAssociations.Check': async (group) => ({ target: group, body: { accountType: 'AMAZON' } }),
  'Terms.AcceptTerms': async (group) => ({ target: group, body: { documentIds: ['sfdpa.v1'] } }),
  'Terms.ListAccepted': async (group) => ({ target: group }),

  'GroupsService.GetGroup': async (group) => ({ target: group }),
  'GroupsService.DeleteGroup': async (group) => ({ target: group }),
  'GroupsService.ListGroups': async (group) => ({ query: 'page_size=200', lists: group }),
  'GroupsService.CreateGroup': async (group) => ({ target: group, body: { name: 'x' } }),
  'GroupsService.UpdateGroup': async (group) => ({ target: group, body: { name: named('renamed') } }),
  'GroupsService.LookupGroup': async () => ({}),
  'GroupsService.RequestGroupAccess': async () => ({ target: organization, body: {} }),
  'GroupsService.CheckEligibility': async () => ({}),
  'IdentitiesService.CreateIdentity': async (group) => ({ target: group, body: { name: 'x', claimMatch } }),
  'IdentitiesService.GetIdentity': async (group) => ({ target: await identity(group) }),
  'IdentitiesService.DeleteIdentity': async (group) => ({ target: await identity(group) }),
  'IdentitiesService.UpdateIdentity': async (group) => ({ target: await identity(group), body: { description: 'x' } }),
  'IdentitiesService.ListIdentities': async (group) => ({ query: 'page_size=200', lists: await identity(group) }),
  'IdentitiesService.LookupIdentity': async () => ({ query: 'issuer=https://issuer.example&subject=nobody-yet' }),
  'IdentitiesService.UpdateIdentityMetadata': async () => ({ body: { identityMetadata: { product: 'images' } } }),
  'RolesService.GetRole': async (group) => ({ target: await role(group) }),
  'RolesService.ListRoles': async (group) => ({ query: 'page_size=200', lists: await role(group) }),
  'RolesService.CreateRole': async (group) => ({
    target: group,
    body: { name: 'x', capabilities: ['CAP_IAM_GROUPS_LIST'] },
  }),
  'RolesService.UpdateRole': async (group) => ({ target: await role(group), body: { name: 'y' } }),
  'RolesService.DeleteRole': async (group) => ({ target: await role(group) }),
  'RoleBindingsService.GetRoleBinding': async (group) => ({ target: await binding(group) }),
  'RoleBindingsService.CreateRoleBinding': async (group) => ({
    target: group,
    body: { identityUid: await identity(group), roleUid: seer },
  }),
  'RoleBindingsService.DeleteRoleBinding': async (group) => ({ target: await binding(group) }),
  'RoleBindingsService.ListRoleBindings': async (group) => ({ query: 'page_size=200', lists: await binding(group) }),
  'RoleBindingsService.BatchCreateRoleBindings': async (group) => ({
    body: { parent: group, requests: [{ roleBinding: { identityUid: await identity(group) } }], roleUid: seer },
  }),
  'RoleBindingsService.UpdateRoleBinding': async (group) => ({
    target: await binding(group),
    body: { identityUid: await identity(group) },
  }),
  'AccountAssociationsService.GetAccountAssociation': async (group) => ({ target: await association(group) }),
  'AccountAssociationsService.CreateAccountAssociation': async (group) => ({ target: group, body: {} }),
  'AccountAssociationsService.DeleteAccountAssociation': async (group) => ({ target: await association(group) }),
  'AccountAssociationsService.ListAccountAssociations': async (group) => ({
    query: 'page_size=200',
    lists: await association(group),
  }),
  'AccountAssociationsService.UpdateAccountAssociation': async (group) => ({
    target: await association(group),
    body: { description: 'x' },
  }),
  'AccountAssociationsService.CheckAccountAssociation': async (group) => ({
    target: group,
    body: { providerType: 'ACCOUNT_PROVIDER_TYPE_AMAZON' },
  }),
  'ExternalGroupRoleMappingsService.GetExternalGroupRoleMapping': async (group) => ({
    target: await mapping(await provider(group)),
  }),
  'ExternalGroupRoleMappingsService.CreateExternalGroupRoleMapping': async (group) => ({
    target: await provider(group),
    body: { externalGroupId: 'g', roleUid: seer, scope: organization },
  }),
  'ExternalGroupRoleMappingsService.DeleteExternalGroupRoleMapping': async (group) => ({
    target: await mapping(await provider(group)),
  }),
  'ExternalGroupRoleMappingsService.BatchDeleteExternalGroupRoleMappings': async (group) => {
    const parent = await provider(group);
    return { body: { parent, names: [await mapping(parent)] } };
  },
  'ExternalGroupRoleMappingsService.ListExternalGroupRoleMappings': async (group) => ({
    query: 'page_size=200',
    lists: await mapping(await provider(group)),
  }),
  'GroupInvitesService.CreateGroupInvite': async (group) => ({ target: group, body: { roleUid: seer, ttl: '60s' } }),
  'GroupInvitesService.GetGroupInvite': async (group) => ({ target: await invite(group) }),
  'GroupInvitesService.DeleteGroupInvite': async (group) => ({ target: await invite(group) }),
  'GroupInvitesService.ListGroupInvites': async (group) => ({ query: 'page_size=200', lists: await invite(group) }),
  'IdentityProvidersService.ListIdentityProviders': async (group) => ({
    query: 'page_size=200',
    lists: await provider(group),
  }),
  'IdentityProvidersService.GetIdentityProvider': async (group) => ({ target: await provider(group) }),
  'IdentityProvidersService.CreateIdentityProvider': async (group) => ({ target: group, body: { name: 'x', oidc } }),
  'IdentityProvidersService.UpdateIdentityProvider': async (group) => ({
    target: await provider(group),
    body: { name: 'renamed' },
  }),
  'IdentityProvidersService.DeleteIdentityProvider': async (group) => ({ target: await provider(group) }),
  'IdentityProvidersService.GenerateScimToken': async (group) => ({ target: await provider(group), body: {} }),
  'IdentityProvidersService.RegenerateScimToken': async (group) => {
    const { id, etag } = await providerWithToken(group);
    return { target: id, body: { etag } };
  },
  'IdentityProvidersService.RevokeScimToken': async (group) => ({
    target: (await providerWithToken(group)).id,
    body: {},
  }),
  'IdentityProvidersService.SetScimEnabled': async (group) => {
    const { id, etag } = await providerWithToken(group);
    return { target: id, body: { enabled: true, etag } };
  },
  'TermsService.AcceptTerms': async (group) => ({ target: group, body: { documentIds: ['sfdpa.v1'] } }),
  'TermsService.ListTermsAcceptances': async (group) => ({ target: group }),
};

type Expected =
  | { readonly status: 200 | 401 | 404 }
  | { readonly status: 200; readonly shown: boolean }
  | { readonly status: 403; readonly missing: readonly string[] };

/** The field of a list's answer that holds its items: the only repeated one. */
function listOf(rpc: Rpc): string | undefined {
  if (!/^List/.test(rpc.name)) return undefined;
  return api.messages[rpc.response]?.fields.find(({ repeated }) => repeated)?.json;
}

/** What the published data says. */
function expectedOf(id: string, rpc: Rpc, caller: CallerName): Expected {
  const held = callers[caller];
  if (rpc.iam !== 'enabled') throw new Error(`${id} needs no platform token: say here what is expected`);
  if (held === undefined) return { status: 401 };
  const missing = rpc.capabilities.filter((capability) => !held.has(capability));
  if (rpc.capabilities.length === 0) return { status: 200 };
  if (rpc.unscoped && listOf(rpc) !== undefined) return { status: 200, shown: missing.length === 0 };
  // Unscoped, since the built-in roles are everybody's to see; of others it shows what a list shows.
  if (id === 'RolesService.GetRole') return { status: missing.length === 0 ? 200 : 404 };
  if (id === 'GroupInvites.CreateWithGroup') {
    // Unscoped: the capabilities count wherever they are held (group_invites.proto).
    return missing.length === 0 || caller === 'owner elsewhere'
      ? { status: 200 }
      : { status: 403, missing: rpc.capabilities };
  }
  if (rpc.unscoped && !['Groups.Create', 'GroupsService.CreateGroup'].includes(id))
    throw new Error(`${id} is unscoped: say here what is expected`);
  if (missing.length === 0) return { status: 200 };
  // Who holds nothing at a place is told that it is not there.
  return held.size === 0 ? { status: 404 } : { status: 403, missing };
}

async function call(rpc: Rpc, token: string | undefined, id: string, sample: Sample): Promise<Answer> {
  const [binding] = rpc.http;
  // The one operation without a rule of its own (semantics 5).
  const { method, path } = binding ?? { method: 'POST', path: `/chainguard.platform.iam.${id.replace('.', '/')}` };
  const filled = path.replace(/\{[^}]*\}/, sample.target ?? '');
  const query = sample.query === undefined ? '' : `?${sample.query}`;
  return platform.call(token, method, `${filled}${query}`, sample.body === undefined ? {} : { body: sample.body });
}

test('there is a sample for every operation and none besides', () => {
  expect(Object.keys(samples).sort()).toEqual(operations.map(({ id }) => id).sort());
});

test('the callers differ in what they hold', () => {
  expect(callers.owner.size).toBeGreaterThan(callers.editor.size);
  expect(callers.editor.size).toBeGreaterThan(callers.viewer.size);
  expect(callers.viewer.size).toBeGreaterThan(40);
});

describe.each(operations)('$id', ({ id, rpc }) => {
  test('answers everybody as published', async () => {
    await start();
    for (const caller of callerNames) {
      const expected = expectedOf(id, rpc, caller);
      const sample = (await samples[id]?.(await folder())) ?? {};
      const eventsBefore = platform.events().length;
      const answer = await call(rpc, tokens[caller], id, sample);
      const seen = { caller, status: answer.status, body: answer.status === 200 ? {} : answer.body };
      if ('missing' in expected) {
        expect(seen).toMatchObject({
          caller,
          status: 403,
          body: { code: 7, message: `missing: ${expected.missing.join(', ')}` },
        });
      } else {
        expect(seen).toMatchObject({ caller, status: expected.status });
      }
      if ('shown' in expected) {
        const items: { id?: string; uid?: string; group?: unknown }[] = answer.body[listOf(rpc) ?? ''];
        const shown = items.some((item) => [item.id, item.uid, item.group].includes(sample.lists));
        expect({ caller, shown }).toEqual({ caller, shown: expected.shown });
      }
      // What is done raises its one event, what is refused leaves no trace.
      const raised = expected.status === 200 && rpc.event !== null ? [rpc.event.type] : [];
      const events = platform.events().slice(eventsBefore);
      expect({ caller, events: events.map(({ type }) => type) }).toEqual({ caller, events: raised });
    }
  });
});

test('the built-in roles of the platform are the published ones', async () => {
  await start();
  const listed = await platform.call(maker, 'GET', '/iam/v1/roles?parent=/');
  expect(listed.body.items.map(({ name }: { name: string }) => name).sort()).toEqual(
    [...roles.map(({ name }) => name), 'gulfstream'].sort(),
  );
  for (const item of listed.body.items as { id: string; name: string; capabilities: string[] }[]) {
    expect(item.id).toBe(builtInRoleId(item.name));
    expect({ name: item.name, capabilities: new Set(item.capabilities) }).toEqual({
      name: item.name,
      capabilities: builtIn(item.name),
    });
  }
});
