import { describe, expect, test } from 'vitest';
import { writeTokens } from '../../src/auth/token-cache.ts';
import { fakeHost } from '../support/fake-host.ts';
import { demoOrganizations, personId } from '../support/ids.ts';
import { temporaryFolder } from '../support/platform.ts';
import { signedIn } from '../support/signed-in.ts';
import { withImages } from '../support/signed-in-registry.ts';

interface ListedImage {
  repo: { name: string };
  tags: { name: string; digest: string; lastUpdated: string }[];
}

test('list: the shapes that scripts read, in two requests whatever there is', async () => {
  const { run, calls } = await withImages();
  calls();
  const { out, err } = await run(['images', 'list', '--parent=example.com', '-o', 'json']);
  expect(err).toBe('');
  expect(calls().sort()).toEqual([
    'iam.v1.Groups.List',
    'registry.v1.Registry.ListRepos',
    'registry.v1.Registry.ListTags',
  ]);
  const images: ListedImage[] = JSON.parse(out);
  expect(images.map(({ repo }) => repo.name)).toEqual(['app', 'nginx', 'python']);
  for (const { name, digest, lastUpdated } of images.flatMap(({ tags }) => tags)) {
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(lastUpdated).toMatch(/^\d{4}-\d\d-\d\dT[0-9:.]+Z$/);
    expect(name).not.toMatch(/^sha256-|-r[0-9]+$|-20[0-9]{6}$/);
  }
  const tagNames = async (...words: string[]) => {
    const listed: ListedImage[] = JSON.parse(
      (await run(['img', 'ls', '-ojson', '--group', demoOrganizations.private, '--repo=nginx', ...words])).out,
    );
    return listed.flatMap(({ tags }) => tags.map(({ name }) => name));
  };
  const plain = await tagNames();
  expect(plain).toEqual(expect.arrayContaining(['latest', '1', '1.29', '1.29.3']));
  const epochs = await tagNames('--show-epochs=true');
  expect(epochs).toContain('1.29.3-r0');
  expect(epochs.length).toBeGreaterThan(plain.length);
  expect((await tagNames('--show-referrers')).some((name) => name.startsWith('sha256-'))).toBe(true);
  // The newest builds are seven hours old, those before 13 days.
  const recent = await tagNames('--updated-within=72h', '--show-epochs');
  expect(recent).toContain('1.29.3-r0');
  expect(recent).not.toContain('1.29.2-r0');
  expect(await tagNames('--updated-within=0', '--show-epochs')).toEqual(epochs);
  expect(await tagNames('--updated-within=1h')).toEqual([]);
});

test('list: tree, terse, table, csv and id', async () => {
  const { run, host } = await withImages();
  const list = ['images', 'list', '--parent=example.com', '--repo=nginx'];
  const tree = (await run(list)).out;
  expect(tree).toMatch(
    new RegExp(
      `^\\[${host}/example\\.com\\]\n└ \\[nginx\\]\n(?:  [├└] sha256:[0-9a-f]{64}\n(?:  [│ ] [├└] \\[[^\\]]+\\]\n)+)+$`,
    ),
  );
  const digests = [...tree.matchAll(/sha256:[0-9a-f]+/g)].map(([digest]) => digest);
  expect(digests).toEqual([...digests].sort());
  const terse = (await run([...list, '--output=terse'])).out.trimEnd().split('\n');
  expect(terse.length).toBeGreaterThan(2);
  for (const line of terse) expect(line).toMatch(new RegExp(`^${host}/example\\.com/nginx:[^@]+@sha256:[0-9a-f]{64}$`));
  expect((await run([...list, '-otable'])).out).toMatch(/^ +REPO +\| +TAG +\| +DIGEST +\| +LAST UPDATED\n/);
  const csv = (await run([...list, '-ocsv'])).out.split('\r\n');
  expect(csv[0]).toBe('REPO,TAG,DIGEST,LAST UPDATED,TAG ID');
  // A header, a line for each tag, and the end of the last.
  expect(csv.length).toBe(terse.length + 2);
  const ids = (await run(['images', 'list', '--parent=example.com', '-oid'])).out.trimEnd().split('\n');
  expect(ids).toHaveLength(3);
  expect((await run(['images', 'list', '--public', '--repo=nothing', '-ojson'])).out).toBe('[]\n');
});

