import { beforeEach, describe, expect, test } from 'vitest';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { builtInRoleId, demoFolders, demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';

const organization = demoOrganizations.private;
const { engineering, platform: platformFolder, sandbox } = demoFolders;
const dev = personId('dev@example.com');
const guest = personId('guest@example.com');

let platform: TestPlatform;
let owner: string;
let viewer: string;

beforeEach(async () => {
  platform = await startTestPlatform();
  owner = await platform.token(dev);
  viewer = await platform.token(guest);
});

const ids = (answer: { body: { items: { id: string }[] } }) => answer.body.items.map(({ id }) => id);

describe('list', () => {
  test('shows what the caller may see, every field written, by ascending id', async () => {
    const answer = await platform.call(viewer, 'GET', '/iam/v1/groups');
    expect(answer.status).toBe(200);
    expect(ids(answer)).toEqual([organization, engineering, platformFolder, sandbox].sort());
    expect(answer.body.items[0]).toEqual({
      id: organization,
      name: 'example.com',
      description: 'A company to try things with',
      resourceLimits: {},
      verified: true,
      kind: 'ORG_KIND_CUSTOMER',
      status: 'ORG_STATUS_READY',
    });
  });

  test('shows nothing of organizations the caller has no part in, also when asked by id', async () => {
    const stranger = await platform.token(platform.user('stranger@example.org'));
    expect((await platform.call(stranger, 'GET', '/iam/v1/groups')).body).toEqual({ items: [] });
    const byId = await platform.call(viewer, 'GET', `/iam/v1/groups?id=${demoOrganizations.public}`);
    expect(byId.body).toEqual({ items: [] });
  });

  test('starts at the folder for whoever is bound there only', async () => {
    const member = await platform.token(platform.user('member@example.org', ['viewer', engineering]));
    expect(ids(await platform.call(member, 'GET', '/iam/v1/groups'))).toEqual([engineering, platformFolder]);
  });

  test.each([
    ['uidp.in_root=true', [organization]],
    [`uidp.childrenOf=${organization}`, [engineering, sandbox]],
    [`uidp.descendants_of=${organization}`, [engineering, platformFolder, sandbox]],
    [`uidp.descendants_of=${engineering}`, [platformFolder]],
    [`uidp.ancestors_of=${platformFolder}`, [organization, engineering]],
    [`uidp.ids=${sandbox}&uidp.ids=${organization}`, [sandbox, organization]],
    ['name=platform', [platformFolder]],
    [`name=platform&uidp.children_of=${organization}`, []],
    [`id=${sandbox}`, [sandbox]],
    [`id=${sandbox}/0123456789abcdef`, []],
    [`uidp.descendants_of=${demoOrganizations.public}`, []],
  ])('narrows by %s', async (query, expected) => {
    expect(ids(await platform.call(viewer, 'GET', `/iam/v1/groups?${query}`))).toEqual([...expected].sort());
  });

  test('refuses a filter that is no UIDP', async () => {
    const answer = await platform.call(viewer, 'GET', '/iam/v1/groups?uidp.children_of=example.com');
    expect([answer.status, answer.body.message]).toEqual([400, 'uidp.children_of: "example.com" is not a UIDP']);
  });
});

describe('create', () => {
  test('makes a folder by parent id, by name and by the end of an id', async () => {
    const suffix = engineering.split('/').at(-1);
    for (const [index, parent] of [engineering, 'engineering', suffix].entries()) {
      const answer = await platform.call(owner, 'POST', `/iam/v1/groups/${parent}`, {
        body: { name: `team-${index}` },
      });
      expect(answer.status).toBe(200);
      expect(answer.body.id).toMatch(new RegExp(`^${engineering}/[0-9a-f]{16}$`));
      expect(answer.body).toMatchObject({ name: `team-${index}`, verified: false, kind: 'ORG_KIND_UNSPECIFIED' });
    }
  });

  test('refuses a parent name that several groups have', async () => {
    await platform.call(owner, 'POST', `/iam/v1/groups/${sandbox}`, { body: { name: 'engineering' } });
    const answer = await platform.call(owner, 'POST', '/iam/v1/groups/engineering', { body: { name: 'x' } });
    expect([answer.status, answer.body.code]).toEqual([400, 3]);
    expect(answer.body.message).toContain(engineering);
  });

  test('refuses a name that a sibling has, takes it elsewhere', async () => {
    const again = await platform.call(owner, 'POST', `/iam/v1/groups/${organization}`, { body: { name: 'sandbox' } });
    expect([again.status, again.body.code]).toEqual([409, 6]);
    const other = await platform.call(owner, 'POST', `/iam/v1/groups/${engineering}`, { body: { name: 'sandbox' } });
    expect(other.status).toBe(200);
  });

  test('refuses bad names and descriptions in the words of the specification', async () => {
    const create = (body: object) => platform.call(owner, 'POST', `/iam/v1/groups/${organization}`, { body });
    expect((await create({ name: 'Upper' })).body.message).toBe('name must match "^[a-z0-9 ._-]{1,}$"');
    expect((await create({})).body.message).toBe('name must match "^[a-z0-9 ._-]{1,}$"');
    expect((await create({ name: 'x', description: 'a\tb' })).body.message).toBe(
      'description must match "^[\\\\S ]{0,512}$"',
    );
    expect((await create({ name: 'x', description: '𝄞'.repeat(512) })).status).toBe(200);
  });

  test('without a parent makes an organization that the caller owns, but only for tokens minted from then on', async () => {
    const user = platform.user('founder@example.org');
    const before = await platform.token(user);
    const made = await platform.call(before, 'POST', '/iam/v1/groups', { body: { name: 'acme', verified: true } });
    expect(made.body).toMatchObject({ name: 'acme', verified: false, kind: 'ORG_KIND_CUSTOMER' });
    expect((await platform.call(before, 'GET', '/iam/v1/groups')).body.items).toEqual([]);

    const after = await platform.token(user);
    expect(ids(await platform.call(after, 'GET', '/iam/v1/groups'))).toEqual([made.body.id]);
    expect(
      (await platform.call(after, 'PUT', `/iam/v1/groups/${made.body.id}`, { body: { name: 'acme2' } })).status,
    ).toBe(200);
  });

  test('nobody else can take a verified name; an unverified one may be used twice, by different people', async () => {
    const user = await platform.token(platform.user('one@example.org'));
    const other = await platform.token(platform.user('two@example.org'));
    const create = (token: string, name: string) => platform.call(token, 'POST', '/iam/v1/groups', { body: { name } });
    expect((await create(user, 'example.com')).status).toBe(409);
    expect((await create(user, 'chainguard')).status).toBe(409);
    expect((await create(user, 'acme')).status).toBe(200);
    expect((await create(other, 'acme')).status).toBe(200);
    expect((await create(user, 'acme')).status).toBe(409);
  });

  test('an assumed identity cannot make an organization', async () => {
    const identity = await platform.call(owner, 'POST', `/iam/v1/identities/${organization}`, {
      body: { name: 'ci', claimMatch: { issuer: 'https://issuer.example', subject: 's' } },
    });
    const token = await platform.token(identity.body.id);
    const answer = await platform.call(token, 'POST', '/iam/v1/groups', { body: { name: 'acme' } });
    expect([answer.status, answer.body.message]).toEqual([
      403,
      'an identity needs groups.create and groups.update somewhere to create organizations',
    ]);
  });

  const bind = (identity: string, role: string) =>
    platform.store.transact((tx) => bindRole(tx, { group: organization, identity, role: builtInRoleId(role) }));
  const found = (token: string, name: string) =>
    platform
      .call(token, 'POST', '/iam/v1/groups', { body: { name } })
      .then(({ status, body }) => [status, body.message]);
  const identityOf = async (name: string, proof: object) => {
    const { body } = await platform.call(owner, 'POST', `/iam/v1/identities/${organization}`, {
      body: { name, ...proof },
    });
    return String(body.id);
  };

  test('an assumed identity that manages groups may, and owns it', async () => {
    const identity = await identityOf('pipeline', { claimMatch: { issuer: 'https://issuer.example', subject: 'p' } });
    bind(identity, 'owner');
    const made = await platform.call(await platform.token(identity), 'POST', '/iam/v1/groups', {
      body: { name: 'acme.example' },
    });
    expect(made.status).toBe(200);
    const bindings = await platform.call(await platform.token(identity), 'GET', '/iam/v1/rolebindings');
    const held = bindings.body.items.filter((item: { group: { id: string } }) => item.group.id === made.body.id);
    expect(held).toMatchObject([{ identity, role: { name: 'owner' } }]);
    const renamed = await platform.call(await platform.token(identity), 'PUT', `/iam/v1/groups/${made.body.id}`, {
      body: { name: 'acme.test' },
    });
    expect(renamed.status).toBe(200);
  });

  test.each(['registry.pull', 'registry.push', 'registry.pull_token_creator', 'viewer'])(
    'an identity whose only role is %s may not',
    async (role) => {
      const identity = await identityOf('robot', { claimMatch: { issuer: 'https://issuer.example', subject: 'r' } });
      bind(identity, role);
      expect((await found(await platform.token(identity), 'acme'))[0]).toBe(403);
    },
  );

  test('a pull token may not, whatever role it was given', async () => {
    const identity = await identityOf('pull-token', {
      static: { issuer: 'https://pulltoken.issuer.chainguard.dev', subject: 'pull-token-1', issuerKeys: '{"keys":[]}' },
    });
    bind(identity, 'owner');
    expect(await found(await platform.token(identity), 'acme')).toEqual([
      403,
      'an identity that expires cannot create organizations',
    ]);
  });

  test('a narrowed token may not, nor what is made of it', async () => {
    const exchange = async (token: string, query: string) => {
      const answer = await platform.call(token, 'POST', `/sts/exchange?aud=${platform.urls.api}${query}`);
      expect(answer.status).toBe(200);
      return String(answer.body.token);
    };
    const narrow = await exchange(owner, '&cap=groups.create&cap=groups.update');
    const refused = [403, 'a token with narrowed rights cannot create organizations'];
    expect(await found(narrow, 'acme')).toEqual(refused);
    expect(await found(await exchange(narrow, ''), 'acme')).toEqual(refused);
    expect(await found(await exchange(owner, `&scopes=${organization}`), 'acme')).toEqual(refused);
    expect((await found(await exchange(owner, ''), 'acme'))[0]).toBe(200);
  });
});

describe('update', () => {
  test('replaces everything a client may write and nothing else', async () => {
    const answer = await platform.call(owner, 'PUT', `/iam/v1/groups/${organization}`, {
      body: { id: sandbox, name: 'example.com', verified: false, kind: 'ORG_KIND_INFRA', resourceLimits: { idps: 9 } },
    });
    expect(answer.body).toEqual({
      id: organization,
      name: 'example.com',
      description: '',
      resourceLimits: {},
      verified: true,
      kind: 'ORG_KIND_CUSTOMER',
      status: 'ORG_STATUS_READY',
    });
  });

  test('refuses to rename a verified organization, or a folder to a name that a sibling has', async () => {
    const verified = await platform.call(owner, 'PUT', `/iam/v1/groups/${organization}`, { body: { name: 'other' } });
    expect([verified.status, verified.body.code]).toEqual([400, 9]);
    const taken = await platform.call(owner, 'PUT', `/iam/v1/groups/${sandbox}`, { body: { name: 'engineering' } });
    expect(taken.status).toBe(409);
  });
});

describe('delete', () => {
  test('only what is empty, naming what is not; role bindings go with it', async () => {
    await platform.call(owner, 'POST', `/iam/v1/identities/${engineering}`, {
      body: { name: 'ci', claimMatch: { issuer: 'https://issuer.example', subject: 's' } },
    });
    const refused = await platform.call(owner, 'DELETE', `/iam/v1/groups/${engineering}`);
    expect([refused.status, refused.body.code]).toEqual([400, 9]);
    expect(refused.body.message).toBe(`group ${engineering} is not empty: 1 × child group, 1 × identity`);
    expect(refused.body.details).toEqual([
      {
        '@type': 'type.googleapis.com/google.rpc.PreconditionFailure',
        violations: [expect.objectContaining({ type: 'RESOURCE_NOT_EMPTY', subject: engineering })],
      },
    ]);

    platform.user('member@example.org', ['viewer', sandbox]);
    const done = await platform.call(owner, 'DELETE', `/iam/v1/groups/${sandbox}`);
    expect([done.status, done.body]).toEqual([200, {}]);
    expect((await platform.call(owner, 'GET', `/iam/v1/groups?id=${sandbox}`)).body.items).toEqual([]);
    expect((await platform.call(owner, 'DELETE', `/iam/v1/groups/${sandbox}`)).status).toBe(404);
  });

  test('an empty organization can be deleted by its owner', async () => {
    const user = platform.user('founder@example.org');
    const made = await platform.call(await platform.token(user), 'POST', '/iam/v1/groups', { body: { name: 'acme' } });
    const token = await platform.token(user);
    expect((await platform.call(token, 'DELETE', `/iam/v1/groups/${made.body.id}`)).status).toBe(200);
  });
});
