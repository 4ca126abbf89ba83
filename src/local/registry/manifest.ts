// Reading a manifest's bytes. Guarantees: what passes names its type without doubt, and every blob and manifest it
// needs is listed; the bytes themselves are kept by the caller exactly as they came.

import { isObject } from '../../json.ts';
import { parseDigest } from '../store/digest.ts';
import { type RegistryError, refuse } from './registry-error.ts';

export const mediaTypes = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
} as const;

const indexTypes: readonly string[] = [mediaTypes.ociIndex, mediaTypes.dockerList];
const imageTypes: readonly string[] = [mediaTypes.ociManifest, mediaTypes.dockerManifest];

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface Manifest {
  readonly mediaType: string;
  /** Config and layers that have to be in the repository; of an index, what it lists besides manifests. */
  readonly blobs: readonly Descriptor[];
  /** Manifests that an index lists. */
  readonly manifests: readonly Descriptor[];
  /** Digest of the manifest this one says something about. It need not exist (specification, "Push"). */
  readonly subject: string | undefined;
  /** Artifact type in the referrers list: the own type, or an image's config type; an index without one has none. */
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

/** `contentType` is the request's header, parameters and all. Throws MANIFEST_INVALID. */
export function parseManifest(bytes: Uint8Array, contentType: string | undefined): Manifest {
  const document = parseDocument(bytes);
  const stated = document['mediaType'];
  if (stated !== undefined && typeof stated !== 'string') throw invalid('mediaType is not text');
  const sent = contentType?.split(';')[0]?.trim().toLowerCase();
  const mediaType = sent === undefined || sent === '' ? stated : sent;
  if (mediaType === undefined) throw invalid('the request needs a Content-Type');
  if (stated !== undefined && stated !== mediaType) {
    throw invalid(`Content-Type ${mediaType} differs from the manifest's own mediaType`);
  }
  // Docker's schema 2 names itself; without that the same bytes would be an OCI document as well, and which one they
  // are would be up to who pushed them last.
  if (stated === undefined && (mediaType === mediaTypes.dockerManifest || mediaType === mediaTypes.dockerList)) {
    throw invalid(`a manifest of the type ${mediaType} has to carry it as its mediaType`);
  }
  if (document['schemaVersion'] !== 2) throw invalid('schemaVersion must be 2');
  // One document readable as both kinds would mean different images to different clients (CVE-2021-41190).
  if (indexTypes.includes(mediaType)) {
    for (const key of ['config', 'layers', 'fsLayers']) {
      if (key in document) throw invalid(`an index has no ${key}`);
    }
    const listed = descriptors(document, 'manifests');
    // BuildKit's caches are indexes of layers (image specification, "Image Index": other types may be listed).
    const isManifest = (child: Descriptor): boolean => [...indexTypes, ...imageTypes].includes(child.mediaType);
    return {
      mediaType,
      blobs: listed.filter((child) => !isManifest(child)),
      manifests: listed.filter(isManifest),
      ...described(document, undefined),
    };
  }
  if (imageTypes.includes(mediaType)) {
    for (const key of ['manifests', 'fsLayers']) {
      if (key in document) throw invalid(`an image manifest has no ${key}`);
    }
    const config = descriptor(document['config'], 'config');
    const layers = Array.isArray(document['layers']) ? document['layers'] : undefined;
    if (layers === undefined) throw invalid('layers must be a list');
    const blobs = layers
      .filter((layer) => !isForeign(layer))
      .map((layer, position) => descriptor(layer, `layers[${position}]`));
    return { mediaType, blobs: [config, ...blobs], manifests: [], ...described(document, config.mediaType) };
  }
  throw invalid(`media type "${mediaType}" is not supported`);
}

function parseDocument(bytes: Uint8Array): Record<string, unknown> {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw invalid('the body is not JSON');
  }
  if (!isObject(document)) throw invalid('the body is not a JSON object');
  return document;
}

function described(
  document: Record<string, unknown>,
  configType: string | undefined,
): Pick<Manifest, 'subject' | 'artifactType' | 'annotations'> {
  const own = document['artifactType'];
  if (own !== undefined && typeof own !== 'string') throw invalid('artifactType is not text');
  const annotations = document['annotations'] ?? {};
  if (!isTextMap(annotations)) throw invalid('annotations must map text to text');
  const subject = document['subject'];
  return {
    subject: subject === undefined || subject === null ? undefined : descriptor(subject, 'subject').digest,
    artifactType: own === undefined || own === '' ? configType : own,
    annotations,
  };
}

function descriptors(document: Record<string, unknown>, key: string): Descriptor[] {
  const list = document[key];
  if (!Array.isArray(list)) throw invalid(`${key} must be a list`);
  return list.map((entry, position) => descriptor(entry, `${key}[${position}]`));
}

function descriptor(value: unknown, place: string): Descriptor {
  if (!isObject(value)) throw invalid(`${place} is not a descriptor`);
  const { mediaType, digest, size } = value;
  if (typeof mediaType !== 'string' || mediaType === '') throw invalid(`${place} has no mediaType`);
  if (typeof digest !== 'string' || parseDigest(digest) === undefined) throw invalid(`${place} has no valid digest`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw invalid(`${place} has no valid size`);
  return { mediaType, digest, size };
}

/** Layers a client fetches elsewhere, which registries do not hold. */
function isForeign(layer: unknown): boolean {
  if (!isObject(layer) || !Array.isArray(layer['urls']) || layer['urls'].length === 0) return false;
  return /\.foreign\.|\.nondistributable\./.test(String(layer['mediaType']));
}

function isTextMap(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((entry) => typeof entry === 'string');
}

function invalid(message: string): RegistryError {
  return refuse(400, 'MANIFEST_INVALID', message);
}
