// Clients we did not write against the registry: skopeo and podman of Debian. A missing client fails the tests.

import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dev, guest } from '../support/ids.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';

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
  home = mkdtempSync(join(tmpdir(), 'chainctl-clients-'));
  mkdirSync(join(home, 'run'), { mode: 0o700 });
  writeFileSync(join(home, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
  platform = await startTestPlatform({ seed: 'demo', clock });
  host = new URL(platform.urls.registry).host;
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

/** Nothing of the user's own configuration is read or written. */
function run(command: string, args: readonly string[], cwd = home): Promise<Ran> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_RUNTIME_DIR: join(home, 'run'),
    TMPDIR: home,
    REGISTRY_AUTH_FILE: join(home, 'auth.json'),
  };
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

async function skopeo(...args: string[]): Promise<Ran> {
  return run('skopeo', ['--policy', join(home, 'policy.json'), '--tmpdir', home, ...args]);
}

async function podman(...args: string[]): Promise<Ran> {
  const storage = ['--root', join(home, 'storage'), '--runroot', join(home, 'run', 'storage')];
  return run('podman', ['--storage-driver', 'vfs', '--events-backend', 'none', ...storage, ...args]);
}

async function credentials(identity: string): Promise<string> {
  return `_token:${await platform.token(identity, { audience: host })}`;
}

function succeeded(ran: Ran): Ran {
  expect(ran.code, ran.stderr).toBe(0);
  return ran;
}

/** Every blob and manifest of a `dir:` copy, by digest. */
function digests(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file !== 'version')
    .map((file) =>
      createHash('sha256')
        .update(readFileSync(join(folder, file)))
        .digest('hex'),
    )
    .sort();
}

test('skopeo: anybody pulls what is public, nobody pulls what is private', async () => {
  const inspected = succeeded(await skopeo('inspect', '--tls-verify=false', `docker://${host}/chainguard/nginx`));
  const image = JSON.parse(inspected.stdout);
  expect(image).toMatchObject({ Name: `${host}/chainguard/nginx`, Os: 'linux' });
  expect(image.RepoTags).toEqual(expect.arrayContaining(['latest', '1.29.3-r0']));
  succeeded(await skopeo('copy', '--src-tls-verify=false', `docker://${host}/chainguard/static`, `dir:${home}/static`));

  for (const name of ['example.com/app', 'example.com/none', 'nowhere/app']) {
    const refused = await skopeo('inspect', '--tls-verify=false', `docker://${host}/${name}`);
    expect(refused.code).not.toBe(0);
  }
  const private_ = await skopeo('inspect', '--tls-verify=false', `docker://${host}/example.com/app`);
  expect(private_.stderr).toMatch(/authentication required/i);
});

test('skopeo: all architectures there and back, bit for bit', async () => {
  const creds = await credentials(dev);
  const remote = `docker://${host}/example.com/copy/nginx:roundtrip`;
  const source = `docker://${host}/chainguard/nginx:latest-dev`;
  succeeded(await skopeo('copy', '--all', '--src-tls-verify=false', source, `dir:${home}/one`));
  succeeded(await skopeo('copy', '--all', '--dest-tls-verify=false', '--dest-creds', creds, `dir:${home}/one`, remote));
  succeeded(await skopeo('copy', '--all', '--src-tls-verify=false', '--src-creds', creds, remote, `dir:${home}/two`));
  expect(digests(join(home, 'two'))).toEqual(digests(join(home, 'one')));
  // Index, two manifests, two configs, shared base, two program and two shell layers.
  expect(digests(join(home, 'one'))).toHaveLength(10);

  // From repository to repository, where blobs are mounted instead of sent.
  const direct = `docker://${host}/example.com/copy/direct:all`;
  succeeded(
    await skopeo(
      'copy',
      '--all',
      '--src-tls-verify=false',
      '--dest-tls-verify=false',
      '--src-creds',
      creds,
      '--dest-creds',
      creds,
      remote,
      direct,
    ),
  );
  const raw = async (image: string) =>
    succeeded(await skopeo('inspect', '--raw', '--tls-verify=false', '--creds', creds, image)).stdout;
  expect(await raw(direct)).toBe(await raw(remote));
  // Layers are mounted; skopeo sends the two configs.
  const started = platform.log.filter((line) => line.method === 'POST' && line.path.includes('/direct/blobs/uploads'));
  expect(started.filter((line) => line.status === 201).length).toBeGreaterThan(0);
  expect(started.filter((line) => line.status !== 201)).toHaveLength(2);
});

