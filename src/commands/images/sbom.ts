// What is in an image, from the bill of materials attested of it. Promises: a statement counts only when it speaks of the
// digest that was asked for, and comes with what its signature is worth (attestation.ts).

import type { KeyObject } from 'node:crypto';
import {
  formatReference,
  type ImageReference,
  type OciClient,
  type OciDescriptor,
  wantedOf,
} from '../../api/oci-client.ts';
import type { Context } from '../../cli/context.ts';
import type { Kind } from '../../cli/define.ts';
import { CliError } from '../../errors.ts';
import { publishedKey, type Trust, trustOf } from './attestation.ts';
import { imageOfPlatform, openRegistry, originOf, type Platform } from './open-registry.ts';

export const platformKind: Kind<Platform> = {
  metavar: 'OS/ARCH',
  parse: (text): Platform => {
    const match = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9]+))?$/.exec(text);
    if (match === null) throw new Error('must be a platform such as "linux/amd64"');
    const [, os = '', architecture = '', variant] = match;
    return { os, architecture, variant };
  },
};

export interface Package {
  readonly name: string;
  readonly version: string;
  /** Package URL. */
  readonly purl: string;
  /** `apk`, `npm`, … */
  readonly type: string;
  /** What the package was built from; its own name unless the document says otherwise. */
  readonly origin: string;
}

export interface Sbom {
  /** Path in the registry. */
  readonly repository: string;
  /** Of the image for the platform. */
  readonly digest: string;
  /** The SPDX document. */
  readonly document: object;
  readonly packages: readonly Package[];
  readonly trust: Trust;
  /** How messages call the image. */
  readonly name: string;
}

/** The bill of materials of one platform's image. Throws kind `not-found` when none is attested. */
export async function readSbom(context: Context, image: ImageReference, platform: Platform): Promise<Sbom> {
  const { registry, repository } = image;
  const client = await context.cached(`registry:${registry}`, async () => openRegistry(context, registry));
  const { digest, attestations } = await imageOfPlatform(client, repository, wantedOf(image), platform);
  const found = await context.cached(`sbom:${registry}/${repository}@${digest}`, async () =>
    findDocument(client, repository, digest, attestations, await publishedKey(context, originOf(context, registry))),
  );
  if (found === undefined) {
    throw new CliError('not-found', `No SBOM attestation found for ${formatReference({ ...image, digest })}`, {
      code: 'not-found.sbom',
    });
  }
  const { document, trust } = found;
  return { repository, digest, document, packages: packagesOf(document), trust, name: formatReference(image) };
}

const spdx = /^https:\/\/spdx\.dev\/Document(?:\/v2\.[0-9]+)?$/;
const envelopeTypes =
  /^application\/(?:vnd\.dsse\.envelope\.v1\+json|vnd\.dev\.sigstore\.bundle[.+].*|vnd\.in-toto\+json)$/;

interface FoundDocument {
  readonly document: object;
  readonly trust: Trust;
}

/** The newest that is verified; without one the newest that is there, a forged one before all others. */
async function findDocument(
  client: OciClient,
  repository: string,
  digest: string,
  attestations: readonly string[],
  key: KeyObject | undefined,
): Promise<FoundDocument | undefined> {
  const referrers = [...(await client.referrers(repository, digest))].sort((a, b) => madeAt(b) - madeAt(a));
  // cosign before referrers: one manifest under a tag made of the digest.
  const tag = `${digest.replace(':', '-')}.att`;
  let best: FoundDocument | undefined;
  for (const reference of [...referrers.map((one) => one.digest), ...attestations, tag]) {
    const manifest = await client.manifest(repository, reference).catch(unlessMissing);
    // Whoever attests again, because the first document was wrong, has cosign add a layer behind the others.
    for (const layer of [...(manifest?.layers ?? [])].reverse()) {
      const predicate = layer.annotations?.['predicateType'] ?? layer.annotations?.['in-toto.io/predicate-type'];
      if (!envelopeTypes.test(layer.mediaType) || (predicate !== undefined && !spdx.test(predicate))) continue;
      const found = documentIn(await client.blob(repository, layer.digest), digest, key);
      if (found?.trust.kind === 'verified') return found;
      if (best === undefined || found?.trust.kind === 'forged') best = found ?? best;
    }
  }
  return best;
}

const madeAt = ({ annotations }: OciDescriptor): number =>
  Date.parse(annotations?.['org.opencontainers.image.created'] ?? '') || 0;

function unlessMissing(error: unknown): undefined {
  if (error instanceof CliError && error.kind === 'not-found') return undefined;
  throw error;
}

/** The SPDX document of a DSSE envelope, bare or in a bundle, or of a bare statement. What cannot be read says nothing. */
function documentIn(text: string, digest: string, key: KeyObject | undefined): FoundDocument | undefined {
  try {
    const outer = fields(JSON.parse(text));
    const envelope = outer['dsseEnvelope'] === undefined ? outer : fields(outer['dsseEnvelope']);
    const payload = envelope['payload'];
    const statement =
      typeof payload === 'string' ? fields(JSON.parse(Buffer.from(payload, 'base64').toString('utf8'))) : envelope;
    const [algorithm = '', hex] = digest.split(':');
    const subjects = list(statement['subject']);
    const isAbout = subjects.some((subject) => fields(subject['digest'])[algorithm] === hex);
    if (!isAbout || !spdx.test(String(statement['predicateType']))) return undefined;
    const { predicate } = statement;
    // cosign used to write the document as text inside its own frame.
    const data = fields(predicate)['Data'];
    const document: unknown = typeof data === 'string' ? JSON.parse(data) : predicate;
    if (typeof document !== 'object' || document === null) return undefined;
    return { document, trust: trustOf(envelope, key) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Packages with a package URL, in the document's order; the image itself is none. */
function packagesOf(document: object): Package[] {
  return list(fields(document)['packages']).flatMap((entry) => {
    const reference = list(entry['externalRefs']).find((one) => one['referenceType'] === 'purl');
    const purl = reference?.['referenceLocator'];
    if (typeof purl !== 'string') return [];
    const type = /^pkg:([a-z0-9.+-]+)\//i.exec(purl)?.[1]?.toLowerCase();
    if (type === undefined || type === 'oci') return [];
    const name = text(entry['name']);
    const origin =
      new URLSearchParams(/\?([^#]*)/.exec(purl)?.[1] ?? '').get('origin') ??
      /^built from (\S+)$/.exec(text(entry['sourceInfo']))?.[1] ??
      name;
    return [{ name, version: text(entry['versionInfo']), purl, type, origin }];
  });
}

/** What makes two packages the same thing in another version: its package URL up to the version. */
export const identityOf = (purl: string): string => purl.replace(/[?#].*$/, '').replace(/@[^/]*$/, '');

const fields = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const list = (value: unknown) => (Array.isArray(value) ? value.map(fields) : []);
const text = (value: unknown) => (typeof value === 'string' ? value : '');
