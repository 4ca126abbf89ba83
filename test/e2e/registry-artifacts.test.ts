// Artifacts, tags and copies with clients we did not write: skopeo, buildah and podman of Debian. A missing client fails
// the tests. What the clients leave behind is asked of the specification's own endpoints.

import { execFile, spawn } from 'node:child_process';
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { preAuthEncoding } from '../../src/trust/signature.ts';
import { createClient } from '../platform/registry-client.ts';
import { demoOrganizations, dev } from '../support/ids.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';
import { runCli } from '../support/run-cli.ts';

const clock = { now: () => Date.now(), randomBytes: (count: number) => randomBytes(count) };

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let home: string;
let platform: TestPlatform;
let host: string;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'chainctl-artifacts-'));
  mkdirSync(join(home, 'run'), { mode: 0o700 });
  writeFileSync(join(home, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
  platform = await startTestPlatform({ seed: 'demo', clock });
  host = hostOf(platform);
});

const others: (() => void)[] = [];

afterEach(() => {
  for (const end of others.splice(0)) end();
  rmSync(home, { recursive: true, force: true });
});

function hostOf(one: TestPlatform): string {
  return new URL(one.urls.registry).host;
}

/** Nothing of the user's own configuration is read or written. */
function run(command: string, args: readonly string[]): Promise<Ran> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_RUNTIME_DIR: join(home, 'run'),
    TMPDIR: home,
    REGISTRY_AUTH_FILE: join(home, 'auth.json'),
  };
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd: home, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

async function ok(command: string, args: readonly string[]): Promise<string> {
  const ran = await run(command, args);
  expect(ran.code, ran.stderr).toBe(0);
  return ran.stdout;
}

const skopeo = (...args: string[]) => ok('skopeo', ['--policy', join(home, 'policy.json'), '--tmpdir', home, ...args]);

const storage = (): string[] => [
  '--root',
  join(home, 'storage'),
  '--runroot',
  join(home, 'run', 'storage'),
  '--storage-driver',
  'vfs',
];
const buildah = (...args: string[]) => ok('buildah', [...storage(), ...args]);

/** What the clients read: a login of the seeded developer at each platform. */
async function login(...platforms: TestPlatform[]): Promise<void> {
  const auths: Record<string, { auth: string }> = {};
  for (const one of platforms) {
    const credentials = `_token:${await one.token(dev, { audience: hostOf(one) })}`;
    auths[hostOf(one)] = { auth: Buffer.from(credentials).toString('base64') };
  }
  writeFileSync(join(home, 'auth.json'), JSON.stringify({ auths }), { mode: 0o600 });
}

test('an SBOM attestation copied by its tag refers to its image in the new place, and its signature holds', async () => {
  await login(platform);
  const from = `docker://${host}/chainguard/nginx`;
  const to = `docker://${host}/example.com/copied/nginx`;
  const index = JSON.parse(await skopeo('inspect', '--raw', '--tls-verify=false', `${from}:1.29.3`));
  const [{ digest }] = index.manifests;
  const tag = `${digest.replace(':', '-')}.att`;
  const copy = ['copy', '--all', '--src-tls-verify=false', '--dest-tls-verify=false'];
  // The attestation first: a subject need not be there yet (specification, "Pushing Manifests with Subject").
  await skopeo(...copy, `${from}:${tag}`, `${to}:${tag}`);
  await skopeo(...copy, `${from}:1.29.3`, `${to}:1.29.3`);

  const client = createClient(platform, dev);
  const { json } = await client.request('GET', `/v2/example.com/copied/nginx/referrers/${digest}`);
  expect(json.manifests).toHaveLength(1);
  expect(json.manifests[0].artifactType).toBe('application/vnd.dev.cosign.artifact.att.v1+json');
  const filtered = (type: string) =>
    client.request('GET', `/v2/example.com/copied/nginx/referrers/${digest}?artifactType=${encodeURIComponent(type)}`);
  expect((await filtered(json.manifests[0].artifactType)).json.manifests).toHaveLength(1);
  const other = await filtered('application/vnd.example');
  expect([other.json.manifests, other.headers.get('oci-filters-applied')]).toEqual([[], 'artifactType']);

  // What skopeo wrote to a folder verifies with the key the platform publishes.
  const pem = await (await fetch(`${platform.urls.registry}/local/v1/attestation-key.pem`)).text();
  await skopeo('copy', '--src-tls-verify=false', `${to}:${tag}`, `dir:${home}/attestation`);
  const manifest = JSON.parse(readFileSync(join(home, 'attestation', 'manifest.json'), 'utf8'));
  const envelope = JSON.parse(
    readFileSync(join(home, 'attestation', manifest.layers[0].digest.replace('sha256:', '')), 'utf8'),
  );
  const payload = Buffer.from(envelope.payload, 'base64');
  const signature = Buffer.from(envelope.signatures[0].sig, 'base64');
  expect(verify('sha256', preAuthEncoding(envelope.payloadType, payload), createPublicKey(pem), signature)).toBe(true);
  expect(JSON.parse(payload.toString()).subject[0].digest.sha256).toBe(digest.replace('sha256:', ''));

  const tags = JSON.parse(await skopeo('list-tags', '--tls-verify=false', to)).Tags;
  expect(tags).toEqual(['1.29.3', tag]);
  // Deleting the attestation takes its tag and its place among the referrers.
  await skopeo('delete', '--tls-verify=false', `${to}:${tag}`);
  expect((await client.request('GET', `/v2/example.com/copied/nginx/referrers/${digest}`)).json.manifests).toEqual([]);
  expect(JSON.parse(await skopeo('list-tags', '--tls-verify=false', to)).Tags).toEqual(['1.29.3']);
});

