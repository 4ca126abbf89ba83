import { describe, expect, test } from 'vitest';
import { builtInRoleId, demoFolders, organization, personId } from '../support/ids.ts';
import { signedIn } from '../support/signed-in.ts';

describe('organizations', () => {
  test('are listed by name, as a tree of one level unless said otherwise', async () => {
    const { run, calls } = await signedIn();
    expect(await run(['iam', 'organizations', 'list'])).toMatchObject({
      code: 0,
      out: '[example.com] A company to try things with\n',
      err: '',
    });
    expect(calls()).toEqual(['iam.v1.Groups.List']);
    expect((await run(['iam', 'orgs', 'ls', '-oid'])).out).toBe(`${organization}\n`);
    const table = (await run(['iam', 'organizations', 'list', '-o', 'table'])).out;
    expect(table).toMatch(/^ +ID +\| +NAME +\| +STATUS +\| +DESCRIPTION\n-+\|-+\|-+\|-+\n/);
    expect(table).toContain(` ${organization} | example.com | READY  | A company to try things with\n`);
  });

  test('JSON has what was set and nothing else', async () => {
    const { run } = await signedIn();
    const { out } = await run(['iam', 'organizations', 'list', '-o', 'json']);
    expect(out.split('\n')).toHaveLength(2);
    expect(JSON.parse(out)).toEqual({
      items: [
        {
          id: organization,
          name: 'example.com',
          description: 'A company to try things with',
          resourceLimits: {},
          verified: true,
          kind: 'ORG_KIND_CUSTOMER',
          status: 'ORG_STATUS_READY',
        },
      ],
    });
  });

  test('one is described by name with one call, by id with one call', async () => {
    const { run, calls } = await signedIn();
    const byName = await run(['iam', 'organizations', 'describe', 'example.com']);
    expect(JSON.parse(byName.out)).toMatchObject({ id: organization, name: 'example.com' });
    expect(calls()).toHaveLength(1);
    expect((await run(['iam', 'organizations', 'describe', organization])).out).toBe(byName.out);
    expect(calls()).toHaveLength(1);
  });

  test('who may not is told which capability is missing, and where to see the others', async () => {
    const { as } = await signedIn();
    const refused = await as('guest@example.com')(['iam', 'folders', 'update', 'sandbox', '--description=x']);
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain(
      `error: Permission denied: missing: groups.update\nhint: see why with \`chainctl iam access explain ${personId('guest@example.com')} groups.update --on=${demoFolders.sandbox}\`\n`,
    );
  });

  test('an unknown one fails with the words that scripts look for', async () => {
    const { run } = await signedIn();
    const unknown = await run(['iam', 'organizations', 'describe', 'exmaple.com']);
    expect(unknown).toMatchObject({ code: 1, out: '' });
    expect(unknown.err).toBe(
      'error: No folder found for "exmaple.com"\nhint: did you mean the organization "example.com"?\n',
    );
    const hidden = await run(['iam', 'organizations', 'describe', 'f'.repeat(40)]);
    expect(hidden).toMatchObject({
      code: 1,
      err: `error: No folder found for "${'f'.repeat(40)}"\nhint: see \`chainctl iam organizations list\`\n`,
    });
    const json = await run(['iam', 'organizations', 'describe', 'nowhere', '-o', 'json']);
    expect(json).toMatchObject({ code: 1, out: '' });
    expect(JSON.parse(json.err)).toMatchObject({ message: 'No folder found for "nowhere"', code: 4 });
  });

  test('somebody who belongs to none gets an empty answer and a sentence', async () => {
    const { platform, as } = await signedIn();
    const lonely = as(platform.user('lonely@example.com'));
    expect(await lonely(['iam', 'organizations', 'list', '-o', 'json'])).toMatchObject({
      code: 0,
      out: '{"items":[]}\n',
      err: '',
    });
    expect(await lonely(['iam', 'organizations', 'list', '-o', 'id'])).toMatchObject({ code: 0, out: '' });
    expect((await lonely(['iam', 'organizations', 'list', '-o', 'table'])).err).toContain('no organization');
  });

  test('without a login nothing is printed on stdout', async () => {
    const { platform } = await signedIn();
    const { runCli } = await import('../support/run-cli.ts');
    const failed = await runCli(['iam', 'organizations', 'list', '-o', 'json'], {
      env: { CHAINGUARD_PLATFORM_API: platform.urls.api, CHAINGUARD_DEFAULT_SKIP_AUTO_LOGIN: 'true' },
    });
    expect(failed).toMatchObject({ code: 4, out: '' });
    expect(failed.err).toMatch(/login|not authenticated/i);
  });
});

