// The demo's images, written through the same store and rows as a push. Guarantees: they appear in one transaction
// after their blobs are on disk, and their bytes depend on nothing but this program.

import { setImmediate } from 'node:timers/promises';
import type { PlatformClock } from '../../core/types.ts';
import { groupName } from '../../iam/group-names.ts';
import { type AttestationKey, attestationKey } from '../../keys/attestation-key.ts';
import type { BlobStore } from '../../store/blob-store.ts';
import type { Store, Tx } from '../../store/database.ts';
import { digestOf, parseDigest } from '../../store/digest.ts';
import { writeMeta } from '../../store/meta.ts';
import { type Attestation, attest, spdxPredicate } from '../attestations.ts';
import { type Layer, type LayerFile, makeLayer } from '../builds/layer.ts';
import { mediaTypes, parseManifest } from '../manifest.ts';
import { createRepository, findRepository, type Organization, type Repository } from '../repositories.ts';
import { makeSpdx } from '../sbom.ts';
import { addBlob } from '../stored-blobs.ts';
import { addManifest, findProblems } from '../stored-manifests.ts';
import { moveTag } from '../stored-tags.ts';
import { buildAges, buildDates, type SeededImage, seededImages } from './image-catalog.ts';
import { type BuiltChart, buildChart, type SeededChart, seededCharts } from './image-charts.ts';
import { type Architecture, baseFiles, installedPackages, programFiles, variantFiles } from './image-layers.ts';
import { seedPackageVersions } from './image-versions.ts';

export interface SeedImagesOptions {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly clock: PlatformClock;
  /** UIDPs of the organizations that get the public and the private images. */
  readonly organizations: { readonly public: string; readonly private: string };
  readonly signal: AbortSignal;
}

const architectures: readonly Architecture[] = ['amd64', 'arm64'];

