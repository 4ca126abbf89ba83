import { describe, expect, test } from 'vitest';
import { builtInRoleId } from '../support/ids.ts';
import { signedIn } from '../support/signed-in.ts';

/** A platform with the custom role `reader` in the organization. */
async function withRole() {
  const world = await signedIn();
  const words = ['--parent=example.com', '--capabilities=groups.list,roles.list', '--description=Looks', '-y', '-oid'];
  const made = await world.run(['iam', 'roles', 'create', 'reader', ...words]);
  const show = async (id = made.out.trim()) => {
    const { items } = JSON.parse((await world.run(['iam', 'roles', 'list', '-ojson'])).out);
    return items.find((item: { id: string }) => item.id === id);
  };
  return { ...world, id: made.out.trim(), show };
}

describe('create', () => {
  test('by names; capabilities as a list and repeated', async () => {
    const { run } = await signedIn();
    const words = ['--parent', 'engineering', '--capabilities=groups.list,repo.list', '--capabilities', 'repo.list'];
    const made = await run(['iam', 'roles', 'create', 'my-role', ...words, '-ojson'], { stdin: 'y\n' });
    expect(made.code).toBe(0);
    expect(made.err).toContain('This creates the role "my-role" in "engineering".\n  with  groups.list, repo.list');
    expect(JSON.parse(made.out)).toMatchObject({ name: 'my-role', capabilities: ['groups.list', 'repo.list'] });
  });

  test('a person types the name, picks the location and ticks capabilities', async () => {
    const { run } = await signedIn();
    const made = await run(['iam', 'roles', 'create', '-ojson'], {
      tty: true,
      answers: ['my-role', 'sandbox', ['tag.list', 'repo.list'], true],
    });
    expect(made.code, made.err).toBe(0);
    expect(made.asked.slice(0, 3)).toEqual([
      'What is the role called?',
      'Where does the role belong?',
      'Which capabilities does the role have?',
    ]);
    expect(made.err).toContain(
      'Equivalent command: chainctl iam roles create my-role --parent=sandbox --capabilities=tag.list --capabilities=repo.list --output=json',
    );
  });

  test('what the platform refuses is told; what is missing is told at once', async () => {
    const { run } = await signedIn();
    const create = (...words: string[]) => run(['iam', 'roles', 'create', ...words, '-y']);
    const unknown = await create('my-role', '--parent=example.com', '--capabilities=groups.lst');
    expect(unknown).toMatchObject({ code: 1, out: '' });
    expect(unknown.err).toContain('"groups.lst" is not a capability\nhint: did you mean "groups.list"?');
    expect((await create('viewer', '--parent=example.com', '--capabilities=groups.list')).code).toBe(1);
    expect((await create('My Role', '--parent=example.com', '--capabilities=groups.list')).code).toBe(2);
    const missing = await create('my-role', '--parent=example.com', '--capabilities=');
    expect(missing).toMatchObject({ code: 2 });
    expect(missing.err).toContain('`--capabilities` is required when not running interactively');
    // What does not fit is said once, and is not missing besides.
    const commas = await create('my-role', '--parent=example.com', '--capabilities=,');
    expect(commas.err.match(/--capabilities` /g)).toHaveLength(1);
  });
});

describe('update', () => {
  test('adds, removes and replaces', async () => {
    const { run, id, show } = await withRole();
    const added = await run(['iam', 'roles', 'update', 'reader', '--add-capabilities=repo.list,tag.list'], {
      stdin: 'y\n',
    });
    expect(added.code).toBe(0);
    expect(added.err).toContain(`This changes the role "reader" (${id}):\n  + repo.list\n  + tag.list\n`);
    expect((await show()).capabilities.sort()).toEqual(['groups.list', 'repo.list', 'roles.list', 'tag.list']);
    await run(['iam', 'roles', 'update', id, '--remove-capabilities=tag.list', '--add-capabilities=apk.list', '-y']);
    expect((await show()).capabilities.sort()).toEqual(['apk.list', 'groups.list', 'repo.list', 'roles.list']);
    const replaced = await run(['iam', 'role', 'update', id, '--capabilities=groups.list', '-y', '-ojson']);
    expect(JSON.parse(replaced.out)).toMatchObject({ id, capabilities: ['groups.list'], description: 'Looks' });
    const emptied = await run(['iam', 'roles', 'update', id, '--description=', '-y', '-ojson']);
    expect(JSON.parse(emptied.out)).not.toHaveProperty('description');
    expect(await run(['iam', 'roles', 'update', id, '--capabilities=groups.list', '-oid'])).toMatchObject({
      code: 0,
      out: `${id}\n`,
      err: 'Role "reader" is like that already.\n',
    });
  });

  test('an empty value asks, with what the role lacks or has', async () => {
    const { run, show } = await withRole();
    const added = await run(['iam', 'roles', 'update', 'reader', '--add-capabilities='], {
      tty: true,
      answers: [['tag.list'], true],
    });
    expect(added.code, added.err).toBe(0);
    expect(added.err).toContain('Equivalent command: chainctl iam roles update reader --add-capabilities=tag.list');
    expect((await show()).capabilities).toContain('tag.list');
    const twice = await run(['iam', 'roles', 'update', 'reader', '--add-capabilities='], {
      tty: true,
      answers: [['tag.list']],
    });
    expect(twice.err).toContain('"tag.list" is not among');
    const removed = await run(['iam', 'roles', 'update', '--remove-capabilities='], {
      tty: true,
      answers: [['tag.list', 'roles.list'], true],
    });
    expect(removed.code, removed.err).toBe(0);
    expect((await show()).capabilities).toEqual(['groups.list']);
  });

  test('what makes no sense is refused before anything is asked', async () => {
    const { run, calls } = await withRole();
    calls();
    expect((await run(['iam', 'roles', 'update', 'reader'])).code).toBe(2);
    const both = ['--capabilities=groups.list', '--add-capabilities=tag.list'];
    expect((await run(['iam', 'roles', 'update', 'reader', ...both])).code).toBe(2);
    expect(calls()).toEqual([]);
    const nothing = await run([
      'iam',
      'roles',
      'update',
      'reader',
      '--remove-capabilities=groups.list,roles.list',
      '-y',
    ]);
    expect(nothing.err).toContain('would allow nothing');
    const builtIn = await run(['iam', 'roles', 'update', 'viewer', '--add-capabilities=repo.create']);
    expect(builtIn).toMatchObject({ code: 1, out: '' });
    expect(builtIn.err).toContain('Role "viewer" is built in and cannot be changed');
  });
});

describe('delete', () => {
  test('by name or id, with an agreement', async () => {
    const { run, id, show } = await withRole();
    expect((await run(['iam', 'roles', 'delete', 'reader'])).code).toBe(2);
    expect((await run(['iam', 'roles', 'delete', 'reader'], { stdin: 'n\n' })).code).toBe(1);
    expect(await show()).toBeDefined();
    expect(await run(['iam', 'roles', 'rm', 'reader', '-y', '-oid'])).toMatchObject({
      code: 0,
      out: `${id}\n`,
      err: '',
    });
    expect(await show()).toBeUndefined();
    expect((await run(['iam', 'roles', 'delete', id, '-y'])).err).toContain('No role found');
  });

  test('a role that is built in or in use stays', async () => {
    const { run, id, show } = await withRole();
    expect((await run(['iam', 'roles', 'delete', builtInRoleId('viewer'), '-y'])).err).toContain('built in');
    const bind = ['--parent=sandbox', '--identity=dev@example.com', '--role=reader', '-y'];
    expect((await run(['iam', 'role-bindings', 'create', ...bind])).code).toBe(0);
    const used = await run(['iam', 'roles', 'delete', id, '-y']);
    expect(used).toMatchObject({ code: 1, out: '' });
    expect(used.err).toContain('in use by 1 role binding');
    expect(await show()).toBeDefined();
  });

  test('the only custom role is taken without asking which, and then the agreement is asked', async () => {
    const { run } = await withRole();
    const deleted = await run(['iam', 'roles', 'delete'], { tty: true, answers: [true] });
    expect(deleted.code, deleted.err).toBe(0);
    expect(deleted.err).toContain('Selected role reader.');
    expect(deleted.asked).toHaveLength(1);
  });
});

describe('capabilities list', () => {
  test('a row a resource, in three forms, and no login is needed', async () => {
    const { runCli } = await import('../support/run-cli.ts');
    const table = await runCli(['iam', 'roles', 'capabilities', 'list']);
    expect(table).toMatchObject({ code: 0, err: '' });
    expect(table.out).toMatch(/^ +RESOURCE +\| +ACTION\n/);
    expect(table.out).toMatch(/^ groups +\| create, delete, list, update$/m);
    expect(table.out).not.toContain('internal');
    const tree = await runCli(['iam', 'role', 'capabilities', 'ls', '--resources=groups', '-o', 'tree']);
    expect(tree.out).toBe('[groups]\n├ create\n├ delete\n├ list\n└ update\n');
    const json = await runCli([
      'iam',
      'roles',
      'capabilities',
      'list',
      '--resources=groups,repos',
      '--actions=list',
      '-ojson',
    ]);
    expect(JSON.parse(json.out)).toEqual({
      items: [
        { resource: 'groups', actions: ['list'] },
        { resource: 'repo', actions: ['list'] },
      ],
    });
  });
});
