// cosign, crane and helm, which Debian does not have: `go install` puts them on PATH (see the versions below, which these
// tests were made with). Each test says that it is skipped where its client is missing.
//
//   go install github.com/google/go-containerregistry/cmd/crane@v0.20.6
//   go install github.com/sigstore/cosign/v2/cmd/cosign@v2.5.0
//   go install helm.sh/helm/v3/cmd/helm@v3.18.6

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createClient } from '../platform/registry-client.ts';
import { dev } from '../support/ids.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';

const clock = { now: () => Date.now(), randomBytes: (count: number) => randomBytes(count) };

let home: string;
let platform: TestPlatform;
let host: string;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'chainctl-go-clients-'));
  mkdirSync(join(home, '.docker'));
  platform = await startTestPlatform({ seed: 'demo', clock });
  host = new URL(platform.urls.registry).host;
  await login(platform);
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

/** Credentials for these platforms' registries where the clients look for them. */
async function login(...platforms: TestPlatform[]): Promise<void> {
  const auths: Record<string, { auth: string }> = {};
  for (const each of platforms) {
    const audience = new URL(each.urls.registry).host;
    const credentials = `_token:${await each.token(dev, { audience })}`;
    auths[audience] = { auth: Buffer.from(credentials).toString('base64') };
  }
  writeFileSync(join(home, '.docker', 'config.json'), JSON.stringify({ auths }), { mode: 0o600 });
}

/** Another platform that the clients are logged in to as well, and its registry. */
async function secondPlatform(): Promise<{ second: TestPlatform; there: string }> {
  const second = await startTestPlatform({ clock });
  await login(platform, second);
  return { second, there: new URL(second.urls.registry).host };
}