/** Debian's registry, for whoever knows the password; it knows no referrers. */
async function startOther(): Promise<string> {
  const { port, free } = await new Promise<{ port: number; free: () => Promise<void> }>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      resolve({
        port: (probe.address() as AddressInfo).port,
        free: () => new Promise((done) => probe.close(() => done())),
      });
    });
  });
  await free();
  const folder = join(home, 'other');
  mkdirSync(folder);
  // "secret", as `htpasswd -B -C 4` writes it: each request is checked.
  writeFileSync(join(folder, 'users'), 'reader:$2b$04$TIbEyRvOIiRLCYy9RUmB0ezGNFEUJQWPNkuySLxYF5TeBmg83E1Fe\n');
  writeFileSync(
    join(folder, 'config.yml'),
    JSON.stringify({
      version: '0.1',
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(folder, 'content') } },
      http: { addr: `127.0.0.1:${port}` },
      auth: { htpasswd: { realm: 'other', path: join(folder, 'users') } },
    }),
  );
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  others.push(() => child.kill());
  await expect
    .poll(async () => (await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined))?.status, { timeout: 10_000 })
    .toBe(401);
  return `127.0.0.1:${port}`;
}

test('the SBOMs of a registry that is not ours: with a password, without referrers', async () => {
  const other = await startOther();
  await login(platform);
  const { auths } = JSON.parse(readFileSync(join(home, 'auth.json'), 'utf8'));
  auths[other] = { auth: Buffer.from('reader:secret').toString('base64') };
  writeFileSync(join(home, 'auth.json'), JSON.stringify({ auths }), { mode: 0o600 });
  const copy = ['copy', '--all', '--src-tls-verify=false', '--dest-tls-verify=false'];
  for (const tag of ['1.29.2', '1.29.3']) {
    const from = `docker://${host}/chainguard/nginx`;
    await skopeo(...copy, `${from}:${tag}`, `docker://${other}/mirror/nginx:${tag}`);
    const index = JSON.parse(await skopeo('inspect', '--raw', '--tls-verify=false', `${from}:${tag}`));
    const attestation = `${index.manifests[0].digest.replace(':', '-')}.att`;
    await skopeo(...copy, `${from}:${attestation}`, `docker://${other}/mirror/nginx:${attestation}`);
  }
  const images = [`${other}/mirror/nginx:1.29.2`, `${other}/mirror/nginx:1.29.3`];
  const diff = (env: Record<string, string>) =>
    runCli(['images', 'diff', ...images, '-o', 'json'], {
      env: { HOME: home, PATH: '/nowhere', CHAINGUARD_PLATFORM_REGISTRY: platform.urls.registry, ...env },
    });
  const refused = await diff({});
  expect(refused).toMatchObject({ code: 4, out: '' });
  expect(refused.err).toContain(`docker login ${other}`);
  const { code, out } = await diff({ REGISTRY_AUTH_FILE: join(home, 'auth.json') });
  expect(code).toBe(0);
  expect(JSON.parse(out).packages.changed.map(({ name }: { name: string }) => name)).toContain('nginx-mainline');
});

