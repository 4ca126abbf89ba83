import { describe, expect, test } from 'vitest';
import { mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { builtInRoleId, demoFolders, organization, personId } from '../support/ids.ts';
import { signedIn } from '../support/signed-in.ts';

/** A platform with an identity `robot` in the organization that holds no role. */
async function withRobot() {
  const world = await signedIn();
  const made = await world.run([
    ...['iam', 'identities', 'create', 'robot', '--identity-issuer=https://issuer.example.com', '--subject=1'],
    ...['--parent=example.com', '-y', '-o', 'id'],
  ]);
  return { ...world, robot: made.out.trim() };
}

describe('create', () => {
  test('by names, by ids and with the answer from a pipe', async () => {
    const { run, robot } = await withRobot();
    const made = await run(
      ['iam', 'role-bindings', 'create', '--parent=engineering', '--identity=robot', '--role=viewer', '-o', 'json'],
      { stdin: 'y\n' },
    );
    expect(made.code).toBe(0);
    expect(made.err).toContain('This gives "robot" the role "viewer" in "engineering".');
    const binding = JSON.parse(made.out);
    expect(binding).toMatchObject({
      identity: robot,
      role: { id: builtInRoleId('viewer'), name: 'viewer' },
      group: { id: demoFolders.engineering, name: 'engineering' },
      role_name: 'viewer',
      identity_id: robot,
    });
    expect(binding.id.startsWith(`${demoFolders.engineering}/`)).toBe(true);
    const byIds = ['--group', organization, '--identity', robot, '--role', builtInRoleId('editor')];
    const second = await run(['iam', 'rolebinding', 'create', ...byIds, '--yes', '-oid']);
    expect(second).toMatchObject({ code: 0, out: expect.stringMatching(/^[0-9a-f]{40}\/[0-9a-f]{16}\n$/) });
    expect(second.err).toBe('warning: `--group` is deprecated: use `--parent`\n');
    // Twice the same is refused by the platform, and nothing is printed.
    expect(await run(['iam', 'role-bindings', 'create', ...byIds, '--yes'])).toMatchObject({ code: 1, out: '' });
  });

  test('for a user by address', async () => {
    const { run } = await withRobot();
    const words = ['iam', 'role-bindings', 'create', '--parent=sandbox', '--role=viewer', '-y', '-ojson'];
    const { out } = await run([...words, '--identity=dev@example.com']);
    expect(JSON.parse(out)).toMatchObject({ email: 'dev@example.com', identity: personId('dev@example.com') });
    const unknown = await run([...words, '--identity=dve@example.com']);
    expect(unknown).toMatchObject({ code: 1, out: '' });
    // Another person is never proposed.
    expect(unknown.err).not.toContain('dev@example.com');
    expect(unknown.err).toContain('chainctl iam role-bindings list');
  });

  test('declined changes nothing', async () => {
    const { run, calls } = await withRobot();
    const words = ['iam', 'role-bindings', 'create', '--parent=sandbox', '--role=viewer', '--identity=robot'];
    calls();
    expect(await run(words, { stdin: 'n\n' })).toMatchObject({ code: 1, out: '' });
    expect(calls()).not.toContain('iam.v1.RoleBindings.Create');
  });

  test('a person picks location, identity and role in turn, each narrowed by what was picked', async () => {
    const { run, robot } = await withRobot();
    const limited = await run([
      'iam',
      'roles',
      'create',
      'local',
      '--parent=sandbox',
      '--capabilities=repo.list',
      '-y',
    ]);
    expect(limited.code).toBe(0);
    const picked = await run(['iam', 'role-bindings', 'create'], {
      tty: true,
      answers: ['engineering', 'robot', 'viewer', true],
    });
    expect(picked.code).toBe(0);
    expect(picked.asked.slice(0, 3)).toEqual([
      'Where should the role apply?',
      'Which identity should get the role?',
      'Which role?',
    ]);
    expect(picked.err).toContain('Selected folder engineering.');
    expect(picked.err).toContain(
      `Equivalent command: chainctl iam role-bindings create --parent=engineering --identity=${robot} --role=viewer`,
    );
    expect(picked.out).toMatch(/ robot +\| viewer \| engineering\n$/);
    // The role of the sandbox cannot be bound elsewhere, so it is not offered there.
    const elsewhere = await run(['iam', 'role-bindings', 'create', '--parent=engineering', '--identity=robot'], {
      tty: true,
      answers: ['local'],
    });
    expect(elsewhere.err).toContain('"local" is not among');
    const there = ['iam', 'role-bindings', 'create', '--parent=sandbox', '--identity=robot'];
    expect((await run(there, { tty: true, answers: ['local', true] })).code).toBe(0);
  });

  test('without a terminal everything that is missing is said at once', async () => {
    const { run } = await signedIn();
    const failed = await run(['iam', 'role-bindings', 'create', '--parent=example.com', '--yes']);
    expect(failed).toMatchObject({ code: 2, out: '' });
    expect(failed.err).toContain('`--identity` and `--role` are required when not running interactively');
  });
});

test('roles of one name are told apart by id, and the command that is shown asks nothing again', async () => {
  const { run } = await withRobot();
  for (const place of ['example.com', 'engineering']) {
    const words = [`--parent=${place}`, '--capabilities=repo.list', '-y', '-oid'];
    expect((await run(['iam', 'roles', 'create', 'twin', ...words])).code).toBe(0);
  }
  const { items } = JSON.parse((await run(['iam', 'roles', 'list', '--name=twin', '-ojson'])).out);
  const picked = await run(['iam', 'role-bindings', 'create', '--parent=engineering', '--identity=robot', '-ojson'], {
    tty: true,
    answers: [items[1].id, true],
  });
  expect(JSON.parse(picked.out).role.id).toBe(items[1].id);
  expect(picked.err).toContain(`--role=${items[1].id}`);
});

describe('list', () => {
  test('JSON has the keys that scripts read', async () => {
    const { run, calls } = await signedIn();
    calls();
    const { out, err } = await run(['iam', 'role-bindings', 'list', '--parent', 'example.com', '-o', 'json']);
    expect(err).toBe('');
    const owner = JSON.parse(out).items.find((item: { email?: string }) => item.email === 'dev@example.com');
    expect(owner).toMatchObject({
      identity: personId('dev@example.com'),
      role: { name: 'owner', id: builtInRoleId('owner') },
      group: { id: organization, name: 'example.com' },
    });
    expect(calls()).toEqual(['iam.v1.Groups.List', 'iam.v1.RoleBindings.List']);
  });

  test('a table says who in words, wide also by id', async () => {
    const { run, robot } = await withRobot();
    await run(['iam', 'role-bindings', 'create', '--parent=sandbox', '--identity=robot', '--role=viewer', '-y']);
    const table = (await run(['iam', 'role-bindings', 'list'])).out;
    expect(table).toMatch(/^ +ID +\| +IDENTITY +\| +ROLE +\| +LOCATION\n/);
    expect(table).toMatch(/ \| robot +\| viewer +\| sandbox\n/);
    expect((await run(['iam', 'role-bindings', 'list', '-owide'])).out).toContain(robot);
    const csv = (await run(['iam', 'role-bindings', 'list', '-o', 'csv'])).out;
    expect(csv).toMatch(/^ID,IDENTITY,ROLE,LOCATION,IDENTITY ID,ISSUER,SUBJECT,CREATED,LAST USED\r\n/);
    expect(csv).toContain(`,robot,viewer,sandbox,${robot},https://issuer.example.com,1,`);
  });

  test('wide and csv say when the holder was last seen, inherited ones included; json stays what the API says', async () => {
    const { run, platform, clock, robot } = await withRobot();
    await run(['iam', 'role-bindings', 'create', '--parent=example.com', '--identity=robot', '--role=viewer', '-y']);
    const list = ['iam', 'role-bindings', 'list', '--parent=sandbox', '--effective', '--identity=robot'];
    expect((await run([...list, '-ocsv'])).out).toMatch(/,\r\n$/);
    const json = await run([...list, '-ojson']);
    clock.advance(1000);
    const said = { issuer: 'https://issuer.example.com', subject: '1', audience: platform.urls.issuer, claims: {} };
    const token = await mintThirdPartyToken(platform.store, { ...said, now: clock.now() });
    const exchange = await fetch(`${platform.urls.issuer}/sts/exchange`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: new URLSearchParams({ aud: platform.urls.api, identity: robot }),
    });
    expect(exchange.status).toBe(200);
    const seen = new Date(clock.now()).toISOString().slice(0, 19);
    expect((await run([...list, '-ocsv'])).out).toMatch(new RegExp(`,${seen}Z\r\n$`));
    clock.advance(3 * 86_400_000);
    expect((await run([...list, '-owide'])).out).toContain(seen);
    expect((await run([...list, '-ojson'])).out).toBe(json.out);
    // A report says it too.
    const report = JSON.parse((await run(['iam', 'access', 'report', '--in=example.com', '-ojson'])).out).items;
    const row = report.find(({ identityId }: { identityId: string }) => identityId === robot);
    expect(row.lastSeen.slice(0, 19)).toBe(seen);
  });

  test('--recursive=false leaves out what is below', async () => {
    const { run } = await withRobot();
    await run(['iam', 'role-bindings', 'create', '--parent=sandbox', '--identity=robot', '--role=viewer', '-y']);
    const roles = async (...words: string[]) => {
      const { items } = JSON.parse((await run(['iam', 'role-bindings', 'list', '-ojson', ...words])).out);
      return items.filter((item: { identity: string }) => item.identity.includes('/')).length;
    };
    const all = await roles('--parent=example.com');
    expect(await roles('--parent=example.com', '--recursive=false')).toBe(all - 1);
    expect(await roles('--recursive=false')).toBe(all - 1);
    expect(await roles('--parent=sandbox', '--recursive=false')).toBe(1);
  });

  test('--effective adds what is inherited; people see it anyway, scripts are told how many', async () => {
    const { run, platform, as, calls } = await withRobot();
    const all = ['iam', 'role-bindings', 'list', '--parent=sandbox'];
    await run(['iam', 'role-bindings', 'create', '--parent=sandbox', '--identity=robot', '--role=viewer', '-y']);
    // One beside it counts nowhere here.
    await run(['iam', 'role-bindings', 'create', '--parent=engineering', '--identity=robot', '--role=editor', '-y']);
    const made = JSON.parse((await run(['iam', 'role-bindings', 'list', '--parent=example.com', '-ojson'])).out).items;
    const above = made.filter((item: { group: { id: string } }) => item.group.id === organization).length;
    expect(above).toBeGreaterThan(1);

    const screen = await run(all, { tty: true });
    expect(screen.out).toMatch(/dev@example.com +\| owner +\| example.com \(inherited\)/);
    expect(screen.out).toMatch(/robot +\| viewer +\| sandbox/);
    expect(screen.out).not.toMatch(/editor +\| engineering/);
    const piped = await run(all);
    expect(piped.out).not.toContain('inherited');
    expect(piped.err).toBe(`${above} bindings made above also count here; \`--effective\` lists them.\n`);
    expect(await run([...all, '--effective=false'])).toMatchObject({ err: '', out: piped.out });

    calls();
    const plain = await run([...all, '-ojson']);
    expect([plain.err, JSON.parse(plain.out).items.length]).toEqual(['', 1]);
    expect(calls().filter((operation) => operation === 'iam.v1.RoleBindings.List')).toHaveLength(1);
    const { items } = JSON.parse((await run([...all, '--effective', '-ojson'])).out);
    expect(items.filter((item: { inherited?: true }) => item.inherited)).toHaveLength(above);
    expect(items).toHaveLength(above + 1);

    const lead = platform.user('lead@example.com', ['owner', demoFolders.sandbox]);
    const theirs = await as(lead)(['iam', 'role-bindings', 'list', '--parent', demoFolders.sandbox, '--effective']);
    expect(theirs.err).toContain(`This login does not see role bindings made in ${organization}`);
  });

  test('--identity and --role leave out the others, inherited ones too', async () => {
    const { run, robot } = await withRobot();
    for (const [place, role] of [
      ['sandbox', 'viewer'],
      ['sandbox', 'editor'],
      ['example.com', 'viewer'],
    ]) {
      const words = [`--parent=${place}`, `--role=${role}`, '--identity=robot', '-y'];
      expect((await run(['iam', 'role-bindings', 'create', ...words])).code).toBe(0);
    }
    const listed = async (...words: string[]) => {
      const { out } = await run([
        'iam',
        'role-bindings',
        'list',
        '--parent=sandbox',
        '--effective',
        '-ojson',
        ...words,
      ]);
      return JSON.parse(out).items.map((item: { identity: string; role_name: string; inherited?: true }) => [
        item.identity,
        item.role_name,
        item.inherited === true,
      ]);
    };
    expect((await listed('--identity=robot')).sort()).toEqual([
      [robot, 'editor', false],
      [robot, 'viewer', false],
      [robot, 'viewer', true],
    ]);
    expect(await listed('--identity=robot', '--role=editor')).toEqual([[robot, 'editor', false]]);
    expect(await listed('--identity=dev@example.com', '--role=owner')).toEqual([
      [personId('dev@example.com'), 'owner', true],
    ]);
    expect(await listed('--identity=dev@example.com', '--role=editor')).toEqual([]);
  });

  test('a tree draws organizations and folders with their bindings', async () => {
    const { run } = await withRobot();
    await run(['iam', 'role-bindings', 'create', '--parent=platform', '--identity=robot', '--role=viewer', '-y']);
    const { out } = await run(['iam', 'role-bindings', 'list', '--parent=example.com', '-o', 'tree']);
    const lines = out.split('\n');
    expect(lines[0]).toBe('[example.com] A company to try things with');
    expect(lines).toContain('├ dev@example.com: owner');
    const end = lines.slice(lines.findIndex((line) => line.includes('[engineering]')));
    expect(end).toEqual([
      '└ [engineering] Everybody who builds',
      '  └ [platform] The team that runs the clusters',
      '    └ robot: viewer',
      '',
    ]);
  });
});