function isThere(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** Standard output; the test fails with standard error when the program does. */
function run(program: string, ...args: string[]): Promise<string> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    // Where its own file is empty, helm takes a keyring's helper that is on PATH, with or without a keyring.
    HELM_REGISTRY_CONFIG: join(home, '.docker', 'config.json'),
    COSIGN_PASSWORD: 'password of this test',
    // cosign's name for writing signatures as referrers instead of tags.
    COSIGN_EXPERIMENTAL: '1',
  };
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: home, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${program} ${args[0]}: ${stderr}`));
    });
  });
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

test.skipIf(!isThere('crane'))('crane: copy, list, validate, tag and delete', async () => {
  const name = `${host}/example.com/crane/nginx`;
  await run('crane', 'copy', `${host}/chainguard/nginx:latest`, `${name}:v1`);
  await run('crane', 'validate', '--remote', `${name}:v1`);
  const digest = (await run('crane', 'digest', `${name}:v1`)).trim();
  expect(digest).toBe((await run('crane', 'digest', `${host}/chainguard/nginx:latest`)).trim());
  await run('crane', 'tag', `${name}:v1`, 'v2');
  expect(lines(await run('crane', 'ls', name))).toEqual(['v1', 'v2']);
  expect(lines(await run('crane', 'catalog', host))).toContain('example.com/crane/nginx');
  await run('crane', 'delete', `${name}@${digest}`);
  expect(lines(await run('crane', 'ls', name))).toEqual([]);
  await expect(run('crane', 'digest', `${host}/example.com/none:latest`)).rejects.toThrow();
});

test.skipIf(!isThere('crane'))('crane: an image from files is pushed, changed and pulled again', async () => {
  const name = `${host}/example.com/crane/made`;
  mkdirSync(join(home, 'etc'));
  writeFileSync(join(home, 'etc', 'greeting'), 'hello from a layer\n');
  await run('tar', '-cf', join(home, 'layer.tar'), '-C', home, 'etc');
  await run('crane', 'append', '--new_layer', join(home, 'layer.tar'), '--new_tag', `${name}:one`);
  await run('crane', 'mutate', `${name}:one`, '--label', 'by=test', '--entrypoint', '/run', '--tag', `${name}:two`);
  const config = JSON.parse(await run('crane', 'config', `${name}:two`));
  expect(config.config).toMatchObject({ Labels: { by: 'test' }, Entrypoint: ['/run'] });
  await run('crane', 'export', `${name}:two`, join(home, 'files.tar'));
  expect(await run('tar', '-xOf', join(home, 'files.tar'), 'etc/greeting')).toBe('hello from a layer\n');

  await run('crane', 'pull', `${name}:two`, join(home, 'image.tar'));
  await run('crane', 'push', join(home, 'image.tar'), `${host}/example.com/crane/again:two`);
  expect(JSON.parse(await run('crane', 'config', `${host}/example.com/crane/again:two`))).toEqual(config);
  // An index of two of our images, made and pushed by the client.
  const index = ['-m', `${name}:one`, '-m', `${name}:two`, '-t', `${name}:both`];
  await run('crane', 'index', 'append', ...index);
  expect(JSON.parse(await run('crane', 'manifest', `${name}:both`)).manifests).toHaveLength(2);
  await run('crane', 'validate', '--remote', `${name}:both`);
});

test.skipIf(!isThere('crane'))('crane: every tag is copied from one of our registries to another', async () => {
  const { second, there } = await secondPlatform();
  await run('crane', 'copy', '--all-tags', `${host}/chainguard/static`, `${there}/example.com/static`);
  const tags = async (at: string) => lines(await run('crane', 'ls', at));
  expect(await tags(`${there}/example.com/static`)).toEqual(await tags(`${host}/chainguard/static`));
  const digest = (await run('crane', 'digest', `${there}/example.com/static:latest`)).trim();
  expect(digest).toBe((await run('crane', 'digest', `${host}/chainguard/static:latest`)).trim());
  await run('crane', 'validate', '--remote', `${there}/example.com/static@${digest}`);
  // The other platform's API has them too.
  const { body } = await second.call(await second.token(dev), 'GET', '/registry/v1/repos?name=static');
  expect(body.items).toHaveLength(1);
});

test.skipIf(!isThere('cosign'))(
  'cosign: a signature goes with its image to another of our registries; as a referrer it needs no tag',
  async () => {
    const insecure = ['--allow-http-registry', '--allow-insecure-registry'];
    await run('cosign', 'generate-key-pair', '--output-key-prefix', join(home, 'own'));
    const client = createClient(platform, dev);
    const digestAt = async (name: string) =>
      (await client.request('HEAD', `/v2/${name}/manifests/latest`)).headers.get('docker-content-digest') ?? '';
    const digest = await digestAt('example.com/app');
    const sign = ['--yes', '--key', join(home, 'own.key'), '--tlog-upload=false', ...insecure];
    const verify = ['--key', join(home, 'own.pub'), '--insecure-ignore-tlog', ...insecure];
    await run('cosign', 'sign', ...sign, `${host}/example.com/app@${digest}`);

    const { there } = await secondPlatform();
    await run('cosign', 'copy', ...insecure, `${host}/example.com/app:latest`, `${there}/example.com/moved:latest`);
    const verified = JSON.parse(await run('cosign', 'verify', ...verify, `${there}/example.com/moved:latest`));
    expect(verified[0].critical.image['docker-manifest-digest']).toBe(digest);

    const other = await digestAt('example.com/python');
    const python = `${host}/example.com/python@${other}`;
    await run('cosign', 'sign', ...sign, '--registry-referrers-mode=oci-1-1', python);
    await run('cosign', 'verify', ...verify, '--experimental-oci11', python);
    const { json } = await client.request('GET', `/v2/example.com/python/referrers/${other}`);
    expect(json.manifests.map((one: { artifactType: string }) => one.artifactType)).toContain(
      'application/vnd.dev.cosign.artifact.sig.v1+json',
    );
    const tags: string[] = (await client.request('GET', '/v2/example.com/python/tags/list')).json.tags;
    expect(tags).not.toContain(`${other.replace(':', '-')}.sig`);
    expect(await run('cosign', 'tree', ...insecure, `${host}/example.com/app@${digest}`)).toContain('.sig');
    // Somebody else's key does not verify it.
    await run('cosign', 'generate-key-pair', '--output-key-prefix', join(home, 'theirs'));
    const wrong = ['--key', join(home, 'theirs.pub'), '--insecure-ignore-tlog', ...insecure];
    await expect(run('cosign', 'verify', ...wrong, `${there}/example.com/moved:latest`)).rejects.toThrow();
  },
);

test.skipIf(!isThere('cosign'))(
  'cosign: our attestations verify; it signs and attests, by tag and by reference',
  async () => {
    const insecure = ['--allow-http-registry', '--allow-insecure-registry'];
    const offline = ['--insecure-ignore-tlog', ...insecure];
    const client = createClient(platform, dev);
    const key = join(home, 'platform.pem');
    writeFileSync(key, await (await fetch(`${platform.urls.registry}/local/v1/attestation-key.pem`)).text());
    const index = (await client.request('GET', '/v2/example.com/app/manifests/latest')).json;
    for (const { digest } of index.manifests) {
      const image = `${host}/example.com/app@${digest}`;
      const verified = await run('cosign', 'verify-attestation', '--key', key, '--type', 'spdxjson', ...offline, image);
      const { payload } = JSON.parse(verified);
      const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString());
      expect(predicate.packages.map((entry: { name: string }) => entry.name)).toContain('storefront');
    }

    const digest = (await client.request('HEAD', '/v2/example.com/app/manifests/latest')).headers.get(
      'docker-content-digest',
    );
    const image = `${host}/example.com/app@${digest}`;
    await run('cosign', 'generate-key-pair', '--output-key-prefix', join(home, 'own'));
    const sign = ['--yes', '--key', join(home, 'own.key'), '--tlog-upload=false', ...insecure];
    await run('cosign', 'sign', ...sign, image);
    await run('cosign', 'verify', '--key', join(home, 'own.pub'), ...offline, image);
    writeFileSync(join(home, 'predicate.json'), '{"tested":true}');
    await run('cosign', 'attest', ...sign, '--predicate', join(home, 'predicate.json'), '--type', 'custom', image);
    await run('cosign', 'verify-attestation', '--key', join(home, 'own.pub'), '--type', 'custom', ...offline, image);
    await expect(run('cosign', 'verify', '--key', key, ...offline, image)).rejects.toThrow();
  },
);

test.skipIf(!isThere('helm'))(
  'helm: the demo chart is pulled and shown, another is pushed and pulled again',
  async () => {
    const plain = '--plain-http';
    const chart = `oci://${host}/chainguard/charts/nginx`;
    const shown = await run('helm', 'show', 'chart', chart, '--version', '1.2.0', plain);
    expect(shown).toContain('version: 1.2.0');
    await run('helm', 'pull', chart, '--version', '1.2.0', plain, '--untar');
    expect(readFileSync(join(home, 'nginx', 'values.yaml'), 'utf8')).toContain('registry: cgr.dev');
    const rendered = await run('helm', 'template', 'release', join(home, 'nginx'));
    expect(rendered).toMatch(/image: "cgr\.dev\/chainguard\/nginx:1\.29\.3-r0@sha256:[0-9a-f]{64}"/);

    await run('helm', 'package', join(home, 'nginx'), '--version', '9.0.0');
    await run('helm', 'push', join(home, 'nginx-9.0.0.tgz'), `oci://${host}/example.com/charts`, plain);
    const token = await platform.token(dev);
    const { body } = await platform.call(token, 'GET', '/registry/v1/repos?name=charts/nginx');
    const repo = body.items[0].id;
    const tags = await platform.call(token, 'GET', `/registry/v1/tags?uidp.children_of=${repo}`);
    const { digest } = tags.body.items[0];
    const got = await platform.call(token, 'GET', `/registry/v1/repos/${repo}/digests/${digest}/chart`);
    expect(got.body).toMatchObject({ name: 'nginx', version: '9.0.0' });
    expect(got.body.images[0].requirement).toBe('REQUIREMENT_REQUIRED');
    await run('helm', 'pull', `oci://${host}/example.com/charts/nginx`, '--version', '9.0.0', plain);

    // The archive goes on to another registry; without `--version` helm takes the newest tag there is.
    const { there } = await secondPlatform();
    await run('helm', 'push', join(home, 'nginx-9.0.0.tgz'), `oci://${there}/example.com/charts`, plain);
    const newest = await run('helm', 'show', 'chart', `oci://${there}/example.com/charts/nginx`, plain);
    expect(newest).toContain('version: 9.0.0');
    await expect(run('helm', 'pull', `oci://${host}/example.com/charts/none`, plain)).rejects.toThrow();
  },
);
