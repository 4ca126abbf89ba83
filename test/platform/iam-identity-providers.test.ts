import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { allMigrations } from '../../src/local/modules.ts';
import { startFamily } from '../../src/local/sessions/refresh-tokens.ts';
import { openStore } from '../../src/local/store/database.ts';
import { builtInRoleId, demoFolders, demoOrganizations, personId } from '../support/ids.ts';
import { startLoopbackIssuer } from '../support/loopback-issuer.ts';
import { type Answer, startTestPlatform, TestClock, type TestPlatform, temporaryFolder } from '../support/platform.ts';

const organization = demoOrganizations.private;
const { engineering } = demoFolders;
const dev = personId('dev@example.com');
const viewerRole = builtInRoleId('viewer');
const subRule = 'CORRELATION_RULE_SUB_EQUALS_EXTERNAL_ID';
const oidRule = 'CORRELATION_RULE_OID_EQUALS_EXTERNAL_ID';

let clock: TestClock;
let platform: TestPlatform;
let owner: string;

beforeEach(async () => {
  clock = new TestClock();
  platform = await startTestPlatform({ clock });
  owner = await platform.token(dev);
});

const oidc = { issuer: 'https://acme.okta.example', clientId: '0oa1', clientSecret: 'very-secret' };

const create = (body: object = {}, parent = organization, token = owner): Promise<Answer> =>
  platform.call(token, 'POST', `/iam/v1/identityProviders/${parent}`, { body: { name: 'okta', oidc, ...body } });

const update = (id: string, body: object): Promise<Answer> =>
  platform.call(owner, 'PUT', `/iam/v1/identityProviders/${id}`, { body: { name: 'okta', oidc, ...body } });

const read = async (id: string) =>
  (await platform.call(owner, 'GET', `/iam/v1/identityProviders?id=${id}`)).body.items[0];

const secretOf = (id: string) =>
  platform.store.read((tx) => tx.get('SELECT client_secret FROM identity_providers WHERE id = ?', id))?.[
    'client_secret'
  ];

describe('create', () => {
  test('answers everything but the secret', async () => {
    const made = await create({ defaultRole: viewerRole, oidc: { ...oidc, additionalScopes: ['email', 'profile'] } });
    expect(made.body).toEqual({
      id: expect.stringMatching(new RegExp(`^${organization}/[0-9a-f]{16}$`)),
      name: 'okta',
      description: '',
      defaultRole: viewerRole,
      oidc: {
        issuer: oidc.issuer,
        clientId: '0oa1',
        clientSecret: '',
        additionalScopes: ['email', 'profile'],
        groupsClaim: '',
        correlationRule: subRule,
        pkceEnabled: false,
      },
      scim: {
        enabled: false,
        endpointUrl: `${platform.urls.api}/scim/v2/${made.body.id}`,
        tokenExpireTime: null,
        previousTokenExpireTime: null,
        credentialState: 'CREDENTIAL_STATE_NOT_ISSUED',
        etag: '',
      },
    });
    expect(await read(made.body.id)).toEqual(made.body);
    expect(secretOf(made.body.id)).toBe('very-secret');
    const events = platform.store.read((tx) => JSON.stringify(tx.all('SELECT * FROM outbox')));
    expect(events).toContain('identity_providers.created');
    expect(events).not.toContain('very-secret');
  });

  test.each([
    [{ oidc: undefined }, 'identity provider needs oidc'],
    [{ oidc: { ...oidc, clientId: '' } }, 'oidc.client_id is required'],
    [{ oidc: { ...oidc, clientSecret: '' } }, 'identity provider needs oidc.client_secret or oidc.pkce_enabled'],
    [{ oidc: { ...oidc, issuer: 'http://idp.example' } }, 'oidc.issuer: "http://idp.example" is not an https URL'],
    [
      { oidc: { ...oidc, issuer: 'https://idp.example?x' } },
      'oidc.issuer: "https://idp.example?x" is not an https URL',
    ],
    [{ oidc: { ...oidc, additionalScopes: ['a b'] } }, 'oidc.additional_scopes: "a b" is not a scope'],
    [{ name: 'Okta' }, 'name must match "^[a-z0-9 ._-]{1,}$"'],
    [{ defaultRole: 'viewer' }, 'default_role: "viewer" is not a UIDP'],
  ])('%o is refused', async (body, message) => {
    const answer = await create(body);
    expect([answer.status, answer.body.message]).toEqual([400, message]);
  });

  test('a name once in a place; a default role only of what the caller holds', async () => {
    expect((await create()).status).toBe(200);
    expect((await create()).status).toBe(409);
    expect((await create({}, engineering)).status).toBe(200);
    const small = await platform.call(owner, 'POST', `/iam/v1/roles/${organization}`, {
      body: { name: 'idp', capabilities: ['identity_providers.create', 'role_bindings.create', 'groups.list'] },
    });
    const admin = await platform.token(platform.user('idp@example.org', [small.body.id, organization]));
    expect((await create({ name: 'a', defaultRole: viewerRole }, organization, admin)).status).toBe(403);
    expect((await create({ name: 'a', defaultRole: small.body.id }, organization, admin)).status).toBe(200);
    const inUse = await platform.call(owner, 'DELETE', `/iam/v1/roles/${small.body.id}`);
    expect([inUse.status, inUse.body.message]).toEqual([
      400,
      expect.stringContaining('1 role binding, 1 identity provider'),
    ]);
  });

  test('PKCE instead of a secret, unless the provider says that it cannot', async () => {
    const issuer = await startLoopbackIssuer(() => clock.now());
    const publish = (methods: string[] | undefined) =>
      issuer.answers.set('/.well-known/openid-configuration', (response) => {
        response.end(JSON.stringify({ issuer: issuer.url, code_challenge_methods_supported: methods }));
      });
    const pkce = { issuer: issuer.url, clientId: 'c', pkceEnabled: true };
    publish(['plain']);
    const refused = await create({ oidc: pkce });
    expect([refused.status, refused.body.code]).toEqual([400, 9]);
    publish(['plain', 'S256']);
    expect((await create({ oidc: pkce })).status).toBe(200);
    publish(undefined);
    expect((await create({ name: 'b', oidc: pkce })).status).toBe(200);
    issuer.answers.set('/.well-known/openid-configuration', (response) => {
      response.writeHead(302, { location: 'https://elsewhere.example' }).end();
    });
    expect((await create({ name: 'c', oidc: pkce })).status).toBe(200);
    // Nobody asks for who may not create.
    const asked = issuer.requests.length;
    const viewer = await platform.token(personId('guest@example.com'));
    expect((await create({ name: 'd', oidc: pkce }, organization, viewer)).status).toBe(403);
    expect(issuer.requests.length).toBe(asked);
  });
});

