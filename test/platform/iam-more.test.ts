// Account associations, terms, access requests, identities below no group: the smaller services of iam.v1.

import { SignJWT } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { newKeyPair } from '../../src/key-pairs.ts';
import { builtInRoleId, demoFolders, dev, organization, personId } from '../support/ids.ts';
import { type Answer, startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';

const { engineering, sandbox } = demoFolders;

let clock: TestClock;
let platform: TestPlatform;
let owner: string;

beforeEach(async () => {
  clock = new TestClock();
  platform = await startTestPlatform({ clock });
  owner = await platform.token(dev);
});

const azure = {
  tenantId: '11111111-2222-3333-4444-555555555555',
  clientIds: { canary: '66666666-7777-8888-9999-000000000000' },
};

describe('account associations', () => {
  const path = '/iam/v1/account_associations';
  const put = (method: string, group: string, body: object): Promise<Answer> =>
    platform.call(owner, method, `${path}/${group}`, { body });

  test('are one for each group: made, replaced, listed, deleted', async () => {
    expect((await put('PUT', engineering, { amazon: { account: '123456789012' } })).status).toBe(404);
    const made = await put('POST', engineering, {
      name: 'prod',
      amazon: { account: '123456789012' },
      google: { projectId: 'acme-prod', projectNumber: '424242424242' },
      azure,
      github: { appInstallations: { 12345: { installations: [{ installationId: '67890', name: 'acme' }] } } },
    });
    expect(made.body).toEqual({
      group: engineering,
      amazon: { account: '123456789012' },
      google: { projectId: 'acme-prod', projectNumber: '424242424242' },
      chainguard: null,
      azure,
      name: 'prod',
      description: '',
      github: { appInstallations: { 12345: { installations: [{ installationId: '67890', name: 'acme' }] } } },
    });
    expect((await put('POST', engineering, {})).status).toBe(409);
    const replaced = await put('PUT', engineering, { google: { projectId: 'example.com:prod-1', projectNumber: '1' } });
    expect(replaced.body).toMatchObject({ amazon: null, google: { projectId: 'example.com:prod-1' }, name: '' });
    await put('POST', organization, { name: 'other' });
    const list = async (query: string) =>
      (await platform.call(owner, 'GET', `${path}?${query}`)).body.items.map(({ group }: { group: string }) => group);
    expect(await list('')).toEqual([organization, engineering]);
    expect(await list(`group=${organization}`)).toEqual([organization]);
    expect(await list(`group=${engineering}`)).toEqual([engineering]);
    expect(await list('name=other')).toEqual([organization]);
    expect(await list(`group=${engineering}&name=other`)).toEqual([]);
    expect((await platform.call(owner, 'DELETE', `${path}/${engineering}`)).body).toEqual({});
    expect((await platform.call(owner, 'DELETE', `${path}/${engineering}`)).status).toBe(404);
    expect(platform.events().map(({ type, subject }) => [type.split('.').at(-2), subject])).toEqual([
      ['created', engineering],
      ['updated', engineering],
      ['created', organization],
      ['deleted', engineering],
    ]);
  });

  test.each([
    { projectId: 'a/b', projectNumber: '1' },
    { projectId: 'acme-prod', projectNumber: 'x' },
    { projectId: '', projectNumber: '' },
  ])('take any Google project, as the service does: %o', async (google) => {
    const path = `/iam/v1/groups/${organization}`;
    const { id } = (await platform.call(owner, 'POST', path, { body: { name: 'google' } })).body;
    expect((await put('POST', id, { google })).body.google).toEqual(google);
    const listed = (await platform.call(owner, 'GET', `/iam/v1/account_associations?group=${id}`)).body.items;
    expect(listed).toMatchObject([{ group: id, google }]);
  });

  test.each([
    [{ amazon: { account: '12' } }, 'AWS account ID must match "^[0-9]{12}$"'],
    [{ amazon: {} }, 'AWS account ID must match "^[0-9]{12}$"'],
    [{ azure: { tenantId: '../x' } }, 'azure.tenant_id: "../x" is not a GUID'],
    [{ azure: { ...azure, clientIds: { canary: 'x' } } }, 'azure.client_ids["canary"]: "x" is not a GUID'],
    [
      { chainguard: { serviceBindings: { NOBODY: organization } } },
      'chainguard.service_bindings["NOBODY"] is an unknown service',
    ],
  ])('%o is refused', async (body, message) => {
    const answer = await put('POST', organization, body);
    expect([answer.status, answer.body.message]).toEqual([400, message]);
  });

  test('hand services identities that live there and are for them, which then stay', async () => {
    const identity = async (group: string, servicePrincipal: string) =>
      (
        await platform.call(owner, 'POST', `/iam/v1/identities/${group}`, {
          body: { name: servicePrincipal.toLowerCase().replace('_', '-'), servicePrincipal },
        })
      ).body.id;
    const syncer = await identity(engineering, 'CATALOG_SYNCER');
    const elsewhere = await identity(organization, 'CATALOG_SYNCER');
    const bind = (serviceBindings: object) => put('POST', engineering, { chainguard: { serviceBindings } });
    for (const wrong of [
      { CATALOG_SYNCER: elsewhere },
      { APKO_BUILDER: syncer },
      { CATALOG_SYNCER: `${engineering}/${'0'.repeat(16)}` },
      { CATALOG_SYNCER: dev },
    ]) {
      expect((await bind(wrong)).status).toBe(400);
    }
    expect((await bind({ CATALOG_SYNCER: syncer })).status).toBe(200);
    const gone = await platform.call(owner, 'DELETE', `/iam/v1/identities/${syncer}`);
    expect([gone.status, gone.body.code]).toEqual([400, 9]);
    const changed = await platform.call(owner, 'PUT', `/iam/v1/identities/${syncer}`, {
      body: { name: 'catalog-syncer', servicePrincipal: 'APKO_BUILDER' },
    });
    expect(changed.status).toBe(400);
    await put('PUT', engineering, {});
    expect((await platform.call(owner, 'DELETE', `/iam/v1/identities/${syncer}`)).status).toBe(200);
  });

  test('go with their group', async () => {
    await put('POST', sandbox, { amazon: { account: '123456789012' } });
    expect((await platform.call(owner, 'DELETE', `/iam/v1/groups/${sandbox}`)).status).toBe(200);
    expect((await platform.call(owner, 'GET', path)).body.items).toEqual([]);
  });
});

describe('terms', () => {
  const path = `/iam/v1/terms/${organization}`;
  test('are accepted once and for all', async () => {
    const accept = (documentIds: string[]) => platform.call(owner, 'POST', path, { body: { documentIds } });
    expect((await accept([])).status).toBe(400);
    expect((await accept(['free-beer.v1'])).status).toBe(400);
    const done = await accept(['skills-tos.v1', 'guardener-tos.v1', 'skills-tos.v1']);
    expect(done.body).toEqual({ group: organization, documentIds: ['skills-tos.v1', 'guardener-tos.v1'] });
    clock.advance(1000);
    await accept(['skills-tos.v1']);
    const listed = await platform.call(owner, 'GET', path);
    expect(listed.body.items).toEqual([
      { docId: 'guardener-tos.v1', acceptedBy: dev, acceptedAt: '2026-03-27T13:55:00.785Z' },
      { docId: 'skills-tos.v1', acceptedBy: dev, acceptedAt: '2026-03-27T13:55:00.785Z' },
    ]);
    expect(platform.events()[0]).toEqual({ type: 'dev.chainguard.api.iam.terms.accepted.v1', subject: organization });
  });
});

describe('the organization of one’s e-mail domain', () => {
  const lookup = (token: string) => platform.call(token, 'GET', '/iam/v1/groups:lookupGroup');
  const eligible = async (token: string) =>
    (await platform.call(token, 'GET', '/iam/v1/groups:checkEligibility')).body.eligible;
  const request = (token: string, group: string) =>
    platform.call(token, 'POST', `/iam/v1/groups/${group}:requestGroupAccess`, { body: {} });

  test('is found for a verified address, and access asked for once a day', async () => {
    // dev@example.com belongs to the organization example.com.
    expect(await eligible(owner)).toBe(true);
    expect((await lookup(owner)).body.group).toMatchObject({ id: organization, name: 'example.com' });
    expect((await request(owner, engineering)).status).toBe(404);
    expect((await request(owner, organization)).body).toEqual({});
    const again = await request(owner, organization);
    expect([again.status, again.body.code]).toEqual([429, 8]);
    clock.advance(24 * 3600_000);
    expect((await request(await platform.token(dev), organization)).status).toBe(200);
    const empty = await platform.call(await platform.token(dev), 'POST', '/iam/v1/groups/:requestGroupAccess', {
      body: {},
    });
    expect(empty.status).not.toBe(200);
  });

  test('is never told to anybody else, and why is not either', async () => {
    const refusals = [
      // No address in the token, one of no organization, one that everybody can have, an identity that is no user.
      await platform.token(platform.user('kim@example.com')),
      await platform.token(platform.user('kim@nowhere.example')),
    ];
    for (const token of refusals) {
      const answer = await lookup(token);
      expect([answer.status, answer.body.message]).toEqual([
        404,
        'no organization was found for the e-mail domain of the caller',
      ]);
      expect((await request(token, organization)).body).toEqual(answer.body);
    }
    platform.store.transact((tx) => tx.run('UPDATE identities SET email_verified = 0 WHERE id = ?', dev));
    expect([await eligible(owner), (await lookup(owner)).status]).toEqual([false, 404]);
    platform.store.transact((tx) =>
      tx.run("UPDATE identities SET email_verified = 1, email = 'dev@gmail.com' WHERE id = ?", dev),
    );
    expect(await eligible(owner)).toBe(false);
  });
});

describe('identities below no group', () => {
  const create = (body: object, token = owner) => platform.call(token, 'POST', '/iam/v1/identities', { body });

  test('a user for a pair that will sign in', async () => {
    const made = await create({ issuer: 'https://login.example', subject: 'kim' });
    expect(made.body).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{40}$/), subject: 'kim', issuerKeys: '' });
    const found = await platform.call(
      owner,
      'GET',
      '/iam/v1/identities/lookup?issuer=https://login.example&subject=kim',
    );
    expect(found.body.id).toBe(made.body.id);
    expect((await create({ issuer: 'https://login.example', subject: 'kim' })).status).toBe(409);
    expect((await create({ issuer: 'https://login.example' })).status).toBe(400);
    expect((await create({ issuer: 'nonsense', subject: 'kim' })).status).toBe(400);
    const viewer = await platform.token(personId('guest@example.com'));
    expect((await create({ issuer: 'https://login.example', subject: 'lee' }, viewer)).status).toBe(403);
  });

  test('keys of one’s own never stand in for somebody’s login', async () => {
    const issuerKeys = JSON.stringify({ keys: [newKeyPair('P-256').publicKey.export({ format: 'jwk' })] });
    const made = await create({ issuer: 'https://login.example', subject: 'victim', issuerKeys });
    expect(made.body).toMatchObject({ expiration: '2026-04-26T13:55:00.785Z' });
    const found = await platform.call(
      owner,
      'GET',
      '/iam/v1/identities/lookup?issuer=https://login.example&subject=victim',
    );
    expect(found.status).toBe(404);
    const long = await create({
      issuer: 'https://a.example',
      subject: 'b',
      issuerKeys,
      expiration: '2026-05-30T00:00:00Z',
    });
    expect(long.status).toBe(400);
  });

  test('keys of one’s own are no account: what they say of themselves proves nothing, and they own nothing', async () => {
    const { privateKey, publicKey } = newKeyPair('P-256');
    const made = await create({
      issuer: 'https://accounts.google.com',
      subject: 'boss',
      issuerKeys: JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] }),
    });
    const now = Math.floor(clock.now() / 1000);
    const bearer = await new SignJWT({ email: 'boss@example.com', email_verified: true })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer('https://accounts.google.com')
      .setSubject('boss')
      .setAudience(platform.urls.issuer)
      .setIssuedAt(now)
      .setExpirationTime(now + 600)
      .sign(privateKey);
    const query = new URLSearchParams({ aud: platform.urls.api, identity: made.body.id });
    const { token } = (await platform.call(bearer, 'POST', `/sts/exchange?${query}`)).body;
    expect((await platform.call(token, 'GET', '/auth/v1/ok')).body.subject).toBe(made.body.id);

    expect((await platform.call(token, 'GET', '/iam/v1/groups:checkEligibility')).body.eligible).toBe(false);
    expect((await platform.call(token, 'GET', '/iam/v1/groups:lookupGroup')).status).toBe(404);
    expect((await platform.call(token, 'POST', '/iam/v1/groups', { body: { name: 'short-lived' } })).status).toBe(403);
    await platform.call(owner, 'POST', `/iam/v1/rolebindings/${sandbox}`, {
      body: { identity: made.body.id, role: builtInRoleId('viewer') },
    });
    const bindings = await platform.call(owner, 'GET', `/iam/v1/rolebindings?uidp.children_of=${sandbox}`);
    const [own] = bindings.body.items.filter(({ identity }: { identity: string }) => identity === made.body.id);
    expect([own.email, own.emailUnverified]).toEqual(['', '']);
  });

  test('a user tells of itself; what is left out stays', async () => {
    const patch = async (body: object) =>
      (await platform.call(owner, 'PATCH', '/iam/v1/identities/metadata', { body })).body;
    expect(
      await patch({ onboardingQuestions: { companyName: 'Acme' }, updatesOptIn: true, name: 'ignored' }),
    ).toMatchObject({
      name: 'Dev Example',
      updatesOptIn: true,
      onboardingQuestions: { companyName: 'Acme' },
    });
    expect(await patch({ onboardingQuestions: { jobTitle: 'Engineer' } })).toMatchObject({
      updatesOptIn: true,
      onboardingQuestions: { companyName: 'Acme', jobTitle: 'Engineer' },
    });
    expect((await patch({ updatesOptIn: false })).updatesOptIn).toBe(false);
    const event = platform.store.read((tx) => tx.get('SELECT * FROM outbox'));
    expect([event?.['audience'], event?.['subject'], event?.['group_id']]).toEqual(['internal', '', '']);
  });
});

