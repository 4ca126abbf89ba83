import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { newKeyPair } from '../../src/key-pairs.ts';
import { builtInRoleId, demoFolders, dev, developerIssuer, guest, organization, people } from '../support/ids.ts';
import { startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';

const { engineering, platform: platformFolder, sandbox } = demoFolders;
const day = 24 * 60 * 60 * 1000;

const { publicKey, privateKey } = newKeyPair('rsa');
const issuerKeys = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'RS256' }] });
const secret = randomBytes(32);
const literal = { issuer: 'https://token.actions.githubusercontent.com', subject: 'repo:acme/app:ref:refs/heads/main' };

let clock: TestClock;
let platform: TestPlatform;
let owner: string;
let viewer: string;

beforeEach(async () => {
  clock = new TestClock();
  platform = await startTestPlatform({ clock });
  owner = await platform.token(dev);
  viewer = await platform.token(guest);
});

const create = (body: object, parent: string = organization, token = owner) =>
  platform.call(token, 'POST', `/iam/v1/identities/${parent}`, { body });

/** A token of the identity's own issuer and subject, signed by what its keys are not. */
async function expectRefused(identity: string, token: SignJWT, sign: (token: SignJWT) => Promise<string>) {
  const now = Math.floor(clock.now() / 1000);
  const complete = token.setIssuer('https://i.example').setSubject('s').setAudience(platform.urls.issuer);
  const bearer = await sign(complete.setIssuedAt(now).setExpirationTime(now + 600));
  const path = `/sts/exchange?aud=${platform.urls.api}&identity=${identity}`;
  const answer = await platform.call(bearer, 'POST', path);
  expect([answer.status, answer.body.message]).toEqual([403, expect.stringMatching(/^verifying token: /)]);
}

