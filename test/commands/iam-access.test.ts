// Who can do what where, against what the enforcing platform really answers.

import { describe, expect, test } from 'vitest';
import { writeTokens } from '../../src/auth/token-cache.ts';
import { fakeHost } from '../support/fake-host.ts';
import { demoFolders, dev, organization } from '../support/ids.ts';
import { temporaryFolder } from '../support/platform.ts';
import { runCli } from '../support/run-cli.ts';
import { signedIn } from '../support/signed-in.ts';

const { engineering, platform: team, sandbox } = demoFolders;

async function world() {
  const made = await signedIn();
  const { platform } = made;
  const token = await platform.token(dev);
  const post = async (path: string, body: object) => {
    const answer = await platform.call(token, 'POST', path, { body });
    if (answer.status !== 200) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  return { ...made, post };
}

const json = (out: string) => JSON.parse(out);

/** Asks the platform itself: makes the thing that the capability is for. */
const attempts: Readonly<Record<string, (place: string, n: number) => readonly [path: string, body: object]>> = {
  'groups.create': (place, n) => [`/iam/v1/groups/${place}`, { name: `g-${n}` }],
  'account_associations.create': (place) => [`/iam/v1/account_associations/${place}`, { name: 'prod' }],
};

test('can-i, its answer about others and who-can say what the platform does', async () => {
  const { platform, run, as, post } = await world();
  const custom = await post(`/iam/v1/roles/${organization}`, { name: 'maker', capabilities: ['groups.create'] });
  const people: Readonly<Record<string, string>> = {
    owner: platform.user('owner@example.com', ['owner', organization]),
    'editor of a folder': platform.user('editor@example.com', ['editor', engineering]),
    viewer: platform.user('viewer@example.com', ['viewer', organization]),
    'custom and elsewhere': platform.user('maker@example.com', [custom.id, sandbox], ['viewer', engineering]),
    nobody: platform.user('nobody@example.com'),
  };
  let n = 0;
  for (const [capability, attempt] of Object.entries(attempts)) {
    for (const place of [organization, team, sandbox]) {
      // A fresh folder for each, since some things can be made once.
      const ids: string[] = [];
      const seen: Record<string, readonly unknown[]> = {};
      const expected: Record<string, readonly unknown[]> = {};
      for (const [name, id] of Object.entries(people)) {
        n += 1;
        const { id: on } = await post(`/iam/v1/groups/${place}`, { name: `fresh-${n}` });
        const [path, body] = attempt(on, n);
        const { status } = await platform.call(await platform.token(id), 'POST', path, { body });
        const allowed = status === 200;
        if (allowed) ids.push(id);
        const answer = allowed ? 'yes' : 'no';
        const words = ['iam', 'access', 'can-i', capability, '--on', on, '-ojson'];
        const own = await as(id)(words);
        const other = await run([...words, '--as', id]);
        seen[name] = [own.code, json(own.out).answer, other.code, json(other.out).answer];
        expected[name] = [allowed ? 0 : 1, answer, allowed ? 0 : 1, answer];
      }
      expect({ capability, place, ...seen }).toEqual({ capability, place, ...expected });
      const listed = json((await run(['iam', 'access', 'who-can', capability, '--on', place, '-ojson'])).out).items;
      const everybody = new Set(listed.map((row: { identityId: string }) => row.identityId));
      // Of the seeded people, who are no part of this, the owner can too.
      expect(Object.values(people).filter((id) => everybody.has(id))).toEqual(ids);
    }
  }
}, 120_000);

describe('who-can', () => {
  test('says through what, and where it was given', async () => {
    const { run, post, platform } = await world();
    platform.user('lead@example.com', ['owner', engineering]);
    const roles = json((await run(['iam', 'roles', 'list', '--name=owner', '-ojson'])).out).items;
    const provider = await post(`/iam/v1/identityProviders/${organization}`, {
      name: 'okta',
      oidc: { issuer: 'https://idp.example', clientId: 'c', clientSecret: 's' },
    });
    await post(`/iam/v1/externalGroupRoleMappings/${provider.id}`, {
      externalGroupId: 'admins',
      roleUidp: roles[0].id,
      scope: organization,
    });
    await post(`/iam/v1/group_invites/${engineering}`, { role: roles[0].id, ttl: '60s', email: 'new@example.com' });
    await post(`/iam/v1/group_invites/${sandbox}`, { role: roles[0].id, ttl: '60s', email: 'not-here@example.com' });
    const shown = await run(['iam', 'access', 'who-can', 'groups.delete', '--on=platform']);
    expect(shown.code).toBe(0);
    const rows = shown.out.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    expect(rows).toContainEqual(['dev@example.com', 'owner', 'example.com', 'binding, inherited']);
    expect(rows).toContainEqual(['lead@example.com', 'owner', 'example.com/engineering', 'binding, inherited']);
    expect(rows).toContainEqual(['group "admins" of okta', 'owner', 'example.com', 'group mapping, inherited']);
    expect(rows).toContainEqual(['new@example.com', 'owner', 'example.com/engineering', 'pending invite, inherited']);
    expect(shown.out).not.toContain('not-here@example.com');
    expect(shown.err).toBe('');
    const csv = await run(['iam', 'access', 'who-can', 'groups.delete', '--on=engineering', '-ocsv']);
    expect(csv.out.split('\r\n')[0]).toBe('WHO,ROLE,LOCATION,THROUGH,IDENTITY ID,ID');
    expect(csv.out).toContain('lead@example.com,owner,example.com/engineering,binding,');
  });

  test('asks lists only', async () => {
    const { run, calls } = await world();
    calls();
    await run(['iam', 'access', 'who-can', 'groups.delete', '--on=platform', '-ojson']);
    const asked = calls();
    expect(asked.filter((operation) => !/\.List$|^auth\.v1\.Auth\.Validate$/.test(operation))).toEqual([]);
    expect(asked).toContain('iam.v1.RoleBindings.List');
  });

  test('says what this login does not see', async () => {
    const { as, platform } = await world();
    const lead = platform.user('lead@example.com', ['owner', engineering]);
    const shown = await as(lead)(['iam', 'access', 'who-can', 'groups.delete', '--on', team]);
    expect(shown.out).toContain('lead@example.com');
    expect(shown.out).not.toContain('dev@example.com');
    expect(shown.err).toContain(
      `This login does not see role bindings made in ${organization}: it lacks the capability "role_bindings.list" there.`,
    );
    expect(shown.err).toContain('roles from groups of identity providers');
    const other = platform.user('other@example.com');
    const open = await as(lead)(['iam', 'access', 'can-i', 'groups.delete', '--on', team, '--as', other]);
    expect(open).toMatchObject({ code: 1, out: 'unknown\n' });
    expect(open.err).toContain('This login does not see role bindings made in');
  });

  test('names the nearest of a capability that there is not', async () => {
    const { run } = await world();
    const failed = await run(['iam', 'access', 'who-can', 'groups.craete', '--on=platform']);
    expect(failed).toMatchObject({ code: 1, out: '' });
    expect(failed.err).toContain('did you mean "groups.create"?');
    const nowhere = await run(['iam', 'access', 'who-can', 'groups.create', '--on=platfrom']);
    expect(nowhere.err).toContain('did you mean the folder "platform"?');
  });
});

describe('can-i', () => {
  test('a narrowed token counts for less than the role', async () => {
    const { platform, run, clock } = await world();
    const words = ['iam', 'access', 'can-i', 'groups.create', '--on=sandbox'];
    expect(await run(words)).toMatchObject({ code: 0, out: 'yes, as owner in example.com\n' });
    const env = {
      XDG_CACHE_HOME: temporaryFolder(),
      CHAINGUARD_PLATFORM_API: platform.urls.api,
      CHAINGUARD_PLATFORM_ISSUER: platform.urls.issuer,
      CHAINGUARD_PLATFORM_AUDIENCE: platform.urls.api,
    };
    const ceiling = new Map([[organization, new Set(['groups.list', 'roles.list', 'role_bindings.list'])]]);
    const token = await platform.token(dev, { ceiling });
    writeTokens(fakeHost({ env }), platform.urls.api, { token, refreshToken: null });
    const narrowed = await runCli(words, { env, now: clock.now() });
    expect(narrowed).toMatchObject({ code: 1, out: 'no\n' });
    const explained = await runCli(['iam', 'access', 'explain', dev, 'groups.create', '--on=sandbox', '-ojson'], {
      env,
      now: clock.now(),
    });
    expect(json(explained.out)).toMatchObject({ answer: 'no', narrowed: true });
    expect(narrowed.err).toContain('"dev@example.com" does not have "groups.create" in "example.com/sandbox"');
    // The role it has been minted for is not what it may do.
    const listed = await runCli(['iam', 'access', 'can-i', 'groups.list', '--on=sandbox'], { env, now: clock.now() });
    expect(listed).toMatchObject({ code: 0, out: 'yes, as a narrowed token in example.com\n' });
  });

  test('a group that a provider may put somebody in leaves it open', async () => {
    const { platform, run, post } = await world();
    const user = platform.user('maybe@example.com');
    const owner = json((await run(['iam', 'roles', 'list', '--name=owner', '-ojson'])).out).items[0].id;
    const provider = await post(`/iam/v1/identityProviders/${organization}`, {
      name: 'okta',
      oidc: { issuer: 'https://idp.example', clientId: 'c', clientSecret: 's' },
    });
    const words = ['iam', 'access', 'can-i', 'groups.delete', '--on=sandbox', '--as', user];
    expect(await run(words)).toMatchObject({ code: 1, out: 'no\n' });
    const group = { externalGroupId: 'admins', roleUidp: owner, scope: organization };
    await post(`/iam/v1/externalGroupRoleMappings/${provider.id}`, group);
    const open = await run(words);
    expect(open).toMatchObject({ code: 1, out: 'unknown\n' });
    expect(open.err).toContain('owner in example.com (group mapping, inherited)');
  });
});

describe('explain', () => {
  test('names the path, and near misses with a line that really helps', async () => {
    const { run, platform } = await world();
    const lead = platform.user('lead@example.com', ['owner', sandbox], ['viewer', organization]);
    const there = await run(['iam', 'access', 'explain', 'lead@example.com', 'groups.create', '--on=sandbox']);
    expect(there).toMatchObject({
      code: 0,
      out: '"lead@example.com" has "groups.create" in "example.com/sandbox".\n  owner in example.com/sandbox (binding)\n',
    });
    const words = ['iam', 'access', 'explain', lead, 'groups.create', '--on=engineering'];
    const { out } = await run(words);
    expect(out).toContain('"lead@example.com" does not have "groups.create" in "example.com/engineering".');
    expect(out).toContain('owner in example.com/sandbox (binding): counts in example.com/sandbox only');
    expect(out).toContain('viewer in example.com (binding, inherited): the role does not have it');
    const line = /chainctl (iam role-bindings create .*)/.exec(out)?.[1] ?? '';
    expect((await run([...line.split(' '), '--yes'])).code).toBe(0);
    expect(json((await run([...words, '-ojson'])).out)).toMatchObject({ answer: 'yes', nearMisses: [] });
    const body = { name: 'made' };
    const answer = await platform.call(await platform.token(lead), 'POST', `/iam/v1/groups/${engineering}`, { body });
    expect(answer.status).toBe(200);
  });

  test('the smallest role that is proposed is the smallest there is', async () => {
    const { run, platform } = await world();
    const nobody = platform.user('nobody@example.com');
    const roles = json((await run(['iam', 'roles', 'list', '--managed', '-ojson'])).out).items;
    for (const capability of ['groups.list', 'role_bindings.create', 'repo.create']) {
      const { out } = await run(['iam', 'access', 'explain', nobody, capability, '--on=sandbox', '-ojson']);
      const fitting = roles.filter((role: { capabilities: string[] }) => role.capabilities.includes(capability));
      const sizes = fitting.map((role: { capabilities: string[] }) => role.capabilities.length);
      const proposed = fitting.find((role: { name: string }) => role.name === json(out).smallestRole);
      expect(proposed.capabilities.length).toBe(Math.min(...sizes));
    }
  });
});

test('who-can of a command lists who has all that it needs, and only those can run it', async () => {
  const { platform, run, as, post } = await world();
  const half = await post(`/iam/v1/roles/${organization}`, { name: 'half', capabilities: ['groups.create'] });
  const other = await post(`/iam/v1/roles/${organization}`, { name: 'other', capabilities: ['groups.list'] });
  const people = {
    'both at once': platform.user('editor@example.com', ['editor', engineering]),
    'from two roles': platform.user('two@example.com', [half.id, engineering], [other.id, organization]),
    'one of two': platform.user('half@example.com', [half.id, engineering]),
    'both elsewhere': platform.user('elsewhere@example.com', ['editor', sandbox]),
  };
  const line = 'chainctl iam folders create made';
  const answer = await run(['iam', 'access', 'who-can', line, '--on=engineering']);
  expect(answer.err).toContain(`"${line}" needs groups.create, groups.list.`);
  const { items } = json((await run(['iam', 'access', 'who-can', line, '--on=engineering', '-ojson'])).out);
  const named = new Set(items.map((item: { identityId: string }) => item.identityId));
  for (const [name, id] of Object.entries(people)) {
    const words = ['iam', 'folders', 'create', `by-${name.replaceAll(' ', '-')}`, '--parent=engineering', '--yes'];
    expect([name, named.has(id)]).toEqual([name, (await as(id)(words)).code === 0]);
  }
  const roles = items.filter((item: { identityId: string }) => item.identityId === people['from two roles']);
  expect(roles.map((item: { role: string }) => item.role).sort()).toEqual(['half', 'other']);
});

test('who-can of a command that there is not, that is a group, and that needs nothing', async () => {
  const { run } = await signedIn();
  const asked = async (line: string) => (await run(['iam', 'access', 'who-can', line, '--on=engineering'])).err;
  expect(await asked('chainctl iam rolez list')).toMatch(
    /Unknown command "rolez".*\n.*did you mean `chainctl iam roles`/,
  );
  expect(await asked('chainctl iam roles')).toContain('`chainctl iam roles` is a group of commands');
  expect(await asked('chainctl iam roles list --parnet=x')).toContain('did you mean `--parent`');
  expect(await asked('chainctl version')).toContain('`chainctl version` needs no capability');
  expect(await asked('groups.creat')).toContain('did you mean "groups.create"?');
});