test('skopeo copies between two of our registries, and sync brings every tag', async () => {
  const second = await startTestPlatform({ clock });
  const there = hostOf(second);
  await login(platform, second);
  const common = ['--all', '--src-tls-verify=false', '--dest-tls-verify=false'];
  await skopeo(
    'copy',
    ...common,
    `docker://${host}/example.com/app:latest`,
    `docker://${there}/example.com/app:latest`,
  );
  const raw = (at: string) => skopeo('inspect', '--raw', '--tls-verify=false', `docker://${at}/example.com/app:latest`);
  expect(await raw(there)).toBe(await raw(host));

  await skopeo('sync', ...common, '--src=docker', '--dest=docker', `${host}/chainguard/static`, `${there}/example.com`);
  const client = createClient(second, dev);
  const tags: string[] = (await client.request('GET', '/v2/example.com/static/tags/list')).json.tags;
  const original = createClient(platform, dev);
  expect(tags).toEqual((await original.request('GET', '/v2/chainguard/static/tags/list')).json.tags);
  // The attestations came along as tags, and so refer to the images here too.
  const index = (await client.request('GET', '/v2/example.com/static/manifests/latest')).json;
  const referrers = await client.request('GET', `/v2/example.com/static/referrers/${index.manifests[0].digest}`);
  expect(referrers.json.manifests).toHaveLength(1);
});

test('buildah builds on a customized image, makes a manifest list, pushes it, and everything is in the API', async () => {
  await login(platform);
  const token = await platform.token(dev);
  const parent = demoOrganizations.public;
  const { body } = await platform.call(token, 'GET', `/registry/v1/repos?uidp.children_of=${parent}&name=static`);
  const made = await platform.call(token, 'POST', `/registry/v1/repos/${demoOrganizations.private}`, {
    body: {
      name: 'custom-static',
      sync_config: { source: body.items[0].id },
      customOverlay: { environment: { TEAM: 'e2e' }, contents: { packages: ['bash'] } },
    },
  });
  const repo = made.body.id;
  const done = async () => {
    const { reports } = (await platform.call(token, 'GET', `/registry/v1/buildreports?uidp.children_of=${repo}`)).body;
    return reports.filter((report: { result: string }) => report.result === 'Success').length;
  };
  await expect.poll(done, { timeout: 30_000 }).toBe(6);

  const base = `docker://${host}/example.com/custom-static:latest`;
  const container = (await buildah('from', '--tls-verify=false', base)).trim();
  writeFileSync(join(home, 'hello.txt'), 'hello from buildah\n');
  await buildah('copy', container, join(home, 'hello.txt'), '/hello.txt');
  await buildah('config', '--label', 'e2e=yes', container);
  const image = (await buildah('commit', '--rm', container, 'localhost/e2e:one')).trim();
  const inspected = JSON.parse(await buildah('inspect', '--type', 'image', image));
  expect(inspected.OCIv1.config.Env).toContain('TEAM=e2e');

  const list = 'localhost/e2e:list';
  await buildah('manifest', 'create', list);
  await buildah('manifest', 'add', '--arch', 'amd64', list, 'containers-storage:localhost/e2e:one');
  const target = `docker://${host}/example.com/e2e/list:v1`;
  await buildah('manifest', 'push', '--all', '--tls-verify=false', list, target);
  const raw = JSON.parse(await skopeo('inspect', '--raw', '--tls-verify=false', target));
  expect(raw.manifests).toHaveLength(1);
  const config = JSON.parse(
    await skopeo('inspect', '--config', '--tls-verify=false', target, '--override-arch', 'amd64'),
  );
  expect(config.config.Labels).toMatchObject({ e2e: 'yes' });
  expect(config.config.Env).toContain('TEAM=e2e');

  const listed = await platform.call(token, 'GET', '/registry/v1/repos?name=e2e/list');
  const pushed = listed.body.items[0].id;
  const tags = (await platform.call(token, 'GET', `/registry/v1/tags?uidp.children_of=${pushed}`)).body.items;
  expect(tags.map((tag: { name: string }) => tag.name)).toEqual(['v1']);
  const archs = await platform.call(
    token,
    'GET',
    `/registry/v1/repos/${pushed}/digests/${tags[0].digest}/architectures`,
  );
  expect(archs.body.archs).toEqual(['amd64']);
});
