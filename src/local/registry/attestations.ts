// Reads and writes attestations of an image: in-toto statements in DSSE envelopes, kept as OCI manifests that refer to
// it. Guarantees: what is found here speaks of the digest asked for; whether its signature is good is for the reader to
// check.

import { sign } from 'node:crypto';
import { preAuthEncoding } from '../../trust/signature.ts';
import type { AttestationKey } from '../keys/attestation-key.ts';
import { digestOf } from '../store/digest.ts';
import { type Descriptor, mediaTypes } from './manifest.ts';

export const spdxPredicate = 'https://spdx.dev/Document';
export const attestationTypes = {
  /** Media type of an attestation that cosign attaches by reference. */
  artifact: 'application/vnd.dev.cosign.artifact.att.v1+json',
  envelope: 'application/vnd.dsse.envelope.v1+json',
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
  /** Tag where clients look that do not know referrers: `sha256-<hex>.att`. */
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