describe('update', () => {
  test('replaces everything, but keeps a secret that is not named; empty text clears it', async () => {
    const { id } = (await create({ description: 'x', oidc: { ...oidc, groupsClaim: 'groups' } })).body;
    const { clientSecret: _secret, ...open } = oidc;
    const renamed = await update(id, { name: 'new', oidc: open });
    expect(renamed.body).toMatchObject({ name: 'new', description: '', oidc: { groupsClaim: '' } });
    expect(secretOf(id)).toBe('very-secret');
    const cleared = await update(id, { oidc: { ...oidc, clientSecret: '' } });
    expect(cleared.status).toBe(400);
    expect((await update(id, { oidc: { ...oidc, client_secret: 'other', clientSecret: undefined } })).status).toBe(200);
    expect(secretOf(id)).toBe('other');
    expect((await update(id, { oidc: { ...open, clientSecret: '', pkceEnabled: true } })).status).toBe(200);
    expect(secretOf(id)).toBe('');
    expect(platform.events().at(-1)).toEqual({
      type: 'dev.chainguard.api.iam.identity_providers.updated.v1',
      subject: id,
    });
  });

  test('cannot change the correlation rule, only say it again', async () => {
    const { id } = (await create({ oidc: { ...oidc, correlationRule: oidRule } })).body;
    expect((await update(id, {})).body.oidc.correlationRule).toBe(oidRule);
    expect((await update(id, { oidc: { ...oidc, correlationRule: oidRule } })).status).toBe(200);
    const changed = await update(id, { oidc: { ...oidc, correlationRule: subRule } });
    expect([changed.status, changed.body.message]).toEqual([400, expect.stringContaining('cannot be changed')]);
  });

  test('trusts another issuer only by who holds all that its word is worth', async () => {
    const small = await platform.call(owner, 'POST', `/iam/v1/roles/${organization}`, {
      body: {
        name: 'idp',
        capabilities: ['identity_providers.update', 'identity_providers.list', 'role_bindings.create'],
      },
    });
    const admin = await platform.token(platform.user('idp@example.org', [small.body.id, organization]));
    const change = (id: string, body: object) =>
      platform.call(admin, 'PUT', `/iam/v1/identityProviders/${id}`, { body: { name: 'okta', oidc, ...body } });
    const byDefault = (await create({ defaultRole: viewerRole })).body.id;
    const same = { defaultRole: viewerRole };
    expect((await change(byDefault, { ...same, description: 'fine' })).status).toBe(200);
    for (const oidcChange of [{ issuer: 'https://mine.example' }, { clientId: 'mine' }, { groupsClaim: 'mine' }]) {
      expect((await change(byDefault, { ...same, oidc: { ...oidc, ...oidcChange } })).status).toBe(403);
    }
    const byMapping = (await create({ name: 'mapped' })).body.id;
    const mine = { name: 'mapped', oidc: { ...oidc, issuer: 'https://mine.example' } };
    expect((await change(byMapping, mine)).status).toBe(200);
    await platform.call(owner, 'POST', `/iam/v1/externalGroupRoleMappings/${byMapping}`, {
      body: { externalGroupId: 'g', roleUidp: viewerRole, scope: organization },
    });
    expect((await change(byMapping, { name: 'mapped', oidc })).status).toBe(403);
  });

  test('of one that is not there is 404', async () => {
    expect((await update(`${organization}/${'0'.repeat(16)}`, {})).status).toBe(404);
  });
});

