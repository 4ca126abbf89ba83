import { expect, test } from 'vitest';
import { personId } from '../support/ids.ts';
import { startTestPlatform } from '../support/platform.ts';
import { createClient, digestOf, imageManifest, ociIndex, ociManifest } from './registry-client.ts';

const name = 'example.com/app';
const purl = 'pkg:apk/wolfi/openssl@3.5.2-r0?arch=x86_64';
const spdx = {
  spdxVersion: 'SPDX-2.3',
  name: 'as attested — ünïcode "quoted" \\ 😀',
  creationInfo: { created: '2026-01-01T00:00:00Z', creators: ['Tool: syft-1.0', 'Organization: Acme'] },
  packages: [
    {
      SPDXID: 'SPDXRef-a',
      name: 'openssl',
      versionInfo: '3.5.2-r0',
      licenseDeclared: 'Apache-2.0',
      externalRefs: [{ referenceType: 'purl', referenceLocator: purl }],
    },
  ],
  relationships: [
    { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: 'SPDXRef-a' },
    { spdxElementId: 'SPDXRef-a', relationshipType: 'OTHER', relatedSpdxElement: 'SPDXRef-b' },
  ],
};
const spdxType = 'https://spdx.dev/Document';

async function start() {
  const platform = await startTestPlatform({ seed: 'demo' });
  const dev = personId('dev@example.com');
  const client = createClient(platform, dev);
  const token = await platform.token(dev);
  const get = (path: string) => platform.call(token, 'GET', path);
  const statement = (digest: string, predicateType: string, predicate: unknown) =>
    JSON.stringify({ predicateType, predicate, subject: [{ digest: { sha256: digest.slice('sha256:'.length) } }] });
  const attestation = async (text: string, extra: object = {}, annotations = {}) => {
    await client.pushBlob(name, '{}');
    await client.pushBlob(name, text);
    const layer = {
      mediaType: 'application/vnd.in-toto+json',
      digest: digestOf(text),
      size: Buffer.byteLength(text),
      annotations,
    };
    const manifest = JSON.stringify({ ...JSON.parse(imageManifest('{}', 'x')), layers: [layer], ...extra });
    expect((await client.pushManifest(name, digestOf(manifest), manifest)).status).toBe(201);
    return { digest: digestOf(manifest), size: manifest.length };
  };
  const referring = async (digest: string, text: string, type = ociManifest, annotations = {}) =>
    attestation(text, { subject: { mediaType: type, digest, size: 1 } }, annotations);
  await client.pushImage(name, 'latest', 'layer');
  const repos = (await get('/registry/v1/repos?name=app')).body.items;
  const repo: string = repos.find((one: { id: string }) => one.id)?.id;
  const raw = (digest: string) => get(`/registry/v1/repos/${repo}/digest/${digest}/rawsbom`);
  return { platform, client, get, token, repo, raw, statement, attestation, referring };
}

test('the platform reads every form of SBOM that clients attach', async () => {
  const world = await start();
  const { client, raw, statement, referring } = world;
  for (const [at, [type, predicate]] of [
    [spdxType, spdx],
    [`${spdxType}/v2.3`, spdx],
    [spdxType, { Data: JSON.stringify(spdx), Timestamp: 'now' }],
    [spdxType, JSON.stringify(spdx)],
  ].entries()) {
    const image = await client.pushImage(name, `form-${at}`, `layer ${at}`);
    await referring(image, statement(image, String(type), predicate));
    expect(JSON.parse((await raw(image)).body.rawSbom)).toEqual(spdx);
    const sbom = (await world.get(`/registry/v1/repos/${world.repo}/digests/${image}/sbom`)).body;
    const bytes = Buffer.from(sbom.rawSbom, 'base64');
    expect(JSON.parse(bytes.toString())).toEqual(spdx);
    expect(sbom).toMatchObject({
      id: digestOf(bytes),
      digest: image,
      name: spdx.name,
      format: 'spdx-json',
      source: 'INGESTED',
      authors: 'Tool: syft-1.0, Organization: Acme',
      tool: 'syft-1.0',
      generatedAt: '2026-01-01T00:00:00Z',
      graph: {
        nodes: [{ package: { id: 'SPDXRef-a', name: 'openssl', version: '3.5.2-r0', license: 'Apache-2.0', purl } }],
        edges: [{ subjectId: 'SPDXRef-DOCUMENT', predicateId: 'SPDXRef-a', type: 'DESCRIBES' }],
      },
    });
    expect(sbom.graph.edges).toHaveLength(1);
    // Scanned as well.
    const report = await world.get(`/registry/v1/repos/${world.repo}/digests/${image}/vulnreport`);
    expect(report.body.vulnerabilityMatches.length).toBeGreaterThan(0);
    expect(report.body.vulnerabilityMatches[0].pkg).toMatchObject({ name: 'openssl', purl });
  }
  const image = await client.pushImage(name, 'cyclonedx', 'layer c');
  const bom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    components: [{ name: 'openssl', version: '3.5.2-r0', purl }],
  };
  await referring(image, statement(image, 'https://cyclonedx.org/bom/v1.6', bom));
  expect(JSON.parse((await raw(image)).body.rawSbom)).toEqual(bom);
  const listed = (await world.get(`/registry/v1/repos/${world.repo}/manifestmetdata`)).body.items;
  const found = listed.find((one: { digest: string }) => one.digest === image);
  expect(found.pkgMetadata).toEqual([{ purl, originPurl: purl, license: '' }]);
});

