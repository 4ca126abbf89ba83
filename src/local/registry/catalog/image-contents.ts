import type {
  RegistryArchRequest,
  RegistryArchs,
  RegistryImageConfig,
  RegistryImageConfigRequest,
  RegistryManifestDigestCount,
  RegistryManifestDigestCountFilter,
  RegistryManifestMetadataFilter,
  RegistryManifestMetadataList,
  RegistryPkgMetadata,
  RegistryRawSbom,
  RegistryRawSbomRequest,
  RegistrySbomRequest,
  RegistrySize,
  RegistrySizeRequest,
  TenantComponentGraphEdge,
  TenantComponentGraphEdgeType,
  TenantSbom2,
} from '../../../api/schema/types.gen.ts';
import type { CallFacts } from '../../api/handlers.ts';
import { requiredUidp } from '../../api/selection.ts';
import { invalidArgument, notFound } from '../../core/failures.ts';
import type { Caller } from '../../core/types.ts';
import type { Tx } from '../../store/database.ts';
import { digestOf } from '../../store/digest.ts';
import {
  configOf,
  type ImageOfPlatform,
  imageFor,
  imagesOf,
  type ReadBlob,
  sbomOf,
  sizeOf,
} from '../image-documents.ts';
import type { Repository } from '../repositories.ts';
import { packagesIn, relationshipsIn } from '../sbom.ts';
import { requireRepository } from './tags.ts';

export function getArchitectures(
  tx: Tx,
  _caller: Caller,
  request: RegistryArchRequest,
  { readBlob }: CallFacts,
): RegistryArchs {
  const { images } = find(tx, request, readBlob);
  return { archs: images.map((image) => image.architecture).filter((architecture) => architecture !== '') };
}

/** Bytes of config and layers of one architecture; of the first when none is named. */
export function getSize(tx: Tx, _caller: Caller, request: RegistrySizeRequest, { readBlob }: CallFacts): RegistrySize {
  const { image } = findOne(tx, request, readBlob);
  return { size: String(sizeOf(image.manifest)), arch: image.architecture };
}

export function getImageConfig(
  tx: Tx,
  _caller: Caller,
  request: RegistryImageConfigRequest,
  { readBlob }: CallFacts,
): RegistryImageConfig {
  const { image } = findOne(tx, request, readBlob);
  const config = configOf(image.manifest, readBlob)?.config;
  if (config === undefined) throw notFound(`${image.manifest.digest} has no image configuration`);
  return {
    user: config.User ?? '',
    exposedPorts: emptyValues(config.ExposedPorts),
    env: [...(config.Env ?? [])],
    entrypoint: [...(config.Entrypoint ?? [])],
    cmd: [...(config.Cmd ?? [])],
    volumes: emptyValues(config.Volumes),
    workingDir: config.WorkingDir ?? '',
    labels: { ...config.Labels },
    stopSignal: config.StopSignal ?? '',
  };
}

/** The attested SPDX document as text. */
export function getRawSbom(
  tx: Tx,
  _caller: Caller,
  request: RegistryRawSbomRequest,
  { readBlob }: CallFacts,
): RegistryRawSbom {
  const reference = request.reference?.replace(/^.*@/, '');
  const digest = request.digest !== undefined && request.digest !== '' ? request.digest : reference;
  const { repository, image } = findOne(tx, { ...request, ...(digest === undefined ? {} : { digest }) }, readBlob);
  return { rawSbom: JSON.stringify(requireSbom(tx, repository, image.manifest.digest, readBlob)) };
}

/** The attested SPDX document as a graph, with its text. */
export function getSbom(tx: Tx, _caller: Caller, request: RegistrySbomRequest, { readBlob }: CallFacts): TenantSbom2 {
  const { repository, image } = findOne(tx, request, readBlob);
  const document = requireSbom(tx, repository, image.manifest.digest, readBlob);
  const rawSbom = JSON.stringify(document);
  const { name, creationInfo } = document as {
    name?: string;
    creationInfo?: { created?: string; creators?: string[] };
  };
  const creators = creationInfo?.creators ?? [];
  const tool = creators.find((creator) => creator.startsWith('Tool: '))?.slice('Tool: '.length);
  return {
    id: digestOf(Buffer.from(rawSbom)),
    // A field of bytes, so base64 in canonical messages.
    rawSbom: Buffer.from(rawSbom).toString('base64'),
    graph: {
      nodes: packagesIn(document).map(({ id, name, version, license, description, purl }) => ({
        package: { id, name, version, license, description, purl },
      })),
      edges: relationshipsIn(document).flatMap(({ from, type, to }): TenantComponentGraphEdge[] => {
        const known = edgeTypes[type];
        return known === undefined ? [] : [{ subjectId: from, predicateId: to, type: known }];
      }),
    },
    format: 'spdx-json',
    source: 'INGESTED',
    name: name ?? '',
    digest: image.manifest.digest,
    authors: creators.join(', '),
    ...(tool === undefined ? {} : { tool }),
    ...(creationInfo?.created === undefined ? {} : { generatedAt: creationInfo.created }),
  };
}