describe('folders', () => {
  test('of an organization, as a tree, by place or by flag', async () => {
    const { run, calls } = await signedIn();
    const tree = [
      '[engineering] Everybody who builds',
      '└ [platform] The team that runs the clusters',
      '[sandbox] Try things here',
      '',
    ].join('\n');
    for (const words of [['example.com'], ['--parent', 'example.com'], ['--group=example.com'], [organization], []]) {
      calls();
      expect(await run(['iam', 'folders', 'list', ...words]), words.join(' ')).toMatchObject({ code: 0, out: tree });
      expect(calls()).toEqual(['iam.v1.Groups.List']);
    }
    expect((await run(['iam', 'folder', 'ls', 'example.com', '-o', 'id'])).out.split('\n')).toEqual([
      demoFolders.engineering,
      demoFolders.platform,
      demoFolders.sandbox,
      '',
    ]);
    const { items } = JSON.parse((await run(['iam', 'folders', 'list', 'example.com', '-ojson'])).out);
    expect(items[1]).toMatchObject({ id: demoFolders.platform, name: 'platform' });
  });

  test('of an organization that is not there', async () => {
    const { run } = await signedIn();
    for (const missing of ['nowhere', 'e'.repeat(40)]) {
      expect(await run(['iam', 'folders', 'list', missing])).toMatchObject({
        code: 1,
        out: '',
        err: expect.stringContaining(`No folder found for "${missing}"`),
      });
    }
  });

  test('one is described by name, by path or by id; organizations are none', async () => {
    const { run } = await signedIn();
    for (const name of ['platform', 'example.com/engineering/platform', demoFolders.platform]) {
      expect(JSON.parse((await run(['iam', 'folders', 'describe', name])).out)).toMatchObject({
        id: demoFolders.platform,
        name: 'platform',
      });
    }
    expect(await run(['iam', 'folders', 'describe', 'example.com'])).toMatchObject({ code: 1, out: '' });
  });

  test('a person picks one from the tree', async () => {
    const { run } = await signedIn();
    const picked = await run(['iam', 'folders', 'describe', '-o', 'id'], { tty: true, answers: ['sandbox'] });
    expect(picked).toMatchObject({ code: 0, out: `${demoFolders.sandbox}\n` });
    expect(picked.err).toContain('Selected folder sandbox.');
    expect(picked.err).toContain('chainctl iam folders describe sandbox --output=id');
  });

  test('one name in two places is a question to a person and an error to a script', async () => {
    const { run, platform } = await signedIn();
    const token = await platform.token((await import('../support/ids.ts')).personId('dev@example.com'));
    const made = await platform.call(token, 'POST', `/iam/v1/groups/${demoFolders.sandbox}`, {
      body: { name: 'platform' },
    });
    const ids = [demoFolders.platform, made.body.id];
    const failed = await run(['iam', 'folders', 'describe', 'platform']);
    expect(failed).toMatchObject({ code: 2, out: '' });
    expect(failed.err).toContain('"platform" names 2 folders; say which by its id');
    for (const id of ids) expect(failed.err).toContain(`  ${id}\n`);
    // They are told apart by where they are, and the command that is shown asks nothing again.
    const asked = await run(['iam', 'folders', 'describe', 'platform', '-oid'], {
      tty: true,
      answers: ['example.com/sandbox/platform'],
    });
    expect(asked).toMatchObject({
      code: 0,
      out: `${ids[1]}\n`,
      asked: ['Several are named "platform". Which folder?'],
    });
    expect(asked.err).toContain('Selected folder example.com/sandbox/platform.');
    expect(asked.err).toContain(`Equivalent command: chainctl iam folders describe ${ids[1]} --output=id`);
  });
});