test('delete takes mappings and SCIM data with it; the group cannot go before', async () => {
  const { id } = (await create({}, engineering)).body;
  const mapping = { externalGroupId: 'g', roleUidp: viewerRole, scope: organization };
  expect(
    (await platform.call(owner, 'POST', `/iam/v1/externalGroupRoleMappings/${id}`, { body: mapping })).status,
  ).toBe(200);
  const group = await platform.call(owner, 'DELETE', `/iam/v1/groups/${engineering}`);
  expect(group.body.message).toContain('1 × identity provider');
  expect((await platform.call(owner, 'DELETE', `/iam/v1/identityProviders/${id}`)).body).toEqual({});
  expect((await platform.call(owner, 'GET', '/iam/v1/externalGroupRoleMappings')).body.items).toEqual([]);
  expect((await platform.call(owner, 'DELETE', `/iam/v1/identityProviders/${id}`)).status).toBe(404);
});

describe('SCIM tokens', () => {
  let id: string;
  beforeEach(async () => {
    id = (await create()).body.id;
  });
  const call = (verb: string, body: object = {}): Promise<Answer> =>
    platform.call(owner, 'POST', `/iam/v1/identityProviders/${id}:${verb}`, { body });
  const scim = async () => (await read(id)).scim;

  test('are shown once and kept as digests; events have none of it', async () => {
    const made = await call('generateScimToken');
    expect(made.body).toEqual({
      token: expect.stringMatching(/^cgscim_[0-9a-f]{64}$/),
      endpointUrl: `${platform.urls.api}/scim/v2/${id}`,
      expireTime: '2027-03-27T13:55:00.785Z',
      identityProviderId: id,
      etag: expect.stringMatching(/.+/),
    });
    expect(await scim()).toMatchObject({
      enabled: false,
      credentialState: 'CREDENTIAL_STATE_LIVE',
      tokenExpireTime: '2027-03-27T13:55:00.785Z',
      etag: made.body.etag,
    });
    const stored = platform.store.read((tx) =>
      JSON.stringify([tx.all('SELECT * FROM identity_providers'), tx.all('SELECT * FROM outbox')]),
    );
    expect(stored).not.toContain(made.body.token);
    expect(stored).toContain('scim_token.generated');
    const again = await call('generateScimToken');
    expect([again.status, again.body.code]).toEqual([400, 9]);
  });

  test.each([
    [{ neverExpires: true, expireTime: '2026-04-01T00:00:00Z' }, 'expire_time and never_expires exclude each other'],
    [{ expireTime: '2026-03-27T13:55:00Z' }, 'expire_time is in the past'],
    [{ expireTime: '2028-04-01T00:00:00Z' }, 'expire_time is more than two years away'],
  ])('%o is refused', async (body, message) => {
    const answer = await call('generateScimToken', body);
    expect([answer.status, answer.body.message]).toEqual([400, message]);
  });

  test('may never expire', async () => {
    expect((await call('generateScimToken', { neverExpires: true })).body.expireTime).toBeNull();
    clock.advance(50 * 365 * 24 * 3600_000);
    owner = await platform.token(dev);
    expect((await scim()).credentialState).toBe('CREDENTIAL_STATE_LIVE');
  });

  test('are replaced with an overlap, by who has read the state that is there', async () => {
    expect((await call('regenerateScimToken', { etag: 'x' })).status).toBe(404);
    const first = (await call('generateScimToken')).body;
    const missing = await call('regenerateScimToken');
    expect([missing.status, missing.body.message]).toEqual([400, 'etag: etag is required']);
    const stale = await call('regenerateScimToken', { etag: 'stale' });
    expect([stale.status, stale.body.code]).toEqual([409, 10]);
    expect((await call('regenerateScimToken', { etag: first.etag, overlap: '86401s' })).status).toBe(400);
    const second = await call('regenerateScimToken', { etag: first.etag });
    expect(second.body).toMatchObject({
      previousTokenExpireTime: '2026-03-27T14:55:00.785Z',
      requestedOverlap: '3600s',
    });
    expect(second.body.token).not.toBe(first.token);
    expect(await scim()).toMatchObject({
      credentialState: 'CREDENTIAL_STATE_ROTATING',
      previousTokenExpireTime: '2026-03-27T14:55:00.785Z',
    });
    expect((await call('regenerateScimToken', { etag: first.etag })).status).toBe(409);
    const third = await call('regenerateScimToken', { etag: second.body.etag, overlap: '0s' });
    expect(third.body).toMatchObject({ previousTokenExpireTime: null, requestedOverlap: '0s' });
    expect((await scim()).credentialState).toBe('CREDENTIAL_STATE_LIVE');
  });

  test('expire, and what has expired gets no overlap', async () => {
    const first = (await call('generateScimToken', { expireTime: '2026-03-27T13:56:00Z' })).body;
    const long = await call('regenerateScimToken', { etag: first.etag, overlap: '7200s' });
    // An overlap does not lengthen the life of the previous one.
    expect(long.body.previousTokenExpireTime).toBe('2026-03-27T13:56:00Z');
    const short = await call('regenerateScimToken', {
      etag: long.body.etag,
      overlap: '0s',
      expireTime: '2026-03-27T13:57:00Z',
    });
    clock.advance(120_000);
    expect((await scim()).credentialState).toBe('CREDENTIAL_STATE_EXPIRED');
    const next = await call('regenerateScimToken', { etag: short.body.etag });
    expect(next.body.previousTokenExpireTime).toBeNull();
  });

  test('are revoked at once, without an etag; the switch stays', async () => {
    expect((await call('revokeScimToken')).status).toBe(404);
    platform.user('second@example.com', ['owner', organization]);
    const first = (await call('generateScimToken')).body;
    const enabled = (await call('setScimEnabled', { enabled: true, etag: first.etag })).body;
    expect(enabled.enabled).toBe(true);
    const revoked = await call('revokeScimToken');
    expect(revoked.body).toMatchObject({ enabled: true, revokeTime: '2026-03-27T13:55:00.785Z' });
    expect(await scim()).toMatchObject({
      enabled: true,
      credentialState: 'CREDENTIAL_STATE_REVOKED',
      tokenExpireTime: '2026-03-27T13:55:00.785Z',
    });
    expect((await call('generateScimToken')).status).toBe(400);
    expect((await call('regenerateScimToken', { etag: revoked.body.etag })).status).toBe(200);
  });

  test('are given, and provisioning switched on, only by who holds all that the provider’s word is worth', async () => {
    platform.user('second@example.com', ['owner', organization]);
    const role = await platform.call(owner, 'POST', `/iam/v1/roles/${organization}`, {
      body: { name: 'scim', capabilities: ['identity_providers.list', 'identity_providers.scim.manage'] },
    });
    const admin = await platform.token(platform.user('scim@example.org', [role.body.id, organization]));
    const byAdmin = (verb: string, body: object = {}) =>
      platform.call(admin, 'POST', `/iam/v1/identityProviders/${id}:${verb}`, { body });
    // A provider that gives nobody anything is theirs to provision.
    const first = await byAdmin('generateScimToken');
    expect(first.status).toBe(200);
    const on = await byAdmin('setScimEnabled', { enabled: true, etag: first.body.etag });
    expect(on.status).toBe(200);
    await platform.call(owner, 'POST', `/iam/v1/externalGroupRoleMappings/${id}`, {
      body: { externalGroupId: 'admins', roleUidp: builtInRoleId('owner'), scope: organization },
    });
    const again = await byAdmin('regenerateScimToken', { etag: on.body.etag });
    expect([again.status, again.body.message]).toEqual([403, expect.stringContaining('"owner" holds more')]);
    const off = await byAdmin('setScimEnabled', { enabled: false, etag: on.body.etag });
    expect(off.status).toBe(200);
    expect((await byAdmin('setScimEnabled', { enabled: true, etag: off.body.etag })).status).toBe(403);
    expect((await byAdmin('revokeScimToken')).status).toBe(200);

    const other = (await create({ name: 'other', defaultRole: viewerRole })).body.id;
    const fresh = await platform.call(admin, 'POST', `/iam/v1/identityProviders/${other}:generateScimToken`, {
      body: {},
    });
    expect(fresh.status).toBe(403);
  });

  test('the switch wants a token, the etag that it gives, and two owners', async () => {
    const early = await call('setScimEnabled', { enabled: true, etag: (await scim()).etag });
    expect([early.status, early.body.message]).toEqual([404, 'the identity provider has no SCIM token: generate one']);
    const { etag } = (await call('generateScimToken')).body;
    const missing = await call('setScimEnabled', { enabled: true });
    expect([missing.status, missing.body.message]).toEqual([400, 'etag: etag is required']);
    const lonely = await call('setScimEnabled', { enabled: true, etag });
    expect([lonely.status, lonely.body.code]).toEqual([400, 9]);
    platform.user('second@example.com', ['owner', organization]);
    const on = await call('setScimEnabled', { enabled: true, etag });
    expect(on.body).toMatchObject({ identityProviderId: id, enabled: true });
    expect((await call('setScimEnabled', { enabled: false, etag })).status).toBe(409);
    const off = await call('setScimEnabled', { enabled: false, etag: on.body.etag });
    expect(off.body.enabled).toBe(false);
    expect(platform.events().at(-1)).toEqual({
      type: 'dev.chainguard.api.iam.identity_providers.scim_enabled.updated.v1',
      subject: id,
    });
  });
});