describe('create', () => {
  test('claim match, literal', async () => {
    const answer = await create({ name: 'ci-bot', claimMatch: literal });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      id: expect.stringMatching(new RegExp(`^${organization}/[0-9a-f]{16}$`)),
      name: 'ci-bot',
      description: '',
      createdAt: '2026-03-27T13:55:00.785Z',
      updatedAt: '2026-03-27T13:55:00.785Z',
      lastSeen: null,
      claimMatch: { ...literal, claims: {}, claimPatterns: {} },
    });
  });

  test('claim match, patterns', async () => {
    const claimMatch = {
      issuerPattern: 'https://gitlab\\.com',
      subjectPattern: 'project_path:acme/.*',
      audience: 'https://issuer.example',
      claims: { environment: 'prod' },
      claimPatterns: { ref: 'refs/heads/.*' },
    };
    expect((await create({ name: 'ci-bot', claimMatch })).body.claimMatch).toEqual(claimMatch);
  });

  test('static keys live thirty days unless said otherwise, a year at most', async () => {
    const keys = { issuer: 'https://kubernetes.default.svc', subject: 'system:serviceaccount:ns:sa', issuerKeys };
    const byDefault = await create({ name: 'a', static: keys });
    expect(byDefault.body.static).toEqual({ ...keys, expiration: '2026-04-26T13:55:00.785Z', audiences: [] });
    const year = new Date(clock.now() + 365 * day).toISOString();
    const longest = await create({ name: 'b', static: { ...keys, expiration: year, audiences: ['acme'] } });
    expect(longest.body.static).toEqual({ ...keys, expiration: year, audiences: ['acme'] });
    const longer = new Date(clock.now() + 366 * day).toISOString();
    expect((await create({ name: 'c', static: { ...keys, expiration: longer } })).status).toBe(400);
    const past = new Date(clock.now() - 1000).toISOString();
    expect((await create({ name: 'c', static: { ...keys, expiration: past } })).status).toBe(400);
    expect((await create({ name: 'c', static: { ...keys, audiences: ['a', 'b'] } })).status).toBe(400);
  });

  test.each([
    ['no JSON', 'keys'],
    ['no keys', '{"keys":[]}'],
    ['a shared secret', JSON.stringify({ keys: [{ kty: 'oct', k: secret.toString('base64url') }] })],
    ['an unreadable key', '{"keys":[{"kty":"RSA"}]}'],
  ])('static keys that are %s are kept, and nobody becomes the identity with them', async (_, text) => {
    const made = await create({ name: 'a', static: { issuer: 'https://i.example', subject: 's', issuerKeys: text } });
    expect(made.body.static.issuerKeys).toBe(text);
    const { id } = made.body;
    await expectRefused(id, new SignJWT({}).setProtectedHeader({ alg: 'RS256' }), (jwt) => jwt.sign(privateKey));
    await expectRefused(id, new SignJWT({}).setProtectedHeader({ alg: 'HS256' }), (jwt) => jwt.sign(secret));
  });

  test('static keys are never nothing', async () => {
    const answer = await create({ name: 'a', static: { issuer: 'i', subject: 's', issuerKeys: '' } });
    expect([answer.status, answer.body.message]).toEqual([400, 'static.issuer_keys is required']);
  });

  test('service principal and AWS', async () => {
    const service = await create({ name: 'a', servicePrincipal: 'CATALOG_SYNCER' });
    expect(service.body.servicePrincipal).toBe('CATALOG_SYNCER');
    const awsIdentity = {
      awsAccount: '123456789012',
      arn: 'arn:aws:sts::123456789012:assumed-role/r/s',
      userIdPattern: '^A',
    };
    expect((await create({ name: 'b', awsIdentity })).body.awsIdentity).toEqual(awsIdentity);
    const bad = await create({ name: 'c', awsIdentity: { ...awsIdentity, awsAccount: '12345' } });
    expect(bad.body.message).toBe('AWS account ID must match "^[0-9]{12}$"');
    expect((await create({ name: 'c', servicePrincipal: 'UNKNOWN' })).status).toBe(400);
    expect((await create({ name: 'c', servicePrincipal: 99 })).status).toBe(400);
  });

  test.each([
    ['no kind', {}],
    ['two kinds', { claimMatch: literal, servicePrincipal: 'COSIGNED' }],
    ['no issuer', { claimMatch: { subject: 's' } }],
    ['no subject', { claimMatch: { issuer: 'https://issuer.example' } }],
    ['both issuers', { claimMatch: { ...literal, issuerPattern: '.*' } }],
    ['an issuer that is no URL', { claimMatch: { ...literal, issuer: 'github' } }],
    ['an issuer over http', { claimMatch: { ...literal, issuer: 'http://issuer.example' } }],
  ])('%s is refused', async (_, body) => {
    const answer = await create({ name: 'a', ...body });
    expect([answer.status, answer.body.code]).toEqual([400, 3]);
    expect(platform.events()).toEqual([]);
  });

  test.each([
    ['claim_match.subject_pattern', { issuer: 'https://issuer.example', subjectPattern: '(' }],
    ['claim_match.issuer_pattern', { issuerPattern: 'a(?=b)', subject: 's' }],
    ['claim_match.audience_pattern', { ...literal, audiencePattern: '*' }],
    ['claim_match.claim_patterns["ref"]', { ...literal, claimPatterns: { ref: '[' } }],
  ])('a bad pattern in %s is named', async (field, claimMatch) => {
    const answer = await create({ name: 'a', claimMatch });
    expect(answer.status).toBe(400);
    expect(answer.body.message).toContain(`${field}: "`);
  });

  test('an RE2 pattern that JavaScript refuses is taken', async () => {
    const claimMatch = { issuer: 'https://issuer.example', subjectPattern: '{uuid}:.+' };
    expect((await create({ name: 'a', claimMatch })).status).toBe(200);
  });

  // The provider's acceptance tests make twins: identity names are not unique, only issuer and subject of users are.
  test('two of one name, and of one rule, are two identities', async () => {
    const [first, second] = [
      await create({ name: 'ci', claimMatch: literal }),
      await create({ name: 'ci', claimMatch: literal }),
    ];
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(first.body.id).not.toBe(second.body.id);
    const path = `/iam/v1/identities?uidp.childrenOf=${organization}`;
    const { items } = (await platform.call(owner, 'GET', path)).body;
    const named = items.filter(({ name }: { name: string }) => name === 'ci').map(({ id }: { id: string }) => id);
    expect(named.sort()).toEqual([first.body.id, second.body.id].sort());
  });

  test('needs identity.create at the parent, which must exist', async () => {
    const denied = await create({ name: 'ci', claimMatch: literal }, organization, viewer);
    expect([denied.status, denied.body.message]).toEqual([403, 'missing: identity.create']);
    const stranger = await platform.token(platform.user('stranger@example.org'));
    expect((await create({ name: 'ci', claimMatch: literal }, organization, stranger)).status).toBe(404);
    expect((await create({ name: 'ci', claimMatch: literal }, `${organization}/0123456789abcdef`)).status).toBe(404);
    expect((await create({ name: 'ci', claimMatch: literal }, 'example.com')).status).toBe(400);
  });
});