/** Packages of the digests asked for; of an index, those of the architecture that comes with it. */
export function listManifestMetadata(
  tx: Tx,
  _caller: Caller,
  request: RegistryManifestMetadataFilter,
  { readBlob }: CallFacts,
): RegistryManifestMetadataList {
  const repository = requireRepository(tx, requiredUidp('repo_id', request.repoId));
  // A query cannot carry the list of digests (semantics 5), so none means every image that a tag names.
  const wanted =
    request.items?.map(({ imageDigest, indexFilter }) => ({
      digest: imageDigest ?? indexFilter?.digest ?? '',
      arch: indexFilter?.arch ?? '',
    })) ?? taggedDigests(tx, repository).map((digest) => ({ digest, arch: '' }));
  const items = new Map<string, RegistryPkgMetadata[]>();
  for (const { digest, arch } of wanted) {
    const images = imagesOf(tx, repository, digest, readBlob);
    const chosen = arch === '' ? images : [imageFor(images, arch)].filter((image) => image !== undefined);
    for (const { manifest } of chosen) {
      if (items.has(manifest.digest)) continue;
      const sbom = sbomOf(tx, repository, manifest.digest, readBlob);
      const created = configOf(manifest, readBlob)?.created;
      if (sbom !== undefined)
        items.set(
          manifest.digest,
          packagesIn(sbom).map((entry) => toMetadata(entry, created)),
        );
    }
  }
  return { items: [...items].map(([digest, pkgMetadata]) => ({ digest, pkgMetadata })) };
}

/** Different manifests in a repository, or in all repositories of a group. */
export function countManifestDigests(
  tx: Tx,
  _caller: Caller,
  request: RegistryManifestDigestCountFilter,
): RegistryManifestDigestCount {
  const parent = requiredUidp('parent_id', request.parentId);
  const row = tx.get(
    'SELECT COUNT(DISTINCT digest) AS count FROM manifests WHERE repo = ? OR (repo >= ? AND repo < ?)',
    parent,
    `${parent}/`,
    `${parent}0`,
  );
  return { count: String(row?.['count'] ?? 0) };
}

interface ImageRequest {
  readonly repoId?: string;
  readonly digest?: string;
  readonly arch?: string;
}

/** By digest; a tag does as well, for whoever has nothing else at hand. */
export function find(
  tx: Tx,
  request: ImageRequest,
  readBlob: ReadBlob,
): { repository: Repository; images: ImageOfPlatform[] } {
  const repository = requireRepository(tx, requiredUidp('repo_id', request.repoId));
  const { digest } = request;
  if (digest === undefined || digest === '') throw invalidArgument('digest is required');
  const images = imagesOf(tx, repository, digest, readBlob);
  if (images.length === 0) throw notFound(`manifest ${digest} not found in ${repository.id}`);
  return { repository, images };
}

export function findOne(
  tx: Tx,
  request: ImageRequest,
  readBlob: ReadBlob,
): { repository: Repository; image: ImageOfPlatform } {
  const { repository, images } = find(tx, request, readBlob);
  const image = imageFor(images, request.arch ?? '');
  if (image === undefined) {
    throw notFound(`${request.digest} has no image for the architecture ${JSON.stringify(request.arch)}`);
  }
  return { repository, image };
}

const edgeTypes: Readonly<Record<string, TenantComponentGraphEdgeType>> = {
  DESCRIBES: 'DESCRIBES',
  CONTAINS: 'CONTAINS',
  DEPENDS_ON: 'DEPENDS_ON',
  GENERATED_FROM: 'GENERATED_FROM',
};

function requireSbom(tx: Tx, repository: Repository, digest: string, readBlob: ReadBlob): object {
  const document = sbomOf(tx, repository, digest, readBlob);
  if (document === undefined) throw notFound(`no SBOM is attested of ${digest}`);
  return document;
}

function taggedDigests(tx: Tx, repository: Repository): string[] {
  const rows = tx.all(
    "SELECT DISTINCT digest FROM tags WHERE repo = ? AND digest <> '' AND name NOT GLOB 'sha256-*' ORDER BY digest",
    repository.id,
  );
  return rows.map((row) => String(row['digest']));
}

function toMetadata(entry: ReturnType<typeof packagesIn>[number], created: string | undefined): RegistryPkgMetadata {
  const isSubpackage = entry.origin !== '' && entry.origin !== entry.name;
  return {
    purl: entry.purl,
    originPurl: isSubpackage ? `pkg:apk/wolfi/${entry.origin}@${entry.version}` : entry.purl,
    license: entry.license,
    ...(created === undefined ? {} : { buildTimestamp: created }),
  };
}

function emptyValues(map: Readonly<Record<string, object>> | undefined): Record<string, Record<string, never>> {
  return Object.fromEntries(Object.keys(map ?? {}).map((key) => [key, {}]));
}