describe('update and delete', () => {
  test('another role for the same holder', async () => {
    const { run } = await withRobot();
    const words = ['--parent=sandbox', '--identity=robot', '--role=viewer', '-y', '-oid'];
    const id = (await run(['iam', 'role-bindings', 'create', ...words])).out.trim();
    const asked = await run(['iam', 'role-bindings', 'update', id, '--role=editor', '-ojson'], { stdin: 'y\n' });
    expect(asked.code).toBe(0);
    expect(asked.err).toContain('from  robot: viewer\n  to    robot: editor');
    expect(JSON.parse(asked.out)).toMatchObject({ id, role: { name: 'editor' } });
    const same = await run(['iam', 'role-bindings', 'update', id, '--role=editor', '-oid']);
    expect(same).toMatchObject({ code: 0, out: `${id}\n`, err: 'The role binding is like that already.\n' });
    expect((await run(['iam', 'role-bindings', 'update', id])).code).toBe(2);
  });

  test('only roles and holders that the binding can have are looked at', async () => {
    const { run } = await withRobot();
    expect((await run(['iam', 'groups', 'create', 'elsewhere', '--no-parent', '-y'])).code).toBe(0);
    for (const place of ['sandbox', 'engineering', 'elsewhere']) {
      const role = ['iam', 'roles', 'create', 'local', `--parent=${place}`, '--capabilities=repo.list', '-y'];
      expect((await run(role)).code).toBe(0);
    }
    const stranger = ['iam', 'identities', 'create', 'stranger', '--parent=elsewhere', '--subject=2', '-y'];
    expect((await run([...stranger, '--identity-issuer=https://issuer.example.com'])).code).toBe(0);
    const words = ['--parent=sandbox', '--identity=robot', '--role=viewer', '-y', '-oid'];
    const id = (await run(['iam', 'role-bindings', 'create', ...words])).out.trim();
    const update = ['iam', 'role-bindings', 'update', id];

    // Three roles have this name, and one of them counts in the sandbox.
    const named = await run([...update, '--role=local', '-y', '-ojson']);
    expect(named.code, named.err).toBe(0);
    expect(JSON.parse(named.out).role.id.startsWith(`${demoFolders.sandbox}/`)).toBe(true);
    const picked = await run(update, { tty: true, answers: ['identity', 'stranger'] });
    expect(picked.err).toContain('"stranger" is not among');
    const other = await run([...update, '--identity=stranger', '-y']);
    const err = 'error: No identity found for "stranger"\nhint: see `chainctl iam identities list`\n';
    expect(other).toMatchObject({ code: 1, err });
  });

  test('deleting needs an agreement and prints the id', async () => {
    const { run } = await withRobot();
    const words = ['--parent=sandbox', '--identity=robot', '--role=viewer', '-y', '-oid'];
    const id = (await run(['iam', 'role-bindings', 'create', ...words])).out.trim();
    expect(await run(['iam', 'role-bindings', 'delete', id])).toMatchObject({ code: 2, out: '' });
    const agreed = await run(['iam', 'role-bindings', 'delete', id], { stdin: 'y\n' });
    expect(agreed).toMatchObject({ code: 0, out: `${id}\n` });
    expect(agreed.err).toContain('This takes the role "viewer" in "sandbox" from "robot".');
    const again = await run(['iam', 'role-bindings', 'rm', id, '-y']);
    expect(again).toMatchObject({ code: 1, out: '' });
    const wrong = await run(['iam', 'role-bindings', 'delete', 'robot', '-y']);
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('must be the id of a role binding') });
  });

  test('the last owner stays, and the platform says so', async () => {
    const { run } = await signedIn();
    const { items } = JSON.parse((await run(['iam', 'role-bindings', 'list', '--parent=example.com', '-ojson'])).out);
    const owners = items.filter((item: { role_name: string }) => item.role_name === 'owner');
    expect(owners.length).toBeGreaterThan(0);
    const results = [];
    for (const owner of owners.reverse()) {
      if (owner.email === 'dev@example.com') continue;
      results.push(await run(['iam', 'role-bindings', 'delete', owner.id, '-y']));
    }
    const mine = owners.find((item: { email?: string }) => item.email === 'dev@example.com');
    const last = await run(['iam', 'role-bindings', 'delete', mine.id, '-y']);
    expect(last).toMatchObject({ code: 1, out: '' });
    expect(last.err).toMatch(/owner/);
  });
});
