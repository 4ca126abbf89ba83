import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { expect, test } from 'vitest';
import { newKeyPair } from '../../src/key-pairs.ts';
import { makeLayer } from '../../src/local/registry/builds/layer.ts';
import { demoOrganizations, dev, organization } from '../support/ids.ts';
import { startTestPlatform, type TestPlatform, temporaryFolder } from '../support/platform.ts';
import { createClient, imageManifest } from './registry-client.ts';

/** Self-signed, made for these tests with openssl; its key was thrown away. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBpzCCAU2gAwIBAgIUCplh8LyqBpfpJcJn9YeA5v+EVOUwCgYIKoZIzj0EAwIw
KTEQMA4GA1UECgwHRXhhbXBsZTEVMBMGA1UEAwwMRXhhbXBsZSBSb290MB4XDTI2
MTEyMTAxMzI1N1oXDTM2MTExODAxMzI1N1owKTEQMA4GA1UECgwHRXhhbXBsZTEV
MBMGA1UEAwwMRXhhbXBsZSBSb290MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
LoXItyl2Y2Rp5gUCP4+7ovsds6uPhhG1U/dMKeYmgI44x9QgBo+xv+edUkVyWBrd
hVLp1gpfwKs/WTX94WfzCKNTMFEwHQYDVR0OBBYEFDT2r1ZSwBAZpr68yuyVcQsg
P94PMB8GA1UdIwQYMBaAFDT2r1ZSwBAZpr68yuyVcQsgP94PMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAIxEnHMbU/btqDsoYi286O9iitqYWk5S
eMEbvK0Sc076AiB8m8Vni63AJzfvXfszDZqqNrU+qaruksQUPYYGA5BF4w==
-----END CERTIFICATE-----
`;
const runtimeKey = newKeyPair('rsa').publicKey.export({
  type: 'spki',
  format: 'pem',
});

interface Report {
  readonly id: string;
  readonly result: string;
  readonly log: string;
  readonly digest: string;
  readonly config: string;
  readonly lockedConfig: string;
  readonly completedAt: string | null;
}

async function start(dataDir?: string) {
  const platform = await startTestPlatform({ seed: 'demo', ...(dataDir === undefined ? {} : { dataDir }) });
  const token = await platform.token(dev);
  const client = createClient(platform, dev);
  const call = (method: string, path: string, body?: object) =>
    platform.call(token, method, path, body === undefined ? {} : { body });
  return {
    platform,
    client,
    call,
    async publicRepo(name: string): Promise<string> {
      const parent = demoOrganizations.public;
      return (await call('GET', `/registry/v1/repos?uidp.children_of=${parent}&name=${name}`)).body.items[0].id;
    },
    reports: async (repo: string): Promise<Report[]> =>
      (await call('GET', `/registry/v1/buildreports?uidp.children_of=${repo}`)).body.reports,
    /** Waits until nothing is being built, as somebody who looks at the reports would. */
    async built(repo: string, count: number): Promise<Report[]> {
      let found: Report[] = [];
      await expect
        .poll(
          async () => {
            found = (await call('GET', `/registry/v1/buildreports?uidp.children_of=${repo}`)).body.reports;
            return found.filter(({ completedAt }) => completedAt !== null).length;
          },
          { timeout: 50_000, interval: 50 },
        )
        .toBe(count);
      return found;
    },
  };
}

async function filesOf(
  client: ReturnType<typeof createClient>,
  name: string,
  manifest: { layers: { digest: string }[] },
) {
  const files = new Map<string, string>();
  for (const { digest } of manifest.layers) {
    const archive = extract();
    archive.end(gunzipSync((await client.request('GET', `/v2/${name}/blobs/${digest}`)).bytes));
    for await (const file of archive) {
      const chunks: Buffer[] = [];
      for await (const chunk of file) chunks.push(chunk as Buffer);
      files.set(file.header.name, Buffer.concat(chunks).toString());
    }
  }
  return files;
}

