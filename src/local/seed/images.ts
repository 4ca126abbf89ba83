// The demo's images, written through the same store and rows as a push. Promises: they appear in one transaction after
// their blobs are on disk, and their bytes depend on nothing but this program.

import { createBlobStore } from '../registry/blob-store.ts';
import { digestOf, parseDigest } from '../registry/digest.ts';
import { mediaTypes, parseManifest } from '../registry/manifest.ts';
import {
  addBlob,
  addManifest,
  createRepository,
  findProblems,
  findRepository,
  moveTag,
  type Repository,
} from '../registry/repositories.ts';
import type { Store, Tx } from '../store/database.ts';
import type { PlatformClock } from '../types.ts';
import { buildAges, buildDates, type SeededImage, seededImages } from './image-catalog.ts';
import {
  type Architecture,
  baseFiles,
  type Layer,
  type LayerFile,
  makeLayer,
  programFiles,
  variantFiles,
} from './image-layers.ts';

export interface SeedImagesOptions {
  readonly store: Store;
  readonly dataDir: string;
  readonly clock: PlatformClock;
  /** UIDPs of the organizations that get the public and the private images. */
  readonly organizations: { readonly public: string; readonly private: string };
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

/** One multi-architecture image: its index, what the index lists, and the blobs below. */
interface BuiltImage {
  readonly index: Buffer;
  readonly manifests: readonly Buffer[];
  readonly blobs: readonly Blob[];
}

interface BuiltTags {
  readonly image: BuiltImage;
  readonly tags: readonly string[];
  /** Milliseconds before seeding. */
  readonly age: number;
}

/** Fills what is missing: repositories that exist are left as they are. */
export async function seedImages(options: SeedImagesOptions): Promise<void> {
  const { store, clock, organizations } = options;
  const layers = createLayerCache();
  const built: { image: SeededImage; builds: BuiltTags[] }[] = [];
  for (const image of seededImages) built.push({ image, builds: await buildAll(image, layers) });

  const blobs = new Map(
    built.flatMap(({ builds }) =>
      builds.flatMap(({ image }) => image.blobs.map((blob) => [blob.digest, blob] as const)),
    ),
  );
  await createBlobStore(options.dataDir).putAll(
    [...blobs.values()].map(({ digest: text, bytes }) => {
      const digest = parseDigest(text);
      if (digest === undefined) throw new TypeError(`"${text}" is no digest`);
      return { digest, bytes };
    }),
  );

  const now = clock.now();
  store.transact((tx) => {
    built.forEach(({ image, builds }, position) => {
      // A few minutes between repositories, as one build after the other would take.
      keep(tx, organizations[image.organization], image, builds, now + position * 240_000);
    });
  });
}

function keep(tx: Tx, group: string, image: SeededImage, builds: readonly BuiltTags[], now: number): void {
  const name = tx.get('SELECT name FROM groups WHERE id = ?', group)?.['name'];
  const organization = { id: group, name: String(name) };
  if (findRepository(tx, organization, image.name) !== undefined) return;
  const oldest = Math.max(...builds.map((build) => build.age));
  const repository = createRepository(tx, organization, image.name, {
    public: image.organization === 'public',
    attributes: { catalogTier: image.tier, bundles: image.bundles, description: image.description },
    createdAt: now - oldest,
  });
  for (const { image: content, tags, age } of builds) {
    const at = now - age;
    for (const blob of content.blobs) addBlob(tx, repository, blob.digest, blob.bytes.length);
    for (const manifest of content.manifests) keepManifest(tx, repository, manifest, at);
    const digest = keepManifest(tx, repository, content.index, at);
    for (const tag of tags) moveTag(tx, repository, tag, digest, at);
  }
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
async function buildAll(image: SeededImage, layers: LayerCache): Promise<BuiltTags[]> {
  const built: BuiltTags[] = [];
  for (const [build, age] of buildAges.entries()) {
    for (const suffix of ['', image.variant.suffix]) {
      const isVariant = suffix !== '';
      built.push({
        image: await buildImage(image, build, isVariant, layers),
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
  layers: LayerCache,
): Promise<BuiltImage> {
  const date = buildDates[build] ?? '';
  const annotations = annotationsOf(image, build, date);
  const manifests: { bytes: Buffer; architecture: Architecture }[] = [];
  const blobs: Blob[] = [];
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
  return { index, manifests: manifests.map(({ bytes }) => bytes), blobs };
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