describe('group mappings', () => {
  let id: string;
  beforeEach(async () => {
    id = (await create()).body.id;
  });
  const mapping = { externalGroupId: 'engineers', roleUidp: viewerRole, scope: organization };
  const make = (body: object = {}, parent = id, token = owner): Promise<Answer> =>
    platform.call(token, 'POST', `/iam/v1/externalGroupRoleMappings/${parent}`, { body: { ...mapping, ...body } });

  test('are made, read, listed and deleted', async () => {
    const made = await make();
    expect(made.body).toEqual({
      id: expect.stringMatching(new RegExp(`^${id}/[0-9a-f]{16}$`)),
      identityProviderUidp: id,
      ...mapping,
      createdAt: '2026-03-27T13:55:00.785Z',
    });
    const path = `/iam/v1/externalGroupRoleMappings/${made.body.id}`;
    expect((await platform.call(owner, 'GET', path)).body).toEqual(made.body);
    const other = (await create({ name: 'entra' })).body.id;
    await make({}, other);
    const list = async (query: string) =>
      (await platform.call(owner, 'GET', `/iam/v1/externalGroupRoleMappings?${query}`)).body.items.length;
    expect([
      await list(''),
      await list(`identity_provider_uidp=${id}`),
      await list(`uidp.children_of=${other}`),
    ]).toEqual([2, 1, 1]);
    expect((await make()).status).toBe(409);
    expect((await platform.call(owner, 'DELETE', path)).body).toEqual({});
    expect((await platform.call(owner, 'GET', path)).status).toBe(404);
    const event = platform.store.read((tx) => tx.get('SELECT * FROM outbox ORDER BY seq DESC'));
    expect([event?.['subject'], event?.['group_id'], JSON.parse(String(event?.['extensions']))]).toEqual([
      made.body.id,
      organization,
      {
        bodytype: 'chainguard.platform.iam.DeleteExternalGroupRoleMappingRequest',
        group: organization,
        identityprovider: id,
      },
    ]);
    expect((await make()).status).toBe(200);
  });

  test.each([
    [{ scope: engineering }, 400],
    [{ scope: undefined }, 400],
    [{ externalGroupId: '' }, 400],
    [{ roleUidp: '0'.repeat(40) }, 404],
    [{ identityProviderUidp: `${organization}/${'0'.repeat(16)}` }, 400],
  ])('%o is refused', async (body, status) => {
    expect((await make(body)).status).toBe(status);
  });

  test('grant no more than the caller holds, and keep their role', async () => {
    const small = await platform.call(owner, 'POST', `/iam/v1/roles/${organization}`, {
      body: { name: 'idp', capabilities: ['identity_providers.create', 'role_bindings.create'] },
    });
    const admin = await platform.token(platform.user('idp@example.org', [small.body.id, organization]));
    expect((await make({}, id, admin)).status).toBe(403);
    expect((await make({ roleUidp: small.body.id }, id, admin)).status).toBe(200);
    const inUse = await platform.call(owner, 'DELETE', `/iam/v1/roles/${small.body.id}`);
    expect(inUse.body.message).toContain('1 group mapping');
  });

  test('are deleted many at once: what is gone is skipped, what is elsewhere refused', async () => {
    const [a, b] = [(await make()).body, (await make({ externalGroupId: 'b' })).body];
    const other = (await make({}, (await create({ name: 'entra' })).body.id)).body;
    const batch = (ids: string[]) =>
      platform.call(owner, 'POST', '/iam/v1/externalGroupRoleMappings:batchDelete', { body: { parentId: id, ids } });
    expect((await batch([a.id, other.id])).status).toBe(400);
    expect((await batch([])).status).toBe(400);
    const done = await batch([a.id, `${id}/${'0'.repeat(16)}`, b.id]);
    expect(done.body).toEqual({ parentId: id, items: [a, b] });
    const event = platform.store.read((tx) => tx.get('SELECT * FROM outbox ORDER BY seq DESC'));
    expect([event?.['subject'], event?.['group_id']]).toEqual([id, organization]);
    expect((await batch([a.id])).body.items).toEqual([]);
  });
});

