// Images as the store has them, read for the API: configs, sizes, what is attested. Guarantees: reads only what the
// repository holds; a manifest that is an index is answered for one architecture of it.

import type { Tx } from '../store/database.ts';
import { type Descriptor, mediaTypes } from './manifest.ts';
import type { Repository } from './repositories.ts';
import { findManifest } from './stored-manifests.ts';

export type ReadBlob = (digest: string) => Uint8Array | undefined;

export interface ImageManifest {
  readonly digest: string;
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** One image behind a digest; several when it is an index. */
export interface ImageOfPlatform {
  readonly manifest: ImageManifest;
  /** OCI's word, `amd64`; empty when nothing says. With its variant, `arm/v7`. */
  readonly architecture: string;
}

export interface ImageConfigDocument {
  readonly architecture?: string;
  readonly created?: string;
  readonly config?: {
    readonly User?: string;
    readonly ExposedPorts?: Readonly<Record<string, object>>;
    readonly Env?: readonly string[];
    readonly Entrypoint?: readonly string[];
    readonly Cmd?: readonly string[];
    readonly Volumes?: Readonly<Record<string, object>>;
    readonly WorkingDir?: string;
    readonly Labels?: Readonly<Record<string, string>>;
    readonly StopSignal?: string;
  };
}

interface PlatformDescriptor extends Descriptor {
  readonly platform?: { readonly architecture?: string; readonly variant?: string; readonly os?: string };
}

/** The images a digest or tag stands for; none when the repository has no such manifest. Attestations are left out. */
export function imagesOf(tx: Tx, repository: Repository, reference: string, readBlob: ReadBlob): ImageOfPlatform[] {
  const stored = findManifest(tx, repository, reference);
  if (stored === undefined) return [];
  const document = JSON.parse(new TextDecoder().decode(stored.content)) as {
    manifests?: PlatformDescriptor[];
  };
  if (document.manifests === undefined) {
    const manifest = toManifest(stored.digest, document);
    return [{ manifest, architecture: configOf(manifest, readBlob)?.architecture ?? '' }];
  }
  return document.manifests.flatMap((entry) => {
    const { architecture = '', variant, os } = entry.platform ?? {};
    // Buildkit files its attestations under this platform.
    if (os === 'unknown' && architecture === 'unknown') return [];
    const child = findManifest(tx, repository, entry.digest);
    if (child === undefined || child.mediaType === mediaTypes.ociIndex || child.mediaType === mediaTypes.dockerList) {
      return [];
    }
    const manifest = toManifest(child.digest, JSON.parse(new TextDecoder().decode(child.content)) as object);
    return [{ manifest, architecture: variant === undefined ? architecture : `${architecture}/${variant}` }];
  });
}

/** The image for an architecture in OCI's or apk's words; the first when none is asked for. */
export function imageFor(images: readonly ImageOfPlatform[], architecture: string): ImageOfPlatform | undefined {
  if (architecture === '') return images[0];
  const wanted = ociArchitecture(architecture);
  return images.find((image) => image.architecture === wanted || image.architecture.startsWith(`${wanted}/`));
}

export function ociArchitecture(text: string): string {
  return (
    { x86_64: 'amd64', aarch64: 'arm64', armv7: 'arm/v7' }[text.replace(/^linux\//, '')] ?? text.replace(/^linux\//, '')
  );
}

/** Undefined for what is no image: charts and other artifacts have configs of their own. */
export function configOf(manifest: ImageManifest, readBlob: ReadBlob): ImageConfigDocument | undefined {
  if (!/\.image\.|container\.image/.test(manifest.config.mediaType)) return undefined;
  try {
    const bytes = readBlob(manifest.config.digest);
    const document: unknown = bytes && JSON.parse(new TextDecoder().decode(bytes));
    return typeof document === 'object' && document !== null ? (document as ImageConfigDocument) : undefined;
  } catch (error) {
    // The registry takes any bytes for a config, however many.
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Bytes of config and layers, as they are stored. */
export function sizeOf(manifest: ImageManifest): number {
  return manifest.layers.reduce((sum, layer) => sum + layer.size, manifest.config.size);
}

function toManifest(digest: string, document: object): ImageManifest {
  const { config, layers, annotations, artifactType } = document as Partial<ImageManifest>;
  if (config === undefined) throw new TypeError('an image manifest is stored with a config');
  return { digest, artifactType, annotations: annotations ?? {}, config, layers: layers ?? [] };
}