const digestOfTag = async (client: ReturnType<typeof createClient>, name: string, tag: string) =>
  (await client.request('HEAD', `/v2/${name}/manifests/${tag}`)).headers.get('docker-content-digest');

/** A base of one image, without an index, of the organization's own. */
async function pushBase(client: ReturnType<typeof createClient>, tag: string): Promise<void> {
  const { bytes } = await makeLayer([{ path: `etc/${tag}`, text: tag }], '2026-01-01T00:00:00Z');
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [] },
  });
  await client.pushBlob('example.com/base', config);
  await client.pushBlob('example.com/base', bytes);
  const pushed = await client.pushManifest('example.com/base', tag, imageManifest(config, bytes));
  expect(pushed.status).toBe(201);
}

test('an overlay makes a new image of every base image: its layers, one more, config and SBOM', async () => {
  const { client, call, publicRepo, built } = await start();
  const source = await publicRepo('python');
  const customOverlay = {
    contents: {
      packages: ['git', 'zlib'],
      runtimeRepositories: ['https://apk.example.com/mirror'],
      runtimeKeyring: [{ name: 'mirror.rsa.pub', content: runtimeKey }],
    },
    environment: { PIP_INDEX_URL: 'https://pip.example.com/simple', PATH: '/opt/bin:/usr/bin' },
    annotations: { 'com.example.team': 'data' },
    certificates: { additional: [{ name: 'corp', content: certificate }] },
    accounts: {
      users: [{ userName: 'app', uid: 1500, groupName: 'team', homeDir: '/srv' }],
      groups: [{ groupName: 'team', gid: 1600 }],
      runAs: 'app',
    },
  };
  const made = await call('POST', `/registry/v1/repos/${organization}`, {
    name: 'custom-python',
    sync_config: { source },
    customOverlay,
  });
  expect(made.status).toBe(200);
  const repo: string = made.body.id;
  const reports = await built(repo, 6);
  expect(reports.map(({ result }) => result)).toEqual(Array(6).fill('Success'));
  const name = 'example.com/custom-python';
  const index = (await client.request('GET', `/v2/${name}/manifests/3.13`)).json;
  const base = (await client.request('GET', '/v2/chainguard/python/manifests/3.13')).json;
  expect(index.annotations).toMatchObject({ 'com.example.team': 'data', 'org.opencontainers.image.title': 'python' });
  for (const [position, { digest, platform: place }] of index.manifests.entries()) {
    const baseManifest = (
      await client.request('GET', `/v2/chainguard/python/manifests/${base.manifests[position].digest}`)
    ).json;
    const manifest = (await client.request('GET', `/v2/${name}/manifests/${digest}`)).json;
    expect(manifest.layers.slice(0, -1)).toEqual(baseManifest.layers);
    expect(manifest.annotations['com.example.team']).toBe('data');
    const config = (await client.request('GET', `/v2/${name}/blobs/${manifest.config.digest}`)).bytes;
    const { config: settings, rootfs, architecture } = JSON.parse(config.toString());
    expect(architecture).toBe(place.architecture);
    expect(rootfs.diff_ids).toHaveLength(manifest.layers.length);
    expect(settings).toMatchObject({ User: 'app', Entrypoint: ['/usr/bin/python'] });
    expect(settings.Env).toEqual([
      'PATH=/opt/bin:/usr/bin',
      'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt',
      'PIP_INDEX_URL=https://pip.example.com/simple',
    ]);
    const files = await filesOf(client, name, manifest);
    expect(files.get('etc/passwd')).toBe(
      'root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532:Account:/home/nonroot:/bin/sh\napp:x:1500:1600:app:/srv:/bin/sh\n',
    );
    expect(files.get('etc/group')).toContain('team:x:1600:\n');
    expect(files.get('usr/local/share/ca-certificates/corp.crt')).toBe(certificate);
    const bundle = files.get('etc/ssl/certs/ca-certificates.crt') ?? '';
    expect(bundle.startsWith('# Stands for the bundle')).toBe(true);
    expect(bundle.endsWith(certificate)).toBe(true);
    expect(files.get('etc/apk/repositories')).toBe('https://apk.example.com/mirror\n');
    expect(files.get('etc/apk/keys/mirror.rsa.pub')).toBe(runtimeKey);
    expect(files.get('usr/lib/apk/db/installed')).toMatch(/P:git\nV:2\.51\.2-r0\n/);
    expect(files.get('usr/lib/apk/db/installed')).toContain('P:python-3\n');
    const sbom = await call('GET', `/registry/v1/repos/${repo}/digest/${digest}/rawsbom`);
    expect(sbom.body.rawSbom).toContain('pkg:apk/wolfi/git@2.51.2-r0');
    expect(sbom.body.rawSbom).toContain('pkg:apk/wolfi/python-3@');
  }
  const [report] = reports;
  expect(JSON.parse(report?.config ?? '')).toMatchObject({
    contents: { packages: ['git', 'zlib'] },
    archs: ['amd64', 'arm64'],
  });
  expect(JSON.parse(report?.lockedConfig ?? '').contents.packages).toEqual(['git=2.51.2-r0', 'zlib=1.3.1-r51']);
  expect(report?.log).toMatch(/^2026-03-27T13:55:00Z\[INFO\]building example\.com\/custom-python from sha256:/);
  expect(report?.log).toContain('zlib 1.3.1-r51 is installed already');
  expect(report?.log).toContain('trusting O=Example, CN=Example Root');
  const tags = (await call('GET', `/registry/v1/tags?uidp.children_of=${repo}&exclude_referrers=true`)).body.items;
  expect(tags.map((tag: { name: string }) => tag.name)).toEqual(
    expect.arrayContaining(['latest', '3', '3.14.0-r2', 'latest-dev']),
  );
});

