// Lists the packages of an image, from the bill of materials attested of it. Guarantees: a statement counts only when
// it speaks of the digest that was asked for, or of the index it is in, and comes with what its signature is worth
// (attestation.ts).

import { formatReference, type ImageReference, maxBlobBytes, type OciClient, wantedOf } from '../../api/oci-client.ts';
import type { BomFormat, Package } from '../../attestations/documents.ts';
import { type AttestedImage, type Candidate, findCandidates, whyNotBom } from '../../attestations/finding.ts';
import type { Platform } from '../../attestations/platforms.ts';
import {
  probeStatement,
  readDocument,
  readEntries,
  readEnvelope,
  type StatementFacts,
} from '../../attestations/statement.ts';
import type { Context } from '../../cli/context.ts';
import { remembered } from '../../cli/remembered.ts';
import { CliError } from '../../errors.ts';
import { judge, type Trusted, trustedBy } from './attestation.ts';
import { imageOfPlatform, originOf, registryClient } from './open-registry.ts';
import type { SignatureFlags } from './sbom-inputs.ts';
import type { Trust } from './trust.ts';

export interface Sbom {
  /** Path in the registry. */
  readonly repository: string;
  /** Of the image for the platform. */
  readonly digest: string;
  readonly format: BomFormat;
  /** The document as it was attested, JSON. */
  readonly document: Buffer;
  readonly packages: readonly Package[];
  readonly trust: Trust;
  /** How messages call the image. */
  readonly name: string;
}

/**
 * The bill of materials of one platform's image. Throws kind `not-found` when none is attested, and code
 * `sbom.too-large` when the only one there is has more bytes than are read.
 */
export async function readSbom(
  context: Context,
  image: ImageReference,
  platform: Platform,
  flags: SignatureFlags,
): Promise<Sbom> {
  const { registry, repository } = image;
  const client = await registryClient(context, registry);
  const found = await imageOfPlatform(client, repository, wantedOf(image), platform);
  const { digest } = found;
  const bom = await bomOf(context, client, image, found, flags);
  return { ...bom, repository, digest, name: formatReference(image) };
}

const bomOf = remembered(
  async (context: Context, client: OciClient, image: ImageReference, found: AttestedImage, flags: SignatureFlags) =>
    findBom(
      client,
      image.repository,
      found,
      await trustedBy(context, originOf(context, image.registry), flags),
      (others) => missing(formatReference({ ...image, digest: found.digest }), others),
    ),
  (_client, { registry, repository }, { digest }) => `${registry}/${repository}@${digest}`,
);

type Bom = Pick<Sbom, 'format' | 'document' | 'packages' | 'trust'>;

/** The best that is verified; without one the best that is there, a forged one before all others. */
export async function findBom(
  client: Pick<OciClient, 'referrers' | 'manifest' | 'blob'>,
  repository: string,
  image: AttestedImage,
  trusted: Trusted,
  missing: (others: readonly string[]) => CliError,
): Promise<Bom> {
  const { candidates, others } = await findCandidates(
    {
      referrers: (digest) => client.referrers(repository, digest),
      manifest: (reference) => client.manifest(repository, reference).catch(unlessMissing),
    },
    image,
  );
  const rest = [...others];
  let best: Bom | undefined;
  let tooLarge: CliError | undefined;
  for (const candidate of candidates) {
    let bytes: Buffer;
    try {
      bytes = await blobOf(client, repository, candidate);
    } catch (error) {
      if (!(error instanceof CliError) || !isTooLarge(error)) throw error;
      tooLarge = error;
      continue;
    }
    const bom = await bomIn(bytes, candidate, trusted);
    if (typeof bom === 'string') {
      rest.push(bom);
      continue;
    }
    if (bom.trust.kind === 'verified') return bom;
    if (best === undefined || (bom.trust.kind === 'forged' && best.trust.kind !== 'forged')) best = bom;
  }
  if (best !== undefined) return best;
  throw tooLarge ?? missing(rest);
}

async function blobOf(client: Pick<OciClient, 'blob'>, repository: string, { layer }: Candidate): Promise<Buffer> {
  if (layer.size > maxBlobBytes) {
    const limit = `${maxBlobBytes / 1024 / 1024} MiB`;
    throw new CliError(
      'api',
      `The SBOM attestation ${layer.digest} has ${layer.size} bytes; at most ${limit} are read`,
      {
        code: 'sbom.too-large',
      },
    );
  }
  return client.blob(repository, layer.digest);
}

/** Returns whether a build is passed over because what is attested of it is more than is read. */
export const isTooLarge = ({ code }: CliError): boolean => code === 'sbom.too-large' || code === 'api.too-large';

/** Returns what the statement holds instead, where it holds no bill of materials of the image. */
async function bomIn(bytes: Buffer, candidate: Candidate, trusted: Trusted): Promise<Bom | string> {
  try {
    const facts = read(probeStatement(), bytes).facts();
    const reason = whyNotBom(candidate, facts);
    if (reason !== undefined) return reason;
    const packages: Package[] = [];
    read(readEntries(facts, { package: (entry) => packages.push(entry) }), bytes);
    const trust = await judge(readEnvelope(bytes), candidate.layer.annotations ?? {}, trusted);
    return { format: facts.document.format, document: documentIn(bytes, facts), packages, trust };
  } catch (error) {
    // A statement that cannot be read says nothing, and hides nothing.
    if (error instanceof SyntaxError) return 'something that is no statement';
    throw error;
  }
}

function documentIn(bytes: Buffer, facts: StatementFacts): Buffer {
  const pieces: Buffer[] = [];
  // The bytes are those of the document that is kept, or made for the purpose.
  read(
    readDocument(facts, (chunk) => pieces.push(Buffer.from(chunk))),
    bytes,
  );
  return Buffer.concat(pieces);
}

function read<R extends { push(chunk: Uint8Array): void; end(): void }>(reader: R, bytes: Buffer): R {
  reader.push(bytes);
  reader.end();
  return reader;
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof CliError && error.kind === 'not-found') return undefined;
  throw error;
}

function missing(name: string, others: readonly string[]): CliError {
  const there = [...new Set(others)];
  return new CliError('not-found', `No SBOM attestation found for ${name}`, {
    code: 'not-found.sbom',
    hint:
      there.length === 0
        ? 'nothing is attached to it; `cosign attest --type spdxjson` attaches an SBOM'
        : `what is attached to it is ${there.slice(0, 5).join('; ')}${there.length > 5 ? `; and ${there.length - 5} more` : ''}`,
  });
}