test("an SBOM in the image's index, as BuildKit puts it, and one about the index", async () => {
  const { client, raw, statement, attestation, referring } = await start();
  const image = await client.pushImage(name, 'built', 'layer b');
  const other = await client.pushImage(name, 'other', 'layer o');
  const sbom = await attestation(statement(image, spdxType, { ...spdx, name: 'BuildKit' }));
  const entry = (digest: string, architecture: string) => ({
    ...{ mediaType: ociManifest, digest, platform: { os: 'linux', architecture } },
    size: imageManifest('{}', 'layer b').length,
  });
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: ociIndex,
    manifests: [
      entry(image, 'amd64'),
      entry(other, 'arm64'),
      {
        ...{ mediaType: ociManifest, ...sbom, platform: { os: 'unknown', architecture: 'unknown' } },
        annotations: { 'vnd.docker.reference.digest': image, 'vnd.docker.reference.type': 'attestation-manifest' },
      },
    ],
  });
  expect((await client.pushManifest(name, 'index', index, ociIndex)).status).toBe(201);
  expect(JSON.parse((await raw(image)).body.rawSbom).name).toBe('BuildKit');
  expect((await raw(other)).status).toBe(404);
  await referring(digestOf(index), statement(digestOf(index), spdxType, { ...spdx, name: 'of all' }), ociIndex);
  expect(JSON.parse((await raw(other)).body.rawSbom).name).toBe('of all');
  expect(JSON.parse((await raw(image)).body.rawSbom).name).toBe('BuildKit');
  expect(JSON.parse((await raw(digestOf(index))).body.rawSbom).name).toBe('BuildKit');
});

test('what cannot be read hides no other, and nothing is opened that says it is something else', async () => {
  const { client, raw, statement, referring } = await start();
  const image = await client.pushImage(name, 'odd', 'layer odd');
  const good = statement(image, spdxType, spdx);
  for (const text of ['', 'null', '[', good.slice(0, -9), good.replace('"predicate":', '"predicate":1,"predicate":')]) {
    await referring(image, text);
    expect((await raw(image)).status).toBe(404);
  }
  await referring(image, good, ociManifest, { predicateType: 'https://slsa.dev/provenance/v1' });
  expect((await raw(image)).status).toBe(404);
  await referring(image, good);
  expect((await raw(image)).status).toBe(200);
});

test('a document of many megabytes comes whole, and a client that goes away leaves the platform well', async () => {
  const { client, platform, token, repo, raw, statement, referring } = await start();
  const image = await client.pushImage(name, 'large', 'layer large');
  const packages = Array.from({ length: 20_000 }, (_, at) => ({
    ...spdx.packages[0],
    name: `p${at}`,
    comment: 'ü'.repeat(100),
  }));
  await referring(image, statement(image, spdxType, { ...spdx, packages }));
  const path = `/registry/v1/repos/${repo}/digests/${image}/sbom`;
  for (let count = 0; count < 5; count += 1) {
    const gone = new AbortController();
    const answer = await fetch(new URL(path, platform.urls.api), {
      headers: { authorization: `Bearer ${token}` },
      signal: gone.signal,
    });
    await answer.body?.getReader().read();
    gone.abort();
  }
  const answer = await platform.call(token, 'GET', path);
  expect(answer.body.graph.nodes).toHaveLength(20_000);
  expect(JSON.parse((await raw(image)).body.rawSbom).packages).toEqual(packages);
});

test('the same bytes under another media type are refused, and what is there is served as before', async () => {
  const { client } = await start();
  await client.pushBlob(name, '{}');
  await client.pushBlob(name, 'layer');
  const { mediaType: _, ...unnamed } = JSON.parse(imageManifest('{}', 'layer'));
  const manifest = JSON.stringify(unnamed);
  const docker = 'application/vnd.docker.distribution.manifest.v2+json';
  expect((await client.pushManifest(name, 'one', manifest)).status).toBe(201);
  const second = await client.pushManifest(name, 'two', manifest, docker);
  expect([second.status, second.code]).toEqual([400, 'MANIFEST_INVALID']);
  const { headers } = await client.request('GET', `/v2/${name}/manifests/one`);
  expect(headers.get('content-type')).toBe(ociManifest);
  expect((await client.request('GET', `/v2/${name}/manifests/two`)).status).toBe(404);
  const list = JSON.stringify({ schemaVersion: 2, manifests: [] });
  const listType = 'application/vnd.docker.distribution.manifest.list.v2+json';
  expect((await client.pushManifest(name, 'list', list, listType)).status).toBe(400);
  expect((await client.pushManifest(name, 'list', list, ociIndex)).status).toBe(201);
  // Docker's own, as Docker makes them.
  const own = JSON.stringify({ ...unnamed, mediaType: docker });
  expect((await client.pushManifest(name, 'docker', own, docker)).status).toBe(201);
});