describe('update', () => {
  test('replaces the whole identity', async () => {
    const { body: before } = await create({
      name: 'ci',
      description: 'one',
      claimMatch: { ...literal, audience: 'x' },
    });
    clock.advance(5000);
    const answer = await platform.call(owner, 'PUT', `/iam/v1/identities/${before.id}`, {
      body: { name: 'ci-2', claimMatch: { ...literal, subject: 'other' } },
    });
    expect(answer.body).toEqual({
      ...before,
      name: 'ci-2',
      description: '',
      updatedAt: '2026-03-27T13:55:05.785Z',
      claimMatch: { ...literal, subject: 'other', claims: {}, claimPatterns: {} },
    });
  });

  test('keeps its own name and its passed expiration', async () => {
    const keys = { issuer: 'i', subject: 's', issuerKeys };
    const { body: before } = await create({ name: 'old', static: keys });
    clock.advance(40 * day);
    const fresh = await platform.token(dev);
    const answer = await platform.call(fresh, 'PUT', `/iam/v1/identities/${before.id}`, {
      body: { name: 'old', description: 'kept for the record', static: before.static },
    });
    expect(answer.body.static).toEqual(before.static);
  });

  test('nobody rewrites the proof of an identity that holds more than itself', async () => {
    const { body: keeper } = await platform.call(owner, 'POST', `/iam/v1/roles/${organization}`, {
      body: { name: 'keeper', capabilities: ['identity.list', 'identity.update', 'groups.list'] },
    });
    const helper = await platform.token(platform.user('helper@example.org', [keeper.id, engineering]));
    const { body: identity } = await create({ name: 'ci', claimMatch: literal }, platformFolder);
    const update = (body: object) => platform.call(helper, 'PUT', `/iam/v1/identities/${identity.id}`, { body });
    expect((await update({ name: 'ci', claimMatch: { ...literal, subject: 'mine' } })).status).toBe(200);

    await platform.call(owner, 'POST', `/iam/v1/rolebindings/${organization}`, {
      body: { identity: identity.id, role: builtInRoleId('owner') },
    });
    const takeover = await update({ name: 'ci', claimMatch: { ...literal, subject: 'yours' } });
    expect([takeover.status, takeover.body.code]).toEqual([403, 7]);
    expect((await update({ name: 'renamed', claimMatch: { ...literal, subject: 'mine' } })).status).toBe(200);
  });
});

describe('list and lookup', () => {
  test('shows identities at and below where the caller may list them, and no users', async () => {
    const { body: top } = await create({ name: 'top', claimMatch: literal });
    const { body: deep } = await create({ name: 'deep', claimMatch: literal }, platformFolder);
    const list = async (token: string, query = '') =>
      (await platform.call(token, 'GET', `/iam/v1/identities?${query}`)).body.items.map(({ id }: { id: string }) => id);
    expect(await list(viewer)).toEqual([top.id, deep.id].sort());
    expect(await list(viewer, `uidp.children_of=${organization}`)).toEqual([top.id]);
    expect(await list(viewer, `uidp.descendants_of=${engineering}`)).toEqual([deep.id]);
    expect(await list(viewer, `id=${guest}`)).toEqual([guest]);
    expect(await list(viewer, `id=${dev}`)).toEqual([]);
    const stranger = await platform.token(platform.user('stranger@example.org'));
    expect(await list(stranger)).toEqual([]);
    expect(await list(stranger, `id=${top.id}`)).toEqual([]);
  });

  test('finds a user by what it signs in with', async () => {
    const subject = people.find(({ email }) => email === 'dev@example.com')?.subject ?? '';
    const query = new URLSearchParams({ issuer: developerIssuer, subject });
    const answer = await platform.call(viewer, 'GET', `/iam/v1/identities/lookup?${query}`);
    expect(answer.body).toMatchObject({ id: dev, claimMatch: { issuer: developerIssuer, subject } });
    expect((await platform.call(viewer, 'GET', '/iam/v1/identities/lookup?issuer=x&subject=y')).status).toBe(404);
    expect((await platform.call(viewer, 'GET', '/iam/v1/identities/lookup')).status).toBe(400);
  });
});

describe('delete', () => {
  test('takes the role bindings along and ends the identity’s tokens', async () => {
    const { body: identity } = await create({ name: 'ci', claimMatch: literal });
    await platform.call(owner, 'POST', `/iam/v1/rolebindings/${sandbox}`, {
      body: { identity: identity.id, role: builtInRoleId('viewer') },
    });
    const token = await platform.token(identity.id);
    expect((await platform.call(token, 'GET', '/iam/v1/groups')).body.items).toHaveLength(1);

    const done = await platform.call(owner, 'DELETE', `/iam/v1/identities/${identity.id}`);
    expect([done.status, done.body]).toEqual([200, {}]);
    const bindings = await platform.call(owner, 'GET', `/iam/v1/rolebindings?uidp.children_of=${sandbox}`);
    expect(bindings.body.items).toEqual([]);
    expect((await platform.call(token, 'GET', '/iam/v1/groups')).status).toBe(401);
    expect((await platform.call(owner, 'DELETE', `/iam/v1/identities/${identity.id}`)).status).toBe(404);
  });

  test('a static identity ends by itself', async () => {
    const { body: identity } = await create({ name: 'a', static: { issuer: 'i', subject: 's', issuerKeys } });
    const token = await platform.token(identity.id, { ttlSeconds: 60 * 24 * 3600 });
    expect((await platform.call(token, 'GET', '/auth/v1/ok')).status).toBe(200);
    clock.advance(31 * day);
    expect((await platform.call(token, 'GET', '/auth/v1/ok')).status).toBe(401);
  });

  test('users are not the organization’s to delete', async () => {
    expect((await platform.call(owner, 'DELETE', `/iam/v1/identities/${guest}`)).status).toBe(404);
  });
});
