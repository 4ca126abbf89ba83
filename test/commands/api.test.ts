import { expect, test } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { signedIn } from '../support/signed-in.ts';

test('an operation by its name: what -f gives goes into the path, the query or the body', async () => {
  const { run, calls } = await signedIn();
  const listed = await run(['api', 'iam.v1.Groups.List', '-f', 'name=engineering']);
  const [group] = JSON.parse(listed.out).items;
  expect(group.name).toBe('engineering');
  calls();
  const made = await run(['api', 'iam.v1.Groups.Create', '-f', `parent=${group.id}`, '-f', 'group.name=made-by-api']);
  expect(made.err).toBe('');
  expect(JSON.parse(made.out)).toMatchObject({ name: 'made-by-api' });
  expect(calls()).toEqual(['iam.v1.Groups.Create']);
  const deleted = await run(['api', 'iam.v1.Groups.Delete', '-f', `id=${JSON.parse(made.out).id}`]);
  expect(deleted.code).toBe(0);
});

test('a method and a path, with fields as query or body', async () => {
  const { run } = await signedIn();
  expect(JSON.parse((await run(['api', 'GET', '/iam/v1/groups', '-f', 'name=sandbox'])).out).items).toHaveLength(1);
  expect(JSON.parse((await run(['api', 'get', '/iam/v1/groups?name=sandbox'])).out).items).toHaveLength(1);
  const refused = await run(['api', 'GET', '/iam/v1/nothing']);
  expect(refused).toMatchObject({ code: 1, out: '' });
});

test('--paginate joins the pages of v2', async () => {
  const { run } = await signedIn();
  const whole = await run(['api', 'iam.v2.RolesService.ListRoles', '-f', 'pageSize=1000']);
  expect(whole.err).toBe('');
  const all = JSON.parse(whole.out);
  const key = Object.keys(all).find((name) => Array.isArray(all[name])) ?? '';
  const paged = JSON.parse((await run(['api', 'iam.v2.RolesService.ListRoles', '-f', 'pageSize=5', '--paginate'])).out);
  expect(paged[key]).toEqual(all[key]);
});

test('what cannot be sent is told before anything is', async () => {
  const { run, calls } = await signedIn();
  calls();
  expect((await run(['api', 'iam.v1.Groups.Lst'])).err).toContain('did you mean iam.v1.Groups.List?');
  expect(await run(['api', 'iam.v1.Groups.List', '-f', 'nmae=x'])).toMatchObject({ code: 2 });
  expect((await run(['api', 'GET'])).err).toContain('`PATH` is required after GET');
  expect((await run(['api', 'GET', 'iam/v1/groups'])).err).toContain('must begin with "/"');
  expect(calls()).toEqual([]);
});

test('operations can be found and looked at without a login', async () => {
  const found = await runCli(['api', 'list', 'iam.v1.groups', '-o', 'id']);
  expect(found.out).toContain('iam.v1.Groups.List\n');
  expect((await runCli(['api', 'describe', 'iam.v1.Groups.List'])).out).toMatch(
    /GET \/iam\/v1\/groups\n[\s\S]*Capabilities: groups.list[\s\S]*Request:\n[\s\S]*name/,
  );
});

test('every command as data: flags with types, formats, whether it writes', async () => {
  const { out } = await runCli(['commands', '-o', 'json']);
  const { items } = JSON.parse(out);
  const by = (name: string) => items.find(({ command }: { command: string }) => command === `chainctl ${name}`);
  expect(by('iam roles list')).toMatchObject({ writes: false, lists: true, formats: expect.arrayContaining(['csv']) });
  expect(by('iam identities delete')).toMatchObject({ writes: true, confirms: true });
  expect(by('auth pull-token create').flags.find(({ name }: { name: string }) => name === '--ttl')).toMatchObject({
    type: 'DURATION',
    default: '720h',
    required: false,
  });
  const readers = items
    .filter(({ writes }: { writes: boolean }) => !writes)
    .map((one: { command: string }) => one.command);
  // What may be run without a thought. A command that is new here has to be looked at.
  expect(
    readers.filter((name: string) => /create|delete|update|set|unset|start|stop|login|logout|save|edit/.test(name)),
  ).toEqual([]);
});

test('a login that may not list is told so beside an empty list, and not with -o json', async () => {
  const { run, as, platform } = await signedIn();
  const stranger = as(platform.user('stranger@example.com'));
  const told = await stranger(['iam', 'identities', 'list']);
  expect(told).toMatchObject({ code: 0, err: expect.stringContaining('it lacks the capability "identity.list"') });
  expect((await stranger(['iam', 'identities', 'list', '-ojson'])).err).toBe('');
  expect((await run(['iam', 'identities', 'list', '--name=none'])).err).toBe('No identities found.\n');
});

test.each([
  ['whoami', 'chainctl auth status'],
  ['auth whoami', 'chainctl auth status'],
  ['auth switch', 'chainctl config contexts use'],
  ['config get', 'chainctl config view'],
  ['iam users', 'chainctl iam role-bindings list'],
  ['iam roles show', 'chainctl iam roles list'],
  ['iam folders get', 'chainctl iam folders describe'],
])('%s leads to what exists', async (words, meant) => {
  expect((await runCli(words.split(' '))).err).toContain(`use \`${meant}\``);
});

test('nobody is proposed for a misspelled person; an organization is called one', async () => {
  const { run } = await signedIn();
  const words = ['iam', 'role-bindings', 'create', '--role=viewer', '--parent=example.com', '-y'];
  const { err } = await run([...words, '--identity=def@example.com']);
  expect(err).not.toContain('dev@example.com');
  expect(err).toContain('chainctl iam role-bindings list');
  expect((await run(['iam', 'roles', 'list', '--parent=exmple.com'])).err).toContain(
    'No folder found for "exmple.com"\nhint: did you mean the organization "example.com"?',
  );
});
