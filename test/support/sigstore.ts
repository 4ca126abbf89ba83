// A certificate authority, a certificate log and a signature log of sigstore's kind, made anew for each test, and what is signed
// with them. Nothing listens: their libraries are called.

import { createHash, generateKeyPairSync, type KeyPairKeyObjectResult, sign } from 'node:crypto';
import { initializeCA, initializeTLog, initializeTSA } from '@sigstore/mock';

const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
/** Of sigstore's algorithm registry. */
const hashes: Readonly<Record<string, string>> = { prime256v1: 'sha256', secp384r1: 'sha384', secp521r1: 'sha512' };
const inTotoType = 'application/vnd.in-toto+json';

export interface KeylessSignature {
  /** DSSE envelope. */
  readonly envelope: { readonly payload: string; readonly payloadType: string; readonly signatures: readonly object[] };
  /** Annotations of a layer, as cosign writes them. */
  readonly annotations: Readonly<Record<string, string>>;
  /** The same as a bundle of version 0.3. */
  readonly bundle: object;
}

/** What Rekor answers (its OpenAPI, `LogEntry`). */
interface LoggedEntry {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly verification: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof: {
      readonly logIndex: number;
      readonly rootHash: string;
      readonly treeSize: number;
      readonly checkpoint: string;
    };
  };
}

export async function startSigstore() {
  const [caKeys, logKeys, certificateLogKeys] = [pair(), pair(), pair()];
  const certificateLog = certificateLogOf(certificateLogKeys);
  const authority = await initializeCA(caKeys, certificateLog);
  const log = await initializeTLog('https://rekor.example', logKeys);
  const stamps = await initializeTSA(pair());
  const validFor = { start: '2020-01-01T00:00:00Z' };
  const logOf = (publicKey: Buffer) => ({
    baseUrl: 'https://rekor.example',
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: publicKey.toString('base64'), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
    logId: { keyId: createHash('sha256').update(publicKey).digest('base64') },
  });
  return {
    /** What `trusted_root.json` holds. */
    root: {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [logOf(log.publicKey)],
      certificateAuthorities: [
        {
          subject: { organization: 'sigstore.mock', commonName: 'sigstore' },
          uri: 'https://fulcio.example',
          certChain: { certificates: [{ rawBytes: authority.rootCertificate.toString('base64') }] },
          validFor,
        },
      ],
      ctlogs: [logOf(certificateLog.publicKey)],
      timestampAuthorities: [
        {
          subject: { organization: 'sigstore.mock', commonName: 'tsa' },
          uri: 'https://tsa.example',
          certChain: {
            certificates: [stamps.intCertificate, stamps.rootCertificate].map((one) => ({
              rawBytes: one.toString('base64'),
            })),
          },
          validFor,
        },
      ],
    },
    logKey: logKeys.publicKey.export({ type: 'spki', format: 'pem' }) as string,
    rootCertificate: pemOf(authority.rootCertificate),

    /** A payload as cosign 2 signs it: annotations of its layer. Without `key` with a certificate made for it. */
    async signPayload(
      payload: string,
      who: { identity: string; issuer: string } | { key: KeyPairKeyObjectResult },
      beside: { log?: boolean; stamp?: boolean } = {},
    ): Promise<Readonly<Record<string, string>>> {
      const { publicKey, privateKey } = 'key' in who ? who.key : pair();
      const certificate =
        'key' in who
          ? undefined
          : pemOf(
              await authority.issueCertificate({
                publicKey: publicKey.export({ type: 'spki', format: 'der' }),
                subjectAltName: who.identity,
                extensions: [{ oid: '1.3.6.1.4.1.57264.1.8', value: who.issuer }],
              }),
            );
      const hash = hashes[privateKey.asymmetricKeyDetails?.namedCurve ?? ''];
      const signature = sign(hash, Buffer.from(payload), privateKey);
      const verifier = certificate ?? String(publicKey.export({ type: 'spki', format: 'pem' }));
      const annotations: Record<string, string> = {
        'dev.cosignproject.cosign/signature': signature.toString('base64'),
        ...(certificate === undefined ? {} : { 'dev.sigstore.cosign/certificate': certificate }),
      };
      if (beside.log === true) {
        const entries = await log.log({
          apiVersion: '0.0.1',
          kind: 'hashedrekord',
          spec: {
            data: { hash: { algorithm: 'sha256', value: createHash('sha256').update(payload).digest('hex') } },
            signature: {
              content: signature.toString('base64'),
              publicKey: { content: Buffer.from(verifier).toString('base64') },
            },
          },
        });
        const [entry] = Object.values(entries as Readonly<Record<string, LoggedEntry>>);
        if (entry === undefined) throw new Error('the log has no answer');
        const { body, integratedTime, logID, logIndex, verification } = entry;
        annotations['dev.sigstore.cosign/bundle'] = JSON.stringify({
          SignedEntryTimestamp: verification.signedEntryTimestamp,
          Payload: { body, integratedTime, logIndex, logID },
        });
      }
      if (beside.stamp === true) {
        const asked = {
          artifactHash: createHash('sha256').update(signature).digest(),
          hashAlgorithmOID: '2.16.840.1.101.3.4.2.1',
          nonce: 1,
          policyOID: '1.2.3',
        };
        let stamp = await stamps.timestamp(asked);
        // The library reads fractions of a second with three digits only, and DER leaves zeros at the end out.
        while (!/\d{14}\.\d{3}Z/.test(stamp.toString('latin1'))) stamp = await stamps.timestamp(asked);
        annotations['dev.sigstore.cosign/rfc3161timestamp'] = JSON.stringify({
          SignedRFC3161Timestamp: stamp.toString('base64'),
        });
      }
      return annotations;
    },

    async sign(statement: string, identity: string, issuer: string): Promise<KeylessSignature> {
      const { publicKey, privateKey } = pair();
      const certificate = await authority.issueCertificate({
        publicKey: publicKey.export({ type: 'spki', format: 'der' }),
        subjectAltName: identity,
        extensions: [{ oid: '1.3.6.1.4.1.57264.1.8', value: issuer }],
      });
      const payload = Buffer.from(statement);
      const head = Buffer.from(`DSSEv1 ${inTotoType.length} ${inTotoType} ${payload.length} `);
      const signature = sign('sha256', Buffer.concat([head, payload]), privateKey).toString('base64');
      const envelope = {
        payload: payload.toString('base64'),
        payloadType: inTotoType,
        signatures: [{ keyid: '', sig: signature }],
      };
      const pem = `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`;
      const hash = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');
      const entries = await log.log({
        apiVersion: '0.0.1',
        kind: 'dsse',
        spec: {
          envelopeHash: { algorithm: 'sha256', value: hash(JSON.stringify(envelope)) },
          payloadHash: { algorithm: 'sha256', value: hash(payload) },
          signatures: [{ signature, verifier: Buffer.from(pem).toString('base64') }],
        },
      });
      const [entry] = Object.values(entries as Readonly<Record<string, LoggedEntry>>);
      if (entry === undefined) throw new Error('the log has no answer');
      const { body, integratedTime, logID, logIndex, verification } = entry;
      const proof = verification.inclusionProof;
      return {
        envelope,
        annotations: {
          'dev.sigstore.cosign/certificate': pem,
          'dev.sigstore.cosign/bundle': JSON.stringify({
            SignedEntryTimestamp: verification.signedEntryTimestamp,
            Payload: { body, integratedTime, logIndex, logID },
          }),
        },
        bundle: {
          mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
          verificationMaterial: {
            certificate: { rawBytes: certificate.toString('base64') },
            tlogEntries: [
              {
                logIndex: String(logIndex),
                logId: { keyId: Buffer.from(logID, 'hex').toString('base64') },
                kindVersion: { kind: 'dsse', version: '0.0.1' },
                integratedTime: String(integratedTime),
                inclusionPromise: { signedEntryTimestamp: verification.signedEntryTimestamp },
                inclusionProof: {
                  logIndex: String(proof.logIndex),
                  rootHash: Buffer.from(proof.rootHash, 'hex').toString('base64'),
                  treeSize: String(proof.treeSize),
                  hashes: [],
                  checkpoint: { envelope: proof.checkpoint },
                },
                canonicalizedBody: body,
              },
            ],
          },
          dsseEnvelope: envelope,
        },
      };
    },
  };
}

