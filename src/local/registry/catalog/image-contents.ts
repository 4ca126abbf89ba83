import type {
  RegistryArchRequest,
  RegistryArchs,
  RegistryImageConfig,
  RegistryImageConfigRequest,
  RegistryManifestDigestCount,
  RegistryManifestDigestCountFilter,
  RegistryManifestMetadataFilter,
  RegistryRawSbomRequest,
  RegistrySbomRequest,
  RegistrySize,
  RegistrySizeRequest,
} from '../../../api/schema/types/registry.gen.ts';
import type { TenantSbom2 } from '../../../api/schema/types/tenant.gen.ts';
import { requiredUidp } from '../../api/selection.ts';
import { invalidArgument, notFound } from '../../core/failures.ts';
import type { CallContext } from '../../core/handler.ts';
import { StreamedAnswer } from '../../core/streamed-answer.ts';
import type { Caller } from '../../core/types.ts';
import type { Tx } from '../../store/database.ts';
import { configOf, type ImageOfPlatform, imageFor, imagesOf, type ReadBlob, sizeOf } from '../image-documents.ts';
import type { Repository } from '../repositories.ts';
import { type AttestedSbom, callSboms } from '../sboms/attested-sboms.ts';
import { requireRepository } from './tags.ts';

export function getArchitectures(
  tx: Tx,
  _caller: Caller,
  request: RegistryArchRequest,
  { readBlob }: CallContext,
): RegistryArchs {
  const { images } = find(tx, request, readBlob);
  return { archs: images.map((image) => image.architecture).filter((architecture) => architecture !== '') };
}

/** Bytes of config and layers of one architecture; of the first when none is named. */
export function getSize(
  tx: Tx,
  _caller: Caller,
  request: RegistrySizeRequest,
  { readBlob }: CallContext,
): RegistrySize {
  const { image } = findOne(tx, request, readBlob);
  return { size: String(sizeOf(image.manifest)), arch: image.architecture };
}

export function getImageConfig(
  tx: Tx,
  _caller: Caller,
  request: RegistryImageConfigRequest,
  { readBlob }: CallContext,
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

/** The attested document as text. */
export function getRawSbom(
  tx: Tx,
  _caller: Caller,
  request: RegistryRawSbomRequest,
  context: CallContext,
): StreamedAnswer {
  const reference = request.reference?.replace(/^.*@/, '');
  const digest = request.digest !== undefined && request.digest !== '' ? request.digest : reference;
  const asked = { ...request, ...(digest === undefined ? {} : { digest }) };
  const { repository, image } = findOne(tx, asked, context.readBlob);
  const sbom = requireSbom(repository, image.manifest.digest, context);
  return new StreamedAnswer(async function* () {
    yield '{"rawSbom":"';
    yield* callSboms.of(context).reader.pieces({ kind: 'document', encoding: 'json', ...sbom });
    yield '"}';
  });
}

/** The attested document as a graph, with its bytes. */
export function getSbom(tx: Tx, _caller: Caller, request: RegistrySbomRequest, context: CallContext): StreamedAnswer {
  const { repository, image } = findOne(tx, request, context.readBlob);
  const { digest } = image.manifest;
  const sbom = requireSbom(repository, digest, context);
  const { format, name, creators, created } = sbom.facts.document;
  const tool = creators.find((creator) => creator.startsWith('Tool: '))?.slice('Tool: '.length);
  const { reader } = callSboms.of(context);
  return new StreamedAnswer(async function* () {
    let id = '';
    yield '{"rawSbom":"';
    yield* reader.pieces({ kind: 'document', encoding: 'base64', ...sbom }, (found) => {
      id = found;
    });
    yield '","graph":{"nodes":[';
    yield* reader.pieces({ kind: 'nodes', ...sbom });
    yield '],"edges":[';
    yield* reader.pieces({ kind: 'edges', ...sbom });
    const rest: TenantSbom2 = {
      ...{ id, digest, name },
      format: format === 'cyclonedx' ? 'cyclonedx-json' : 'spdx-json',
      source: 'INGESTED',
      authors: creators.join(', '),
      ...(tool === undefined ? {} : { tool }),
      ...(created === undefined ? {} : { generatedAt: created }),
    };
    yield `]},${JSON.stringify(rest).slice(1)}`;
  });
}

/** Packages of the digests asked for; of an index, those of the architecture that comes with it. */
export function listManifestMetadata(
  tx: Tx,
  _caller: Caller,
  request: RegistryManifestMetadataFilter,
  context: CallContext,
): StreamedAnswer {
  const { readBlob } = context;
  const sboms = callSboms.of(context);
  const repository = requireRepository(tx, requiredUidp('repo_id', request.repoId));
  // A query cannot carry the list of digests (semantics 5), so none means every image that a tag names.
  const wanted =
    request.items?.map(({ imageDigest, indexFilter }) => ({
      digest: imageDigest ?? indexFilter?.digest ?? '',
      arch: indexFilter?.arch ?? '',
    })) ?? taggedDigests(tx, repository).map((digest) => ({ digest, arch: '' }));
  const items = new Map<string, { readonly sbom: AttestedSbom; readonly created: string | undefined }>();
  for (const { digest, arch } of wanted) {
    const images = imagesOf(tx, repository, digest, readBlob);
    const chosen = arch === '' ? images : [imageFor(images, arch)].filter((image) => image !== undefined);
    for (const { manifest } of chosen) {
      if (items.has(manifest.digest)) continue;
      const sbom = sboms.of(repository, manifest.digest);
      if (sbom !== undefined) {
        items.set(manifest.digest, { sbom, created: configOf(manifest, readBlob)?.created });
      }
    }
  }
  return new StreamedAnswer(async function* () {
    yield '{"items":[';
    let separator = '';
    for (const [digest, { sbom, created }] of items) {
      yield `${separator}{"digest":${JSON.stringify(digest)},"pkgMetadata":[`;
      yield* sboms.reader.pieces({ kind: 'metadata', created, ...sbom });
      yield ']}';
      separator = ',';
    }
    yield ']}';
  });
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

function requireSbom(repository: Repository, digest: string, context: CallContext): AttestedSbom {
  const sbom = callSboms.of(context).of(repository, digest);
  if (sbom === undefined) throw notFound(`no SBOM is attested of ${digest}`);
  return sbom;
}

function taggedDigests(tx: Tx, repository: Repository): string[] {
  const rows = tx.all(
    "SELECT DISTINCT digest FROM tags WHERE repo = ? AND digest <> '' AND name NOT GLOB 'sha256-*' ORDER BY digest",
    repository.id,
  );
  return rows.map((row) => String(row['digest']));
}

function emptyValues(map: Readonly<Record<string, object>> | undefined): Record<string, Record<string, never>> {
  return Object.fromEntries(Object.keys(map ?? {}).map((key) => [key, {}]));
}