interface Blob {
  readonly digest: string;
  readonly bytes: Buffer;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** One multi-architecture image: its index, what the index lists, what is attested of that, and the blobs below. */
interface BuiltImage {
  readonly index: Buffer;
  readonly manifests: readonly Buffer[];
  readonly attestations: readonly Attestation[];
  readonly blobs: readonly Blob[];
}

interface BuiltRepository {
  readonly image: SeededImage;
  readonly builds: readonly BuiltTags[];
}

interface BuiltTags {
  readonly image: BuiltImage;
  readonly tags: readonly string[];
  /** Milliseconds before seeding. */
  readonly age: number;
}

/**
 * Fills what is missing: repositories that exist are left as they are. Rejects with the reason of `signal`; then
 * nothing has been made.
 */
export async function seedImages(options: SeedImagesOptions): Promise<void> {
  const { store, clock, organizations, signal } = options;
  const layers = createLayerCache();
  const key = attestationKey(store);
  const names = store.read((tx) => ({
    public: String(groupName(tx, organizations.public)),
    private: String(groupName(tx, organizations.private)),
  }));
  const built: BuiltRepository[] = [];
  for (const image of seededImages) {
    const maker = { layers, key, organization: names[image.organization] };
    built.push({ image, builds: await buildAll(image, maker) });
    // Requests come first.
    await setImmediate();
    signal.throwIfAborted();
  }
  const charts: { chart: SeededChart; builds: BuiltChart[] }[] = [];
  for (const chart of seededCharts) charts.push({ chart, builds: await buildCharts(chart, built, names.public) });

  const content = new Map(
    [
      ...built.flatMap(({ builds }) => builds.flatMap(({ image }) => image.blobs)),
      ...charts.flatMap(({ builds }) => builds.flatMap((build) => build.blobs)),
    ].map((blob) => [blob.digest, blob] as const),
  );
  signal.throwIfAborted();
  await options.blobs.putAll(
    [...content.values()].map(({ digest: text, bytes }) => {
      const digest = parseDigest(text);
      if (digest === undefined) throw new TypeError(`"${text}" is no digest`);
      return { digest, bytes };
    }),
  );

  const now = clock.now();
  store.transact((tx) => {
    built.forEach(({ image, builds }, position) => {
      // A few minutes between repositories, as one build after the other would take.
      const group = { id: organizations[image.organization], name: names[image.organization] };
      keep(tx, group, image, builds, now + position * 240_000);
    });
    for (const { chart, builds } of charts) {
      keepChart(tx, { id: organizations.public, name: names.public }, chart, builds, now);
    }
    seedPackageVersions(tx, now);
    seedEntitlement(tx, organizations, now);
    writeMeta(tx, 'seed.images', 'done');
  });
}

function keep(tx: Tx, organization: Organization, image: SeededImage, builds: readonly BuiltTags[], now: number): void {
  if (findRepository(tx, organization, image.name) !== undefined) return;
  const oldest = Math.max(...builds.map((build) => build.age));
  // Builds that carry a tag of the last build of each variant are still maintained.
  const newest = Math.max(...buildAges.keys());
  const activeTags = ['', image.variant.suffix].flatMap((suffix) =>
    tagsOf(image, newest).map((tag) => `${tag}${suffix}`),
  );
  const repository = createRepository(tx, organization, image.name, {
    public: image.organization === 'public',
    attributes: {
      catalogTier: image.tier,
      bundles: image.bundles,
      readme: readmeOf(image, organization.name),
      ...(image.organization === 'public' ? { aliases: [`${image.name}:latest`] } : {}),
      activeTags: [...new Set(activeTags)].sort(),
      description: image.description,
    },
    createdAt: now - oldest,
  });
  for (const { image: content, tags, age } of builds) {
    const at = now - age;
    for (const blob of content.blobs) addBlob(tx, repository, blob.digest, blob.bytes.length);
    for (const manifest of content.manifests) keepManifest(tx, repository, manifest, at);
    const digest = keepManifest(tx, repository, content.index, at);
    for (const tag of tags) moveTag(tx, repository, tag, digest, at);
    // Signed right after, as a build would.
    for (const { manifest, tag } of content.attestations) {
      moveTag(tx, repository, tag, keepManifest(tx, repository, manifest, at), at);
    }
  }
}

function keepChart(
  tx: Tx,
  organization: Organization,
  chart: SeededChart,
  builds: readonly BuiltChart[],
  now: number,
): void {
  if (findRepository(tx, organization, chart.repository) !== undefined) return;
  const repository = createRepository(tx, organization, chart.repository, {
    public: true,
    attributes: { bundles: ['application'], description: chart.description, activeTags: [builds.at(-1)?.version] },
    createdAt: now - buildAges[0],
  });
  for (const [build, { manifest, blobs, version }] of builds.entries()) {
    const at = now - (buildAges[build] ?? 0) + 120_000;
    for (const blob of blobs) addBlob(tx, repository, blob.digest, blob.bytes.length);
    moveTag(tx, repository, version, keepManifest(tx, repository, manifest, at), at);
  }
}

/** Entitlements of the private organization: two images by name, and all base images. */
function seedEntitlement(tx: Tx, organizations: SeedImagesOptions['organizations'], now: number): void {
  const id = `${organizations.private}/${digestOf(Buffer.from(`entitlement of ${organizations.private}`)).slice(7, 23)}`;
  if (tx.get('SELECT 1 FROM entitlements WHERE id = ?', id) !== undefined) return;
  tx.run(
    'INSERT INTO entitlements (id, parent, attributes, created_at, updated_at) VALUES (?, ?, ?, ?, ?)',
    id,
    organizations.private,
    JSON.stringify({ type: 'PRODUCTION', externalId: 'demo', tiers: ['BASE'], quota: { APPLICATION: 5 } }),
    now - buildAges[0],
    now - buildAges[0],
  );
  for (const name of ['nginx', 'python']) {
    tx.run(
      `INSERT INTO entitlement_images (entitlement, repo, added_at)
       SELECT ?, id, ? FROM repos WHERE parent = ? AND name = ? ON CONFLICT DO NOTHING`,
      id,
      now - buildAges[0],
      organizations.public,
      name,
    );
  }
}

function readmeOf(image: SeededImage, organization: string): string {
  return [
    `# ${image.name}`,
    '',
    `${image.description}. Demo content of an embedded local platform.`,
    '',
    '```sh',
    `docker pull cgr.dev/${organization}/${image.name}:latest`,
    '```',
    '',
  ].join('\n');
}

/** As a push would: only when everything it refers to is there. */
function keepManifest(tx: Tx, repository: Repository, content: Buffer, createdAt: number): string {
  const manifest = parseManifest(content, undefined);
  const problems = findProblems(tx, repository, manifest);
  if (problems.length > 0) throw new TypeError(problems.map((problem) => problem.message).join('; '));
  const digest = digestOf(content);
  addManifest(tx, repository, manifest, { digest, content, createdAt });
  return digest;
}

/** Both variants of every build, oldest first, so that floating tags end at the newest. */
async function buildAll(image: SeededImage, maker: Maker): Promise<BuiltTags[]> {
  const built: BuiltTags[] = [];
  for (const [build, age] of buildAges.entries()) {
    for (const suffix of ['', image.variant.suffix]) {
      const isVariant = suffix !== '';
      built.push({
        image: await buildImage(image, build, isVariant, maker),
        tags: tagsOf(image, build).map((tag) => `${tag}${suffix}`),
        // The variant is built right after.
        age: age - (isVariant ? 60_000 : 0),
      });
    }
  }
  return built;
}

/** `latest`, the floating parts of the version, the version, and the version with its epoch. */
function tagsOf(image: SeededImage, build: number): string[] {
  const full = image.builds[build] ?? '';
  const version = full.replace(/-r\d+$/, '');
  const parts = version.split('.');
  return ['latest', ...image.floating.map((count) => parts.slice(0, count).join('.')), version, full];
}

async function buildImage(
  image: SeededImage,
  build: number,
  isVariant: boolean,
  { layers, key, organization }: Maker,
): Promise<BuiltImage> {
  const date = buildDates[build] ?? '';
  const annotations = annotationsOf(image, build, date);
  const manifests: { bytes: Buffer; architecture: Architecture }[] = [];
  const blobs: Blob[] = [];
  const attestations: Attestation[] = [];
  for (const architecture of architectures) {
    const stack: Layer[] = [
      await layers(baseFiles(build, date), date),
      await layers(programFiles(image, build, architecture), date),
    ];
    if (isVariant) stack.push(await layers(variantFiles(image, build, architecture), date));
    const config = toJson({
      architecture,
      author: 'chainctl local platform',
      config: {
        ...(image.entrypoint.length === 0 ? {} : { Entrypoint: image.entrypoint }),
        ...(image.command.length === 0 ? {} : { Cmd: image.command }),
        Env: [
          'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
          'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt',
        ],
        Labels: { ...annotations, 'dev.chainguard.package.main': image.package },
        User: isVariant && image.variant.suffix === '-dev' ? '0' : '65532',
        WorkingDir: image.workDir,
      },
      created: date,
      history: stack.map(() => ({ created: date, created_by: 'chainctl local platform', comment: 'demo content' })),
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: stack.map((layer) => digestOf(layer.uncompressed)) },
    });
    for (const bytes of [config, ...stack.map((layer) => layer.bytes)]) blobs.push({ digest: digestOf(bytes), bytes });
    const bytes = toJson({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: describe(mediaTypes.ociConfig, config),
      layers: stack.map((layer) => describe(mediaTypes.ociLayerGzip, layer.bytes)),
      annotations,
    });
    manifests.push({ bytes, architecture });
    const descriptor = describe(mediaTypes.ociManifest, bytes);
    const subject = { name: `${organization}/${image.name}`, descriptor };
    const predicate = makeSpdx(
      {
        image: subject.name,
        digest: descriptor.digest,
        architecture,
        layers: stack.map((layer) => digestOf(layer.bytes)),
        created: date,
        creator: 'chainctl local platform',
      },
      installedPackages(image, build, architecture, isVariant),
    );
    const attestation = attest(key, subject, { predicateType: spdxPredicate, predicate }, date);
    attestations.push(attestation);
    blobs.push(...attestation.blobs);
  }
  const index = toJson({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: manifests.map(({ bytes, architecture }) => ({
      ...describe(mediaTypes.ociManifest, bytes),
      platform: { architecture, os: 'linux' },
    })),
    annotations,
  });
  return { index, manifests: manifests.map(({ bytes }) => bytes), attestations, blobs };
}

