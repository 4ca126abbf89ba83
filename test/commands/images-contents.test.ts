import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeTokens } from '../../src/auth/token-cache.ts';
import { compareVersions } from '../../src/commands/images/advisories/version-order.ts';
import { diffPackages } from '../../src/commands/images/package-diff.ts';
import { newKeyPair } from '../../src/key-pairs.ts';
import { personId } from '../../src/local/seed/demo.ts';
import { fakeHost } from '../support/fake-host.ts';
import { temporaryFolder } from '../support/platform.ts';
import { withImages } from '../support/signed-in-registry.ts';

// A PATH without grype, whatever this machine has.
const bare = { PATH: '/nowhere' };

describe('diff', () => {
  test('packages of two builds, as programs read them', async () => {
    const { run, host } = await withImages();
    const image = `${host}/chainguard/nginx`;
    const { out, err, code } = await run(['images', 'diff', `${image}:1.29.2`, `${image}:latest`], { env: bare });
    expect(code).toBe(0);
    expect(out.startsWith('{')).toBe(true);
    const { packages, vulnerabilities } = JSON.parse(out);
    const nginx = packages.changed.find(({ name }: { name: string }) => name === 'nginx-mainline');
    expect(nginx).toEqual({
      name: 'nginx-mainline',
      previous: {
        version: '1.29.2-r0',
        reference: expect.stringMatching(/^pkg:apk\/wolfi\/nginx-mainline@1\.29\.2-r0\?/),
      },
      current: {
        version: '1.29.3-r0',
        reference: expect.stringMatching(/^pkg:apk\/wolfi\/nginx-mainline@1\.29\.3-r0\?/),
      },
    });
    // zlib is the same in both, and nothing came or went.
    expect(packages.changed.map(({ name }: { name: string }) => name)).not.toContain('zlib');
    expect(Object.keys(packages)).toEqual(['changed']);
    expect(vulnerabilities).toEqual({});
    expect(err).not.toContain('verified');
    expect(err).toContain('grype is not on PATH');
    const arm = await run(['image', 'diff', '-o', 'json', '--platform=linux/arm64', `${image}:1.29.2`, image], {
      env: bare,
    });
    expect(arm.out).toContain('arch=aarch64');
    const same = await run(['images', 'diff', image, `${image}:latest`], { env: bare });
    expect(same.out).toBe('{"packages":{},"vulnerabilities":{}}\n');
    const markdown = await run(['images', 'diff', `${image}:1.29.2`, image, '--output=markdown'], { env: bare });
    expect(markdown.out).toContain('| changed | package | nginx-mainline | 1.29.2-r0 | 1.29.3-r0 |');
  });

  test('what the developer variant has more is added; the other way round removed', async () => {
    const { run, host } = await withImages();
    const image = `${host}/chainguard/nginx`;
    const names = (list: { name: string }[]) => list.map(({ name }) => name);
    const there = JSON.parse((await run(['images', 'diff', image, `${image}:latest-dev`], { env: bare })).out);
    expect(names(there.packages.added)).toEqual(['apk-tools', 'bash', 'busybox']);
    const back = JSON.parse((await run(['images', 'diff', `${image}:latest-dev`, image], { env: bare })).out);
    expect(names(back.packages.removed)).toEqual(['apk-tools', 'bash', 'busybox']);
  });

  test('an attestation that the key of the registry does not cover is named, with the reason', async () => {
    const { run, host, platform } = await withImages();
    const { publicKey } = newKeyPair('P-256');
    platform.store.transact((tx) =>
      tx.run(
        "UPDATE signing_keys SET public_jwk = ? WHERE issuer = 'attestations'",
        JSON.stringify(publicKey.export({ format: 'jwk' })),
      ),
    );
    const image = `${host}/chainguard/nginx`;
    const { code, err } = await run(['images', 'diff', `${image}:1.29.2`, image], { env: bare });
    expect(code).toBe(0);
    expect(err).toContain(
      '2 SBOM attestations are not verified: they are signed by another key than the one their registry publishes.',
    );
  });

  test("a template of one's own, from the command line or a file; mistakes before anything is fetched", async () => {
    const { run, host, calls } = await withImages();
    const images = [`${host}/chainguard/nginx`, `${host}/chainguard/nginx:latest-dev`];
    const diff = (...flags: string[]) => run(['images', 'diff', ...images, ...flags], { env: bare });
    const text = '{{range .packages.added}}{{println .name}}{{end}}';
    const named = await diff('-o', 'go-template', `--template=${text}`);
    expect(named).toMatchObject({ code: 0, out: 'apk-tools\nbash\nbusybox\n' });
    const file = join(temporaryFolder(), 'diff.tmpl');
    writeFileSync(file, '{{len .Packages.Added}} added\n');
    expect((await diff('-o', 'go-template', `--template-file=${file}`)).out).toBe('3 added\n');
    calls();
    for (const [flags, message] of [
      [['-o', 'go-template', '--template={{range .x}}'], 'error: `--template`, line 1, column 13: {{end}} is missing'],
      [
        ['-o', 'go-template', '--template={{nope}}'],
        'error: `--template`, line 1, column 3: function "nope" not defined',
      ],
      [['-o', 'go-template'], 'error: `--output=go-template` needs `--template` or `--template-file`'],
      [[`--template=${text}`], 'error: `--template` needs `--output=go-template`'],
      [['-o', 'go-template', '--template-file=gone'], 'error: `--template-file` "gone" does not exist'],
    ] as const) {
      const wrong = await diff(...flags);
      expect(wrong).toMatchObject({ code: 2, out: '' });
      expect(wrong.err).toContain(message);
    }
    expect(calls()).toEqual([]);
  });

  test('what grype finds is compared, FROM first', async () => {
    const { run, host } = await withImages();
    const folder = temporaryFolder();
    // Reports one vulnerability for each of two versions; it reads the document to the end, as grype does.
    const script = `#!${process.execPath}
let text = '';
process.stdin.on('data', (chunk) => { text += chunk; });
process.stdin.on('end', () => {
  const purls = JSON.parse(text).packages.flatMap((one) => (one.externalRefs ?? []).map((ref) => ref.referenceLocator));
  const matches = purls.flatMap((purl) =>
    purl.includes('nginx-mainline@1.29.2-r0') ? [{ vulnerability: { id: 'CVE-1', severity: 'High' }, artifact: { purl } }]
    : purl.includes('zlib@') ? [{ vulnerability: { id: 'CVE-2', severity: 'Low' }, artifact: { purl } }] : []);
  process.stdout.write(JSON.stringify({ matches }));
});
`;
    writeFileSync(join(folder, 'grype'), script);
    chmodSync(join(folder, 'grype'), 0o755);
    const image = `${host}/chainguard/nginx`;
    const { out, err } = await run(['images', 'diff', `${image}:1.29.2`, image], { env: { PATH: folder } });
    expect(JSON.parse(out).vulnerabilities).toEqual({
      removed: [{ id: 'CVE-1', severity: 'High', reference: expect.stringContaining('nginx-mainline@1.29.2-r0') }],
    });
    const fetched = [...err.matchAll(/Fetching vulnerabilities for (\S+)@(sha256:[0-9a-f]{64})/g)];
    expect(fetched.map(([, name]) => name)).toEqual([image, image]);
    writeFileSync(join(folder, 'grype'), `#!${process.execPath}\nconsole.error('no database');process.exit(1);\n`);
    const failed = await run(['images', 'diff', `${image}:1.29.2`, image], { env: { PATH: folder } });
    expect(failed).toMatchObject({ code: 1, out: '' });
    expect(failed.err).toContain('grype failed: no database');
  });

  test('private images need a token for the registry; missing ones are not found', async () => {
    const { run, host, platform } = await withImages();
    const words = ['images', 'diff', `${host}/example.com/nginx:1.29.2`, `${host}/example.com/nginx`];
    const without = await run(words, { env: bare });
    expect(without.code).not.toBe(0);
    expect(without.out).toBe('');
    const env = { ...bare, XDG_CACHE_HOME: temporaryFolder() };
    const token = await platform.token(personId('dev@example.com'), { audience: host });
    writeTokens(fakeHost({ env }), host, { token, refreshToken: null });
    expect((await run(words, { env })).out).toContain('"nginx-mainline"');
    const missing = await run(['images', 'diff', `${host}/chainguard/nginx:0`, `${host}/chainguard/nginx`], {
      env: bare,
    });
    expect(missing).toMatchObject({ code: 1, out: '' });
    expect(missing.err).toMatch(/not found/);
    const platformless = [
      ...words.slice(0, 2),
      `${host}/chainguard/nginx`,
      `${host}/chainguard/nginx`,
      '--platform=linux/s390x',
    ];
    const other = await run(platformless, { env: bare });
    expect(other.err).toContain('there are linux/amd64, linux/arm64');
  });

  test('packages are matched by package URL without version, the first of several wins', () => {
    const one = (name: string, version: string, type = 'apk') => ({
      ...{ name, version, type, origin: name },
      purl: `pkg:${type}/wolfi/${name}@${version}?arch=x86_64`,
    });
    const before = [one('a', '1'), one('a', '2'), one('b', '1'), one('b', '1', 'npm')];
    const after = [one('a', '2'), one('c', '1'), one('b', '2', 'npm')];
    const apk = diffPackages(before, after, ['apk']);
    expect(apk.changed?.map(({ previous, current }) => [previous.version, current.version])).toEqual([['1', '2']]);
    expect(apk.added?.map(({ name }) => name)).toEqual(['c']);
    expect(apk.removed?.map(({ name }) => name)).toEqual(['b']);
    expect(diffPackages(before, after, ['-']).changed?.map(({ name }) => name)).toEqual(['a', 'b']);
  });
});