test('a change builds anew, the source moving builds anew, and taking the overlay away gives the base back', async () => {
  const { client, call, built, reports } = await start();
  await pushBase(client, 'v1');
  const source = (await call('GET', '/registry/v1/repos?name=base')).body.items[0].id;
  const repo = (
    await call('POST', `/registry/v1/repos/${organization}`, {
      name: 'custom',
      sync_config: { source },
      customOverlay: { environment: { A: '1' } },
    })
  ).body.id;
  await built(repo, 1);
  const first = await digestOfTag(client, 'example.com/custom', 'v1');
  const settings = async () => {
    const manifest = (await client.request('GET', '/v2/example.com/custom/manifests/v1')).json;
    const config = await client.request('GET', `/v2/example.com/custom/blobs/${manifest.config.digest}`);
    return JSON.parse(config.bytes.toString()).config;
  };
  expect((await settings()).Env).toEqual(['A=1']);

  const put = (body: object) =>
    call('PUT', `/registry/v1/repos/${repo}`, { name: 'custom', sync_config: { source }, ...body });
  await put({ customOverlay: { environment: { A: '2' } } });
  await built(repo, 2);
  expect((await settings()).Env).toEqual(['A=2']);
  expect(await digestOfTag(client, 'example.com/custom', 'v1')).not.toBe(first);
  // The same again is nothing to build.
  await put({ customOverlay: { environment: { A: '2' } } });

  await pushBase(client, 'v2');
  await built(repo, 3);
  expect(await digestOfTag(client, 'example.com/custom', 'v2')).toMatch(/^sha256:/);
  expect(await digestOfTag(client, 'example.com/custom', 'v2')).not.toBe(
    await digestOfTag(client, 'example.com/base', 'v2'),
  );

  await put({});
  expect(await digestOfTag(client, 'example.com/custom', 'v1')).toBe(
    await digestOfTag(client, 'example.com/base', 'v1'),
  );
  expect((await reports(repo)).length).toBe(3);
});

