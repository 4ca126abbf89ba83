// Signatures and attestations of an image, wherever cosign has put them: under tags made of the digest, and among the
// referrers as bundles (enforce.md 2). Guarantees: what is found speaks of the digest that was asked for, or is left out; how
// much is read has a limit; nothing here is verified yet.

import { createHash } from 'node:crypto';
import { logEntries, timestamps } from '../../attestations/cosign-annotations.ts';
import { preAuthEncoding } from '../../trust/signature.ts';
import type { Descriptor, Repository } from './surroundings.ts';

/** Something that was signed about an image. */
export interface Signed {
  /** Digest of the layer that holds it. */
  readonly id: string;
  /** Undefined for a signature of the image itself. */
  readonly predicateType: string | undefined;
  /** The in-toto statement of an attestation. */
  readonly statement: Readonly<Record<string, unknown>> | undefined;
  /** The bytes that the signature is about. */
  readonly signedBytes: Buffer;
  readonly signatures: readonly Buffer[];
  /** The same as a sigstore bundle. Without `verificationMaterial.certificate` or its chain it was made with a key. */
  readonly bundle: Readonly<Record<string, unknown>>;
  readonly hasCertificate: boolean;
}

const simpleSigning = 'application/vnd.dev.cosign.simplesigning.v1+json';
const dsseType = 'application/vnd.dsse.envelope.v1+json';
const bundleType = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v[0-9.]+\+json|\+json;\s*version=[0-9.]+)$/;
/** Predicate of what cosign 3 signs an image with. */
export const signPredicate = 'https://sigstore.dev/cosign/sign/v1';

/** Layers and referrers looked at for one image; whoever pushes more wants to keep us busy. */
const maxSignaturesRead = 200;

/** `tagPrefix` stands before the tag, which holds `what` alone. Order: the tag first, then referrers, which hold both. */
export async function findSigned(
  repository: Repository,
  digest: string,
  what: 'signature' | 'attestation',
  tagPrefix = '',
): Promise<Signed[]> {
  const tag = `${tagPrefix}${digest.replace(':', '-')}.${what === 'signature' ? 'sig' : 'att'}`;
  const [tagged, referrers] = await Promise.all([repository.manifest(tag), repository.referrers(digest)]);
  const bundles = await Promise.all(
    referrers
      .filter(({ artifactType, mediaType }) => bundleType.test(artifactType ?? mediaType))
      .slice(0, maxSignaturesRead)
      .map(({ digest: one }) => repository.manifest(one)),
  );
  const layers = [tagged, ...bundles].flatMap((manifest) => manifest?.layers ?? []);
  const seen = new Set<string>();
  const unique = layers.filter(({ digest: id, annotations }) => {
    // Two signatures with one payload are two layers of one digest.
    const key = `${id} ${annotations?.[signatureKey] ?? ''}`;
    return !seen.has(key) && seen.add(key);
  });
  const found = await Promise.all(
    unique.slice(0, maxSignaturesRead).map(async (layer) => {
      if (layer.mediaType !== simpleSigning && layer.mediaType !== dsseType && !bundleType.test(layer.mediaType))
        return [];
      return readLayer(layer, await repository.blob(layer.digest), digest);
    }),
  );
  return found.flat();
}

const signatureKey = 'dev.cosignproject.cosign/signature';

function readLayer(layer: Descriptor, bytes: Buffer, digest: string): Signed[] {
  try {
    if (layer.mediaType === simpleSigning) return simple(layer, bytes, digest);
    const value = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    if (layer.mediaType === dsseType) return envelope(layer, value, materialOf(layer.annotations), digest);
    const material = value['verificationMaterial'] as Record<string, unknown> | undefined;
    const inner = value['dsseEnvelope'] as Record<string, unknown> | undefined;
    return inner === undefined || material === undefined ? [] : envelope(layer, inner, material, digest, value);
  } catch {
    // Whoever may push may push what is no signature; it counts as none.
    return [];
  }
}

/** Returns what cosign 2 signs: a document that names the digest. */
function simple(layer: Descriptor, bytes: Buffer, digest: string): Signed[] {
  const { critical } = JSON.parse(bytes.toString('utf8')) as {
    critical?: { type?: string; image?: { 'docker-manifest-digest'?: string } };
  };
  const text = layer.annotations?.[signatureKey];
  if (text === undefined || critical?.image?.['docker-manifest-digest'] !== digest) return [];
  const material = materialOf(layer.annotations);
  const messageDigest = { algorithm: 'SHA2_256', digest: createHash('sha256').update(bytes).digest('base64') };
  return [
    {
      id: layer.digest,
      predicateType: undefined,
      statement: undefined,
      signedBytes: bytes,
      signatures: [Buffer.from(text, 'base64')],
      bundle: {
        mediaType: oldBundle,
        verificationMaterial: material,
        messageSignature: { messageDigest, signature: text },
      },
      hasCertificate: hasCertificate(material),
    },
  ];
}

const oldBundle = 'application/vnd.dev.sigstore.bundle+json;version=0.1';

function envelope(
  layer: Descriptor,
  dsse: Record<string, unknown>,
  material: Record<string, unknown>,
  digest: string,
  bundle?: Record<string, unknown>,
): Signed[] {
  const { payload, payloadType, signatures } = dsse as {
    payload?: string;
    payloadType?: string;
    signatures?: { sig?: string }[];
  };
  if (typeof payload !== 'string' || typeof payloadType !== 'string' || !Array.isArray(signatures)) return [];
  const body = Buffer.from(payload, 'base64');
  const statement = JSON.parse(body.toString('utf8')) as {
    predicateType?: string;
    subject?: { digest?: Record<string, string> }[];
  };
  const [algorithm = '', hex] = digest.split(':');
  if (!(statement.subject ?? []).some((one) => one.digest?.[algorithm] === hex)) return [];
  const predicate = String(statement.predicateType ?? '');
  return [
    {
      id: layer.digest,
      predicateType: predicate === signPredicate ? undefined : predicate,
      statement: statement as Record<string, unknown>,
      signedBytes: preAuthEncoding(payloadType, body),
      signatures: signatures.flatMap(({ sig }) => (typeof sig === 'string' ? Buffer.from(sig, 'base64') : [])),
      bundle: bundle ?? { mediaType: oldBundle, verificationMaterial: material, dsseEnvelope: dsse },
      hasCertificate: hasCertificate(material),
    },
  ];
}

const hasCertificate = (material: Record<string, unknown>): boolean =>
  material['certificate'] !== undefined || material['x509CertificateChain'] !== undefined;

/** Annotations of cosign in the form of a bundle (sigstore protobuf specification). */
function materialOf(annotations: Readonly<Record<string, string>> = {}): Record<string, unknown> {
  const certificate = annotations['dev.sigstore.cosign/certificate'];
  const entries = logEntries(annotations['dev.sigstore.cosign/bundle']);
  const chain = [certificate, annotations['dev.sigstore.cosign/chain']].flatMap(certificatesIn);
  return {
    ...(certificate === undefined || certificate === ''
      ? { publicKey: { hint: '' } }
      : { x509CertificateChain: { certificates: chain.map((rawBytes) => ({ rawBytes })) } }),
    tlogEntries: entries,
    ...timestamps(annotations['dev.sigstore.cosign/rfc3161timestamp']),
  };
}

const certificatesIn = (pem = ''): string[] =>
  [...pem.matchAll(/-----BEGIN CERTIFICATE-----([\s\S]*?)-----END CERTIFICATE-----/g)].map(([, body = '']) =>
    body.replace(/\s/g, ''),
  );