describe('signing in', () => {
  const login = async (provider: string, claims: object = {}, audience = oidc.clientId): Promise<Answer> => {
    const bearer = await mintThirdPartyToken(platform.store, {
      issuer: oidc.issuer,
      subject: 'kim',
      audience,
      claims: { email: 'kim@acme.example', email_verified: true, name: 'Kim', ...claims },
      now: clock.now(),
    });
    const query = new URLSearchParams({ aud: platform.urls.api, identity_provider: provider });
    return platform.call(bearer, 'POST', `/sts/exchange?${query}`);
  };
  const rolesOf = async (token: string) =>
    (await platform.call(token, 'GET', '/auth/v1/ok')).body.capabilities.map(
      (entry: { role: { name: string } }) => entry.role?.name,
    );

  test('the first time makes the account and binds the default role; a role taken away stays away', async () => {
    const { id } = (await create({ defaultRole: viewerRole })).body;
    const first = await login(id);
    expect(await rolesOf(first.body.token)).toEqual(['viewer']);
    expect(first.body.refreshToken).toBe('');
    expect(platform.events().at(-1)).toEqual({ type: 'dev.chainguard.api.auth.registered.v1', subject: '' });
    const bindings = await platform.call(owner, 'GET', '/iam/v1/rolebindings');
    const own = bindings.body.items.find(({ email }: { email: string }) => email === 'kim@acme.example');
    await platform.call(owner, 'DELETE', `/iam/v1/rolebindings/${own.id}`);
    expect(await rolesOf((await login(id)).body.token)).toEqual([]);
  });

  test('wants a token of that issuer for that client', async () => {
    const { id } = (await create()).body;
    expect((await login(id, {}, platform.urls.issuer)).status).toBe(403);
    expect((await login(`${organization}/${'0'.repeat(16)}`)).status).toBe(403);
    expect([400, 403, 404]).toContain((await login('okta')).status);
    const other = (await create({ name: 'other', oidc: { ...oidc, issuer: 'https://other.example' } })).body.id;
    expect((await login(other)).status).toBe(403);
    expect((await login(id)).status).toBe(200);
  });

  describe('at an issuer that others use too', () => {
    const victim = { groups: [] };
    /** Another organization's owner, with a provider for an application of her own. */
    const stranger = async (clientId: string) => {
      const user = platform.user(`${clientId}@example.org`);
      const made = await platform.call(await platform.token(user), 'POST', '/iam/v1/groups', {
        body: { name: `of ${clientId}` },
      });
      const token = await platform.token(user);
      const provider = await create({ oidc: { ...oidc, clientId } }, made.body.id, token);
      expect(provider.status).toBe(200);
      return { organization: made.body.id, id: provider.body.id, token };
    };

    test('an account is not opened by tokens for somebody else’s application', async () => {
      const home = (await create({ defaultRole: builtInRoleId('owner') })).body.id;
      const own = (await login(home, victim)).body;
      expect(await rolesOf(own.token)).toEqual(['owner']);
      const mallory = await stranger('mallory');
      const stolen = await login(mallory.id, victim, 'mallory');
      expect([stolen.status, stolen.body.message]).toEqual([403, expect.stringContaining('belongs elsewhere')]);
      // Nor when its provider is gone or has another client: its organization made it.
      expect((await update(home, { oidc: { ...oidc, clientId: '0oa2' }, defaultRole: '' })).status).toBe(200);
      expect((await login(home, victim, '0oa2')).status).toBe(200);
      expect((await platform.call(owner, 'DELETE', `/iam/v1/identityProviders/${home}`)).status).toBe(200);
      expect((await login(mallory.id, victim, 'mallory')).status).toBe(403);
    });

    test('the very same application opens it in a second organization', async () => {
      const home = (await create({ defaultRole: viewerRole })).body.id;
      const first = (await login(home, victim)).body;
      const second = await stranger(oidc.clientId);
      const again = (await login(second.id, victim)).body;
      const subjectOf = async (token: string) => (await platform.call(token, 'GET', '/auth/v1/ok')).body.subject;
      expect(await subjectOf(again.token)).toBe(await subjectOf(first.token));
    });

    test('one that was made without a provider is opened only where it holds nothing elsewhere', async () => {
      const bearer = await mintThirdPartyToken(platform.store, {
        issuer: oidc.issuer,
        subject: 'kim',
        audience: platform.urls.issuer,
        now: clock.now(),
      });
      const { identity } = (await platform.call(bearer, 'POST', '/auth/v1/register', { body: {} })).body;
      const mallory = await stranger('mallory');
      expect((await login(mallory.id, victim, 'mallory')).status).toBe(200);
      await platform.call(owner, 'POST', `/iam/v1/rolebindings/${engineering}`, {
        body: { identity, role: viewerRole },
      });
      expect((await login(mallory.id, victim, 'mallory')).status).toBe(403);
      const { id } = (await create()).body;
      expect((await login(id, victim)).status).toBe(200);
    });

    test('who signs in at the platform is not shared with an organization that opened the account before', async () => {
      const mallory = await stranger('mallory');
      expect((await login(mallory.id, victim, 'mallory')).status).toBe(200);
      const bearer = await mintThirdPartyToken(platform.store, {
        issuer: oidc.issuer,
        subject: 'kim',
        audience: platform.urls.issuer,
        now: clock.now(),
      });
      const query = new URLSearchParams({ aud: platform.urls.api });
      const { token } = (await platform.call(bearer, 'POST', `/sts/exchange?${query}`)).body;
      const identity = (await platform.call(token, 'GET', '/auth/v1/ok')).body.subject;
      await platform.call(owner, 'POST', `/iam/v1/rolebindings/${organization}`, {
        body: { identity, role: builtInRoleId('owner') },
      });
      expect((await login(mallory.id, victim, 'mallory')).status).toBe(403);
      expect((await platform.call(bearer, 'POST', `/sts/exchange?${query}`)).status).toBe(200);
    });

    test('a session ends where its provider could not open the account any more', async () => {
      const mallory = await stranger('mallory');
      const { token } = (await login(mallory.id, victim, 'mallory')).body;
      const identity = (await platform.call(token, 'GET', '/auth/v1/ok')).body.subject;
      const actor = { act: {}, email: undefined, emailVerified: false, profile: undefined };
      const session = { identity, audience: [platform.urls.api], actor, limits: [], provider: mallory.id };
      let refresh = platform.store.transact((tx) => startFamily(tx, platform.urls.issuer, session)).token;
      const refreshed = async (): Promise<number> => {
        const query = new URLSearchParams({ aud: platform.urls.api });
        const answer = await platform.call(refresh, 'POST', `/sts/exchange_refresh_token?${query}`);
        refresh = answer.body.refreshToken?.token ?? refresh;
        return answer.status;
      };
      expect(await refreshed()).toBe(200);
      const bearer = await mintThirdPartyToken(platform.store, {
        issuer: oidc.issuer,
        subject: 'kim',
        audience: platform.urls.issuer,
        now: clock.now(),
      });
      const query = new URLSearchParams({ aud: platform.urls.api });
      await platform.call(bearer, 'POST', `/sts/exchange?${query}`);
      await platform.call(owner, 'POST', `/iam/v1/rolebindings/${organization}`, {
        body: { identity, role: viewerRole },
      });
      expect(await refreshed()).toBe(403);
    });

    test('an account that may assume something elsewhere by its id has that to lose', async () => {
      const identity = platform.user('kim@acme.example');
      platform.store.transact((tx) =>
        tx.run("UPDATE identities SET issuer = ?, subject = 'kim' WHERE id = ?", oidc.issuer, identity),
      );
      const mallory = await stranger('mallory');
      expect((await login(mallory.id, victim, 'mallory')).status).toBe(200);
      const assumable = await platform.call(owner, 'POST', `/iam/v1/identities/${organization}`, {
        body: { name: 'robot', claimMatch: { issuer: platform.urls.issuer, subject: identity } },
      });
      expect(assumable.status).toBe(200);
      expect((await login(mallory.id, victim, 'mallory')).status).toBe(403);
    });

    test('a provider that opens accounts is set up by who holds as much as they do', async () => {
      const home = (await create({ defaultRole: builtInRoleId('owner') })).body.id;
      await login(home, victim);
      const small = await platform.call(owner, 'POST', `/iam/v1/roles/${organization}`, {
        body: {
          name: 'idp',
          capabilities: ['identity_providers.create', 'identity_providers.update', 'role_bindings.create'],
        },
      });
      const admin = await platform.token(platform.user('idp@example.org', [small.body.id, organization]));
      const mine = { ...oidc, clientId: 'mine' };
      const refused = await create({ name: 'mine', oidc: mine }, organization, admin);
      expect([refused.status, refused.body.message]).toEqual([403, expect.stringContaining('"owner" holds more')]);
      const other = { ...oidc, issuer: 'https://other.example' };
      const fresh = await create({ name: 'mine', oidc: other }, organization, admin);
      expect(fresh.status).toBe(200);
      const moved = await platform.call(admin, 'PUT', `/iam/v1/identityProviders/${fresh.body.id}`, {
        body: { name: 'mine', oidc: mine },
      });
      expect(moved.status).toBe(403);
    });
  });

  test('groups in the token give mapped roles for an hour, and no longer than the mapping lasts', async () => {
    const { id } = (await create({ oidc: { ...oidc, groupsClaim: 'groups' } })).body;
    const made = await platform.call(owner, 'POST', `/iam/v1/externalGroupRoleMappings/${id}`, {
      body: { externalGroupId: 'engineers', roleUidp: viewerRole, scope: organization },
    });
    const granted = () =>
      platform.store.read((tx) => tx.all("SELECT * FROM outbox WHERE type LIKE '%.granted.v1' ORDER BY seq"));
    await login(id, { groups: ['staff'] });
    expect(granted()).toEqual([]);
    const { token } = (await login(id, { groups: ['staff', 'engineers'] })).body;
    expect(await rolesOf(token)).toEqual(['viewer']);
    // No binding tells of it, so an event does, each time.
    const [event, ...more] = granted();
    expect(more).toEqual([]);
    const { subject } = (await platform.call(token, 'GET', '/auth/v1/ok')).body;
    expect([event?.['subject'], event?.['group_id']]).toEqual([subject, organization]);
    expect(JSON.parse(String(event?.['body']))).toEqual({
      identity: subject,
      identityProviderUidp: id,
      roles: [{ externalGroupId: 'engineers', roleUidp: viewerRole, scope: organization }],
    });
    const groups = async () => (await platform.call(token, 'GET', '/iam/v1/groups')).body.items.length;
    expect(await groups()).toBeGreaterThan(0);
    await platform.call(owner, 'DELETE', `/iam/v1/externalGroupRoleMappings/${made.body.id}`);
    expect(await groups()).toBe(0);
    await platform.call(owner, 'POST', `/iam/v1/externalGroupRoleMappings/${id}`, {
      body: { externalGroupId: 'engineers', roleUidp: viewerRole, scope: organization },
    });
    expect(await groups()).toBeGreaterThan(0);
    // The next login says otherwise, and that counts for the older token too.
    expect(await rolesOf((await login(id, { groups: 'engineers' })).body.token)).toEqual([]);
    expect(await groups()).toBe(0);
  });

  test('roles from groups end an hour after the last login, whatever token shows them', async () => {
    const { id } = (await create({ oidc: { ...oidc, groupsClaim: 'groups' } })).body;
    await platform.call(owner, 'POST', `/iam/v1/externalGroupRoleMappings/${id}`, {
      body: { externalGroupId: 'engineers', roleUidp: viewerRole, scope: organization },
    });
    const first = (await login(id, { groups: ['engineers'] })).body.token;
    const { subject } = (await platform.call(first, 'GET', '/auth/v1/ok')).body;
    // Minted while the roles are held, and good for longer than they are.
    const lasting = await platform.token(subject, { ttlSeconds: 5 * 3600 });
    const groups = async () => (await platform.call(lasting, 'GET', '/iam/v1/groups')).body.items.length;
    const held = await groups();
    expect(held).toBeGreaterThan(0);
    clock.advance(40 * 60_000);
    expect(await groups()).toBe(held);
    // A second login begins the hour again, one without groups that count would end it.
    expect((await login(id, { groups: ['engineers'] })).status).toBe(200);
    clock.advance(59 * 60_000);
    expect(await groups()).toBe(held);
    clock.advance(2 * 60_000);
    expect(await groups()).toBe(0);
    expect(await rolesOf(lasting)).toEqual([]);
    expect(
      (await platform.call(lasting, 'GET', `/iam/v1/groups?uidp.descendantsOf=${organization}`)).body.items ?? [],
    ).toEqual([]);
    expect(await rolesOf((await login(id, { groups: ['engineers'] })).body.token)).toEqual(['viewer']);
    expect(await groups()).toBe(held);
  });

  test('without a groups claim, groups in the token mean nothing', async () => {
    const { id } = (await create()).body;
    await platform.call(owner, 'POST', `/iam/v1/externalGroupRoleMappings/${id}`, {
      body: { externalGroupId: 'engineers', roleUidp: viewerRole, scope: organization },
    });
    expect(await rolesOf((await login(id, { groups: ['engineers'] })).body.token)).toEqual([]);
  });
});

