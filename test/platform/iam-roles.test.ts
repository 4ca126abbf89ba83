import { beforeEach, describe, expect, test } from 'vitest';
import { builtInRoles } from '../../src/api/schema/roles.gen.ts';
import { newKeyPair } from '../../src/key-pairs.ts';
import { builtInRoleId, demoFolders, dev, guest, organization } from '../support/ids.ts';
import { startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';

const { engineering, platform: platformFolder, sandbox } = demoFolders;

let clock: TestClock;
let platform: TestPlatform;
let owner: string;
let viewer: string;

beforeEach(async () => {
  clock = new TestClock();
  platform = await startTestPlatform({ clock, modules: [] });
  owner = await platform.token(dev);
  viewer = await platform.token(guest);
});

const createRole = (body: object, parent: string = organization) =>
  platform.call(owner, 'POST', `/iam/v1/roles/${parent}`, { body });
const bind = (token: string, group: string, identity: string, role: string) =>
  platform.call(token, 'POST', `/iam/v1/rolebindings/${group}`, { body: { identity, role } });

describe('roles', () => {
  test('built-in ones are in everybody’s list, with ids that are the same on every platform', async () => {
    const stranger = await platform.token(platform.user('stranger@example.org'));
    const answer = await platform.call(stranger, 'GET', '/iam/v1/roles');
    expect(answer.body.items).toHaveLength(builtInRoles.length);
    expect(answer.body.items).toContainEqual({
      id: '95057d916dcfc5283e4bc65381851758b729975d',
      name: 'apk.pull',
      description: 'APK Pull Role (built-in)',
      capabilities: ['groups.list', 'apk.list', 'apk.blobs.get'],
    });
  });

  test('`/` asks for the built-in ones, an organization for its own', async () => {
    const made = await createRole({ name: 'auditor', capabilities: ['repo.list', 'groups.list', 'repo.list'] });
    expect(made.body).toMatchObject({ name: 'auditor', capabilities: ['groups.list', 'repo.list'] });
    const names = async (query: string) => {
      const answer = await platform.call(viewer, 'GET', `/iam/v1/roles?${query}`);
      return answer.body.items.map(({ name }: { name: string }) => name);
    };
    expect(await names('parent=/')).toHaveLength(builtInRoles.length);
    expect(await names(`parent=${organization}`)).toEqual(['auditor']);
    expect(await names('name=auditor')).toEqual(['auditor']);
    expect(await names('name=viewer')).toEqual(['viewer']);
    expect(await names(`uidp.children_of=${engineering}`)).toEqual([]);
  });

  test('custom ones of others are not shown', async () => {
    await createRole({ name: 'auditor', capabilities: ['repo.list'] });
    const stranger = await platform.token(platform.user('stranger@example.org'));
    expect((await platform.call(stranger, 'GET', '/iam/v1/roles?name=auditor')).body.items).toEqual([]);
  });

  test('refuses what is no capability, what is internal, and names in use', async () => {
    const unknown = await createRole({ name: 'x', capabilities: ['repo.fly'] });
    expect([unknown.status, unknown.body.message]).toEqual([400, 'capabilities: "repo.fly" is not a capability']);
    expect((await createRole({ name: 'x', capabilities: ['repo.internal.admin'] })).status).toBe(400);
    expect((await createRole({ name: 'auditor', capabilities: ['repo.list'] })).status).toBe(200);
    expect((await createRole({ name: 'auditor', capabilities: ['repo.list'] })).status).toBe(409);
    expect((await createRole({ name: 'auditor', capabilities: ['repo.list'] }, sandbox)).status).toBe(200);
    expect((await createRole({ name: 'viewer', capabilities: ['repo.list'] })).status).toBe(409);
  });

  test('built-in ones cannot be changed or deleted, not even by owners', async () => {
    const id = builtInRoleId('viewer');
    const update = await platform.call(owner, 'PUT', `/iam/v1/roles/${id}`, { body: { name: 'viewer' } });
    expect([update.status, update.body.code]).toEqual([403, 7]);
    expect((await platform.call(owner, 'DELETE', `/iam/v1/roles/${id}`)).status).toBe(403);
  });

  test('one in use cannot be deleted', async () => {
    const { body: role } = await createRole({ name: 'auditor', capabilities: ['repo.list'] });
    const { body: binding } = await bind(owner, sandbox, guest, role.id);
    const refused = await platform.call(owner, 'DELETE', `/iam/v1/roles/${role.id}`);
    expect([refused.status, refused.body.code]).toEqual([400, 9]);
    expect((await platform.call(owner, 'DELETE', `/iam/v1/rolebindings/${binding.id}`)).status).toBe(200);
    expect((await platform.call(owner, 'DELETE', `/iam/v1/roles/${role.id}`)).status).toBe(200);
  });

  test('nobody adds what it does not hold itself', async () => {
    const { body: editor } = await createRole({ name: 'role editor', capabilities: ['roles.list', 'roles.update'] });
    const { body: role } = await createRole({ name: 'auditor', capabilities: ['repo.list', 'tag.list'] });
    const helper = await platform.token(platform.user('helper@example.org', [editor.id, organization]));
    const update = (capabilities: string[]) =>
      platform.call(helper, 'PUT', `/iam/v1/roles/${role.id}`, { body: { name: 'auditor', capabilities } });
    const more = await update(['repo.list', 'identity.create']);
    expect([more.status, more.body.message]).toEqual([403, 'missing: identity.create']);
    expect((await update(['repo.list', 'roles.update'])).status).toBe(200);
  });
});

describe('role bindings', () => {
  test('are answered bare and listed with what they tie together', async () => {
    const made = await bind(owner, engineering, guest, builtInRoleId('editor'));
    expect(made.body).toEqual({
      id: expect.stringMatching(new RegExp(`^${engineering}/[0-9a-f]{16}$`)),
      identity: guest,
      group: '',
      role: builtInRoleId('editor'),
    });
    const listed = await platform.call(viewer, 'GET', `/iam/v1/rolebindings?uidp.descendants_of=${engineering}`);
    expect(listed.body.items).toEqual([
      {
        id: made.body.id,
        group: expect.objectContaining({ id: engineering, name: 'engineering', kind: 'ORG_KIND_UNSPECIFIED' }),
        identity: guest,
        role: expect.objectContaining({ id: builtInRoleId('editor'), name: 'editor' }),
        email: 'guest@example.com',
        claimMatchIssuer: '',
        claimMatchSubject: '',
        createdAt: '2026-03-27T13:55:00.785Z',
        emailUnverified: '',
      },
    ]);
  });

  test('work at once for what the token was minted with, and stop at once', async () => {
    const user = platform.user('helper@example.org');
    const { body: binding } = await bind(owner, sandbox, user, builtInRoleId('viewer'));
    const token = await platform.token(user);
    const sees = async () => (await platform.call(token, 'GET', '/iam/v1/groups')).body.items.length;
    expect(await sees()).toBe(1);
    await platform.call(owner, 'DELETE', `/iam/v1/rolebindings/${binding.id}`);
    expect(await sees()).toBe(0);
  });

  test('nobody grants more than it holds there', async () => {
    const maker = platform.user('maker@example.org', ['registry.pull_token_creator', engineering]);
    const token = await platform.token(maker);
    expect((await bind(token, platformFolder, guest, builtInRoleId('registry.pull'))).status).toBe(200);
    const more = await bind(token, platformFolder, maker, builtInRoleId('owner'));
    expect([more.status, more.body.code]).toEqual([403, 7]);
    expect(more.body.message).toContain('groups.create');
    expect((await bind(token, sandbox, guest, builtInRoleId('registry.pull'))).status).toBe(404);
  });

  test('refuses a second of the same, an unknown identity, a role from elsewhere', async () => {
    const { body: role } = await createRole({ name: 'auditor', capabilities: ['repo.list'] }, sandbox);
    expect((await bind(owner, engineering, guest, role.id)).status).toBe(404);
    expect((await bind(owner, sandbox, guest, role.id)).status).toBe(200);
    expect((await bind(owner, sandbox, guest, role.id)).status).toBe(409);
    expect((await bind(owner, sandbox, 'f'.repeat(40), role.id)).status).toBe(404);
    expect((await bind(owner, sandbox, 'nobody', role.id)).status).toBe(400);
  });

  test('another organization’s identity is not found', async () => {
    const founder = platform.user('founder@example.org');
    const made = await platform.call(await platform.token(founder), 'POST', '/iam/v1/groups', {
      body: { name: 'acme' },
    });
    const founderToken = await platform.token(founder);
    const identity = await platform.call(founderToken, 'POST', `/iam/v1/identities/${made.body.id}`, {
      body: { name: 'ci', claimMatch: { issuer: 'https://issuer.example', subject: 's' } },
    });
    expect(identity.status).toBe(200);
    expect((await bind(owner, sandbox, identity.body.id, builtInRoleId('viewer'))).status).toBe(404);
  });

  test('a batch is done whole or not at all', async () => {
    const batch = (roleBindings: object[]) =>
      platform.call(owner, 'POST', `/iam/v1/rolebindings/batch/${sandbox}`, { body: roleBindings });
    const good = { identity: guest, role: builtInRoleId('editor') };
    const failed = await batch([good, { identity: guest, role: 'f'.repeat(40) }]);
    expect(failed.status).toBe(404);
    const count = async () =>
      (await platform.call(owner, 'GET', `/iam/v1/rolebindings?uidp.children_of=${sandbox}`)).body.items.length;
    expect(await count()).toBe(0);
    const done = await batch([good, { identity: guest, role: builtInRoleId('viewer') }]);
    expect(done.body.roleBindings).toHaveLength(2);
    expect(await count()).toBe(2);
    expect((await batch([])).status).toBe(400);
  });

  test('update ties something else together, by the same rules', async () => {
    const { body: binding } = await bind(owner, sandbox, guest, builtInRoleId('viewer'));
    const update = (body: object) => platform.call(owner, 'PUT', `/iam/v1/rolebindings/${binding.id}`, { body });
    const done = await update({ identity: guest, role: builtInRoleId('editor'), group: organization });
    expect(done.body).toEqual({ id: binding.id, identity: guest, group: '', role: builtInRoleId('editor') });
    expect((await update({ identity: guest })).status).toBe(400);
  });

  test('the last owner of an organization stays, whichever way it would go', async () => {
    const listed = await platform.call(owner, 'GET', `/iam/v1/rolebindings?uidp.children_of=${organization}`);
    const own = listed.body.items.find(({ identity }: { identity: string }) => identity === dev);
    const attempts = [
      await platform.call(owner, 'DELETE', `/iam/v1/rolebindings/${own.id}`),
      await platform.call(owner, 'PUT', `/iam/v1/rolebindings/${own.id}`, {
        body: { identity: dev, role: builtInRoleId('editor') },
      }),
      await platform.call(owner, 'DELETE', `/auth/v1/delete/${dev}`),
    ];
    expect(attempts.map(({ status, body }) => [status, body.code])).toEqual([
      [400, 9],
      [400, 9],
      [400, 9],
    ]);

    await bind(owner, organization, guest, builtInRoleId('owner'));
    expect((await platform.call(owner, 'DELETE', `/iam/v1/rolebindings/${own.id}`)).status).toBe(200);
  });

  test('an owner who cannot act is none: expired keys, a service of the platform', async () => {
    const listed = await platform.call(owner, 'GET', `/iam/v1/rolebindings?uidp.children_of=${organization}`);
    const own = listed.body.items.find(({ identity }: { identity: string }) => identity === dev);
    const issuerKeys = JSON.stringify({ keys: [newKeyPair('P-256').publicKey.export({ format: 'jwk' })] });
    const keys = { issuer: 'https://kubernetes.default.svc', subject: 's', issuerKeys };
    const made = await Promise.all(
      [
        { name: 'service', servicePrincipal: 'SKILLS' },
        { name: 'keys', static: keys },
      ].map((body) => platform.call(owner, 'POST', `/iam/v1/identities/${organization}`, { body })),
    );
    for (const { body } of made) {
      expect((await bind(owner, organization, body.id, builtInRoleId('owner'))).status).toBe(200);
    }
    clock.advance(31 * 24 * 3600_000);
    owner = await platform.token(dev);
    const refused = await platform.call(owner, 'DELETE', `/iam/v1/rolebindings/${own.id}`);
    expect([refused.status, refused.body.message]).toEqual([400, expect.stringContaining('last owner')]);
  });

  test('the proof of the last owner is not taken away either', async () => {
    const robot = { name: 'robot', claimMatch: { issuer: 'https://issuer.example', subject: 's' } };
    const { id } = (await platform.call(owner, 'POST', `/iam/v1/identities/${organization}`, { body: robot })).body;
    await bind(owner, organization, id, builtInRoleId('owner'));
    const listed = await platform.call(owner, 'GET', `/iam/v1/rolebindings?uidp.children_of=${organization}`);
    const own = listed.body.items.find(({ identity }: { identity: string }) => identity === dev);
    const token = await platform.token(id);
    expect((await platform.call(token, 'DELETE', `/iam/v1/rolebindings/${own.id}`)).status).toBe(200);
    const refused = await platform.call(token, 'PUT', `/iam/v1/identities/${id}`, {
      body: { name: 'robot', servicePrincipal: 'SKILLS' },
    });
    expect([refused.status, refused.body.message]).toEqual([400, expect.stringContaining('last owner')]);
  });

  test('a folder needs no owner of its own', async () => {
    const { body } = await bind(owner, sandbox, guest, builtInRoleId('owner'));
    const weaker = { identity: guest, role: builtInRoleId('viewer') };
    expect((await platform.call(owner, 'PUT', `/iam/v1/rolebindings/${body.id}`, { body: weaker })).status).toBe(200);
    const again = await bind(owner, sandbox, guest, builtInRoleId('owner'));
    expect((await platform.call(owner, 'DELETE', `/iam/v1/rolebindings/${again.body.id}`)).status).toBe(200);
  });
});
