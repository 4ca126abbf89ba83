import { beforeEach, describe, expect, test } from 'vitest';
import { builtInRoleId, organization, personId } from '../support/ids.ts';
import { type Answer, startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';

const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User';
const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const groupSchema = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const patchSchema = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

let clock: TestClock;
let platform: TestPlatform;
let owner: string;
let provider: string;
let token: string;

beforeEach(async () => {
  clock = new TestClock();
  platform = await startTestPlatform({ clock, modules: ['scim'] });
  platform.user('second@example.com', ['owner', organization]);
  owner = await platform.token(personId('dev@example.com'));
  ({ provider, token } = await makeProvider('okta'));
});

/** A provider whose provisioning is switched on. */
async function makeProvider(name: string): Promise<{ provider: string; token: string }> {
  const made = await platform.call(owner, 'POST', `/iam/v1/identityProviders/${organization}`, {
    body: { name, oidc: { issuer: 'https://idp.example', clientId: 'c', clientSecret: 's' } },
  });
  const id = made.body.id;
  const generated = await platform.call(owner, 'POST', `/iam/v1/identityProviders/${id}:generateScimToken`, {
    body: {},
  });
  expect(generated.status).toBe(200);
  const enabled = await platform.call(owner, 'POST', `/iam/v1/identityProviders/${id}:setScimEnabled`, {
    body: { enabled: true, etag: generated.body.etag },
  });
  expect(enabled.status).toBe(200);
  return { provider: id, token: generated.body.token };
}

async function scim(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${platform.urls.api}/scim/v2/${provider}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  if (text !== '') expect(response.headers.get('content-type')).toBe('application/scim+json; charset=utf-8');
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

const kim = {
  schemas: [userSchema, enterprise],
  externalId: '00u1',
  userName: 'Kim@example.com',
  name: { givenName: 'Kim', familyName: 'Lee' },
  emails: [{ value: 'kim@example.com', type: 'work', primary: true }],
  password: 'hunter2',
  unknownThing: 7,
  [enterprise]: { department: 'Platform', manager: { value: '42' } },
};

const makeUser = async (userName: string, more: object = {}): Promise<string> => {
  const answer = await scim('POST', '/Users', { schemas: [userSchema], userName, ...more });
  expect(answer.status).toBe(201);
  return answer.body.id;
};

test('a name that SQLite would end early is refused, so that it is nobody else', async () => {
  await makeUser('kim');
  const longer = await scim('POST', '/Users', { schemas: [userSchema], userName: 'kim\0lee' });
  expect(longer).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
});

const patch = (path: string, ...operations: object[]): Promise<Answer> =>
  scim('PATCH', path, { schemas: [patchSchema], Operations: operations });

describe('access', () => {
  test('only with the token of that provider, and only while it is switched on', async () => {
    expect((await scim('GET', '/Users')).status).toBe(200);
    for (const authorization of ['', 'Bearer nonsense', `Basic ${token}`, `Bearer ${owner}`]) {
      const answer = await scim('GET', '/Users', undefined, { authorization });
      expect([answer.status, answer.body.status, answer.headers.get('www-authenticate')]).toEqual([
        401,
        '401',
        'Bearer',
      ]);
    }
    const other = await makeProvider('entra');
    const foreign = await scim('GET', '/Users', undefined, { authorization: `Bearer ${other.token}` });
    expect(foreign.status).toBe(401);

    const read = await platform.call(owner, 'GET', `/iam/v1/identityProviders?id=${provider}`);
    await platform.call(owner, 'POST', `/iam/v1/identityProviders/${provider}:setScimEnabled`, {
      body: { enabled: false, etag: read.body.items[0].scim.etag },
    });
    const paused = await scim('GET', '/Users');
    expect([paused.status, paused.body.schemas]).toEqual([403, ['urn:ietf:params:scim:api:messages:2.0:Error']]);
  });

  test('an expired, revoked or replaced token is worth nothing; one in its overlap still is', async () => {
    const first = token;
    const read = async () =>
      (await platform.call(owner, 'GET', `/iam/v1/identityProviders?id=${provider}`)).body.items[0];
    const again = await platform.call(owner, 'POST', `/iam/v1/identityProviders/${provider}:regenerateScimToken`, {
      body: { etag: (await read()).scim.etag, overlap: '60s' },
    });
    const status = async (authorization: string) =>
      (await scim('GET', '/Users?count=0', undefined, { authorization: `Bearer ${authorization}` })).status;
    expect([await status(first), await status(again.body.token)]).toEqual([200, 200]);
    clock.advance(60_000);
    owner = await platform.token(personId('dev@example.com'));
    expect([await status(first), await status(again.body.token)]).toEqual([401, 200]);
    await platform.call(owner, 'POST', `/iam/v1/identityProviders/${provider}:revokeScimToken`, { body: {} });
    expect(await status(again.body.token)).toBe(401);
  });

  test('one provider does not see the users of another', async () => {
    const id = await makeUser('kim');
    ({ provider, token } = await makeProvider('entra'));
    expect((await scim('GET', `/Users/${id}`)).status).toBe(404);
    expect((await scim('GET', '/Users')).body.totalResults).toBe(0);
    expect((await scim('POST', '/Users', { schemas: [userSchema], userName: 'kim' })).status).toBe(201);
  });
});

test('says what it can do', async () => {
  const config = await scim('GET', '/ServiceProviderConfig');
  expect(config.body).toMatchObject({
    patch: { supported: true },
    bulk: { supported: false },
    filter: { supported: true },
  });
  const types = await scim('GET', '/ResourceTypes');
  expect(types.body.Resources.map(({ endpoint }: { endpoint: string }) => endpoint)).toEqual(['/Users', '/Groups']);
  expect((await scim('GET', '/ResourceTypes/User')).body.schemaExtensions).toEqual([
    { schema: enterprise, required: false },
  ]);
  const schemas = await scim('GET', '/Schemas');
  expect(schemas.body.Resources.map(({ id }: { id: string }) => id)).toEqual([userSchema, enterprise, groupSchema]);
  const user = await scim('GET', `/Schemas/${userSchema}`);
  expect(user.body.attributes).toContainEqual(
    expect.objectContaining({ name: 'userName', required: true, uniqueness: 'server' }),
  );
  for (const path of ['/Nothing', '/Users/a/b', '/Schemas/urn:nothing'])
    expect((await scim('GET', path)).status).toBe(404);
  expect((await scim('POST', '/Schemas', {})).status).toBe(405);
  expect((await scim('PUT', '/Users', {})).status).toBe(405);
});

describe('users', () => {
  test('are made with what the schema knows; passwords are never kept', async () => {
    const made = await scim('POST', '/Users', kim);
    expect(made.status).toBe(201);
    const { id } = made.body;
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    const location = `${platform.urls.api}/scim/v2/${provider}/Users/${id}`;
    expect(made.headers.get('location')).toBe(location);
    expect(made.headers.get('etag')).toBe('W/"1"');
    const expected = {
      schemas: [userSchema, enterprise],
      id,
      externalId: '00u1',
      userName: 'Kim@example.com',
      name: { givenName: 'Kim', familyName: 'Lee' },
      emails: [{ value: 'kim@example.com', type: 'work', primary: true }],
      active: true,
      [enterprise]: { department: 'Platform', manager: { value: '42' } },
      meta: {
        resourceType: 'User',
        created: '2026-03-27T13:55:00.785Z',
        lastModified: '2026-03-27T13:55:00.785Z',
        version: 'W/"1"',
        location,
      },
    };
    expect(made.body).toEqual(expected);
    expect((await scim('GET', `/Users/${id}`)).body).toEqual(expected);
    const stored = platform.store.read((tx) => tx.all('SELECT * FROM scim_users'));
    expect(JSON.stringify(stored)).not.toContain('hunter2');
  });

  test('have names and external ids that are unique, names without regard to case', async () => {
    await scim('POST', '/Users', kim);
    const name = await scim('POST', '/Users', { schemas: [userSchema], userName: 'KIM@EXAMPLE.COM' });
    expect([name.status, name.body.scimType]).toEqual([409, 'uniqueness']);
    const id = await scim('POST', '/Users', { schemas: [userSchema], userName: 'other', externalId: '00u1' });
    expect([id.status, id.body.scimType]).toEqual([409, 'uniqueness']);
    const other = await makeUser('other');
    const taken = await patch(`/Users/${other}`, { op: 'replace', path: 'userName', value: 'kim@example.com' });
    expect([taken.status, taken.body.scimType]).toEqual([409, 'uniqueness']);
  });

  test.each([
    ['no JSON', '{', 'invalidSyntax'],
    ['a list', [], 'invalidSyntax'],
    ['another schema', { schemas: [groupSchema], userName: 'x' }, 'invalidSyntax'],
    ['no userName', { schemas: [userSchema] }, 'invalidValue'],
    ['a number for a name', { schemas: [userSchema], userName: 7 }, 'invalidValue'],
    ['text for active', { schemas: [userSchema], userName: 'x', active: 'yes' }, 'invalidValue'],
  ])('%s is refused', async (_, body, scimType) => {
    const answer = await scim('POST', '/Users', body);
    expect([answer.status, answer.body.status, answer.body.scimType]).toEqual([400, '400', scimType]);
  });

  test('are replaced whole', async () => {
    const id = (await scim('POST', '/Users', kim)).body.id;
    clock.advance(1000);
    const put = await scim('PUT', `/Users/${id}`, { schemas: [userSchema], username: 'kim2', ACTIVE: false });
    expect(put.body).toMatchObject({ userName: 'kim2', active: false, schemas: [userSchema] });
    expect(put.body.emails).toBeUndefined();
    expect(put.body.meta).toMatchObject({ version: 'W/"2"', lastModified: '2026-03-27T13:55:01.785Z' });
    expect((await scim('PUT', '/Users/nobody', kim)).status).toBe(404);
  });

  test('go when they are deleted', async () => {
    const id = await makeUser('kim');
    const gone = await scim('DELETE', `/Users/${id}`);
    expect([gone.status, gone.body]).toEqual([204, undefined]);
    expect((await scim('DELETE', `/Users/${id}`)).status).toBe(404);
  });

  test('change only for who has read the version that is there, if that is asked', async () => {
    const id = await makeUser('kim');
    const change = { schemas: [patchSchema], Operations: [{ op: 'replace', path: 'title', value: 'Boss' }] };
    expect((await scim('PATCH', `/Users/${id}`, change, { 'if-match': 'W/"1"' })).status).toBe(200);
    expect((await scim('PATCH', `/Users/${id}`, change, { 'if-match': 'W/"1"' })).status).toBe(412);
    expect((await scim('DELETE', `/Users/${id}`, undefined, { 'if-match': 'W/"1", W/"2"' })).status).toBe(204);
  });
});

test('a page has at most 200 resources, however many are asked for and with a filter too', async () => {
  for (let at = 0; at < 205; at += 1) await makeUser(`user-${at}@example.com`, { title: 'x' });
  const page = async (query: string) => {
    const { body } = await scim('GET', `/Users?${query}`);
    return [body.totalResults, body.itemsPerPage, body.Resources.length];
  };
  for (const filter of ['', `&filter=${encodeURIComponent('title eq "x"')}`]) {
    expect(await page(`count=1000${filter}`)).toEqual([205, 200, 200]);
    expect(await page(`count=1000&startIndex=201${filter}`)).toEqual([205, 5, 5]);
    expect(await page(`count=3${filter}`)).toEqual([205, 3, 3]);
  }
});

describe('patch', () => {
  test('as Okta sends it: a value without path', async () => {
    const id = (await scim('POST', '/Users', kim)).body.id;
    const off = await patch(`/Users/${id}`, { op: 'replace', value: { active: false } });
    expect([off.status, off.body.active]).toEqual([200, false]);
  });

  test('as Entra ID sends it: verbs in capitals, booleans as text, dotted and filtered paths', async () => {
    const id = (await scim('POST', '/Users', kim)).body.id;
    const changed = await patch(
      `/Users/${id}`,
      { op: 'Replace', path: 'active', value: 'False' },
      { op: 'Add', path: 'name.givenName', value: 'Kimberly' },
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 'k.lee@example.com' },
      { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+1 555' },
      { op: 'Add', path: `${enterprise}:department`, value: 'Security' },
      { op: 'Replace', value: { displayName: 'Kim Lee', 'name.familyName': 'Li', [`${enterprise}:costCenter`]: '7' } },
      { op: 'Remove', path: `${enterprise}:manager` },
      { op: 'Add', path: enterprise, value: { division: 'EMEA', schemas: [], unknownThing: 1 } },
      { op: 'Add', value: { unknownThing: 1 } },
    );
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({
      active: false,
      displayName: 'Kim Lee',
      name: { givenName: 'Kimberly', familyName: 'Li' },
      emails: [{ value: 'k.lee@example.com', type: 'work', primary: true }],
      phoneNumbers: [{ type: 'mobile', value: '+1 555' }],
      [enterprise]: { department: 'Security', costCenter: '7', division: 'EMEA' },
    });
    expect(changed.body[enterprise].manager).toBeUndefined();
  });

  test('as Entra ID sends roles and the manager: a boolean as text in a path, a list of one, no URN', async () => {
    const id = (await scim('POST', '/Users', kim)).body.id;
    const role = (value: string) => ({ op: 'Add', path: 'roles[primary eq "True"].value', value });
    await patch(`/Users/${id}`, role('reader'));
    const changed = await patch(`/Users/${id}`, role('admin'), {
      op: 'Add',
      path: 'manager',
      value: [{ $ref: 'https://directory.example.com/Users/26118915', value: '26118915' }],
    });
    expect(changed.status, JSON.stringify(changed.body)).toBe(200);
    expect(changed.body.roles).toEqual([{ primary: true, value: 'admin' }]);
    expect(changed.body[enterprise].manager.value).toBe('26118915');
    const removed = await patch(`/Users/${id}`, { op: 'Remove', path: 'manager' });
    expect(removed.body[enterprise]?.manager).toBeUndefined();
    const several = { op: 'Add', path: 'manager', value: [{ value: '1' }, { value: '2' }] };
    expect((await patch(`/Users/${id}`, several)).status).toBe(400);
  });

  test.each([
    ['by a filter, as a value', { op: 'replace', path: 'emails[type eq "work"]', value: { primary: true } }],
    ['by a filter, added', { op: 'add', path: 'emails[type eq "work"]', value: { primary: true } }],
    ['by a dotted path', { op: 'replace', path: 'emails[type eq "work"].primary', value: true }],
    ['by a dotted path, added', { op: 'add', path: 'emails[type eq "work"].primary', value: 'True' }],
  ])('one primary is left when another is made it: %s', async (_, operation) => {
    const emails = [
      { value: 'home@example.org', type: 'home', primary: true },
      { value: 'work@example.com', type: 'work' },
    ];
    const id = (await scim('POST', '/Users', { ...kim, emails })).body.id;
    const changed = await patch(`/Users/${id}`, operation);
    expect(changed.status).toBe(200);
    expect(changed.body.emails.filter((one: { primary?: boolean }) => one.primary)).toEqual([
      { value: 'work@example.com', type: 'work', primary: true },
    ]);
    expect(changed.body.emails).toHaveLength(2);
  });

  test('adds to lists without doubling, keeps one primary, removes what matches', async () => {
    const id = (await scim('POST', '/Users', kim)).body.id;
    const added = await patch(
      `/Users/${id}`,
      { op: 'add', path: 'emails', value: [{ value: 'home@example.org', type: 'home', primary: true }] },
      { op: 'add', path: 'emails', value: { value: 'kim@example.com' } },
    );
    expect(added.body.emails).toEqual([
      { value: 'kim@example.com', type: 'work', primary: false },
      { value: 'home@example.org', type: 'home', primary: true },
    ]);
    const removed = await patch(`/Users/${id}`, {
      op: 'remove',
      path: 'emails[value ew ".org" and not (type eq "work")]',
    });
    expect(removed.body.emails).toEqual([{ value: 'kim@example.com', type: 'work', primary: false }]);
    const none = await patch(`/Users/${id}`, { op: 'remove', path: 'emails' });
    expect(none.body.emails).toBeUndefined();
  });

  test.each([
    ['no operations', { schemas: [patchSchema], Operations: [] }, 'invalidSyntax'],
    ['no schema', { Operations: [{ op: 'add', path: 'title', value: 'x' }] }, 'invalidSyntax'],
    ['an unknown verb', { schemas: [patchSchema], Operations: [{ op: 'move', path: 'title' }] }, 'invalidSyntax'],
    ['an unknown path', { schemas: [patchSchema], Operations: [{ op: 'add', path: 'shoe', value: 1 }] }, 'invalidPath'],
    [
      'a broken path',
      { schemas: [patchSchema], Operations: [{ op: 'add', path: 'emails[type', value: 1 }] },
      'invalidPath',
    ],
    [
      'a fixed attribute',
      { schemas: [patchSchema], Operations: [{ op: 'replace', path: 'id', value: 'x' }] },
      'mutability',
    ],
    ['a removal of nothing', { schemas: [patchSchema], Operations: [{ op: 'remove' }] }, 'noTarget'],
    [
      'a required attribute',
      { schemas: [patchSchema], Operations: [{ op: 'remove', path: 'userName' }] },
      'invalidValue',
    ],
    [
      'values that cannot be made up',
      { schemas: [patchSchema], Operations: [{ op: 'replace', path: 'emails[type ne "x"].value', value: 'y' }] },
      'noTarget',
    ],
  ])('%s is refused and changes nothing', async (_, body, scimType) => {
    const id = await makeUser('kim');
    const answer = await scim('PATCH', `/Users/${id}`, body);
    expect([answer.status, answer.body.scimType]).toEqual([400, scimType]);
    expect((await scim('GET', `/Users/${id}`)).body.meta.version).toBe('W/"1"');
  });
});

describe('lists', () => {
  test('come in pages', async () => {
    for (let number = 0; number < 7; number += 1) await makeUser(`user-${number}`);
    const names = (answer: Answer) => answer.body.Resources.map(({ userName }: { userName: string }) => userName);
    const page = await scim('GET', '/Users?startIndex=3&count=2');
    expect(page.body).toMatchObject({ totalResults: 7, startIndex: 3, itemsPerPage: 2 });
    expect(names(page)).toEqual(['user-2', 'user-3']);
    expect((await scim('GET', '/Users?count=0')).body).toMatchObject({ totalResults: 7, Resources: [] });
    expect((await scim('GET', '/Users?startIndex=100')).body).toMatchObject({ totalResults: 7, itemsPerPage: 0 });
    expect(names(await scim('GET', '/Users?startIndex=-5&count=1'))).toEqual(['user-0']);
    expect((await scim('GET', '/Users?count=x')).status).toBe(400);
    const filtered = await scim(
      'GET',
      `/Users?startIndex=2&count=2&filter=${encodeURIComponent('userName sw "USER"')}`,
    );
    expect([filtered.body.totalResults, names(filtered)]).toEqual([7, ['user-1', 'user-2']]);
  });

  test.each([
    ['userName eq "kim@EXAMPLE.com"', ['Kim@example.com']],
    ['USERNAME EQ "kim@example.com"', ['Kim@example.com']],
    ['externalId eq "00u1"', ['Kim@example.com']],
    ['externalId eq "00U1"', []],
    [`${userSchema}:userName eq "lee"`, ['lee']],
    ['active eq false', ['lee']],
    ['emails eq "kim@example.com"', ['Kim@example.com']],
    ['emails.type eq "work" and emails.value co "@example.com"', ['Kim@example.com']],
    ['emails[type eq "work" and value sw "kim"]', ['Kim@example.com']],
    ['emails[type eq "work"].value eq "kim@example.com"', ['Kim@example.com']],
    ['emails[type eq "home"].value eq "kim@example.com" or active eq "False"', ['lee']],
    ['active eq True', ['Kim@example.com']],
    ['emails pr', ['Kim@example.com']],
    ['not (emails pr)', ['lee']],
    ['not (userName eq "lee" or userName eq "kim@example.com")', []],
    ['not (userName eq "lee" or title eq "none")', ['Kim@example.com']],
    ['userName eq "\\u006cee"', ['lee']],
    ['name.familyName eq "lee" or title eq "Boss"', ['Kim@example.com', 'lee']],
    ['userName eq "nobody" or (active eq true and title eq null)', ['Kim@example.com']],
    [`${enterprise}:department eq "platform"`, ['Kim@example.com']],
    ['meta.resourceType eq "User" and title ne "Boss"', ['Kim@example.com']],
    ['userName eq "quote \\" and \\\\ slash"', []],
  ])('filter by %s', async (filter, expected) => {
    await scim('POST', '/Users', kim);
    await makeUser('lee', { active: false, title: 'Boss' });
    const answer = await scim('GET', `/Users?filter=${encodeURIComponent(filter)}`);
    expect(answer.status).toBe(200);
    expect(answer.body.Resources.map(({ userName }: { userName: string }) => userName)).toEqual(expected);
  });

  test.each([
    'userName',
    'userName eq',
    'userName eq "kim\\u0000lee"',
    'userName is "x"',
    'shoe eq "x"',
    'userName eq "x',
    '(userName pr',
    'active[x pr]',
    'emails[type eq "work"].shoe eq "x"',
    'emails[type eq "work"].value',
    `${'('.repeat(100)}a pr`,
  ])('filter %s is refused', async (filter) => {
    const answer = await scim('GET', `/Users?filter=${encodeURIComponent(filter)}`);
    expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidFilter']);
  });

  test('may be asked for in a body, of one kind or of all', async () => {
    await scim('POST', '/Users', kim);
    await makeUser('lee');
    await scim('POST', '/Groups', { schemas: [groupSchema], displayName: 'Engineers' });
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'];
    const users = await scim('POST', '/Users/.search', {
      schemas,
      filter: 'userName eq "lee"',
      attributes: ['userName'],
    });
    expect([users.status, users.body.totalResults, Object.keys(users.body.Resources[0])]).toEqual([
      200,
      1,
      ['schemas', 'id', 'meta', 'userName'],
    ]);
    const all = await scim('POST', '/.search', { schemas, filter: 'meta.resourceType pr' });
    expect(all.body.Resources.map(({ meta }: { meta: { resourceType: string } }) => meta.resourceType)).toEqual([
      'User',
      'User',
      'Group',
    ]);
    expect((await scim('POST', '/.search', { schemas, startIndex: 2 })).status).toBe(400);
    expect((await scim('POST', '/Users/.search', {})).body.scimType).toBe('invalidSyntax');
    expect((await scim('GET', '/Users/.search')).status).toBe(405);
  });

  test('show the attributes that are asked for', async () => {
    await scim('POST', '/Users', kim);
    const only = await scim('GET', `/Users?attributes=userName,name.givenName,${enterprise}:department`);
    expect(Object.keys(only.body.Resources[0])).toEqual(['schemas', 'id', 'meta', 'userName', 'name', enterprise]);
    expect(only.body.Resources[0]).toMatchObject({
      name: { givenName: 'Kim' },
      [enterprise]: { department: 'Platform' },
    });
    expect(only.body.Resources[0].name.familyName).toBeUndefined();
    const without = await scim('GET', '/Users?excludedAttributes=emails,name');
    expect(without.body.Resources[0].emails).toBeUndefined();
    expect(without.body.Resources[0].userName).toBe('Kim@example.com');
  });
});

describe('groups', () => {
  test('have users as members, which see them', async () => {
    const [kimId, leeId] = [await makeUser('kim'), await makeUser('lee')];
    const made = await scim('POST', '/Groups', {
      schemas: [groupSchema],
      displayName: 'Engineers',
      externalId: 'g1',
      members: [{ value: kimId, display: 'whatever' }],
    });
    expect(made.status).toBe(201);
    const base = `${platform.urls.api}/scim/v2/${provider}`;
    expect(made.body).toMatchObject({
      displayName: 'Engineers',
      members: [{ value: kimId, $ref: `${base}/Users/${kimId}` }],
    });
    const path = `/Groups/${made.body.id}`;
    const added = await patch(path, { op: 'Add', path: 'members', value: [{ value: leeId }, { value: kimId }] });
    expect(added.body.members.map(({ value }: { value: string }) => value)).toEqual([kimId, leeId]);
    expect((await scim('GET', `/Users/${leeId}`)).body.groups).toEqual([
      { value: made.body.id, $ref: `${base}${path}`, display: 'Engineers', type: 'direct' },
    ]);
    const okta = await patch(path, { op: 'remove', path: `members[value eq "${kimId}"]` });
    expect(okta.body.members.map(({ value }: { value: string }) => value)).toEqual([leeId]);
    const entra = await patch(path, { op: 'Remove', path: 'members', value: [{ value: leeId }] });
    expect(entra.body.members).toEqual([]);
    const renamed = await patch(path, { op: 'replace', value: { id: made.body.id, displayName: 'Builders' } });
    expect(renamed.body.displayName).toBe('Builders');
    expect((await scim('GET', `${path}?excludedAttributes=members`)).body.members).toBeUndefined();
    const found = await scim('GET', `/Groups?filter=${encodeURIComponent('displayName eq "builders"')}`);
    expect(found.body.totalResults).toBe(1);
    await scim('PATCH', path, {
      schemas: [patchSchema],
      Operations: [{ op: 'add', path: 'members', value: { value: kimId } }],
    });
    await scim('DELETE', `/Users/${kimId}`);
    expect((await scim('GET', path)).body.members).toEqual([]);
    expect((await scim('DELETE', path)).status).toBe(204);
  });

  test('take no unknown members, no groups as members and no name twice', async () => {
    const make = (displayName: string, members: object[] = []) =>
      scim('POST', '/Groups', { schemas: [groupSchema], displayName, members });
    const first = await make('one');
    expect((await make('ONE')).body.scimType).toBe('uniqueness');
    expect((await make('two', [{ value: first.body.id }])).body.scimType).toBe('invalidValue');
    expect((await make('two', [{ value: 'nobody' }])).status).toBe(400);
    expect((await scim('GET', '/Groups')).body.totalResults).toBe(1);
  });
});

describe('what it means for accounts', () => {
  const issuer = 'https://idp.example';

  async function login(subject: string, claims: object = {}): Promise<Answer> {
    const { mintThirdPartyToken } = await import('../../src/local/issuer/simulated.ts');
    const bearer = await mintThirdPartyToken(platform.store, {
      issuer,
      subject,
      audience: 'c',
      claims: { email: `${subject}@example.com`, ...claims },
      now: clock.now(),
    });
    const query = new URLSearchParams({ aud: platform.urls.api, identity_provider: provider });
    return platform.call(bearer, 'POST', `/sts/exchange?${query}`);
  }

  const whoAmI = async (accessToken: string) => (await platform.call(accessToken, 'GET', '/auth/v1/ok')).body;

  test('groups give the roles that are mapped to them, at once and for as long as they last', async () => {
    const mapping = await platform.call(owner, 'POST', `/iam/v1/externalGroupRoleMappings/${provider}`, {
      body: { externalGroupId: 'Engineers', roleUidp: builtInRoleId('viewer'), scope: organization },
    });
    expect(mapping.status).toBe(200);
    const id = await makeUser('kim', { externalId: '00u1' });
    expect((await whoAmI((await login('00u1')).body.token)).capabilities).toEqual([]);
    const group = await scim('POST', '/Groups', {
      schemas: [groupSchema],
      displayName: 'Engineers',
      members: [{ value: id }],
    });
    const { token: access } = (await login('00u1')).body;
    const groups = async () => (await platform.call(access, 'GET', '/iam/v1/groups')).body.items.length;
    expect((await whoAmI(access)).capabilities).toMatchObject([{ role: { name: 'viewer' } }]);
    expect(await groups()).toBeGreaterThan(0);
    await scim('PATCH', `/Groups/${group.body.id}`, {
      schemas: [patchSchema],
      Operations: [{ op: 'remove', path: 'members' }],
    });
    expect(await groups()).toBe(0);
    // No binding was ever made.
    const bindings = await platform.call(owner, 'GET', '/iam/v1/rolebindings');
    expect(JSON.stringify(bindings.body)).not.toContain('kim');
  });

  test('who is deactivated cannot sign in or refresh and holds nothing in the organization', async () => {
    const id = await makeUser('kim', { externalId: '00u1' });
    const { token: access } = (await login('00u1')).body;
    const { subject: identity } = await whoAmI(access);
    await platform.call(owner, 'POST', `/iam/v1/rolebindings/${organization}`, {
      body: { identity, role: builtInRoleId('viewer') },
    });
    const { token: bound } = (await login('00u1')).body;
    expect((await platform.call(bound, 'GET', '/iam/v1/groups')).body.items.length).toBeGreaterThan(0);

    const { startFamily } = await import('../../src/local/sessions/refresh-tokens.ts');
    const actor = { act: {}, email: undefined, emailVerified: false, profile: undefined };
    const refresh = platform.store.transact((tx) =>
      startFamily(tx, platform.urls.issuer, { identity, audience: [platform.urls.api], actor, limits: [] }),
    );
    await patch(`/Users/${id}`, { op: 'replace', value: { active: false } });
    const refused = await login('00u1');
    expect([refused.status, refused.body.message]).toEqual([
      403,
      'the account has been deactivated by its identity provider',
    ]);
    const query = new URLSearchParams({ aud: platform.urls.api });
    const refreshed = () => platform.call(refresh.token, 'POST', `/sts/exchange_refresh_token?${query}`);
    expect((await refreshed()).status).toBe(403);
    expect((await platform.call(bound, 'GET', '/iam/v1/groups')).body.items).toEqual([]);

    await patch(`/Users/${id}`, { op: 'replace', value: { active: true } });
    expect((await login('00u1')).status).toBe(200);
    // The refusal did not use the refresh token up.
    expect((await refreshed()).status).toBe(200);
  });

  test('a user who was there before the provider told of it is found by the id that its login carries', async () => {
    const { token: access } = (await login('00u9')).body;
    expect((await whoAmI(access)).subject).toMatch(/^[0-9a-f]{40}$/);
    await makeUser('late', { externalId: '00u9', active: false });
    expect((await login('00u9')).status).toBe(403);
    // An address proves nothing.
    await makeUser('mail', { emails: [{ value: '00u8@example.com' }], active: false });
    expect((await login('00u8')).status).toBe(200);
  });

  test('with the oid rule the oid claim is compared, and the subject is not', async () => {
    const made = await platform.call(owner, 'POST', `/iam/v1/identityProviders/${organization}`, {
      body: {
        name: 'entra',
        oidc: { issuer, clientId: 'c', clientSecret: 's', correlationRule: 'CORRELATION_RULE_OID_EQUALS_EXTERNAL_ID' },
      },
    });
    provider = made.body.id;
    const generated = await platform.call(owner, 'POST', `/iam/v1/identityProviders/${provider}:generateScimToken`, {
      body: {},
    });
    token = generated.body.token;
    await platform.call(owner, 'POST', `/iam/v1/identityProviders/${provider}:setScimEnabled`, {
      body: { enabled: true, etag: generated.body.etag },
    });
    await makeUser('kim', { externalId: 'oid-1', active: false });
    expect((await login('pairwise', { oid: 'oid-1' })).status).toBe(403);
    expect((await login('oid-1', { oid: 'oid-2' })).status).toBe(200);
  });

  test('deleting takes away what the account holds there, but never the last owner', async () => {
    const id = await makeUser('kim', { externalId: '00u1' });
    const { token: access } = (await login('00u1')).body;
    const { subject: identity } = await whoAmI(access);
    const elsewhere = await platform.call(access, 'POST', '/iam/v1/groups', { body: { name: 'own' } });
    expect(elsewhere.status).toBe(200);
    await platform.call(owner, 'POST', `/iam/v1/rolebindings/${organization}`, {
      body: { identity, role: builtInRoleId('owner') },
    });
    // The other owners leave.
    platform.store.transact((tx) =>
      tx.run(
        'DELETE FROM role_bindings WHERE group_id = ? AND role = ? AND identity <> ?',
        organization,
        builtInRoleId('owner'),
        identity,
      ),
    );
    const refused = await scim('DELETE', `/Users/${id}`);
    expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining('last owner')]);
    expect((await scim('GET', `/Users/${id}`)).status).toBe(200);

    platform.user('third@example.com', ['owner', organization]);
    expect((await scim('DELETE', `/Users/${id}`)).status).toBe(204);
    const places = platform.store.read((tx) =>
      tx.all('SELECT group_id FROM role_bindings WHERE identity = ?', identity).map((row) => row['group_id']),
    );
    expect(places).toEqual([elsewhere.body.id]);
  });

  test('the last owner is not deactivated, however it is said, and a deactivated one does not count', async () => {
    const id = await makeUser('kim', { externalId: '00u1' });
    const { subject: identity } = await whoAmI((await login('00u1')).body.token);
    await platform.call(owner, 'POST', `/iam/v1/rolebindings/${organization}`, {
      body: { identity, role: builtInRoleId('owner') },
    });
    const bindings = async () =>
      (await platform.call(owner, 'GET', `/iam/v1/rolebindings?uidp.children_of=${organization}`)).body.items.filter(
        ({ role }: { role: { name: string } }) => role.name === 'owner',
      );
    // While there are others it is done, and the others then stay.
    expect((await patch(`/Users/${id}`, { op: 'replace', value: { active: false } })).status).toBe(200);
    const others = (await bindings()).filter((binding: { identity: string }) => binding.identity !== identity);
    expect(others).toHaveLength(2);
    const remove = (binding: { id: string }) => platform.call(owner, 'DELETE', `/iam/v1/rolebindings/${binding.id}`);
    const [mine, second] = [personId('dev@example.com')].flatMap((dev) => [
      others.find((binding: { identity: string }) => binding.identity === dev),
      others.find((binding: { identity: string }) => binding.identity !== dev),
    ]);
    expect((await remove(second)).status).toBe(200);
    const refused = await remove(mine);
    expect([refused.status, refused.body.message]).toEqual([400, expect.stringContaining('last owner')]);

    await patch(`/Users/${id}`, { op: 'replace', value: { active: true } });
    expect((await remove(mine)).status).toBe(200);
    const user = { schemas: [userSchema], userName: 'kim', externalId: '00u1', active: false };
    for (const attempt of [
      await patch(`/Users/${id}`, { op: 'replace', value: { active: false } }),
      await patch(`/Users/${id}`, { op: 'replace', path: 'active', value: 'False' }),
      await scim('PUT', `/Users/${id}`, user),
    ]) {
      expect([attempt.status, attempt.body.detail]).toEqual([409, expect.stringContaining('last owner')]);
    }
    expect((await scim('GET', `/Users/${id}`)).body.active).toBe(true);
    expect((await login('00u1')).status).toBe(200);
  });

  test('with the provider go the sessions of who signed in through it', async () => {
    const id = await makeUser('kim', { externalId: '00u1' });
    const { subject: identity } = await whoAmI((await login('00u1')).body.token);
    await platform.call(owner, 'POST', `/iam/v1/rolebindings/${organization}`, {
      body: { identity, role: builtInRoleId('viewer') },
    });
    const { startFamily } = await import('../../src/local/sessions/refresh-tokens.ts');
    const actor = { act: {}, email: undefined, emailVerified: false, profile: undefined };
    const refresh = platform.store.transact((tx) =>
      startFamily(tx, platform.urls.issuer, { identity, audience: [platform.urls.api], actor, limits: [] }),
    );
    await patch(`/Users/${id}`, { op: 'replace', value: { active: false } });
    expect((await platform.call(owner, 'DELETE', `/iam/v1/identityProviders/${provider}`)).status).toBe(200);
    const query = new URLSearchParams({ aud: platform.urls.api });
    // What the provider knew of the leaver is gone, and so is the way back in.
    expect((await platform.call(refresh.token, 'POST', `/sts/exchange_refresh_token?${query}`)).status).toBe(401);
  });
});