/** A chart for each build of the images it names, which are those of the public organization without extras. */
async function buildCharts(
  chart: SeededChart,
  built: readonly BuiltRepository[],
  organization: string,
): Promise<BuiltChart[]> {
  const resolve = (repository: string, build: number) => {
    const found = built.find(({ image }) => image.organization === 'public' && image.name === repository);
    // Each build comes in two variants, the plain one first.
    const content = found?.builds[build * 2]?.image;
    if (found === undefined || content === undefined) throw new TypeError(`the demo has no image "${repository}"`);
    const tag = found.image.builds[build] ?? '';
    return { repository: `${organization}/${repository}`, tag, digest: digestOf(content.index) };
  };
  const charts: BuiltChart[] = [];
  for (const [build, date] of buildDates.entries()) charts.push(await buildChart(chart, build, date, resolve));
  return charts;
}

function annotationsOf(image: SeededImage, build: number, date: string): Record<string, string> {
  return {
    'org.opencontainers.image.title': image.name,
    'org.opencontainers.image.description': image.description,
    'org.opencontainers.image.version': image.builds[build] ?? '',
    'org.opencontainers.image.created': date,
    'org.opencontainers.image.vendor': 'chainctl local platform (demo content)',
  };
}

function describe(mediaType: string, bytes: Buffer): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

function toJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Settings that every build of one repository uses. */
interface Maker {
  readonly layers: LayerCache;
  readonly key: AttestationKey;
  readonly organization: string;
}

type LayerCache = (files: readonly LayerFile[], date: string) => Promise<Layer>;

/** Images share most of their layers; each is packed once. */
function createLayerCache(): LayerCache {
  const made = new Map<string, Promise<Layer>>();
  return (files, date) => {
    const key = JSON.stringify([files, date]);
    const layer = made.get(key) ?? makeLayer(files, date);
    made.set(key, layer);
    return layer;
  };
}