test('who deletes its account takes along all that was its own, but never the last owner of an organization', async () => {
  const refused = await platform.call(owner, 'DELETE', `/auth/v1/delete/${dev}`);
  expect([refused.status, refused.body.message]).toEqual([400, expect.stringContaining('last owner')]);

  const user = platform.user('leaver@example.com', ['viewer', organization], ['owner', engineering]);
  const token = await platform.token(user, { email: 'leaver@example.com' });
  await platform.call(token, 'POST', `/iam/v1/groups/${organization}:requestGroupAccess`, { body: {} });
  await platform.call(token, 'PATCH', '/iam/v1/identities/metadata', { body: { updatesOptIn: true } });
  await platform.call(token, 'POST', `/iam/v1/terms/${engineering}`, { body: { documentIds: ['sfdpa.v1'] } });
  const tables = [
    'role_bindings',
    'access_requests',
    'identity_metadata',
    'refresh_tokens',
    'identity_provider_logins',
  ];
  const own = () =>
    platform.store.read((tx) =>
      tables.map((table) => Number(tx.get(`SELECT COUNT(*) AS n FROM ${table} WHERE identity = ?`, user)?.['n'])),
    );
  expect(own().slice(0, 3)).toEqual([2, 1, 1]);
  expect((await platform.call(token, 'DELETE', `/auth/v1/delete/${user}`)).body).toEqual({});
  expect(own()).toEqual([0, 0, 0, 0, 0]);
  expect((await platform.call(token, 'GET', '/iam/v1/groups')).status).toBe(401);
  // Who accepted terms is remembered.
  const terms = await platform.call(owner, 'GET', `/iam/v1/terms/${engineering}`);
  expect(terms.body.items).toMatchObject([{ acceptedBy: user }]);
});
