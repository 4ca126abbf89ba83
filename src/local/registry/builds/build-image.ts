// One customized image, from the base image's layers and one more. Guarantees: nothing is visible before everything is
// in place; the base's bytes are used as they are.

import type { RegistryCustomOverlay } from '../../../api/schema/types/registry.gen.ts';
import { attestationKey } from '../../keys/attestation-key.ts';
import type { BlobStore } from '../../store/blob-store.ts';
import type { SqlRow, Store, Tx } from '../../store/database.ts';
import { type Digest, digestOf, parseDigest } from '../../store/digest.ts';
import { type Attestation, attest, spdxPredicate } from '../attestations.ts';
import { configOf, type ImageConfigDocument, type ImageOfPlatform, imagesOf } from '../image-documents.ts';
import { type Descriptor, mediaTypes, parseManifest } from '../manifest.ts';
import { findRepositoryById, type Repository } from '../repositories.ts';
import { makeSpdx } from '../sbom.ts';
import { catalogPackages } from '../seed/image-packages.ts';
import { sourceOf } from '../sources.ts';
import { addBlob } from '../stored-blobs.ts';
import { addManifest, findManifest, findProblems } from '../stored-manifests.ts';
import { addUniqueTag, copyManifest, publishOwnTag } from '../sync.ts';
import { addToLog, BuildError } from './build-log.ts';
import { type LayerFile, makeLayer, readLayerFiles } from './layer.ts';
import type { BuilderOptions } from './options.ts';
import { applyOverlay, changedFiles, customConfig, type OverlayResult, toApkoConfig } from './overlay.ts';

/** One build and what it works with. */
interface Job {
  readonly id: string;
  readonly repository: Repository;
  /** Repository of the base image: the repository itself or the one it is filled from. */
  readonly origin: Repository;
  readonly base: string;
  readonly tags: readonly string[];
  readonly overlay: RegistryCustomOverlay;
  readonly images: readonly ImageOfPlatform[];
}

interface BuiltImage {
  readonly manifest: Buffer;
  readonly architecture: string;
  readonly attestation: Attestation;
  readonly blobs: readonly { readonly digest: string; readonly bytes: Buffer }[];
}

interface Built {
  readonly images: readonly BuiltImage[];
  /** Undefined when the base is no index either. */
  readonly index: Buffer | undefined;
}

/** Throws BuildError for what the configuration cannot have. */
export async function buildCustomImage(options: BuilderOptions, id: string): Promise<void> {
  const { store, blobs, clock } = options;
  const readBlob = (text: string): Uint8Array | undefined => {
    const digest = parseDigest(text);
    return digest === undefined ? undefined : blobs.readSmall(digest);
  };
  const log = (text: string): void => store.transact((tx) => addToLog(tx, id, clock, 'INFO', text));
  const job = store.read((tx) => findJob(tx, id, readBlob));
  if (job === undefined) return;
  log(`building ${job.repository.path} from ${job.base}`);

  const results = new Map<string, OverlayResult>();
  const images: BuiltImage[] = [];
  const created = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  for (const image of job.images) {
    const made = await buildImage(options, job, image, created, readBlob, log);
    results.set(image.architecture, made.result);
    images.push(made.image);
  }
  const built: Built = { images, index: indexOf(store, job, images) };
  const all = images.flatMap((image) => [...image.blobs, ...image.attestation.blobs]);
  const unique = new Map(all.map((blob) => [blob.digest, blob]));
  await blobs.putAll([...unique.values()].map(({ digest, bytes }) => ({ digest: requireDigest(digest), bytes })));
  const [first] = results.values();
  store.transact((tx) => publish(tx, options, job, built, first));
}