test('accounts of an older data folder belong to the organization whose provider made them', () => {
  const file = join(temporaryFolder(), 'platform.db');
  const home = allMigrations().findIndex(({ name }) => name === '015-home-of-accounts');
  const before = openStore(file, allMigrations().slice(0, home), clock);
  const [group, provider] = ['a'.repeat(40), `${'a'.repeat(40)}/${'1'.repeat(16)}`];
  before.transact((tx) => {
    tx.run("INSERT INTO groups (id, name, created_at, updated_at) VALUES (?, 'a', 0, 0)", group);
    tx.run(
      `INSERT INTO identity_providers (id, parent, name, issuer, client_id, correlation_rule, created_at, updated_at)
       VALUES (?, ?, 'p', 'https://idp.example', 'c', '', 0, 0)`,
      provider,
      group,
    );
    for (const [id, createdAt] of [
      ['b'.repeat(40), 5],
      ['c'.repeat(40), 4],
    ] as const) {
      tx.run(
        "INSERT INTO identities (id, kind, relationship, created_at, updated_at) VALUES (?, 'claimMatch', '{}', ?, 0)",
        id,
        createdAt,
      );
      tx.run(
        `INSERT INTO identity_provider_logins (identity, identity_provider, created_at, updated_at) VALUES (?, ?, 5, 5)`,
        id,
        provider,
      );
    }
  });
  before.close();
  const after = openStore(file, allMigrations(), clock);
  const homes = after.read((tx) => tx.all('SELECT id, home FROM identities ORDER BY id').map((row) => row['home']));
  // The second one was there before it ever came through the provider.
  expect(homes).toEqual([group, null]);
  after.close();
});
