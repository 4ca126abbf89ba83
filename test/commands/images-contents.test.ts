import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compareVersions } from '../../src/attestations/version-order.ts';
import { writeTokens } from '../../src/auth/token-cache.ts';
import { newKeyPair } from '../../src/key-pairs.ts';
import { createClient, digestOf, imageManifest, ociIndex, ociManifest } from '../platform/registry-client.ts';
import { fakeHost } from '../support/fake-host.ts';
import { personId } from '../support/ids.ts';
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
    // As `--template-file <(command)` names one: it can be read once.
    const pipe = join(temporaryFolder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    spawn('cp', [file, pipe]);
    expect((await diff('-o', 'go-template', `--template-file=${pipe}`)).out).toBe('3 added\n');
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

  test('an image without its organization is told how to be written', async () => {
    const { run, host } = await withImages();
    for (const words of [
      ['diff', 'app:1.4', 'app:1.5'],
      ['changelog', 'app:1.4'],
      ['tags', 'resolve', 'app:1.4'],
    ]) {
      const { code, err } = await run(['images', ...words]);
      expect({ code, err }).toEqual({
        code: 2,
        err: [
          'error: "app:1.4" does not say which organization the image is in',
          `hint: write it as \`${host}/ORGANIZATION/app:1.4\`\n`,
        ].join('\n'),
      });
    }
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
    const stranger = platform.user('stranger@example.com');
    const strangers = { ...bare, XDG_CACHE_HOME: temporaryFolder() };
    const strangersToken = await platform.token(stranger, { audience: host });
    writeTokens(fakeHost({ env: strangers }), host, { token: strangersToken, refreshToken: null });
    const refused = await run(words, { env: strangers });
    expect(refused.err).toContain(
      `hint: see why with \`chainctl iam access explain ${stranger} manifest.list --on=example.com\`\n`,
    );
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

  test('whoever is logged in is not told to log in', async () => {
    const { run, host, platform } = await withImages();
    const env = { ...bare, XDG_CACHE_HOME: temporaryFolder() };
    const token = await platform.token(personId('guest@example.com'), { audience: host });
    writeTokens(fakeHost({ env }), host, { token, refreshToken: null });
    const refused = await run(['images', 'diff', `${host}/chainguard/none`, `${host}/chainguard/nginx`], { env });
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain('chainguard/none:latest may not be read by this login, or is not there');
  });

  test('a private image of another registry is read with the login that Docker has for it', async () => {
    const { run, host } = await withImages();
    const made = await run(['auth', 'pull-token', '--parent=example.com', '-ojson']);
    const { identity_id: user, token: secret } = JSON.parse(made.out);
    const folder = temporaryFolder();
    const elsewhere = { ...bare, DOCKER_CONFIG: folder, CHAINGUARD_PLATFORM_REGISTRY: 'https://cgr.example' };
    const diff = (env: Record<string, string> = {}) =>
      run(['images', 'diff', `${host}/example.com/nginx:1.29.2`, `${host}/example.com/nginx`], {
        env: { ...elsewhere, ...env },
      });
    const without = await diff();
    expect(without).toMatchObject({ code: 4, out: '' });
    expect(without.err).toContain(`hint: run \`docker login ${host}\``);

    const config = (value: unknown) => writeFileSync(join(folder, 'config.json'), JSON.stringify(value));
    const auth = (password: string) => Buffer.from(`${user}:${password}`).toString('base64');
    config({ auths: { [host]: { auth: auth(secret) } } });
    expect((await diff()).out).toContain('"nginx-mainline"');
    // Somebody else's login, and files that are none.
    config({ auths: { 'registry.example': { auth: auth(secret) } } });
    expect((await diff()).code).toBe(4);
    config({ auths: { [host]: { auth: auth('wrong') } } });
    const wrong = await diff();
    expect(wrong).toMatchObject({ code: 1, out: '' });
    expect(wrong.err).toContain('may not be read by this login');
    for (const odd of [[], { auths: [] }, { auths: { [host]: { auth: 7 } } }, { credHelpers: { [host]: '../x' } }]) {
      config(odd);
      expect((await diff()).code).toBe(4);
    }
    writeFileSync(join(folder, 'config.json'), '{');
    expect((await diff()).code).toBe(4);
    // podman's file, and a helper that is asked with the registry's name.
    writeFileSync(join(folder, 'auth.json'), JSON.stringify({ auths: { [host]: { auth: auth(secret) } } }));
    expect((await diff({ REGISTRY_AUTH_FILE: join(folder, 'auth.json') })).out).toContain('"nginx-mainline"');
    const helper = join(folder, 'docker-credential-mine');
    const answer = JSON.stringify({ ServerURL: host, Username: user, Secret: secret });
    writeFileSync(helper, `#!/bin/sh\nread name\n[ "$1 $name" = "get ${host}" ] && echo '${answer}' || exit 1\n`);
    chmodSync(helper, 0o755);
    config({ credHelpers: { [host]: 'mine' } });
    expect((await diff({ PATH: folder })).out).toContain('"nginx-mainline"');
    config({ credsStore: 'mine' });
    expect((await diff({ PATH: folder })).out).toContain('"nginx-mainline"');
    config({ credsStore: 'none-such' });
    expect((await diff({ PATH: folder })).code).toBe(4);
  });

  test('what is attached and cannot be read says nothing, and hides nothing', async () => {
    const { run, host, platform } = await withImages();
    const client = createClient(platform, personId('dev@example.com'));
    const name = 'example.com/nginx';
    const index = (await client.request('GET', `/v2/${name}/manifests/latest`)).json;
    const amd64 = index.manifests.find(
      (one: { platform: { architecture: string } }) => one.platform.architecture === 'amd64',
    );
    const junk = [
      Buffer.from([0xff, 0xfe, 0x00]),
      Buffer.from('null'),
      Buffer.from('{"payload":"bnVsbA=="}'),
      Buffer.from(''),
    ];
    for (const bytes of junk) {
      await client.pushBlob(name, '{}');
      await client.pushBlob(name, bytes);
      const manifest = JSON.stringify({
        ...JSON.parse(imageManifest('{}', bytes)),
        artifactType: 'application/vnd.dev.cosign.artifact.att.v1+json',
        layers: [{ mediaType: 'application/vnd.dsse.envelope.v1+json', digest: digestOf(bytes), size: bytes.length }],
        subject: { mediaType: amd64.mediaType, digest: amd64.digest, size: amd64.size },
      });
      expect((await client.pushManifest(name, digestOf(manifest), manifest)).status).toBe(201);
    }
    const env = { ...bare, XDG_CACHE_HOME: temporaryFolder() };
    const token = await platform.token(personId('dev@example.com'), { audience: host });
    writeTokens(fakeHost({ env }), host, { token, refreshToken: null });
    const { code, err } = await run(['images', 'diff', `${host}/${name}:latest`, `${host}/${name}:latest`], { env });
    expect([code, err]).toEqual([0, expect.not.stringContaining('verified')]);
  });

  test('of several SBOMs of one image the newest counts, in one manifest and among referrers', async () => {
    const { run, host, platform } = await withImages();
    const client = createClient(platform, personId('dev@example.com'));
    const name = 'example.com/attested';
    const statements = (image: string, versions: readonly string[]) =>
      versions.map((version) =>
        JSON.stringify({
          _type: 'https://in-toto.io/Statement/v0.1',
          predicateType: 'https://spdx.dev/Document',
          subject: [{ name: 'attested', digest: { sha256: digestOf(image).slice(7) } }],
          predicate: {
            packages: [
              {
                name: 'curl',
                versionInfo: version,
                externalRefs: [{ referenceType: 'purl', referenceLocator: `pkg:apk/wolfi/curl@${version}` }],
              },
            ],
          },
        }),
      );
    const layersOf = (texts: readonly string[]) =>
      texts.map((text) => ({
        mediaType: 'application/vnd.in-toto+json',
        digest: digestOf(text),
        size: text.length,
      }));
    const push = async (tag: string) => {
      await client.pushImage(name, tag, `layer ${tag}`);
      return imageManifest('{}', `layer ${tag}`);
    };
    // As cosign has it: one manifest under a tag, to which it appends.
    const tagged = await push('1');
    const first = statements(tagged, ['1.0', '1.1']);
    for (const text of first) await client.pushBlob(name, text);
    const appended = JSON.stringify({ ...JSON.parse(tagged), layers: layersOf(first) });
    await client.pushManifest(name, `${digestOf(tagged).replace(':', '-')}.att`, appended);
    // One manifest for each, in no order but their times.
    const referred = await push('2');
    for (const [at, text] of statements(referred, ['2.0', '2.2', '2.1']).entries()) {
      await client.pushBlob(name, text);
      const manifest = JSON.stringify({
        ...JSON.parse(referred),
        layers: layersOf([text]),
        subject: { mediaType: ociManifest, digest: digestOf(referred), size: referred.length },
        annotations: { 'org.opencontainers.image.created': `2026-01-0${[1, 3, 2][at]}T00:00:00Z` },
      });
      expect((await client.pushManifest(name, digestOf(manifest), manifest)).status).toBe(201);
    }
    const env = { ...bare, XDG_CACHE_HOME: temporaryFolder() };
    const token = await platform.token(personId('dev@example.com'), { audience: host });
    writeTokens(fakeHost({ env }), host, { token, refreshToken: null });
    const { out } = await run(['images', 'diff', `${host}/${name}:1`, `${host}/${name}:2`], { env });
    expect(JSON.parse(out).packages.changed).toMatchObject([
      { previous: { version: '1.1' }, current: { version: '2.2' } },
    ]);
  });

  test('an SBOM that BuildKit lists beside the image in its index', async () => {
    const { run, host, platform } = await withImages();
    const client = createClient(platform, personId('dev@example.com'));
    const name = 'example.com/built';
    const push = async (tag: string, version: string) => {
      const image = imageManifest('{}', `layer ${version}`);
      for (const bytes of ['{}', `layer ${version}`]) await client.pushBlob(name, bytes);
      await client.pushManifest(name, digestOf(image), image);
      const purl = `pkg:deb/debian/curl@${version}?arch=amd64`;
      const statement = JSON.stringify({
        _type: 'https://in-toto.io/Statement/v0.1',
        predicateType: 'https://spdx.dev/Document',
        subject: [{ name: 'pkg:docker/built@1', digest: { sha256: digestOf(image).slice(7) } }],
        predicate: {
          spdxVersion: 'SPDX-2.3',
          packages: [
            { name: 'curl', versionInfo: version, externalRefs: [{ referenceType: 'purl', referenceLocator: purl }] },
          ],
        },
      });
      await client.pushBlob(name, statement);
      const attestation = JSON.stringify({
        ...JSON.parse(imageManifest('{}', statement)),
        layers: [
          {
            mediaType: 'application/vnd.in-toto+json',
            digest: digestOf(statement),
            size: statement.length,
            annotations: { 'in-toto.io/predicate-type': 'https://spdx.dev/Document' },
          },
        ],
      });
      await client.pushManifest(name, digestOf(attestation), attestation);
      const entry = (text: string, more: object) => ({
        mediaType: ociManifest,
        digest: digestOf(text),
        size: text.length,
        ...more,
      });
      const index = JSON.stringify({
        schemaVersion: 2,
        mediaType: ociIndex,
        manifests: [
          entry(image, { platform: { os: 'linux', architecture: 'amd64' } }),
          entry(attestation, {
            platform: { os: 'unknown', architecture: 'unknown' },
            annotations: {
              'vnd.docker.reference.digest': digestOf(image),
              'vnd.docker.reference.type': 'attestation-manifest',
            },
          }),
        ],
      });
      expect((await client.pushManifest(name, tag, index, ociIndex)).status).toBe(201);
    };
    await push('1', '8.0.0-1');
    await push('2', '8.1.0-1');
    const env = { ...bare, XDG_CACHE_HOME: temporaryFolder() };
    const token = await platform.token(personId('dev@example.com'), { audience: host });
    writeTokens(fakeHost({ env }), host, { token, refreshToken: null });
    const { out, err } = await run(['images', 'diff', `${host}/${name}:1`, `${host}/${name}:2`, '-t', 'deb'], { env });
    expect(JSON.parse(out).packages.changed).toEqual([
      {
        name: 'curl',
        previous: { version: '8.0.0-1', reference: expect.stringContaining('@8.0.0-1') },
        current: { version: '8.1.0-1', reference: expect.stringContaining('@8.1.0-1') },
      },
    ]);
    expect(err).toContain('2 SBOM attestations are not verified: they are not signed.');
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
  expect(builds[2]).toMatchObject({ packages: null, reason: 'The oldest build that is known.' });
  // The last one shown is still compared with the one before it.
  const short = JSON.parse((await run(['images', 'changelog', image, '--depth=1', '-ojson'])).out);
  expect(short).toEqual(builds.slice(0, 1));
  const text = await run(['images', 'changelog', image]);
  expect(text.out).toContain('  ~ nginx-mainline 1.29.2-r0 -> 1.29.3-r0\n');
  expect(text.err).not.toContain('verified');
  expect((await run(['images', 'changelog', image, '-otable'])).out).toMatch(/^ +TIME +\| +CHANGE +\| +PACKAGE/);
});

test('changelog: a build that is gone does not take the others along; a tag that never was is named', async () => {
  const { run, host, platform } = await withImages();
  const dev = personId('dev@example.com');
  const client = createClient(platform, dev);
  const env = { XDG_CACHE_HOME: temporaryFolder() };
  const token = await platform.token(dev, { audience: host });
  writeTokens(fakeHost({ env }), host, { token, refreshToken: null });
  const image = `${host}/example.com/nginx`;
  const before = JSON.parse((await run(['images', 'changelog', `${image}:latest`, '-ojson'], { env })).out);
  const [newest, middle, oldest] = before;
  expect((await client.request('DELETE', `/v2/example.com/nginx/manifests/${oldest.digest}`)).status).toBe(202);
  const after = await run(['images', 'changelog', `${image}:latest`, '-ojson'], { env });
  const gone = `example.com/nginx@${oldest.digest} not found in ${host}`;
  expect(JSON.parse(after.out)).toEqual([
    newest,
    { ...middle, packages: null, reason: `Not compared: ${gone}` },
    { ...oldest, packages: null, reason: gone },
  ]);
  const { out } = await run(['images', 'changelog', `${image}:latest`], { env });
  expect(out).toContain(`${middle.digest}\n  Not compared: ${gone}\n`);
  expect(out).toContain(`${oldest.digest}\n  ${gone}\n`);

  const none = await run(['images', 'changelog', `${image}:never`], { env });
  expect(none).toMatchObject({ code: 1, out: '' });
  expect(none.err).toContain(`The history of example.com/nginx:never not found in ${host}`);
});

test('a tag that has moved more often than one answer holds: the newest comes first all the same', async () => {
  const { run, host, platform } = await withImages();
  const { id, digest } = platform.store.read((tx) => {
    const row = tx.get(
      "SELECT t.* FROM tags t JOIN repos r ON r.id = t.repo WHERE r.public = 1 AND r.name = 'nginx' AND t.name = 'latest'",
    );
    return { id: String(row?.['repo']), digest: String(row?.['digest']) };
  });
  const start = Date.parse('2027-01-01T00:00:00Z');
  platform.store.transact((tx) => {
    for (let count = 0; count < 2500; count++) {
      const at = start + Math.floor(count / 2) * 1000;
      const named = count === 2499 ? digest : `sha256:${String(count).padStart(64, '0')}`;
      tx.run('INSERT INTO tag_history (repo, name, digest, updated_at) VALUES (?, ?, ?, ?)', id, 'latest', named, at);
    }
  });
  const history = JSON.parse((await run(['images', 'history', `${host}/chainguard/nginx:latest`, '-ojson'])).out);
  expect(history).toHaveLength(2503);
  expect(history[0].digest).toBe(digest);
  const [first] = JSON.parse(
    (await run(['images', 'changelog', `${host}/chainguard/nginx:latest`, '--depth=1', '-ojson'])).out,
  );
  expect(first.digest).toBe(digest);
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
