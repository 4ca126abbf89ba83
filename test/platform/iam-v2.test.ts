// The newer names of what iam.v1 does too (semantics 10): paging, masks and answers of their own over the same records.

import { beforeEach, describe, expect, test } from 'vitest';
import { operations } from '../../src/api/schema/operations.gen.ts';
import { handlers } from '../../src/local/iam/v2/handlers.ts';
import { builtInRoleId, demoFolders, dev, guest, organization } from '../support/ids.ts';
import { callsOf, startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';

const { engineering, platform: platformFolder, sandbox } = demoFolders;
const now = '2026-03-27T13:55:00.785Z';
const claimMatch = { issuer: 'https://issuer.example', subject: 's' };

let clock: TestClock;
let platform: TestPlatform;
let owner: string;

beforeEach(async () => {
  clock = new TestClock();
  platform = await startTestPlatform({ clock });
  owner = await platform.token(dev);
});

const { call, ok } = callsOf(() => ({ platform, token: owner }));

const errorInfo = (reason: string) => ({
  '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
  reason,
  domain: 'iam.chainguard.dev',
});

test('every operation of iam.v2 is the same function as that of iam.v2beta1', () => {
  const table: Readonly<Record<string, unknown>> = handlers;
  const ids = Object.keys(operations).filter((id) => id.startsWith('iam.v2.') && table[id] !== undefined);
  expect(ids.length).toBeGreaterThan(20);
  for (const id of ids) expect(table[id.replace('.v2.', '.v2beta1.')]).toBe(table[id]);
});

describe.each(['v2', 'v2beta1'])('groups in %s', (version) => {
  const groups = `/iam/${version}/groups`;

  test('are made, read, changed and deleted', async () => {
    const made = await ok('POST', `${groups}/${engineering}`, { name: 'tools', description: 'What we build with' });
    const expected = {
      uid: expect.stringMatching(new RegExp(`^${engineering}/[0-9a-f]{16}$`)),
      name: 'tools',
      description: 'What we build with',
      resourceLimits: {},
      verified: false,
      createTime: now,
      updateTime: now,
      // Those of the organization.
      kind: 'ORG_KIND_CUSTOMER',
      status: 'ORG_STATUS_READY',
    };
    expect(made).toEqual(expected);
    expect(await ok('GET', `${groups}/${made.uid}`)).toEqual(made);
    clock.advance(1000);
    const changed = await ok('PATCH', `${groups}/${made.uid}`, { name: 'kit' });
    expect(changed).toEqual({ ...made, name: 'kit', updateTime: '2026-03-27T13:55:01.785Z' });
    expect(await ok('DELETE', `${groups}/${made.uid}`)).toEqual({});
    const gone = await call('GET', `${groups}/${made.uid}`);
    expect([gone.status, gone.body]).toEqual([
      404,
      { code: 5, message: `${made.uid} not found`, details: [errorInfo('NOT_FOUND')] },
    ]);
    expect(platform.events().map(({ type }) => type)).toEqual([
      'dev.chainguard.api.iam.group.created.v1',
      'dev.chainguard.api.iam.group.updated.v1',
      'dev.chainguard.api.iam.group.deleted.v1',
    ]);
  });

  test('raise the events of v1, with bodies of their own', async () => {
    const { uid } = await ok('POST', `${groups}/${engineering}`, { name: 'tools' });
    const [row] = platform.store.read((tx) => tx.all('SELECT source, subject, group_id, extensions, body FROM outbox'));
    expect(row).toEqual({
      source: `${platform.urls.api}/iam/${version}/groups`,
      subject: uid,
      group_id: uid,
      extensions: JSON.stringify({ bodytype: `chainguard.platform.iam.${version}.Group`, group: uid }),
      body: JSON.stringify({
        uid,
        name: 'tools',
        createTime: now,
        updateTime: now,
        kind: 'ORG_KIND_CUSTOMER',
        status: 'ORG_STATUS_READY',
      }),
    });
  });

  test('change only what the mask names', async () => {
    const made = await ok('POST', `${groups}/${engineering}`, { name: 'tools', description: 'old' });
    const path = `${groups}/${made.uid}`;
    // A mask wins over the keys of the body.
    expect(await ok('PATCH', `${path}?update_mask=description`, { name: 'x', description: 'new' })).toMatchObject({
      name: 'tools',
      description: 'new',
    });
    // Without one, a key counts although it is empty.
    expect(await ok('PATCH', path, { description: '' })).toMatchObject({ name: 'tools', description: '' });
    // `*` replaces all, and what is not given is cleared.
    await ok('PATCH', path, { description: 'again' });
    const all = { name: 'kit', kind: 'ORG_KIND_CUSTOMER', status: 'ORG_STATUS_READY' };
    expect(await ok('PATCH', `${path}?update_mask=*`, all)).toMatchObject({ ...all, description: '' });
    expect((await call('PATCH', `${path}?update_mask=*`, { name: 'kit' })).body.message).toMatch(/^kind is not/);
    // As read, so it may be written back.
    const read = await ok('GET', path);
    expect(await ok('PATCH', path, { ...read, description: 'more' })).toEqual({ ...read, description: 'more' });
    for (const mask of ['nonsense', 'name.first', 'name,*']) {
      const refused = await call('PATCH', `${path}?update_mask=${mask}`, { name: 'x' });
      expect([mask, refused.status, refused.body.details[0]]).toEqual([mask, 400, errorInfo('INVALID_ARGUMENT')]);
    }
  });

  test('keep what only staff may change', async () => {
    const before = await ok('GET', `${groups}/${organization}`);
    expect(before).toMatchObject({ verified: true, kind: 'ORG_KIND_CUSTOMER', status: 'ORG_STATUS_READY' });
    for (const body of [{ verified: false }, { kind: 'ORG_KIND_INFRA' }]) {
      const refused = await call('PATCH', `${groups}/${organization}`, body);
      expect([refused.status, refused.body.code]).toEqual([403, 7]);
    }
    const count = Number((await ok('GET', groups)).totalCount);
    for (const body of [{ verified: true }, { kind: 'ORG_KIND_INFRA' }]) {
      const refused = await call('POST', `${groups}/${organization}`, { name: 'x', ...body });
      expect([refused.status, refused.body.message]).toEqual([403, expect.stringMatching(/^(verified|kind) is not/)]);
    }
    expect(Number((await ok('GET', groups)).totalCount)).toBe(count);
    // What the Terraform provider sends.
    const mask = 'update_mask=name,description,verified';
    const same = { name: before.name, description: 'x', verified: true };
    expect(await ok('PATCH', `${groups}/${organization}?${mask}`, same)).toEqual({ ...before, description: 'x' });
  });

  test('say of a failure why, and of a bad field which', async () => {
    const bad = await call('POST', `${groups}/${engineering}`, { name: 'Upper' });
    expect([bad.status, bad.body]).toEqual([
      400,
      {
        code: 3,
        message: 'Invalid argument: name: must match "^[a-z0-9 ._-]{1,}$"',
        details: [
          errorInfo('INVALID_ARGUMENT'),
          {
            '@type': 'type.googleapis.com/google.rpc.BadRequest',
            fieldViolations: [{ field: 'name', description: 'must match "^[a-z0-9 ._-]{1,}$"' }],
          },
        ],
      },
    ]);
    const full = await call('DELETE', `${groups}/${engineering}`);
    expect([full.status, full.body.code]).toEqual([400, 9]);
    expect(full.body.message).toMatch(/^Precondition failed: group .* is not empty/);
    expect(full.body.details).toMatchObject([
      errorInfo('FAILED_PRECONDITION'),
      { violations: [{ type: 'RESOURCE_NOT_EMPTY', subject: engineering }] },
    ]);
    const denied = await platform.call(await platform.token(guest), 'DELETE', `${groups}/${sandbox}`);
    expect([denied.status, denied.body]).toEqual([
      403,
      { code: 7, message: 'missing: groups.delete', details: [errorInfo('PERMISSION_DENIED')] },
    ]);
  });

  test('find the organization of the caller and ask to be let in', async () => {
    const [{ uid, name }] = (await ok('GET', `${groups}?uidp.in_root=true`)).groups;
    const stranger = await platform.token(platform.user(`new@${name}`), { email: `new@${name}` });
    const asStranger = (method: string, path: string) =>
      platform.call(stranger, method, `${groups}${path}`, method === 'POST' ? { body: {} } : {});
    expect((await asStranger('GET', ':checkEligibility')).body).toEqual({ eligible: true });
    expect((await asStranger('GET', ':lookupGroup')).body.group).toMatchObject({ uid, name, verified: true });
    expect((await asStranger('POST', `/${uid}:requestGroupAccess`)).status).toBe(200);
    expect((await asStranger('POST', `/${uid}:requestGroupAccess`)).status).toBe(429);
  });
});

describe('lists', () => {
  const names = Array.from({ length: 7 }, (_, index) => `team-${index}`);
  const groups = '/iam/v2beta1/groups';

  async function makeTeams(): Promise<string[]> {
    const ids: string[] = [];
    for (const name of names.toReversed()) {
      clock.advance(1000);
      ids.push((await ok('POST', `${groups}/${sandbox}`, { name })).uid);
    }
    return ids;
  }

  /** Every page of a list, as a client reads it. */
  async function pages(query: string): Promise<{ names: string[]; skipped: number }[]> {
    const found: { names: string[]; skipped: number }[] = [];
    let token = '';
    do {
      const page = await ok('GET', `${groups}?${query}&page_token=${token}`);
      found.push({ names: page.groups.map(({ name }: { name: string }) => name), skipped: page.skipped });
      token = page.nextPageToken;
    } while (token !== '');
    return found;
  }

  test('come in pages that together are the list, in the order that is asked for', async () => {
    const ids = await makeTeams();
    const children = `uidp.children_of=${sandbox}`;
    const whole = await ok('GET', `${groups}?${children}`);
    expect(whole.groups.map(({ uid }: { uid: string }) => uid)).toEqual([...ids].sort());
    expect(whole).toMatchObject({ totalCount: '7', nextPageToken: '', skipped: 0 });
    expect(await pages(`${children}&page_size=3&order_by=name`)).toEqual([
      { names: names.slice(0, 3), skipped: 0 },
      { names: names.slice(3, 6), skipped: 0 },
      { names: names.slice(6), skipped: 0 },
    ]);
    const backwards = names.toReversed();
    expect(await pages(`${children}&page_size=4&order_by=name%20desc`)).toMatchObject([
      { names: backwards.slice(0, 4) },
      { names: backwards.slice(4) },
    ]);
    expect(await pages(`${children}&page_size=7&order_by=created_at+asc`)).toMatchObject([{ names: backwards }]);
    expect((await pages(`${children}&page_size=2&order_by=name&skip=1`)).map(({ skipped }) => skipped)).toEqual([
      1, 2, 3,
    ]);
  });

  test('go on where they were although things come and go meanwhile', async () => {
    const ids = (await makeTeams()).sort();
    const query = `uidp.children_of=${sandbox}&page_size=3`;
    const first = await ok('GET', `${groups}?${query}`);
    await ok('DELETE', `${groups}/${ids[0]}`);
    await ok('DELETE', `${groups}/${ids[2]}`);
    const second = await ok('GET', `${groups}?${query}&page_token=${first.nextPageToken}`);
    expect(second.groups.map(({ uid }: { uid: string }) => uid)).toEqual(ids.slice(3, 6));
    expect(second.totalCount).toBe('5');
  });

  test('start over with a token that is nonsense, of another order, or three days old', async () => {
    await makeTeams();
    const query = `uidp.children_of=${sandbox}&page_size=3`;
    const first = await ok('GET', `${groups}?${query}`);
    const again = async (token: string, more = '') =>
      (await ok('GET', `${groups}?${query}&page_token=${token}${more}`)).groups.map(
        ({ name }: { name: string }) => name,
      );
    const names = first.groups.map(({ name }: { name: string }) => name);
    expect(await again('nonsense')).toEqual(names);
    expect(await again(btoa('null'))).toEqual(names);
    expect(await again(first.nextPageToken, '&order_by=name')).toEqual(['team-0', 'team-1', 'team-2']);
    expect(await again(first.nextPageToken)).not.toEqual(names);
    clock.advance(3 * 24 * 3600_000 + 1);
    owner = await platform.token(dev);
    expect(await again(first.nextPageToken)).toEqual(names);
  });

  test.each(['1e999', '1.5', '-5', '4294967296', '"3"'])(
    'a token with a count of %s is nonsense too',
    async (count) => {
      const names = await makeTeams();
      const forged = btoa(`{"last":["",""],"skipped":${count},"order":"uid asc","madeAt":${clock.now()}}`);
      const page = await ok('GET', `${groups}?uidp.children_of=${sandbox}&page_token=${encodeURIComponent(forged)}`);
      expect(page.groups).toHaveLength(names.length);
      expect(page.skipped).toBe(0);
    },
  );

  test('what was skipped is counted as far as its field goes', async () => {
    await makeTeams();
    const most = 2 ** 31 - 1;
    const token = btoa(JSON.stringify({ last: ['', ''], skipped: most, order: 'uid asc', madeAt: clock.now() }));
    const query = `uidp.children_of=${sandbox}&page_size=3&skip=2&page_token=${encodeURIComponent(token)}`;
    expect(await ok('GET', `${groups}?${query}`)).toMatchObject({ skipped: most, groups: { length: 3 } });
  });

  test.each([
    ['page_size=-1', 'Invalid argument: page_size: must not be negative'],
    ['skip=-1', 'Invalid argument: skip: must not be negative'],
    [
      'order_by=color',
      'Invalid argument: order_by: "color" is not one of uid, name, created_at, updated_at, with or without asc or desc',
    ],
    ['uidp.children_of=x', 'Invalid argument: uidp.children_of: "x" is not a UIDP'],
  ])('refuse %s', async (query, message) => {
    const answer = await call('GET', `${groups}?${query}`);
    expect([answer.status, answer.body.message]).toEqual([400, message]);
  });

  test('hold no more than 200, and 50 unless more are asked for', async () => {
    platform.store.transact((tx) => {
      for (let index = 0; index < 230; index += 1) {
        const id = `${sandbox}/${String(index).padStart(16, '0')}`;
        tx.run(
          'INSERT INTO groups (id, parent, name, created_at, updated_at) VALUES (?, ?, ?, 0, 0)',
          id,
          sandbox,
          `g${index}`,
        );
      }
    });
    const count = async (query: string) => (await ok('GET', `${groups}?${query}`)).groups.length;
    expect([await count(''), await count('page_size=120'), await count('page_size=1000')]).toEqual([50, 120, 200]);
  });

  test('narrow as those of v1 do', async () => {
    const uids = async (query: string) =>
      (await ok('GET', `${groups}?${query}`)).groups.map(({ uid }: { uid: string }) => uid);
    expect(await uids('name=platform')).toEqual([platformFolder]);
    expect(await uids(`uidp.ancestors_of=${platformFolder}`)).toEqual([organization, engineering].sort());
    expect(await uids(`uidp.ids=${sandbox}`)).toEqual([sandbox]);
  });
});

describe.each(['v2', 'v2beta1'])('roles in %s', (version) => {
  const roles = `/iam/${version}/roles`;

  test('are made, read, changed and deleted, with capabilities by their enum names', async () => {
    const capabilities = ['CAP_REPO_LIST', 'CAP_IAM_GROUPS_LIST'];
    const made = await ok('POST', `${roles}/${organization}`, { name: 'puller', capabilities });
    expect(made).toEqual({
      uid: expect.stringMatching(new RegExp(`^${organization}/[0-9a-f]{16}$`)),
      name: 'puller',
      description: '',
      capabilities: ['CAP_IAM_GROUPS_LIST', 'CAP_REPO_LIST'],
      createTime: now,
      updateTime: now,
    });
    expect(await ok('GET', `${roles}/${made.uid}`)).toEqual(made);
    // What is not named stays, the capabilities too.
    expect(await ok('PATCH', `${roles}/${made.uid}`, { description: 'pulls' })).toMatchObject({
      capabilities: made.capabilities,
      description: 'pulls',
    });
    const mask = 'update_mask=*';
    expect(
      await ok('PATCH', `${roles}/${made.uid}?${mask}`, { name: 'puller', capabilities: ['CAP_REPO_LIST'] }),
    ).toMatchObject({ description: '', capabilities: ['CAP_REPO_LIST'] });
    expect(await ok('DELETE', `${roles}/${made.uid}`)).toEqual({});
    expect((await call('GET', `${roles}/${made.uid}`)).status).toBe(404);
    expect((await call('DELETE', `${roles}/${made.uid}`)).status).toBe(404);
  });

  test('built-in ones are everybody’s to see and nobody’s to change', async () => {
    const stranger = await platform.token(platform.user('stranger@example.org'));
    const viewer = builtInRoleId('viewer');
    const seen = await platform.call(stranger, 'GET', `${roles}/${viewer}`);
    expect(seen.body).toMatchObject({ uid: viewer, name: 'viewer' });
    expect(seen.body.capabilities).toContain('CAP_IAM_GROUPS_LIST');
    const listed = await platform.call(stranger, 'GET', `${roles}?name=viewer`);
    expect(listed.body).toMatchObject({ roles: [{ uid: viewer }], totalCount: '1' });
    expect((await call('DELETE', `${roles}/${viewer}`)).status).toBe(403);
    const custom = await ok('POST', `${roles}/${organization}`, { name: 'x', capabilities: ['CAP_REPO_LIST'] });
    expect((await platform.call(stranger, 'GET', `${roles}/${custom.uid}`)).status).toBe(404);
  });

  test('refuse no capabilities, unknown ones and internal ones', async () => {
    const create = (body: object) => call('POST', `${roles}/${organization}`, { name: 'x', ...body });
    for (const [body, message] of [
      [{}, 'Invalid argument: capabilities: is required'],
      [{ capabilities: ['UNKNOWN'] }, 'Invalid argument: capabilities: "UNKNOWN" is not a capability'],
    ] as const) {
      const answer = await create(body);
      expect([answer.status, answer.body.message]).toEqual([400, message]);
    }
    expect((await create({ capabilities: ['CAP_NO_SUCH'] })).status).toBe(400);
    expect((await create({ capabilities: ['groups.list'] })).status).toBe(400);
  });
});

describe.each(['v2', 'v2beta1'])('identities in %s', (version) => {
  const identities = `/iam/${version}/identities`;
  const issuerKeys = JSON.stringify({
    keys: [
      {
        kty: 'EC',
        crv: 'P-256',
        x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
        y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
      },
    ],
  });
  const bare = { description: '', email: '', emailUnverified: '', company: '', lastSeenTime: null };

  test('are made, read, changed and deleted', async () => {
    const made = await ok('POST', `${identities}/${engineering}`, { name: 'ci-bot', company: 'Acme', claimMatch });
    expect(made).toEqual({
      ...bare,
      uid: expect.stringMatching(new RegExp(`^${engineering}/[0-9a-f]{16}$`)),
      name: 'ci-bot',
      company: 'Acme',
      createTime: now,
      updateTime: now,
      claimMatch: { ...claimMatch, claims: {}, claimPatterns: {} },
    });
    expect(await ok('GET', `${identities}/${made.uid}`)).toEqual(made);
    const renamed = await ok('PATCH', `${identities}/${made.uid}`, { name: 'robot' });
    expect(renamed).toEqual({ ...made, name: 'robot' });
    expect(await ok('DELETE', `${identities}/${made.uid}`)).toEqual({});
    expect((await call('GET', `${identities}/${made.uid}`)).status).toBe(404);
  });

  test('masks reach into how an identity is proved, and put one way in the place of another', async () => {
    const made = await ok('POST', `${identities}/${engineering}`, {
      name: 'ci-bot',
      claimMatch: { ...claimMatch, audience: 'a', claims: { env: 'prod' } },
    });
    const path = `${identities}/${made.uid}`;
    const patched = async (body: object, mask = '') => {
      const { name, claimMatch, staticKeys, servicePrincipal, awsIdentity } = await ok('PATCH', `${path}${mask}`, body);
      return { name, claimMatch, staticKeys, servicePrincipal, awsIdentity };
    };
    const nothing = {
      claimMatch: undefined,
      staticKeys: undefined,
      servicePrincipal: undefined,
      awsIdentity: undefined,
    };
    const rest = { ...nothing, name: 'ci-bot' };
    // One leaf, and a pattern in the place of its literal.
    const pattern = { issuer: claimMatch.issuer, subjectPattern: 'x.*', audience: 'a', claimPatterns: {} };
    expect(await patched({ claimMatch: { subjectPattern: 'x.*' } })).toEqual({
      ...rest,
      claimMatch: { ...pattern, claims: { env: 'prod' } },
    });
    // Maps go whole; a leaf without a value is cleared.
    expect(
      await patched(
        { claimMatch: { claims: { ref: 'main' } } },
        '?update_mask=claim_match.claims,claim_match.audience',
      ),
    ).toEqual({
      ...rest,
      claimMatch: { issuer: claimMatch.issuer, subjectPattern: 'x.*', claims: { ref: 'main' }, claimPatterns: {} },
    });
    expect(await patched({ servicePrincipal: 'SERVICE_PRINCIPAL_CATALOG_SYNCER' })).toEqual({
      ...rest,
      servicePrincipal: 'SERVICE_PRINCIPAL_CATALOG_SYNCER',
    });
    const awsIdentity = { awsAccount: '123456789012', arn: 'arn:aws:iam::123456789012:role/r', userIdPattern: '^A' };
    expect(await patched({ name: 'aws', awsIdentity }, '?update_mask=*')).toEqual({
      ...nothing,
      name: 'aws',
      awsIdentity,
    });
    const unproved = await call('PATCH', `${path}?update_mask=aws_identity`, {});
    expect([unproved.status, unproved.body.message]).toEqual([
      400,
      'Invalid argument: identity: needs exactly one of claim_match, static_keys, service_principal, aws_identity',
    ]);
  });

  test('static keys last a year unless they say otherwise', async () => {
    const keys = { issuer: 'https://issuer.example', subject: 's', issuerKeys };
    const made = await ok('POST', `${identities}/${engineering}`, { name: 'k8s', staticKeys: keys });
    expect(made.staticKeys).toEqual({ ...keys, expirationTime: '2027-03-27T13:55:00.785Z', audiences: [] });
    const later = { staticKeys: { expirationTime: '2026-04-01T00:00:00Z' } };
    expect((await ok('PATCH', `${identities}/${made.uid}`, later)).staticKeys).toEqual({
      ...keys,
      expirationTime: '2026-04-01T00:00:00Z',
      audiences: [],
    });
    const tooLong = { staticKeys: { expirationTime: '2030-01-01T00:00:00Z' } };
    const refused = await call('PATCH', `${identities}/${made.uid}`, tooLong);
    expect(refused.body.message).toBe('Invalid argument: static_keys.expiration_time: is more than 365 days away');
  });

  test('how one is proved is changed only by whoever holds what it does', async () => {
    const { uid } = await ok('POST', `${identities}/${engineering}`, { name: 'strong', claimMatch });
    await ok('POST', `/iam/${version}/roleBindings/${engineering}`, {
      identityUid: uid,
      roleUid: builtInRoleId('owner'),
    });
    const clerkRole = await ok('POST', `/iam/${version}/roles/${organization}`, {
      name: 'clerk',
      capabilities: ['CAP_IAM_IDENTITY_UPDATE', 'CAP_IAM_IDENTITY_LIST'],
    });
    const clerk = await platform.token(platform.user('clerk@example.com', [clerkRole.uid, organization]));
    const patch = (body: object) => platform.call(clerk, 'PATCH', `${identities}/${uid}`, { body });
    expect((await patch({ description: 'x' })).body).toMatchObject({ description: 'x', claimMatch });
    const taken = await patch({ claimMatch: { subject: 'me' } });
    expect([taken.status, taken.body.code]).toEqual([403, 7]);
    expect((await ok('GET', `${identities}/${uid}`)).claimMatch).toMatchObject(claimMatch);
  });

  test('are listed by kind and name; users are not', async () => {
    await ok('POST', `${identities}/${engineering}`, { name: 'one', claimMatch });
    await ok('POST', `${identities}/${sandbox}`, { name: 'two', servicePrincipal: 'SERVICE_PRINCIPAL_INGESTER' });
    const listed = async (query: string) =>
      (await ok('GET', `${identities}?uidp.descendants_of=${organization}&${query}`)).identities.map(
        ({ name }: { name: string }) => name,
      );
    expect(await listed('name=two')).toEqual(['two']);
    expect(await listed('relationship_type=RELATIONSHIP_TYPE_SERVICE_PRINCIPAL')).toEqual(['two']);
    expect(await listed('relationshipType=RELATIONSHIP_TYPE_STATIC')).toEqual([]);
    expect((await listed('order_by=name')).slice(-2)).toEqual(['one', 'two']);
    expect((await ok('GET', `${identities}?uidp.in_root=true`)).identities).toEqual([]);
  });

  test('a login is known by its id before it has one', async () => {
    const lookup = async (query: string) => call('GET', `${identities}:lookupIdentity?${query}`);
    const known = platform.store.read((tx) => tx.get('SELECT issuer, subject FROM identities WHERE id = ?', dev));
    const found = await lookup(`issuer=${known?.['issuer']}&subject=${encodeURIComponent(String(known?.['subject']))}`);
    expect(found.body).toEqual({ uid: dev });
    const issuer = 'https://issuer.example';
    const foretold = (await lookup(`issuer=${issuer}&subject=nobody-yet`)).body.uid;
    expect(foretold).toMatch(/^[0-9a-f]{40}$/);
    expect((await lookup(`issuer=${issuer}&subject=somebody-else`)).body.uid).not.toBe(foretold);
    const made = await ok('POST', '/iam/v1/identities', { issuer, subject: 'nobody-yet' });
    expect(made.id).toBe(foretold);
    expect((await lookup(`issuer=${issuer}&subject=nobody-yet`)).body.uid).toBe(foretold);
    expect((await lookup('subject=x')).body.message).toBe('Invalid argument: issuer: is required');
  });

  test('a user tells of itself bit by bit', async () => {
    const tell = (body: object) => ok('PATCH', `${identities}:updateIdentityMetadata`, body);
    expect(await tell({ identityMetadata: { company: 'Acme', updatesOptIn: true } })).toMatchObject({
      uid: dev,
      company: 'Acme',
      updatesOptIn: true,
    });
    expect(await tell({ identityMetadata: { product: 'images' } })).toMatchObject({
      company: 'Acme',
      product: 'images',
      updatesOptIn: true,
    });
    expect(await tell({ identityMetadata: {}, updateMask: 'company,updatesOptIn' })).toMatchObject({
      company: '',
      product: 'images',
      updatesOptIn: false,
    });
    expect(platform.events().map(({ subject }) => subject)).toEqual([dev, dev, dev]);
  });
});

describe.each(['v2', 'v2beta1'])('role bindings in %s', (version) => {
  const bindings = `/iam/${version}/roleBindings`;
  const viewer = builtInRoleId('viewer');
  const editor = builtInRoleId('editor');

  test('are made, read, changed and deleted, and say who and what by name', async () => {
    const robot = await ok('POST', `/iam/${version}/identities/${engineering}`, { name: 'ci-bot', claimMatch });
    const made = await ok('POST', `${bindings}/${engineering}`, { identityUid: robot.uid, roleUid: viewer });
    expect(made).toEqual({
      uid: expect.stringMatching(new RegExp(`^${engineering}/[0-9a-f]{16}$`)),
      identity: { uid: robot.uid, name: 'ci-bot', description: '', email: '', ...claimMatch },
      group: { uid: engineering, name: 'engineering', description: expect.any(String) },
      role: { uid: viewer, name: 'viewer', description: expect.any(String) },
      createTime: now,
      identityUid: robot.uid,
      roleUid: viewer,
    });
    expect(await ok('GET', `${bindings}/${made.uid}`)).toEqual(made);
    const changed = await ok('PATCH', `${bindings}/${made.uid}`, { roleUid: editor });
    expect(changed).toMatchObject({ identityUid: robot.uid, roleUid: editor, role: { name: 'editor' } });
    const replaced = { identityUid: robot.uid, roleUid: viewer };
    expect(await ok('PATCH', `${bindings}/${made.uid}?update_mask=*`, replaced)).toEqual(made);
    const half = await call('PATCH', `${bindings}/${made.uid}?update_mask=*`, { roleUid: viewer });
    expect([half.status, half.body.message]).toEqual([400, 'Invalid argument: identity_uid: is required']);
    const before = platform.events().length;
    expect(await ok('DELETE', `${bindings}/${made.uid}`)).toEqual({});
    // Deleting once more is fine, and no news.
    expect(await ok('DELETE', `${bindings}/${made.uid}`)).toEqual({});
    expect(platform.events()).toHaveLength(before + 1);
    expect((await call('GET', `${bindings}/${made.uid}`)).status).toBe(404);
  });

  test('of users show the address and not the login', async () => {
    const { roleBindings } = await ok('GET', `${bindings}?identity=${guest}`);
    expect(roleBindings.length).toBeGreaterThan(0);
    for (const { identity } of roleBindings) {
      expect(identity).toMatchObject({ uid: guest, email: 'guest@example.com', issuer: '', subject: '' });
    }
  });

  test('are listed by identity, group and role', async () => {
    await ok('POST', `${bindings}/${sandbox}`, { identityUid: guest, roleUid: editor });
    const count = async (query: string) => Number((await ok('GET', `${bindings}?${query}`)).totalCount);
    expect(await count(`group=${sandbox}`)).toBe(1);
    expect(await count(`group=${sandbox}&role=${editor}&identity=${guest}`)).toBe(1);
    expect(await count(`group=${sandbox}&role=${viewer}`)).toBe(0);
    expect((await call('GET', `${bindings}?role=x`)).body.message).toBe('Invalid argument: role: "x" is not a UIDP');
  });

  test('a batch is all or nothing, with one role for those that name none', async () => {
    const batch = (body: object) => call('POST', `${bindings}:batchCreate`, { parent: sandbox, ...body });
    const one = { roleBinding: { identityUid: guest } };
    const made = await batch({
      requests: [one, { parent: sandbox, roleBinding: { identityUid: dev, roleUid: viewer } }],
      roleUid: viewer,
    });
    expect(made.body.roleBindings).toMatchObject([
      { identityUid: guest, roleUid: viewer },
      { identityUid: dev, roleUid: viewer },
    ]);
    const event = platform.store.read((tx) => tx.get('SELECT type, subject, group_id FROM outbox'));
    expect(event).toEqual({
      type: 'dev.chainguard.api.iam.rolebindings.created.batch.v1',
      subject: sandbox,
      group_id: sandbox,
    });

    const refused = [
      [{ requests: [] }, 'Invalid argument: requests: is required'],
      [{ requests: Array(26).fill(one), roleUid: viewer }, 'Invalid argument: requests: at most 25 at once'],
      [{ requests: [one] }, 'Invalid argument: role_uid: is required'],
      [
        { requests: [{ parent: engineering, ...one }], roleUid: viewer },
        'Invalid argument: requests[0].parent: differs from the parent of the batch',
      ],
      [
        { requests: [{ roleBinding: { identityUid: guest, roleUid: editor } }], roleUid: viewer },
        'Invalid argument: requests[0].role_binding.role_uid: differs from the role_uid of the batch',
      ],
    ] as const;
    for (const [body, message] of refused) expect((await batch(body)).body.message).toBe(message);
    const twice = await batch({ requests: [{ roleBinding: { identityUid: guest } }, one], roleUid: editor });
    expect(twice.status).toBe(409);
    expect(Number((await ok('GET', `${bindings}?group=${sandbox}`)).totalCount)).toBe(2);
  });
});

describe('v1 and v2 are two views of one thing', () => {
  test('what v1 writes, v2 reads', async () => {
    const group = await ok('POST', `/iam/v1/groups/${organization}`, { name: 'tools', description: 'd' });
    expect(await ok('GET', `/iam/v2/groups/${group.id}`)).toMatchObject({
      uid: group.id,
      name: 'tools',
      description: 'd',
    });
    const identity = await ok('POST', `/iam/v1/identities/${group.id}`, { name: 'bot', servicePrincipal: 'COSIGNED' });
    expect(await ok('GET', `/iam/v2/identities/${identity.id}`)).toMatchObject({
      name: 'bot',
      servicePrincipal: 'SERVICE_PRINCIPAL_COSIGNED',
    });
    const role = await ok('POST', `/iam/v1/roles/${group.id}`, { name: 'puller', capabilities: ['repo.list'] });
    expect(await ok('GET', `/iam/v2/roles/${role.id}`)).toMatchObject({ capabilities: ['CAP_REPO_LIST'] });
    const binding = await ok('POST', `/iam/v1/rolebindings/${group.id}`, { identity: identity.id, role: role.id });
    expect(await ok('GET', `/iam/v2/roleBindings/${binding.id}`)).toMatchObject({
      identityUid: identity.id,
      roleUid: role.id,
      group: { name: 'tools' },
    });
    await ok('PUT', `/iam/v1/groups/${group.id}`, { name: 'kit' });
    expect(await ok('GET', `/iam/v2/groups/${group.id}`)).toMatchObject({ name: 'kit', description: '' });
    await ok('DELETE', `/iam/v1/rolebindings/${binding.id}`);
    expect((await call('GET', `/iam/v2/roleBindings/${binding.id}`)).status).toBe(404);
  });

  test('what v2 writes, v1 reads', async () => {
    const group = await ok('POST', `/iam/v2/groups/${organization}`, { name: 'tools' });
    const identity = await ok('POST', `/iam/v2/identities/${group.uid}`, { name: 'bot', company: 'Acme', claimMatch });
    const role = await ok('POST', `/iam/v2/roles/${group.uid}`, { name: 'puller', capabilities: ['CAP_REPO_LIST'] });
    const binding = await ok('POST', `/iam/v2/roleBindings/${group.uid}`, {
      identityUid: identity.uid,
      roleUid: role.uid,
    });
    const one = async (path: string, id: string) => (await ok('GET', `/iam/v1/${path}?id=${id}`)).items[0];
    expect(await one('groups', group.uid)).toMatchObject({ id: group.uid, name: 'tools' });
    expect(await one('identities', identity.uid)).toMatchObject({ name: 'bot', claimMatch });
    expect(await one('roles', role.uid)).toMatchObject({ capabilities: ['repo.list'] });
    expect(await one('rolebindings', binding.uid)).toMatchObject({ identity: identity.uid, role: { id: role.uid } });
    // What v1 has no word for survives its PUT.
    await ok('PUT', `/iam/v1/identities/${identity.uid}`, { name: 'robot', claimMatch });
    expect(await ok('GET', `/iam/v2/identities/${identity.uid}`)).toMatchObject({ name: 'robot', company: 'Acme' });
    // The rules are those of v1.
    const again = { name: 'puller', capabilities: ['CAP_REPO_LIST'] };
    const taken = await call('POST', `/iam/v2/roles/${group.uid}`, again);
    expect([taken.status, taken.body.code]).toEqual([409, 6]);
    const used = await call('DELETE', `/iam/v2/roles/${role.uid}`);
    expect(used.body.message).toBe(`Precondition failed: role ${role.uid} is in use by 1 role binding`);
  });
});