const pemOf = (certificate: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`;

/** Gives signed timestamps of certificates (RFC 6962, 3.2). The library's own makes empty ones with today's encoders. */
function certificateLogOf({ publicKey, privateKey }: KeyPairKeyObjectResult) {
  const key = publicKey.export({ type: 'spki', format: 'der' });
  const logID = createHash('sha256').update(key).digest();
  return {
    publicKey: key,
    logID,
    async log(certificate: ArrayBuffer, issuer: ArrayBuffer): Promise<ArrayBuffer> {
      const body = toBeSigned(Buffer.from(certificate));
      const time = Buffer.alloc(8);
      time.writeBigUInt64BE(BigInt(Date.now()));
      const entry = [
        Buffer.from([0, 0]),
        time,
        Buffer.from([0, 1]),
        Buffer.from(issuer),
        sized(body, 3),
        Buffer.from([0, 0]),
      ];
      const signature = sign('sha256', Buffer.concat(entry), privateKey);
      const timestamp = Buffer.concat([Buffer.from([0]), logID, time, Buffer.from([0, 0, 4, 3]), sized(signature, 2)]);
      return Uint8Array.from(sized(timestamp, 2)).buffer;
    },
  };
}

/** Bytes behind their length. */
function sized(bytes: Buffer, width: number): Buffer {
  const length = Buffer.alloc(width);
  length.writeUIntBE(bytes.length, 0, width);
  return Buffer.concat([length, bytes]);
}

/** The first element of a certificate in DER. */
function toBeSigned(certificate: Buffer): Buffer {
  const inner = certificate.subarray(contentAt(certificate));
  const start = contentAt(inner);
  const length = start === 2 ? (inner[1] ?? 0) : inner.readUIntBE(2, start - 2);
  return inner.subarray(0, start + length);
}

/** Returns where the content of an element begins: behind its tag and a length of one byte or more. */
const contentAt = (element: Buffer): number => ((element[1] ?? 0) < 0x80 ? 2 : 2 + ((element[1] ?? 0) & 0x7f));