test('skopeo: list-tags and delete', async () => {
  const creds = await credentials(dev);
  const repository = `docker://${host}/example.com/app`;
  const list = async (): Promise<string[]> =>
    JSON.parse(succeeded(await skopeo('list-tags', '--tls-verify=false', '--creds', creds, repository)).stdout).Tags;
  expect(await list()).toEqual(expect.arrayContaining(['latest', 'latest-dev', '1.5.0', '1.4.1-r0']));

  const viewer = await credentials(guest);
  const refused = await skopeo('delete', '--tls-verify=false', '--creds', viewer, `${repository}:1.4.0`);
  expect(refused.code).not.toBe(0);
  succeeded(await skopeo('delete', '--tls-verify=false', '--creds', creds, `${repository}:1.4.0`));
  // skopeo deletes by digest, and so every tag of it.
  const left = await list();
  expect(left).not.toContain('1.4.0');
  expect(left).not.toContain('1.4.0-r0');
  expect(left).toContain('latest');
});

test('skopeo: a docker image stays a docker image', async () => {
  const creds = await credentials(dev);
  const remote = `docker://${host}/example.com/docker:v2s2`;
  succeeded(
    await skopeo(
      'copy',
      '--format=v2s2',
      '--src-tls-verify=false',
      '--dest-tls-verify=false',
      '--dest-creds',
      creds,
      `docker://${host}/chainguard/static:latest`,
      remote,
    ),
  );
  const raw = await skopeo('inspect', '--raw', '--tls-verify=false', '--creds', creds, remote);
  expect(JSON.parse(succeeded(raw).stdout).mediaType).toBe('application/vnd.docker.distribution.manifest.v2+json');
});

test('podman: login, pull, tag, push, and pull again', async () => {
  const [user = '', password = ''] = (await credentials(dev)).split(':');
  const refused = await podman('login', '--tls-verify=false', '--username', user, '--password', 'nonsense', host);
  expect(refused.code).not.toBe(0);
  succeeded(await podman('login', '--tls-verify=false', '--username', user, '--password', password, host));

  const pulled = await podman('pull', '--tls-verify=false', '--quiet', `${host}/example.com/python:latest`);
  const id = succeeded(pulled).stdout.trim();
  const config = JSON.parse(succeeded(await podman('image', 'inspect', id)).stdout)[0];
  expect(config.Config).toMatchObject({ User: '65532', Entrypoint: ['/usr/bin/python'] });

  // New content: one more layer on top.
  writeFileSync(join(home, 'Containerfile'), `FROM ${id}\nCOPY hello.txt /hello.txt\n`);
  writeFileSync(join(home, 'hello.txt'), 'hello from podman\n');
  const target = `${host}/example.com/team/hello:v1`;
  succeeded(await podman('build', '--isolation=chroot', '--quiet', '--tag', target, home));
  succeeded(await podman('push', '--tls-verify=false', target));
  const built = succeeded(await podman('image', 'inspect', '--format', '{{.Id}}', target)).stdout;
  succeeded(await podman('rmi', '--force', target));
  succeeded(await podman('pull', '--tls-verify=false', '--quiet', target));
  expect(succeeded(await podman('image', 'inspect', '--format', '{{.Id}}', target)).stdout).toBe(built);

  // Without the login it is private.
  succeeded(await podman('logout', host));
  expect((await podman('pull', '--tls-verify=false', '--quiet', target)).code).not.toBe(0);
  succeeded(await podman('pull', '--tls-verify=false', '--quiet', `${host}/chainguard/static:latest`));
});

test('a large layer goes up and comes down with little memory', async () => {
  const creds = await credentials(dev);
  const size = 256 * 1024 * 1024;
  const folder = join(home, 'large');
  mkdirSync(folder);
  const layer = Buffer.alloc(size, randomBytes(1024 * 1024));
  const layerHex = createHash('sha256').update(layer).digest('hex');
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [`sha256:${layerHex}`] },
  });
  const configHex = createHash('sha256').update(config).digest('hex');
  writeFileSync(join(folder, layerHex), layer);
  writeFileSync(join(folder, configHex), config);
  writeFileSync(join(folder, 'version'), 'Directory Transport Version: 1.1\n');
  writeFileSync(
    join(folder, 'manifest.json'),
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: `sha256:${configHex}`,
        size: config.length,
      },
      layers: [
        { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: `sha256:${layerHex}`, size: layer.length },
      ],
    }),
  );
  const remote = `docker://${host}/example.com/large:v1`;
  const before = process.memoryUsage().rss;
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  const flags = ['--dest-tls-verify=false', '--dest-compress=false', '--preserve-digests', '--dest-creds', creds];
  succeeded(await skopeo('copy', ...flags, `dir:${folder}`, remote));
  succeeded(
    await skopeo('copy', '--src-tls-verify=false', '--src-creds', creds, remote, `dir:${join(home, 'large-again')}`),
  );
  clearInterval(watch);
  expect(digests(join(home, 'large-again'))).toEqual(digests(folder));
  // The bound has room for the garbage collector, and none for the layer.
  expect(peak - before).toBeLessThan(size / 2);
});