async function buildImage(
  { store, blobs }: BuilderOptions,
  job: Job,
  base: ImageOfPlatform,
  created: string,
  readBlob: (digest: string) => Uint8Array | undefined,
  log: (text: string) => void,
): Promise<{ image: BuiltImage; result: OverlayResult }> {
  const { overlay, repository } = job;
  const config = configOf(base.manifest, readBlob);
  if (config === undefined) throw new BuildError(`${base.manifest.digest} is not a container image`);
  const files = await readBaseFiles(blobs, base);
  const architecture = apkArchitecture(base.architecture);
  const result = applyOverlay({ overlay, files, architecture, catalog: catalogPackages() });
  for (const note of result.notes) log(`${base.architecture}: ${note}`);
  const layer = result.files.length === 0 ? undefined : await makeLayer(withoutTwins(result.files), created);
  const document = customConfig(
    config as ImageConfigDocument & Readonly<Record<string, unknown>>,
    overlay,
    created,
    layer && digestOf(layer.uncompressed),
  );
  const configBytes = toBytes(document);
  const isDocker = base.manifest.config.mediaType.includes('docker');
  const layers: Descriptor[] = [
    ...base.manifest.layers,
    ...(layer === undefined ? [] : [describe(isDocker ? dockerLayer : mediaTypes.ociLayerGzip, layer.bytes)]),
  ];
  const manifest = toBytes({
    schemaVersion: 2,
    mediaType: isDocker ? mediaTypes.dockerManifest : mediaTypes.ociManifest,
    config: describe(base.manifest.config.mediaType, configBytes),
    layers,
    ...(isDocker ? {} : { annotations: { ...base.manifest.annotations, ...overlay.annotations } }),
  });
  const descriptor = describe(isDocker ? mediaTypes.dockerManifest : mediaTypes.ociManifest, manifest);
  log(`${base.architecture}: assembled ${descriptor.digest} with ${layers.length} layers`);
  const name = repository.path;
  const predicate = makeSpdx(
    {
      image: name,
      digest: descriptor.digest,
      architecture: base.architecture,
      layers: layers.map(({ digest }) => digest),
      created,
      creator: 'chainctl local platform',
    },
    result.packages,
  );
  const statement = { predicateType: spdxPredicate, predicate };
  const attestation = attest(attestationKey(store), { name, descriptor }, statement, created);
  const own = [configBytes, ...(layer === undefined ? [] : [layer.bytes])];
  return {
    image: {
      manifest,
      architecture: base.architecture,
      attestation,
      blobs: own.map((bytes) => ({ digest: digestOf(bytes), bytes })),
    },
    result,
  };
}

/** Everything at once: manifests, tags, attestations and the report. */
function publish(tx: Tx, { clock }: BuilderOptions, job: Job, built: Built, result: OverlayResult | undefined): void {
  const { repository, origin, overlay } = job;
  const row = tx.get('SELECT attributes FROM repos WHERE id = ?', repository.id);
  // Deleted with its repository, and the report with both.
  if (row === undefined) return;
  const { customOverlay } = JSON.parse(String(row['attributes'])) as { customOverlay?: unknown };
  if (JSON.stringify(customOverlay) !== JSON.stringify(overlay)) {
    throw new BuildError('the configuration has changed while the image was built');
  }
  if (origin.id !== repository.id) copyManifest(tx, origin.id, repository.id, job.base);
  for (const image of built.images) {
    for (const { digest, bytes } of [...image.blobs, ...image.attestation.blobs]) {
      addBlob(tx, repository, digest, bytes.length);
    }
    keep(tx, repository, image.manifest);
    publishOwnTag(tx, repository, image.attestation.tag, keep(tx, repository, image.attestation.manifest));
  }
  const [only] = built.images;
  const digest =
    built.index === undefined ? digestOf(only?.manifest ?? Buffer.alloc(0)) : keep(tx, repository, built.index);
  for (const tag of job.tags) {
    publishOwnTag(tx, repository, tag, digest);
    // The base's own date says nothing of this build.
    addUniqueTag(tx, repository, tag, digest, tx.now);
  }
  const architectures = built.images.map(({ architecture }) => architecture);
  const wanted = toApkoConfig(overlay, overlay.contents?.packages ?? [], architectures);
  const locked = toApkoConfig(overlay, result?.locked ?? [], architectures);
  for (const warning of result?.warnings ?? []) addToLog(tx, job.id, clock, 'WARN', warning);
  addToLog(tx, job.id, clock, 'INFO', `tagged ${digest} as ${job.tags.join(', ')}`);
  tx.run(
    `UPDATE builds SET result = 'Success', digest = ?, config = ?, locked_config = ?, warnings = ?, completed_at = ?
     WHERE id = ?`,
    digest,
    JSON.stringify(wanted),
    JSON.stringify(locked),
    JSON.stringify(result?.warnings ?? []),
    tx.now,
    job.id,
  );
}

