import { describe, expect, test } from 'vitest';
import { demoFolders, demoOrganizations } from '../support/ids.ts';
import { withImages } from '../support/signed-in-registry.ts';

const names = (out: string): string[] => JSON.parse(out).items.map((item: { name: string }) => item.name);

describe('list', () => {
  test('JSON has the keys that scripts read, on one line', async () => {
    const { run, calls } = await withImages();
    calls();
    const { out, err } = await run(['images', 'repos', 'list', '--parent=example.com', '-o', 'json']);
    expect(err).toBe('');
    expect(out.indexOf('\n')).toBe(out.length - 1);
    const nginx = JSON.parse(out).items.find((item: { name: string }) => item.name === 'nginx');
    expect(nginx).toMatchObject({
      id: expect.stringMatching(new RegExp(`^${demoOrganizations.private}/[0-9a-f]{16}$`)),
      createTime: expect.stringMatching(/Z$/),
      activeTags: expect.any(Array),
      catalogTier: 'APPLICATION',
      bundles: ['application'],
    });
    // One tool splits the text instead of decoding it (script-contracts 10, row 55).
    expect(
      out
        .split('"name":"')
        .slice(1)
        .map((part) => part.split('"')[0]),
    ).toEqual(names(out));
    expect(calls()).toEqual(['iam.v1.Groups.List', 'registry.v1.Registry.ListRepos']);
  });

  test('a tree in a pipe: the registry, then names in brackets', async () => {
    const { run, host } = await withImages();
    const { out } = await run(['img', 'repo', 'ls', '--parent=example.com']);
    expect(out).toBe(`[${host}/example.com]\n├ [app]\n├ [nginx]\n└ [python]\n`);
  });

  test('--updated-within keeps those with a tag that moved since', async () => {
    const { run } = await withImages();
    const list = ['images', 'repos', 'list', '--parent=example.com', '-o', 'json'];
    const all = names((await run(list)).out);
    expect(names((await run([...list, '--updated-within=0'])).out)).toEqual(all);
    expect(names((await run([...list, '--updated-within=100000h'])).out)).toEqual(all);
    expect(names((await run([...list, '--updated-within=1s'])).out)).toEqual([]);
    const tags = JSON.parse(
      (await run(['images', 'list', '--parent=example.com', '--updated-within=24h', '-ojson'])).out,
    );
    const moved = names((await run([...list, '--updated-within=24h'])).out);
    expect(moved).toHaveLength((tags.items ?? tags).length);
  });

  test('--active-only keeps those with tags that are still looked after', async () => {
    const { run } = await withImages();
    await run(['images', 'repos', 'create', 'empty', '--parent=example.com']);
    const list = ['images', 'repos', 'list', '--parent=example.com', '-o', 'json'];
    expect(names((await run(list)).out)).toContain('empty');
    const active = (await run([...list, '--active-only'])).out;
    expect(names(active)).toEqual(['app', 'nginx', 'python']);
    expect(JSON.parse(active).items.every((repo: { activeTags: string[] }) => repo.activeTags.length > 0)).toBe(true);
  });

  test('wide, table and id', async () => {
    const { run, host } = await withImages();
    const wide = (await run(['images', 'repos', 'list', '--parent=example.com', '-owide'])).out;
    expect(wide).toMatch(/^ +ID +\| +REGISTRY +\| +REPO +\| +BUNDLES +\| +TIER\n/);
    expect(wide).toMatch(new RegExp(` \\| ${host}/example\\.com \\| nginx +\\| application \\| APPLICATION\\n`));
    const table = (await run(['images', 'repos', 'list', '--parent=example.com', '-otable'])).out;
    expect(table).toMatch(/^ +REGISTRY +\| +REPO/);
    const one = ['image', 'repository', 'list', '--parent=example.com', '-o', 'id'];
    expect(await run([...one, '--repo=nginx'])).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringMatching(/^[0-9a-f]{40}\/[0-9a-f]{16}\n$/),
    });
    // `[[ -z $(…) ]]` asks whether there is one.
    expect(await run([...one, '--repo=nothing'])).toMatchObject({ code: 0, out: '', err: '' });
  });

  test('public images need no location and know their registry', async () => {
    const { run, host } = await withImages();
    const { out } = await run(['images', 'repos', 'list', '--public']);
    expect(out.split('\n')[0]).toBe(`[${host}/chainguard]`);
    expect(out).toContain('[static]');
    const both = await run(['images', 'repos', 'list', '--public', '--parent=example.com']);
    expect(both).toMatchObject({ code: 2, out: '' });
    // A configured location is not what was meant.
    const configured = await run(['images', 'repos', 'list', '--public', '-ojson'], {
      env: { CHAINGUARD_DEFAULT_GROUP: 'example.com' },
    });
    expect(names(configured.out)).toContain('static');
  });

  test('folders only when asked for', async () => {
    const { run } = await withImages();
    await run(['images', 'repos', 'create', 'tool', `--parent=${demoFolders.engineering}`]);
    const list = ['images', 'repos', 'list', '--parent=example.com'];
    expect(names((await run([...list, '-ojson'])).out)).not.toContain('tool');
    expect(names((await run([...list, '-ojson', '--recursive'])).out)).toContain('tool');
    expect((await run([...list, '--recursive'])).out).toMatch(/\[[^\]]+\/example\.com\/engineering\]\n└ \[tool\]\n/);
  });

  test('an unknown location fails as scripts know it', async () => {
    const { run } = await withImages();
    const plain = await run(['images', 'repos', 'list', '--parent=nowhere']);
    expect(plain).toMatchObject({ code: 1, out: '' });
    expect(plain.err).toContain('No folder found for "nowhere"');
  });
});

