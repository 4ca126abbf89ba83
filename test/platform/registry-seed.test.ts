import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { expect, test } from 'vitest';
import { seedImages } from '../../src/local/registry/seed/images.ts';
import { createBlobStore } from '../../src/local/store/blob-store.ts';
import { demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform, TestClock } from '../support/platform.ts';
import { createClient, type Got } from './registry-client.ts';

test('the demo has public and private images with tags and history', async () => {
  const clock = new TestClock();
  const platform = await startTestPlatform({ seed: 'demo', clock });
  const client = createClient(platform, personId('dev@example.com'));
  const catalog = await client.request('GET', '/v2/_catalog');
  expect(catalog.json.repositories).toEqual(['example.com/app', 'example.com/nginx', 'example.com/python']);

  const names = ['static', 'nginx', 'python', 'node', 'go'].map((name) => `chainguard/${name}`);
  for (const name of [...names, ...catalog.json.repositories]) {
    const tags: string[] = (await client.request('GET', `/v2/${name}/tags/list`)).json.tags;
    expect(tags).toContain('latest');
    expect(tags.length).toBeGreaterThan(5);
    const { history } = (await client.request('GET', `/v2/${name}/_chainguard/history/latest`)).json;
    expect(history).toHaveLength(3);
    expect(new Set(history.map((entry: { digest: string }) => entry.digest)).size).toBe(3);
    // Something was built today, and something was not.
    const ages = history.map((entry: { updateTimestamp: string }) => clock.now() - Date.parse(entry.updateTimestamp));
    expect(ages[0]).toBeGreaterThan(30 * 86_400_000);
    expect(ages[2]).toBeGreaterThan(0);
    expect(ages[2]).toBeLessThan(86_400_000);
  }
  const tags: string[] = (await client.request('GET', '/v2/chainguard/nginx/tags/list')).json.tags;
  expect(tags).toEqual(
    expect.arrayContaining(['1', '1.29', '1.29.3', '1.29.3-r0', '1.29.1', 'latest-dev', '1.29-dev']),
  );
});

test('a seeded image is real: index, manifests, configs and layers agree down to the bytes', async () => {
  const platform = await startTestPlatform({ seed: 'demo' });
  const client = createClient(platform, personId('dev@example.com'));
  const name = 'chainguard/nginx';
  const checked = (got: Got, digest: string, size?: number): Buffer => {
    expect(got.status).toBe(200);
    expect(`sha256:${createHash('sha256').update(got.bytes).digest('hex')}`).toBe(digest);
    if (size !== undefined) expect(got.bytes.length).toBe(size);
    return got.bytes;
  };
  const index = (await client.request('GET', `/v2/${name}/manifests/latest-dev`)).json;
  expect(index.manifests.map((entry: { platform: object }) => entry.platform)).toEqual([
    { architecture: 'amd64', os: 'linux' },
    { architecture: 'arm64', os: 'linux' },
  ]);
  for (const { digest, size, platform: place } of index.manifests) {
    const manifest = JSON.parse(
      checked(await client.request('GET', `/v2/${name}/manifests/${digest}`), digest, size).toString(),
    );
    const blob = async (entry: { digest: string; size: number }) =>
      checked(await client.request('GET', `/v2/${name}/blobs/${entry.digest}`), entry.digest, entry.size);
    const config = JSON.parse((await blob(manifest.config)).toString());
    expect(config).toMatchObject({ architecture: place.architecture, os: 'linux' });
    expect(config.config.Labels['org.opencontainers.image.version']).toBe('1.29.3-r0');
    expect(config.history).toHaveLength(manifest.layers.length);
    const files = new Map<string, string>();
    for (const [position, layer] of manifest.layers.entries()) {
      const tar = gunzipSync(await blob(layer));
      expect(`sha256:${createHash('sha256').update(tar).digest('hex')}`).toBe(config.rootfs.diff_ids[position]);
      const archive = extract();
      archive.end(tar);
      for await (const file of archive) {
        const chunks: Buffer[] = [];
        for await (const chunk of file) chunks.push(chunk as Buffer);
        files.set(file.header.name, Buffer.concat(chunks).toString());
        expect(file.header.mtime.toISOString()).toBe('2026-11-10T04:12:00.000Z');
      }
    }
    expect(files.get('etc/os-release')).toContain('ID=wolfi');
    expect(files.get('etc/passwd')).toContain('nonroot:x:65532');
    const architecture = place.architecture === 'amd64' ? 'x86_64' : 'aarch64';
    expect(files.get('usr/lib/apk/db/installed')).toContain(`P:nginx-mainline\nV:1.29.3-r0\nA:${architecture}\n`);
    expect(files.get('usr/lib/apk/db/installed')).toContain('P:busybox\n');
    expect(files.get('usr/sbin/nginx')).toMatch(/^#!\/bin\/sh\n/);
  }
});

test('the bytes are the same everywhere, and seeding again changes nothing', async () => {
  const platform = await startTestPlatform({ seed: 'demo' });
  const digest = () =>
    platform.store.read((tx) => tx.all('SELECT repo, name, digest, updated_at FROM tags ORDER BY repo, name'));
  const before = digest();
  const { store, dataDir } = platform;
  const client = createClient(platform, personId('dev@example.com'));
  // Once its registry is loaded, the platform no longer sweeps files of which it knows nothing, such as those below.
  expect((await client.request('HEAD', '/v2/chainguard/static/manifests/latest')).status).toBe(200);
  const { signal } = new AbortController();
  const blobs = createBlobStore(dataDir);
  await seedImages({ store, blobs, clock: new TestClock(), organizations: demoOrganizations, signal });
  expect(digest()).toEqual(before);
  const latest = await client.request('HEAD', '/v2/chainguard/static/manifests/latest');
  // Guides and golden files show such digests: a change here is a change of the demo's content.
  expect(latest.headers.get('docker-content-digest')).toMatchInlineSnapshot(
    `"sha256:05a5922c0f6a6218eef6201bfbef86b871f48b10bf77283b0afae963740817fa"`,
  );
});