test('with unique tags, each build keeps a tag of its own', async () => {
  const { client, call, built } = await start();
  await pushBase(client, 'v1');
  const source = (await call('GET', '/registry/v1/repos?name=base')).body.items[0].id;
  const body = (value: string) => ({
    name: 'custom',
    sync_config: { source, uniqueTags: true },
    customOverlay: { environment: { A: value } },
  });
  const repo = (await call('POST', `/registry/v1/repos/${organization}`, body('1'))).body.id;
  await built(repo, 1);
  const first = await digestOfTag(client, 'example.com/custom', 'v1');
  await call('PUT', `/registry/v1/repos/${repo}`, body('2'));
  await built(repo, 2);
  const second = await digestOfTag(client, 'example.com/custom', 'v1');
  expect(second).not.toBe(first);
  // The day of the build, by the platform's clock; the next one of that day with its time.
  expect(await digestOfTag(client, 'example.com/custom', 'v1-20260327')).toBe(first);
  expect(await digestOfTag(client, 'example.com/custom', 'v1-202603271355')).toBe(second);
});

test('what cannot be built is reported in its words, and leaves the tags alone', async () => {
  const { client, call, built } = await start();
  const repo = (await call('GET', '/registry/v1/repos?name=app')).body.items[0];
  const before = await digestOfTag(client, 'example.com/app', 'latest');
  const body = { ...repo, customOverlay: { contents: { packages: ['no-such-package'] } } };
  await call('PUT', `/registry/v1/repos/${repo.id}`, body);
  const reports = await built(repo.id, 6);
  expect(new Set(reports.map(({ result }) => result))).toEqual(new Set(['Failure']));
  expect(reports[0]?.log).toContain('[ERROR]package "no-such-package" is not in the catalog of this platform');
  expect(await digestOfTag(client, 'example.com/app', 'latest')).toBe(before);
  expect((await call('GET', `/registry/v1/buildstatus?uidp.descendants_of=${organization}`)).body).toEqual({
    failures: [{ repoId: repo.id, total: 6 }],
  });
  const short = await call(
    'GET',
    `/registry/v1/buildreports?uidp.children_of=${repo.id}&exclude_logs=true&page_size=2`,
  );
  expect(short.body.reports.map((report: Report) => report.log)).toEqual(['', '']);
  const none = await call(
    'GET',
    `/registry/v1/buildreports?uidp.children_of=${repo.id}&started_since=2027-01-01T00:00:00Z`,
  );
  expect(none.body.reports).toEqual([]);
});

test('a repository without a source is built from its own images, and back', async () => {
  const { client, call, built } = await start();
  const repo = (await call('GET', '/registry/v1/repos?name=nginx')).body.items[0];
  const before = await digestOfTag(client, 'example.com/nginx', 'latest');
  const content = certificate.replace(/[A-Za-z0-9+/]{20}/, 'x'.repeat(20));
  // A certificate that cannot be read fails the build; an environment does not.
  await call('PUT', `/registry/v1/repos/${repo.id}`, {
    ...repo,
    customOverlay: { certificates: { additional: [{ name: 'corp', content }] } },
  });
  const failed = await built(repo.id, 6);
  expect(failed[0]?.log).toContain('[ERROR]certificate "corp" cannot be read');
  await call('PUT', `/registry/v1/repos/${repo.id}`, { ...repo, customOverlay: { environment: { A: 'b' } } });
  await built(repo.id, 12);
  expect(await digestOfTag(client, 'example.com/nginx', 'latest')).not.toBe(before);
  await call('PUT', `/registry/v1/repos/${repo.id}`, repo);
  expect(await digestOfTag(client, 'example.com/nginx', 'latest')).toBe(before);
});

test('a build that a restart cut short begins again', async () => {
  const dataDir = temporaryFolder();
  const first = await start(dataDir);
  const repo = (await first.call('GET', '/registry/v1/repos?name=app')).body.items[0];
  await first.call('PUT', `/registry/v1/repos/${repo.id}`, { ...repo, customOverlay: { environment: { A: 'b' } } });
  const platform: TestPlatform = first.platform;
  await platform.stop();
  const second = await start(dataDir);
  const reports = await second.built(repo.id, 6);
  expect(reports.every(({ result }) => result === 'Success')).toBe(true);
});