describe('create, update and delete', () => {
  test('an update changes what is given and keeps the rest', async () => {
    const { run } = await withImages();
    const made = await run([
      ...['images', 'repos', 'create', 'backend', '--parent', 'example.com'],
      ...['--description', 'Services', '--tier=BASE', '-o', 'id'],
    ]);
    expect(made).toMatchObject({ code: 0, err: '' });
    const id = made.out.trim();
    const updated = await run(['images', 'repos', 'update', 'backend', '--parent=example.com', '--bundles=base,fips']);
    expect(updated).toMatchObject({ code: 0, out: `ID: ${id}\nName: backend\nTier: BASE\n` });
    const renamed = await run(['images', 'repos', 'update', id, '--name=services', '--tier=FIPS', '-ojson']);
    expect(JSON.parse(renamed.out)).toMatchObject({
      id,
      name: 'services',
      catalogTier: 'FIPS',
      bundles: ['base', 'fips'],
      description: 'Services',
    });
    const cleared = await run(['images', 'repos', 'update', id, '--bundles=', '--description=', '-ojson']);
    expect(JSON.parse(cleared.out)).toMatchObject({ name: 'services', bundles: [] });
    expect(JSON.parse(cleared.out)).not.toHaveProperty('description');
  });

  test('an update keeps what somebody else changes while it asks', async () => {
    const { run } = await withImages();
    const update = ['images', 'repos', 'update', 'app', '--parent=example.com'];
    const typed = async () => {
      expect((await run([...update, '--tier=FIPS'])).code).toBe(0);
      return 'Written slowly';
    };
    const slow = await run([...update, '-ojson'], { tty: true, answers: ['description', typed] });
    expect(slow.code, slow.err).toBe(0);
    expect(JSON.parse(slow.out)).toMatchObject({ description: 'Written slowly', catalogTier: 'FIPS' });
  });

  test('a source by the name of a public image fills the repository', async () => {
    const { run } = await withImages();
    const made = await run([
      ...['images', 'repos', 'create', 'node', '--parent=example.com', '--source=chainguard/node', '-ojson'],
    ]);
    const source = (await run(['images', 'repos', 'list', '--public', '--repo=node', '-oid'])).out.trim();
    expect(JSON.parse(made.out).sync_config).toMatchObject({ source });
    const tags = await run(['images', 'tags', 'list', '--repo=node', '--parent=example.com', '-ojson']);
    expect(JSON.parse(tags.out).map((tag: { name: string }) => tag.name)).toContain('latest');
    const until = await run([
      'images',
      'repos',
      'update',
      'node',
      '--parent=example.com',
      '--expiration=2027-01-01',
      '-ojson',
    ]);
    expect(JSON.parse(until.out).sync_config).toMatchObject({ source, expiration: '2027-01-01T00:00:00Z' });
    const unknown = await run(['images', 'repos', 'create', 'x', '--parent=example.com', '--source=nothing']);
    expect(unknown).toMatchObject({ code: 1, out: '' });
    expect(unknown.err).toContain('Public image "nothing" not found');
  });

  test('a name that no client can write is refused in words, before anything is asked', async () => {
    const { run, calls } = await withImages();
    calls();
    for (const name of ['Backend', 'a b', 'a//b', '-a', 'a/']) {
      const refused = await run(['images', 'repos', 'create', '--parent=example.com', '--', name]);
      expect(refused).toMatchObject({ code: 2, out: '' });
      expect(refused.err).toContain(
        `error: \`REPO_NAME\` must be lower-case letters and digits, with ".", "_", "-" or "/" between them, not "${name}"`,
      );
    }
    expect(calls()).toEqual([]);
  });

  test('creating what exists overwrites nothing', async () => {
    const { run } = await withImages();
    const again = await run(['images', 'repos', 'create', 'nginx', '--parent=example.com', '--description=mine']);
    expect(again).toMatchObject({ code: 1, out: '' });
    expect(again.err).toContain('already exists');
  });

  test('delete asks nothing, reads nothing and forgives only when told to', async () => {
    const { run } = await withImages();
    expect(await run(['image', 'repo', 'rm', 'app', '--parent=example.com'], { stdin: 'n\n' })).toMatchObject({
      code: 0,
      out: '',
    });
    const list = await run(['images', 'repos', 'list', '--parent=example.com', '-ojson']);
    expect(names(list.out)).toEqual(['nginx', 'python']);
    const missing = await run(['images', 'repos', 'delete', 'ngix', '--parent=example.com']);
    expect(missing).toMatchObject({ code: 1, out: '' });
    expect(missing.err).toContain('Repository "ngix" not found');
    expect(missing.err).toContain('did you mean "nginx"?');
    expect(await run(['images', 'repos', 'delete', 'ngix', '--parent=example.com', '--allow-missing'])).toMatchObject({
      code: 0,
      out: '',
    });
  });

  test('what nothing asked to change is refused before anything is looked up', async () => {
    const { run, calls } = await withImages();
    calls();
    const failed = await run(['images', 'repos', 'update', 'nginx', '--parent=example.com']);
    expect(failed.code).toBe(2);
    const long = await run([
      'images',
      'repos',
      'create',
      'x',
      '--parent=example.com',
      `--description=${'é'.repeat(256)}`,
    ]);
    expect(long.err).toContain('`--description` is longer than 255 characters');
    expect(calls()).toEqual([]);
  });
});