test('list: active tags only', async () => {
  const { run, platform } = await withImages();
  const [nginx] = JSON.parse(
    (await run(['images', 'repos', 'list', '--parent=example.com', '--repo=nginx', '-ojson'])).out,
  ).items;
  const token = await platform.token(personId('dev@example.com'));
  const { id, ...rest } = nginx;
  const answer = await platform.call(token, 'PUT', `/registry/v1/repos/${id}`, {
    body: { ...rest, activeTags: ['latest'] },
  });
  expect(answer.status).toBe(200);
  const { out } = await run(['images', 'list', '--parent=example.com', '--active-only', '-ojson']);
  const images: ListedImage[] = JSON.parse(out);
  expect(images.find(({ repo }) => repo.name === 'nginx')?.tags.map(({ name }) => name)).toEqual(['latest']);
});

describe('tags', () => {
  test('list and resolve print bare arrays', async () => {
    const { run, host } = await withImages();
    const list = ['images', 'tags', 'list', '--repo', 'nginx', '--parent', 'example.com', '--output', 'json'];
    const tags: { name: string; digest: string }[] = JSON.parse((await run(list)).out);
    const latest = tags.find(({ name }) => name === 'latest');
    expect(latest?.digest).toMatch(/^sha256:/);
    const all: { name: string }[] = JSON.parse((await run([...list, '--all'])).out);
    expect(all.some(({ name }) => name.startsWith('sha256-'))).toBe(true);
    const reference = `${host}/example.com/nginx`;
    const resolved = await run(['images', 'tags', 'resolve', reference, '--output', 'json']);
    expect(resolved.err).toBe('');
    const names: { name: string; digest: string }[] = JSON.parse(resolved.out);
    expect(names[0]).toMatchObject({ name: 'latest', digest: latest?.digest });
    expect(names.map(({ name }) => name)).toContain('1.29.3');
    expect(names.every(({ digest }) => digest === latest?.digest)).toBe(true);
    const byDigest = await run(['images', 'tags', 'resolve', `${reference}@${latest?.digest}`, '-ojson', '--all']);
    expect(JSON.parse(byDigest.out).map((tag: { name: string }) => tag.name)).toContain('1.29.3-r0');
    const open = await run(['images', 'tags', 'resolve', 'chainguard/static', '-ojson']);
    expect(JSON.parse(open.out)[0].name).toBe('latest');
  });

  test('what is missing says "not found"', async () => {
    const { run, host } = await withImages();
    for (const reference of [`${host}/example.com/nginx:9`, `${host}/example.com/nothing`, `${host}/nowhere/nginx`]) {
      const failed = await run(['images', 'tags', 'resolve', reference, '--output', 'json']);
      expect(failed).toMatchObject({ code: 1, out: '' });
      expect(failed.err).toMatch(/not found/i);
    }
    const elsewhere = await run(['images', 'tags', 'resolve', 'registry.example.com/a/b']);
    expect(elsewhere).toMatchObject({ code: 2, out: '' });
    expect(await run(['images', 'tags', 'resolve', 'NOT/A/REF'])).toMatchObject({ code: 2, out: '' });
  });
});