test('changelog: every build against the one before', async () => {
  const { run, host } = await withImages();
  const image = `${host}/chainguard/nginx:latest`;
  const { out, err } = await run(['images', 'changelog', image, '--output', 'json']);
  expect(err).toBe('');
  const builds = JSON.parse(out);
  expect(builds).toHaveLength(3);
  const changed = (at: number) => builds[at].packages.changed?.map(({ name }: { name: string }) => name);
  expect(changed(0)).toContain('nginx-mainline');
  expect(changed(1)).toContain('nginx-mainline');
  expect(builds[2].packages).toEqual({});
  // The last one shown is still compared with the one before it.
  const short = JSON.parse((await run(['images', 'changelog', image, '--depth=1', '-ojson'])).out);
  expect(short).toEqual(builds.slice(0, 1));
  const text = await run(['images', 'changelog', image]);
  expect(text.out).toContain('  ~ nginx-mainline 1.29.2-r0 -> 1.29.3-r0\n');
  expect(text.err).not.toContain('verified');
  expect((await run(['images', 'changelog', image, '-otable'])).out).toMatch(/^ +TIME +\| +CHANGE +\| +PACKAGE/);
});

test('advisories: what is open for the installed versions, by status', async () => {
  const { run, host } = await withImages();
  const list = async (tag: string, ...words: string[]) => {
    const { out, err, code } = await run([
      'images',
      'advisories',
      'list',
      `${host}/chainguard/nginx:${tag}`,
      '-ojson',
      ...words,
    ]);
    expect({ err, code }).toEqual({ err: '', code: 0 });
    return JSON.parse(out) as {
      package: { name: string; version: string };
      advisories: { id: string; aliases: string[]; events: object[]; status: string }[];
    }[];
  };
  const all = await list(
    '1.29.1',
    '--status=detected,affected,pending-upstream,fix-available,fix-not-planned,fixed',
    '--status=not-affected',
  );
  expect(all.length).toBeGreaterThan(0);
  for (const { package: about, advisories } of all) {
    expect(about.version).not.toBe('');
    for (const { aliases, events } of advisories) {
      expect(Array.isArray(aliases)).toBe(true);
      expect(events.length).toBeGreaterThan(0);
    }
  }
  const open = await list('1.29.1');
  const states = (found: typeof all) => found.flatMap(({ advisories }) => advisories.map(({ status }) => status));
  expect(states(open)).toEqual(states(all).filter((status) => !['fixed', 'not-affected'].includes(status)));
  // What a later version fixes is open in the first build and settled in the last.
  const fixable = (found: typeof all) => states(found).filter((status) => status === 'fix-available').length;
  expect(fixable(open)).toBeGreaterThan(fixable(await list('latest')));
  const table = await run(['images', 'advisories', 'list', `${host}/chainguard/nginx:1.29.1`]);
  expect(table.out).toMatch(/^ +PACKAGE +\| +VERSION +\| +ADVISORY +\| +STATUS +\| +SINCE\n/);
});

test('versions are ordered as apk orders them', () => {
  const ascending = [
    '1.2_alpha1-r0',
    '1.2_rc2-r9',
    '1.2-r0',
    '1.2-r10',
    '1.2a-r0',
    '1.2.0-r0',
    '1.2.1_p1-r0',
    '1.10-r0',
    '20250101-r0',
  ];
  for (const [at, version] of ascending.entries()) {
    for (const [other, compared] of ascending.entries()) {
      expect([version, compared, Math.sign(compareVersions(version, compared))]).toEqual([
        version,
        compared,
        Math.sign(at - other),
      ]);
    }
  }
});
