import { createPublicKey, verify } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { expect, test } from 'vitest';
import { operations } from '../../src/api/schema/operations.gen.ts';
import type { AdvisoryDocument } from '../../src/api/schema/types/advisory.gen.ts';
import { attestationPublicKeyPem } from '../../src/local/keys/attestation-key.ts';
import { parseApkDatabase } from '../../src/local/registry/builds/apk-database.ts';
import { preAuthEncoding } from '../../src/trust/signature.ts';
import { createGrpcClient, field, message, texts } from '../support/grpc-client.ts';
import { demoOrganizations, dev, organization } from '../support/ids.ts';
import { type Answer, startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';
import { createClient, digestOf, imageManifest } from './registry-client.ts';

const catalog = demoOrganizations.public;

interface World {
  readonly clock: TestClock;
  readonly platform: TestPlatform;
  readonly client: ReturnType<typeof createClient>;
  get(path: string): Promise<Answer>;
  repo(name: string, parent?: string): Promise<string>;
  digest(name: string, reference: string): Promise<string>;
}

async function start(clock = new TestClock()): Promise<World> {
  const platform = await startTestPlatform({ seed: 'demo', clock });
  const token = await platform.token(dev);
  const client = createClient(platform, dev);
  const get: World['get'] = (path) => platform.call(token, 'GET', path);
  return {
    clock,
    platform,
    client,
    get,
    async repo(name, parent = catalog) {
      return (await get(`/registry/v1/repos?uidp.children_of=${parent}&name=${name}`)).body.items[0].id;
    },
    async digest(name, reference) {
      const got = await client.request('HEAD', `/v2/${name}/manifests/${reference}`);
      return got.headers.get('docker-content-digest') ?? '';
    },
  };
}

/** The files that are left when the layers are laid over each other. */
async function filesOf(world: World, name: string, manifest: { layers: { digest: string }[] }) {
  const files = new Map<string, string>();
  for (const { digest } of manifest.layers) {
    const archive = extract();
    archive.end(gunzipSync((await world.client.request('GET', `/v2/${name}/blobs/${digest}`)).bytes));
    for await (const file of archive) {
      const chunks: Buffer[] = [];
      for await (const chunk of file) chunks.push(chunk as Buffer);
      files.set(file.header.name, Buffer.concat(chunks).toString());
    }
  }
  return files;
}

/** Moves all events of a vulnerability's advisories to one time; gives what takes it back. */
function retime({ store }: TestPlatform, cve: string, timestamp: string): () => void {
  const before = store.read((tx) => tx.all('SELECT id, document FROM advisory_documents'));
  const write = (documents: readonly { id: string; document: string }[]): void =>
    store.transact((tx) => {
      for (const { id, document } of documents) {
        tx.run('UPDATE advisory_documents SET document = ? WHERE id = ?', document, id);
      }
    });
  const rows = before.map((row) => ({ id: String(row['id']), document: String(row['document']) }));
  write(
    rows.map(({ id, document }) => {
      const parsed = JSON.parse(document) as AdvisoryDocument;
      const advisories = parsed.advisories?.map((advisory) =>
        advisory.aliases?.includes(cve)
          ? { ...advisory, events: advisory.events?.map((event) => ({ ...event, timestamp })) }
          : advisory,
      );
      return { id, document: JSON.stringify({ ...parsed, advisories }) };
    }),
  );
  return () => write(rows);
}

test('every seeded image has a signed SBOM that says what its layers hold', async () => {
  const world = await start();
  const { client, platform } = world;
  const pem = platform.store.read(attestationPublicKeyPem) ?? '';
  const key = createPublicKey(pem);
  expect(key.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  for (const [name, tag] of [
    ['chainguard/nginx', 'latest-dev'],
    ['chainguard/static', 'latest'],
    ['example.com/python', '3.13'],
  ] as const) {
    const index = (await client.request('GET', `/v2/${name}/manifests/${tag}`)).json;
    for (const { digest, platform: place } of index.manifests) {
      const manifest = (await client.request('GET', `/v2/${name}/manifests/${digest}`)).json;
      const { json } = await client.request('GET', `/v2/${name}/referrers/${digest}`);
      expect(json.manifests).toHaveLength(1);
      const [descriptor] = json.manifests;
      expect(descriptor.artifactType).toBe('application/vnd.dev.cosign.artifact.att.v1+json');
      // The same manifest where clients look that do not know referrers.
      const fallback = await world.digest(name, `${digest.replace(':', '-')}.att`);
      expect(fallback).toBe(descriptor.digest);
      const attestation = (await client.request('GET', `/v2/${name}/manifests/${descriptor.digest}`)).json;
      expect(attestation.layers[0].mediaType).toBe('application/vnd.dsse.envelope.v1+json');
      const envelope = JSON.parse(
        (await client.request('GET', `/v2/${name}/blobs/${attestation.layers[0].digest}`)).bytes.toString(),
      );
      const payload = Buffer.from(envelope.payload, 'base64');
      const signed = preAuthEncoding('application/vnd.in-toto+json', payload);
      const signature = Buffer.from(envelope.signatures[0].sig, 'base64');
      expect(verify('sha256', signed, key, signature)).toBe(true);
      expect(verify('sha256', Buffer.concat([signed, Buffer.from(' ')]), key, signature)).toBe(false);

      const statement = JSON.parse(payload.toString());
      expect(statement).toMatchObject({
        _type: 'https://in-toto.io/Statement/v0.1',
        predicateType: 'https://spdx.dev/Document',
        subject: [{ name, digest: { sha256: digest.slice('sha256:'.length) } }],
      });
      const files = await filesOf(world, name, manifest);
      const installed = parseApkDatabase(files.get('usr/lib/apk/db/installed') ?? '');
      const purls = statement.predicate.packages
        .flatMap((entry: { externalRefs?: { referenceLocator: string }[] }) => entry.externalRefs ?? [])
        .map((reference: { referenceLocator: string }) => reference.referenceLocator)
        .filter((purl: string) => purl.startsWith('pkg:apk/'))
        .map((purl: string) => purl.replace(/\?.*$/, ''));
      expect(installed.length).toBeGreaterThan(2);
      expect(purls.sort()).toEqual(
        installed.map((entry) => `pkg:apk/wolfi/${entry.name}@${encodeURIComponent(entry.version)}`).sort(),
      );
      const [root] = statement.predicate.packages;
      expect(root).toMatchObject({ name, versionInfo: digest });
      expect(JSON.stringify(statement.predicate)).toContain(manifest.layers[0].digest.slice('sha256:'.length));
      expect(JSON.stringify(root.externalRefs)).toContain(`arch=${place.architecture}`);
    }
  }
});

test('configs, sizes, architectures and SBOMs come from the image itself', async () => {
  const world = await start();
  const { client, get } = world;
  const repo = await world.repo('nginx');
  const digest = await world.digest('chainguard/nginx', 'latest');
  const base = `/registry/v1/repos/${repo}/digests/${digest}`;
  expect((await get(`${base}/architectures`)).body).toEqual({ archs: ['amd64', 'arm64'] });
  const index = (await client.request('GET', `/v2/chainguard/nginx/manifests/${digest}`)).json;
  const arm = (await client.request('GET', `/v2/chainguard/nginx/manifests/${index.manifests[1].digest}`)).json;
  const bytes = arm.layers.reduce((sum: number, layer: { size: number }) => sum + layer.size, arm.config.size);
  expect((await get(`${base}/size?arch=arm64`)).body).toEqual({ size: String(bytes), arch: 'arm64' });
  expect((await get(`${base}/size?arch=aarch64`)).body.arch).toBe('arm64');
  expect((await get(`${base}/size?arch=s390x`)).status).toBe(404);
  expect((await get(`${base}/imageconfig`)).body).toMatchObject({
    user: '65532',
    entrypoint: ['/usr/sbin/nginx'],
    workingDir: '/',
    env: expect.arrayContaining([expect.stringMatching(/^PATH=/)]),
    labels: expect.objectContaining({ 'dev.chainguard.package.main': 'nginx-mainline' }),
  });

  const raw = JSON.parse((await get(`/registry/v1/repos/${repo}/digest/${digest}/rawsbom?arch=amd64`)).body.rawSbom);
  expect(raw.spdxVersion).toBe('SPDX-2.3');
  const sbom = (await get(`${base}/sbom?arch=amd64`)).body;
  // `bytes` in the proto: base64 in JSON.
  expect(JSON.parse(Buffer.from(sbom.rawSbom, 'base64').toString())).toEqual(raw);
  // SbomRequest: repo_id 1, digest 2, arch 3; Sbom2: raw_sbom 2.
  const grpc = createGrpcClient(world.platform.urls.api);
  const answer = await grpc.call(
    '/chainguard.platform.registry.Registry/GetSbom',
    message(field(1, repo), field(2, digest), field(3, 'amd64')),
    { authorization: `Bearer ${await world.platform.token(dev)}` },
  );
  grpc.close();
  expect([answer.code, answer.message]).toEqual([0, '']);
  expect(JSON.parse(texts(answer.bytes, 2)[0] ?? '')).toEqual(raw);
  const nodes: { package: { name: string; purl: string } }[] = sbom.graph.nodes;
  expect(nodes.map((node) => node.package.name)).toContain('nginx-mainline');
  expect(sbom.graph.edges.some((edge: { type: string }) => edge.type === 'CONTAINS')).toBe(true);
  const metadata = (await get(`/registry/v1/repos/${repo}/manifestmetdata`)).body.items;
  // Three builds in two variants for two architectures.
  expect(metadata).toHaveLength(12);
  const openssl = metadata[0].pkgMetadata.find((entry: { purl: string }) => entry.purl.includes('libssl3'));
  expect(openssl.originPurl).toMatch(/^pkg:apk\/wolfi\/openssl@/);
  expect(openssl.license).toBe('Apache-2.0');
  expect((await get(`/registry/v1/digestcount/${repo}`)).body).toEqual({ count: String(6 + 12 + 12) });

  // Nothing is attested of what somebody just pushed.
  const pushed = await client.pushImage('example.com/app', 'plain', 'layer');
  const app = await world.repo('app', organization);
  const none = await get(`/registry/v1/repos/${app}/digest/${pushed}/rawsbom`);
  expect([none.status, none.body.message]).toEqual([404, `no SBOM is attested of ${pushed}`]);

  // Attested as cosign does, again and again: each in the manifest of a tag, behind those before.
  const statements: string[] = [];
  for (const name of ['wrong', 'mended', 'mended once more']) {
    const digest = { sha256: pushed.slice('sha256:'.length) };
    const predicate = { spdxVersion: 'SPDX-2.3', name };
    const statement = { predicateType: 'https://spdx.dev/Document', subject: [{ digest }], predicate };
    statements.push(JSON.stringify(statement));
    for (const text of statements) await client.pushBlob('example.com/app', text);
    const manifest = JSON.stringify({
      ...JSON.parse(imageManifest('{}', 'layer')),
      layers: statements.map((text) => ({
        mediaType: 'application/vnd.in-toto+json',
        digest: digestOf(text),
        size: text.length,
      })),
    });
    const tag = `${pushed.replace(':', '-')}.att`;
    expect((await client.pushManifest('example.com/app', tag, manifest)).status).toBe(201);
    const attested = await get(`/registry/v1/repos/${app}/digest/${pushed}/rawsbom`);
    expect(JSON.parse(attested.body.rawSbom).name).toBe(name);
  }
});

test('the times of a scan are those of what it is made of', async () => {
  const world = await start();
  const { get, clock } = world;
  const repo = await world.repo('python');
  // Asking later scans nothing new, so the times stay, until something is attested anew.
  const times = async () => {
    const digest = await world.digest('chainguard/python', '3.13.8-r1');
    const { reportGeneration, lastSeen } = (await get(`/registry/v1/repos/${repo}/digests/${digest}/vulnreport`)).body;
    const { items } = (await get(`/registry/v1/vuln_reports?repo_id=${repo}&tag=3.13.8-r1`)).body;
    return [reportGeneration, lastSeen, ...items.map(({ createdAt }: { createdAt: string }) => createdAt)];
  };
  const before = await times();
  clock.advance(60_000);
  expect(await times()).toEqual(before);
  const since = new Date(clock.now() - 1000).toISOString();
  const later = await get(`/registry/v1/vuln_reports?repo_id=${repo}&tag=3.13.8-r1&created_since=${since}`);
  expect(later.body.items).toEqual([]);
});

test('known vulnerabilities follow the versions: newer builds have fewer', async () => {
  const world = await start();
  const { get } = world;
  const repo = await world.repo('python');
  const ids = async (tag: string) => {
    const digest = await world.digest('chainguard/python', tag);
    const report = (await get(`/registry/v1/repos/${repo}/digests/${digest}/vulnreport`)).body;
    expect(report.scanner.name).toBe('chainctl local platform');
    return [
      ...new Set<string>(
        report.vulnerabilityMatches.map((match: { vulnerability: { id: string } }) => match.vulnerability.id),
      ),
    ].sort();
  };
  expect(await ids('3.13.8-r1')).toEqual([
    'CVE-2025-15467',
    'CVE-2025-59375',
    'CVE-2025-6075',
    'CVE-2025-9230',
    'CVE-2025-9231',
    'CVE-2025-9232',
  ]);
  expect(await ids('3.13.9-r0')).toEqual(['CVE-2025-15467', 'CVE-2025-6075']);
  const listed = (await get(`/registry/v1/vuln_reports?repo_id=${repo}&tag=3.13.8-r1`)).body.items;
  expect(listed).toHaveLength(2);
  const expat = listed[0].vulnerabilities.find((one: { id: string }) => one.id === 'CVE-2025-59375');
  expect(expat).toMatchObject({
    severity: 'HIGH',
    fix: { state: 'FIXED', versions: ['2.7.2-r0'] },
    purls: [expect.stringMatching(/^pkg:apk\/wolfi\/libexpat1@2\.7\.1-r0/)],
  });
  expect((await get('/registry/v1/vuln_reports')).body.code).toBe(3);

  // Day by day: what the tag named then, and what was known by then.
  const counts = '/registry/v1/vuln_reports/counts?repo=chainguard/python&tag=3.13';
  const days = (await get(`${counts}&from=2025-09-01T00:00:00Z`)).body.items;
  expect(days.length).toBeGreaterThan(20);
  expect(new Set(days.map((one: { date: string }) => one.date)).size).toBe(days.length);
  for (const one of days) {
    expect(one.date).toMatch(/T00:00:00Z$/);
    expect(one.vulnCounts.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(
      one.cveIds.length,
    );
    expect(Number(one.sizeBytes)).toBeGreaterThan(1000);
  }
  // They go with new builds …
  expect(new Set(days.map((one: { cveIds: string[] }) => one.cveIds.join())).size).toBeGreaterThan(1);
  const today = (await get(counts)).body.items;
  expect(today).toEqual([days.at(-1)]);
  expect(today[0].cveIds).toEqual(await ids('3.13'));
  // … and come with advisories: one that was first written today was not known yesterday.
  const late = 'CVE-2025-15467';
  expect(days.at(-2).cveIds).toContain(late);
  const undo = retime(world.platform, late, '2026-03-27T01:00:00Z');
  const again = (await get(`${counts}&from=2026-03-26T00:00:00Z`)).body.items;
  expect(again.map((one: { cveIds: string[] }) => one.cveIds.includes(late))).toEqual([false, true]);
  undo();
  // Before the platform's first advisory nothing was known of anything.
  expect((await get(`${counts}&to=2001-01-01T00:00:00Z`)).body.items).toEqual([]);
  expect((await get(`${counts}&from=2001-01-01T00:00:00Z`)).body.code).toBe(3);
  expect((await get('/registry/v1/vuln_reports/counts?repo=chainguard/python')).body.code).toBe(3);
  expect((await get('/registry/v1/vuln_reports/counts?repo=chainguard/none&tag=x')).status).toBe(404);
  const stranger = await world.platform.token(world.platform.user('stranger@example.org'));
  const hidden = '/registry/v1/vuln_reports/counts?repo=example.com/app&tag=latest';
  expect((await world.platform.call(stranger, 'GET', hidden)).status).toBe(404);
  expect((await get(hidden)).body.items).toHaveLength(1);

  const documents = (await get('/advisory/v1/documents')).body.items;
  expect(documents.map((one: { id: string }) => one.id)).toEqual(expect.arrayContaining(['openssl', 'expat', 'zlib']));
  const some = (await get('/advisory/v1/documents?cves=CVE-2025-9230&cves=CVE-2025-59375')).body.items;
  expect(some.map((one: { id: string; advisories: object[] }) => [one.id, one.advisories.length])).toEqual([
    ['expat', 1],
    ['openssl', 1],
  ]);
  // Anybody may read them (api.json: iam disabled).
  expect((await world.platform.call(undefined, 'GET', '/advisory/v1/documents?id=go-1.25')).body.items).toHaveLength(1);
  const first = (await get('/advisory/v1/metadata?page_size=2')).body;
  expect([first.items.length, Number(first.totalCount) > 5]).toEqual([2, true]);
  const second = (await get(`/advisory/v1/metadata?page_size=2&page_token=${first.nextPageToken}&skip=1`)).body;
  expect(second.skipped).toBe(1);
  expect(second.items[0].id > first.items[1].id).toBe(true);
  expect((await get('/advisory/v1/metadata?page_size=-1')).body.code).toBe(3);
  const advisories = (await get('/vulnerabilities/v1/advisories?artifact_name=openssl&aliases=CVE-2025-9230')).body;
  expect(advisories.items).toHaveLength(1);
  expect(
    advisories.items[0].events.map((event: object) => Object.keys(event).find((key) => /fixed|detection/.test(key))),
  ).toEqual(['detection', 'fixed']);
});

test('version streams say which tags have ended', async () => {
  const world = await start();
  const { get } = world;
  const python = (await get('/registry/v1/versions/python-3')).body;
  expect(python.versions.map((one: { version: string }) => one.version)).toEqual(['3.14', '3.13']);
  expect(python.eolVersions.map((one: { version: string }) => one.version)).toEqual(['3.9']);
  expect((await get('/registry/v1/versions/none')).status).toBe(404);
  const eolTags = async ({ get, repo }: World) =>
    (await get(`/registry/v1/eoltags?uidp.children_of=${await repo('node')}&exclude_epochs=true&page_size=200`)).body
      .items;
  // The clock of tests stands before the end of Node.js 25.
  const tags = await eolTags(world);
  expect(tags.length).toBeGreaterThan(5);
  expect(tags.every((tag: { tagStatus: string }) => tag.tagStatus === 'TAG_ACTIVE')).toBe(true);
  expect(tags[0].mainPackageName).toBe('nodejs');

  const later = await start(new TestClock(Date.parse('2026-11-20T10:00:00Z')));
  const ended = (await eolTags(later)).filter((tag: { tagStatus: string }) => tag.tagStatus === 'TAG_INACTIVE');
  expect(ended.map((tag: { name: string }) => tag.name)).toEqual(expect.arrayContaining(['latest', '25', '25.1']));
  expect(ended.every((tag: { name: string }) => !tag.name.startsWith('24'))).toBe(true);
  expect(ended[0]).toMatchObject({
    graceStatus: 'GRACE_ELIGIBLE',
    gracePeriodExpiryDate: '2026-12-01T00:00:00Z',
    mainPackageVersion: { version: '25', eolDate: '2026-06-01' },
  });
});

test('charts: found in their catalog, read, and added with the images they name', async () => {
  const world = await start();
  const { platform, client, get } = world;
  const token = await platform.token(dev);
  const found = (await get('/registry/v1/charts:find?name=nginx&catalog=CHART_CATALOG_IAMGUARDED')).body;
  expect(found).toEqual({ name: 'nginx', sourceRepoId: await world.repo('iamguarded-charts/nginx') });
  expect((await get('/registry/v1/charts:find?name=none')).status).toBe(404);
  const digest = await world.digest('chainguard/iamguarded-charts/nginx', '22.2.1');
  const chart = (await get(`/registry/v1/repos/${found.sourceRepoId}/digests/${digest}/chart`)).body;
  expect(chart).toMatchObject({ name: 'nginx', version: '22.2.1', appVersion: '1.29.3-r0' });
  expect(chart.images.map((one: { name: string; requirement: string }) => [one.name, one.requirement])).toEqual([
    ['image', 'REQUIREMENT_REQUIRED'],
    ['content', 'REQUIREMENT_OPTIONAL'],
  ]);
  const index = await world.digest('chainguard/nginx', '1.29.3-r0');
  expect(chart.images[0].image).toBe(`cgr.dev/chainguard/nginx:1.29.3-r0@${index}`);
  expect(chart.values).toContain(index);
  expect(chart.changelog).toContain('## 22.2.1');

  const body = { sourceRepoId: found.sourceRepoId };
  const add = (more: object = {}) =>
    platform.call(token, 'POST', `/registry/v1/repos/${organization}:addChart`, { body: { ...body, ...more } });
  const before = platform.events().length;
  const dry = await add({ dryRun: true });
  expect(dry.body.repos).toEqual([
    { name: 'iamguarded-charts/nginx', created: true, id: '' },
    // example.com has these two of its own.
    { name: 'nginx', created: false, id: await world.repo('nginx', organization) },
    { name: 'python', created: false, id: await world.repo('python', organization) },
  ]);
  expect(platform.events()).toHaveLength(before);
  const added = (await add()).body.repos;
  expect(added[0]).toMatchObject({ created: true, id: expect.stringMatching(new RegExp(`^${organization}/`)) });
  expect((await client.request('GET', '/v2/example.com/iamguarded-charts/nginx/tags/list')).json.tags).toContain(
    '22.2.1',
  );
  expect(platform.events()).toContainEqual({
    type: 'dev.chainguard.api.platform.registry.chart.added.v1',
    subject: organization,
  });
  const bindings = (await get(`/registry/v1/repos/${await world.repo('python')}/chart-image-bindings`)).body;
  expect(bindings.chartImageBindings).toEqual([{ chartRepo: 'nginx', requirement: 'REQUIREMENT_OPTIONAL' }]);
});

test('entitlements: what is bought, what is left, and images that come and go', async () => {
  const world = await start();
  const { platform, get } = world;
  const token = await platform.token(dev);
  const base = `/registry/v1/entitlements/${organization}`;
  const [entitlement] = (await get(base)).body.items;
  expect(entitlement).toMatchObject({
    type: 'PRODUCTION',
    tiers: ['BASE'],
    quota: { APPLICATION: { current: 1, max: 5 } },
  });
  const names = async (path: string) => (await get(path)).body.images.map((image: { name: string }) => image.name);
  expect(await names(`${base}/images`)).toEqual(['nginx', 'python']);
  expect(await names(`${base}/catalog-images`)).toEqual(['go', 'nginx', 'node', 'python', 'redis', 'static']);
  expect((await get(`${base}:effective`)).body).toMatchObject({
    plan: 'CATALOG',
    activeTiers: ['BASE'],
    swapQuota: -1,
    swapsUsed: 0,
  });
  expect((await get(`${base}:features`)).body).toEqual({ customAssembly: true, uniqueTags: true });

  const post = (verb: string, body: object) => platform.call(token, 'POST', `${base}:${verb}`, { body });
  const removed = (await post('removeImages', { imageNames: ['nginx', 'none'] })).body;
  expect(removed.images.map((image: { name: string }) => image.name)).toEqual(['nginx']);
  expect((await post('addImages', { imageNames: ['none'] })).status).toBe(404);
  // Only images of a tier with a quota can be named; the other tiers are had altogether.
  expect((await post('addImages', { imageNames: ['node'] })).body.code).toBe(8);
  expect((await post('addImages', { imageNames: ['nginx'] })).body.images[0]).toMatchObject({
    name: 'nginx',
    catalogTier: 'APPLICATION',
  });
  expect((await get(`${base}:effective`)).body.swapsUsed).toBe(1);
  expect((await post('swapImages', { removeImageNames: ['nginx'] })).body.code).toBe(3);
  const internal = platform.store.read((tx) =>
    tx.all("SELECT DISTINCT audience FROM outbox WHERE type LIKE '%entitlement%'"),
  );
  expect(internal).toEqual([{ audience: 'internal' }]);
});

test('what this platform does not do is answered 501, by name', async () => {
  const { get, platform } = await start();
  const missing = [
    // Its list of images cannot be sent over REST (semantics 5), and without it there is nothing to report on.
    'advisory.v1.SecurityAdvisory.ListResolvedVulnsReports',
    // Both need a solver over real package repositories, which are not on this machine.
    'registry.v1.Apko.BuildImage',
    'registry.v1.Apko.ResolveConfig',
    // Nothing binds a policy to a repository before policies.v1 is there.
    'registry.v1.Policies.CheckPolicies',
    // They are in an attestation (https://chainguard.dev/helm-values/v1) whose fields no public source names.
    'registry.v1.Registry.GetHelm',
    // The raw report is what grype or trivy wrote; neither runs here.
    'registry.v1.Vulnerabilities.GetRawVulnReport',
    // No public source says what is added up: days, tags or references.
    'registry.v1.Vulnerabilities.ListCumulativeVulnCountReports',
    // Overlays of their own, bound to repositories, are in no other version; here a repository has its overlay itself.
    'registry.v2beta1.OverlayBindingsService.CreateOverlayBinding',
    'registry.v2beta1.OverlayBindingsService.DeleteOverlayBinding',
    'registry.v2beta1.OverlayBindingsService.GetOverlayBinding',
    'registry.v2beta1.OverlayBindingsService.ListOverlayBindings',
    'registry.v2beta1.OverlaysService.CreateOverlay',
    'registry.v2beta1.OverlaysService.DeleteOverlay',
    'registry.v2beta1.OverlaysService.GetOverlay',
    'registry.v2beta1.OverlaysService.ListOverlays',
  ];
  const found: string[] = [];
  for (const { id, bindings } of Object.values(operations)) {
    const [binding] = bindings;
    if (!/^(registry|advisory|events|vulnerabilities)\./.test(id) || binding === undefined) continue;
    const path = binding.path.replace(/\{[^}]*\}/g, () => organization.slice(0, 40));
    const answer = await platform.call(await platform.token(dev), binding.method, path, {
      ...(binding.method === 'GET' ? {} : { body: {} }),
    });
    if (answer.status !== 501) continue;
    expect(answer.body.message).toBe(`${id} is not implemented by this platform`);
    found.push(id);
  }
  expect(found.sort()).toEqual(missing);
  expect((await get('/registry/v1/vuln_reports/raw')).status).toBe(501);
});
