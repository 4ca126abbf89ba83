// What is attested of an image: in-toto statements in DSSE envelopes, kept as OCI manifests that refer to it. Promises:
// what is found here speaks of the digest asked for; whether its signature is good is for the reader to check.

import { sign } from 'node:crypto';
import type { Tx } from '../store/database.ts';
import { digestOf } from '../store/digest.ts';
import type { AttestationKey } from './attestation-key.ts';
import { type Descriptor, mediaTypes } from './manifest.ts';

export const spdxPredicate = 'https://spdx.dev/Document';
export const attestationTypes = {
  /** What cosign calls an attestation it attaches by reference. */
  artifact: 'application/vnd.dev.cosign.artifact.att.v1+json',
  envelope: 'application/vnd.dsse.envelope.v1+json',
  bundle: /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.[0-9]+\+json|\+json;version=0\.[0-9]+)$/,
  inToto: 'application/vnd.in-toto+json',
} as const;

export interface Statement {
  readonly predicateType: string;
  readonly predicate: unknown;
}

/** The two blobs and the manifest of a signed statement about one manifest. */
export interface Attestation {
  readonly manifest: Buffer;
  readonly blobs: readonly { readonly digest: string; readonly bytes: Buffer }[];
  /** Where clients look that do not know referrers: `sha256-<hex>.att`. */
  readonly tag: string;
}

export interface AttestedSubject {
  /** Repository as clients name it, without host. */
  readonly name: string;
  readonly descriptor: Descriptor;
}

/** `created` is RFC 3339. */
export function attest(
  key: AttestationKey,
  subject: AttestedSubject,
  statement: Statement,
  created: string,
): Attestation {
  const [algorithm = '', hex = ''] = subject.descriptor.digest.split(':');
  const payload = Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v0.1',
      predicateType: statement.predicateType,
      subject: [{ name: subject.name, digest: { [algorithm]: hex } }],
      predicate: statement.predicate,
    }),
  );
  const signature = sign('sha256', preAuthEncoding(attestationTypes.inToto, payload), key.privateKey);
  const envelope = Buffer.from(
    JSON.stringify({
      payloadType: attestationTypes.inToto,
      payload: payload.toString('base64'),
      signatures: [{ keyid: key.keyId, sig: signature.toString('base64') }],
    }),
  );
  const config = Buffer.from(
    JSON.stringify({
      architecture: '',
      created,
      os: '',
      config: {},
      rootfs: { type: 'layers', diff_ids: [digestOf(envelope)] },
      history: [{ created }],
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      artifactType: attestationTypes.artifact,
      config: { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length },
      layers: [
        {
          mediaType: attestationTypes.envelope,
          digest: digestOf(envelope),
          size: envelope.length,
          // cosign expects the first, empty where the signature is in the envelope, and filters by the second.
          annotations: { 'dev.cosignproject.cosign/signature': '', predicateType: statement.predicateType },
        },
      ],
      subject: subject.descriptor,
      annotations: {
        'org.opencontainers.image.created': created,
        'in-toto.io/predicate-type': statement.predicateType,
      },
    }),
  );
  const blobs = [config, envelope].map((bytes) => ({ digest: digestOf(bytes), bytes }));
  return { manifest, blobs, tag: `${algorithm}-${hex}.att` };
}

/** What DSSE signs: type and payload with their lengths, so that neither can be taken for the other. */
export function preAuthEncoding(type: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

/** Statements of one type about a manifest of the repository, the newest first. */
export function findStatements(
  tx: Tx,
  repo: string,
  subject: string,
  predicateType: string | RegExp,
  readBlob: (digest: string) => Uint8Array | undefined,
): Statement[] {
  const rows = tx.all(
    `SELECT created_at, digest, content FROM manifests WHERE repo = ?1 AND subject = ?2
     UNION SELECT m.created_at, m.digest, m.content FROM tags t JOIN manifests m ON m.repo = t.repo AND m.digest = t.digest
       WHERE t.repo = ?1 AND t.name = ?3
     ORDER BY 1 DESC, 2`,
    repo,
    subject,
    `${subject.replace(':', '-')}.att`,
  );
  return rows
    .flatMap((row) => {
      const content = row['content'];
      if (!(content instanceof Uint8Array)) return [];
      // cosign adds behind what is there already.
      return layersOf(content)
        .reverse()
        .flatMap((layer) => statementsIn(layer, readBlob));
    })
    .filter((found): found is FoundStatement => {
      const isWanted =
        typeof predicateType === 'string'
          ? found.predicateType === predicateType
          : predicateType.test(found.predicateType);
      return isWanted && found.subjects.includes(subject);
    });
}

interface FoundStatement extends Statement {
  readonly subjects: readonly string[];
}

function layersOf(manifest: Uint8Array): Descriptor[] {
  // It was parsed when it was pushed.
  const { layers = [] } = JSON.parse(new TextDecoder().decode(manifest)) as { layers?: Descriptor[] };
  return layers;
}

/** Whatever anybody attached: what cannot be read says nothing. */
function statementsIn(layer: Descriptor, readBlob: (digest: string) => Uint8Array | undefined): FoundStatement[] {
  const isEnvelope = layer.mediaType === attestationTypes.envelope;
  const isBundle = attestationTypes.bundle.test(layer.mediaType);
  if (!isEnvelope && !isBundle && layer.mediaType !== attestationTypes.inToto) return [];
  try {
    const document = parseObject(new TextDecoder().decode(readBlob(layer.digest)));
    if (layer.mediaType === attestationTypes.inToto) return [toStatement(document)];
    const envelope = isBundle ? asObject(document['dsseEnvelope']) : document;
    return [toStatement(parseObject(Buffer.from(String(envelope['payload']), 'base64').toString()))];
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError) return [];
    throw error;
  }
}

function toStatement(document: Record<string, unknown>): FoundStatement {
  const subjects = Array.isArray(document['subject']) ? document['subject'] : [];
  return {
    predicateType: String(document['predicateType']),
    predicate: document['predicate'],
    subjects: subjects.flatMap((subject) =>
      Object.entries(asObject(asObject(subject)['digest'])).map(([algorithm, hex]) => `${algorithm}:${hex}`),
    ),
  };
}

function parseObject(text: string): Record<string, unknown> {
  return asObject(JSON.parse(text));
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('not an object');
  return value as Record<string, unknown>;
}