describe('roles', () => {
  test('the id of one by name', async () => {
    const { run, calls } = await signedIn();
    expect((await run(['iam', 'roles', 'list', '--name', 'viewer', '-oid'])).out).toBe(`${builtInRoleId('viewer')}\n`);
    expect(calls()).toEqual(['iam.v1.Roles.List']);
    // A default location must not hide the built-in roles.
    const env = { CHAINGUARD_DEFAULT_GROUP: 'example.com' };
    expect((await run(['iam', 'role', 'ls', '--name=viewer', '-oid'], { env })).out).toBe(
      `${builtInRoleId('viewer')}\n`,
    );
    expect((await run(['iam', 'roles', 'list', '--name=nobody', '-oid'])).out).toBe('');
  });

  test('JSON, and a table with a line a resource', async () => {
    const { run } = await signedIn();
    const { items } = JSON.parse((await run(['iam', 'roles', 'list', '-o', 'json'])).out);
    const viewer = items.find((item: { name: string }) => item.name === 'viewer');
    expect(Object.keys(viewer)).toEqual(['id', 'name', 'description', 'capabilities']);
    expect(viewer.capabilities).toContain('groups.list');
    const table = (await run(['iam', 'roles', 'list', '--name', 'registry.pull'])).out;
    expect(table).toMatch(/^ +ID +\| +NAME +\| +DESCRIPTION +\| +CAPABILITIES\n/);
    expect(table).toContain(`${builtInRoleId('registry.pull')} | registry.pull |`);
    const rows = (await run(['iam', 'roles', 'list'])).out.split('\n').filter((row) => /^ [0-9a-f]{40} /.test(row));
    const names = rows.map((row) => row.split('|')[1]?.trim());
    expect(names).toEqual([...names].sort());
    expect(names).toContain('viewer');
  });

  test('narrowed to a location, to built-in ones and by capability', async () => {
    const { run, platform, calls } = await signedIn();
    const { personId } = await import('../support/ids.ts');
    const token = await platform.token(personId('dev@example.com'));
    const make = (parent: string, name: string) =>
      platform.call(token, 'POST', `/iam/v1/roles/${parent}`, { body: { name, capabilities: ['groups.list'] } });
    await make(organization, 'at the top');
    await make(demoFolders.platform, 'far below');
    const names = async (...words: string[]) => {
      const { items } = JSON.parse((await run(['iam', 'roles', 'list', '-ojson', ...words])).out);
      return items.map((item: { name: string }) => item.name).sort();
    };
    const builtIn = await names('--managed');
    expect(builtIn).toContain('owner');
    expect(builtIn).not.toContain('at the top');
    expect(await names()).toEqual([...builtIn, 'at the top', 'far below'].sort());
    expect(await names('--parent=example.com')).toEqual([...builtIn, 'at the top', 'far below'].sort());
    expect(await names('--parent=example.com', '--recursive=false')).toEqual([...builtIn, 'at the top'].sort());
    expect(await names('--group', 'engineering')).toEqual([...builtIn, 'far below'].sort());
    expect(await names('--capabilities=groups.list,groups.create', '--parent=example.com')).not.toContain('at the top');
    expect(await names('--capabilities', 'roles.create', '--capabilities', 'groups.create')).toContain('owner');
    calls();
    await run(['iam', 'roles', 'list', '--managed'], { env: { CHAINGUARD_DEFAULT_GROUP: 'example.com' } });
    expect(calls()).toEqual(['iam.v1.Roles.List']);
    expect(await run(['iam', 'roles', 'list', '--managed', '--parent=x'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('`--parent` and `--managed` cannot be used together'),
    });
  });
});