function findJob(tx: Tx, id: string, readBlob: (digest: string) => Uint8Array | undefined): Job | undefined {
  const row: SqlRow | undefined = tx.get('SELECT * FROM builds WHERE id = ?', id);
  const repository = row && findRepositoryById(tx, String(row['repo']));
  if (row === undefined || repository === undefined) return undefined;
  const base = String(row['base']);
  const source = sourceOf(tx, repository);
  const origin = source !== undefined && findManifest(tx, source, base) !== undefined ? source : repository;
  const images = imagesOf(tx, origin, base, readBlob);
  if (images.length === 0) throw new BuildError(`the base image ${base} is gone`);
  return {
    id,
    repository,
    origin,
    base,
    tags: JSON.parse(String(row['tags'])) as string[],
    overlay: JSON.parse(String(row['overlay'])) as RegistryCustomOverlay,
    images,
  };
}

/** An index over the built images, in the form of the base's; undefined when the base is one image. */
function indexOf(store: Store, job: Job, images: readonly BuiltImage[]): Buffer | undefined {
  const stored = store.read((tx) => findManifest(tx, job.origin, job.base));
  if (stored === undefined) throw new BuildError(`the base image ${job.base} is gone`);
  const isIndex = stored.mediaType === mediaTypes.ociIndex || stored.mediaType === mediaTypes.dockerList;
  if (!isIndex) return undefined;
  const { annotations } = JSON.parse(new TextDecoder().decode(stored.content)) as { annotations?: object };
  return toBytes({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: images.map(({ manifest, architecture }) => {
      const [name = '', variant] = architecture.split('/');
      const { mediaType } = parseManifest(manifest, undefined);
      const platform = { architecture: name, os: 'linux', ...(variant === undefined ? {} : { variant }) };
      return { ...describe(mediaType, manifest), platform };
    }),
    annotations: { ...annotations, ...job.overlay.annotations },
  });
}

/** The files an overlay may add to, from the topmost layer that has each. */
async function readBaseFiles(blobs: BlobStore, image: ImageOfPlatform): Promise<Map<string, string>> {
  const wanted = new Set(changedFiles);
  const files = new Map<string, string>();
  for (const layer of [...image.manifest.layers].reverse()) {
    if (wanted.size === 0) break;
    if (!/\btar\b|tar\+|\.tar/.test(layer.mediaType)) continue;
    if (/zstd/.test(layer.mediaType)) throw new BuildError('layers compressed with zstd cannot be customized here');
    const compression = /gzip/.test(layer.mediaType) ? 'gzip' : 'none';
    const digest = requireDigest(layer.digest);
    const found = await readLayerFiles(
      blobs.read(digest, { start: 0, end: layer.size - 1 }),
      compression,
      wanted,
    ).catch((error: unknown) => {
      if (error instanceof RangeError) throw new BuildError(error.message);
      throw new BuildError(`the layer ${layer.digest} cannot be read as a tar archive`);
    });
    for (const [path, text] of found) {
      if (text !== null) files.set(path, text);
      wanted.delete(path);
    }
  }
  return files;
}

/** As a push would: only when everything it refers to is there. */
function keep(tx: Tx, repository: Repository, content: Buffer): string {
  const manifest = parseManifest(content, undefined);
  const problems = findProblems(tx, repository, manifest);
  if (problems.length > 0) throw new BuildError(problems.map((problem) => problem.message).join('; '));
  const digest = digestOf(content);
  addManifest(tx, repository, manifest, { digest, content });
  return digest;
}

const dockerLayer = 'application/vnd.docker.image.rootfs.diff.tar.gzip';

/** Two parts of an overlay may write one file; the later one counts. */
function withoutTwins(files: readonly LayerFile[]): LayerFile[] {
  return [...new Map(files.map((file) => [file.path, file])).values()];
}

function apkArchitecture(architecture: string): string {
  return { amd64: 'x86_64', arm64: 'aarch64', 'arm64/v8': 'aarch64', 'arm/v7': 'armv7' }[architecture] ?? architecture;
}

function requireDigest(text: string): Digest {
  const digest = parseDigest(text);
  if (digest === undefined) throw new TypeError(`"${text}" is no digest`);
  return digest;
}

function describe(mediaType: string, bytes: Buffer): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

function toBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