describe('history', () => {
  test('newest first, by name and location or by full reference', async () => {
    const { run, host } = await withImages();
    const json = await run(['image', 'history', '--parent=example.com', 'nginx:latest', '-o', 'json']);
    expect(json.err).toBe('');
    const entries: { digest: string; updateTimestamp: string }[] = JSON.parse(json.out);
    expect(entries.length).toBe(3);
    const times = entries.map(({ updateTimestamp }) => updateTimestamp);
    expect(times).toEqual([...times].sort().reverse());
    const [latest] = JSON.parse((await run(['images', 'tags', 'resolve', `${host}/example.com/nginx`, '-ojson'])).out);
    expect(entries[0]?.digest).toBe(latest.digest);
    for (const words of [[`${host}/example.com/nginx:latest`], ['example.com/nginx:latest'], ['nginx:latest']]) {
      expect((await run(['images', 'history', ...words, '-ojson'])).out).toBe(json.out);
    }
    const open = JSON.parse((await run(['images', 'history', `${host}/chainguard/python:latest`, '-ojson'])).out);
    expect(open).toHaveLength(3);
  });

  test('as text with the architectures of each index', async () => {
    const { platform, run, host } = await withImages();
    const cache = temporaryFolder();
    const open = await run(['images', 'history', `${host}/chainguard/nginx:latest`]);
    expect(open.out).toMatch(
      /^(?:- time: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n {2}digest: sha256:[0-9a-f]{64}\n {2}architectures:\n(?: {4}(?:amd64|arm64): sha256:[0-9a-f]{64} \(\d+\.\d\d MB\)\n){2}){3}$/,
    );
    // A private one needs a token for the registry; without one there is no such block, and no failure.
    const words = ['images', 'history', `${host}/example.com/nginx:latest`];
    const without = await run(words);
    expect(without.code).toBe(0);
    expect(without.out).not.toContain('architectures');
    const env = { XDG_CACHE_HOME: cache };
    const token = await platform.token(personId('dev@example.com'), { audience: host });
    writeTokens(fakeHost({ env }), host, { token, refreshToken: null });
    expect((await run(words, { env })).out).toContain('    arm64: sha256:');
  });

  test('without a tag a person picks one, and a script is told', async () => {
    const { run } = await withImages();
    const picked = await run(['images', 'history', 'nginx', '--parent=example.com', '-ojson'], {
      tty: true,
      answers: ['1.29.3'],
    });
    expect(picked.code).toBe(0);
    expect(picked.asked).toEqual(['Which tag of nginx would you like to see?']);
    expect(JSON.parse(picked.out).length).toBeGreaterThan(0);
    const script = await run(['images', 'history', 'nginx', '--parent=example.com']);
    expect(script).toMatchObject({ code: 2, out: '' });
    expect(script.err).toContain('nginx:latest');
    const missing = await run(['images', 'history', 'ngix:latest', '--parent=example.com']);
    expect(missing.err).toContain('Repository "ngix" not found');
    expect(missing.err).toContain('did you mean "nginx"?');
  });
});

test('entitlements list', async () => {
  const { run } = await withImages();
  const { out, err } = await run(['images', 'entitlements', 'list', '--parent=example.com', '-ojson']);
  expect(err).toBe('');
  const { items } = JSON.parse(out);
  expect(items.length).toBeGreaterThan(0);
  expect(items[0].id).toMatch(new RegExp(`^${demoOrganizations.private}/`));
  const table = await run(['images', 'entitlements', 'list', '--parent=example.com']);
  expect(table.out).toMatch(/^ +ID +\| +TYPE +\| +TIERS +\| +QUOTA +\| +EXPIRES\n/);
  expect(table.out).toContain(items[0].id);
});

test('a repository that is not there is told from one without images, with the nearest name', async () => {
  const { run } = await signedIn({ seed: 'demo' });
  const slip = await run(['images', 'list', '--parent=example.com', '--repo=ap']);
  expect(slip).toMatchObject({ code: 0, out: '' });
  expect(slip.err).toContain('There is no repository "ap" in example.com; did you mean "app"?');
  expect((await run(['images', 'list', '--parent=example.com', '--repo=ap', '--output=id'])).err).toBe('');
});
