// Reads a certificate request: a public key, and the proof that whoever asks has the private one, which is a signature
// of the signer's name or a certificate signing request (Fulcio's API, v1 and v2). Guarantees: a key without proof, or
// one too weak to sign with, gets no certificate.

import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { invalidArgument } from '../core/failures.ts';

export interface CertificateRequest {
  /** PEM, or DER in base64. */
  readonly publicKey: string | undefined;
  /** Base64. */
  readonly proof: string | undefined;
  /** Base64 of PEM. */
  readonly signingRequest: string | undefined;
}

/** Bodies of both versions. Throws INVALID_ARGUMENT. */
export function readRequest(body: unknown): CertificateRequest {
  const fields = objectOf(body);
  const inner = fields['publicKeyRequest'] === undefined ? fields : objectOf(fields['publicKeyRequest']);
  return {
    publicKey: textOf(objectOf(inner['publicKey'])['content']),
    proof: textOf(inner['proofOfPossession']) ?? textOf(inner['signedEmailAddress']),
    signingRequest: textOf(fields['certificateSigningRequest']),
  };
}

/** Returns the key that was proved. `name` is what a signature has to be of. Throws INVALID_ARGUMENT. */
export async function provedKey(request: CertificateRequest, name: string): Promise<KeyObject> {
  if (request.signingRequest !== undefined) return keyOfSigningRequest(request.signingRequest);
  if (request.publicKey === undefined || request.proof === undefined) {
    throw invalidArgument(
      'the request needs a public key with a proof of possession, or a certificate signing request',
    );
  }
  const key = checkKey(readKey(request.publicKey));
  const signature = Buffer.from(request.proof, 'base64');
  if (hashesOf(key).some((hash) => isSigned(hash, name, key, signature))) return key;
  throw invalidArgument(`the proof of possession is no signature of ${JSON.stringify(name)} with the public key`);
}

async function keyOfSigningRequest(text: string): Promise<KeyObject> {
  const wrong = () => invalidArgument('the certificate signing request cannot be read');
  let request: Pkcs10CertificateRequest;
  try {
    request = new Pkcs10CertificateRequest(Buffer.from(text, 'base64').toString('utf8'));
  } catch {
    throw wrong();
  }
  const key = checkKey(readKey(Buffer.from(request.publicKey.rawData).toString('base64')));
  const isGood = await request.verify().catch(() => false);
  if (!isGood) throw invalidArgument('the certificate signing request is not signed with its own key');
  return key;
}

function readKey(content: string): KeyObject {
  // The first version has bytes in base64, be they DER or the text of PEM; the second has the text.
  const bytes = content.includes('-----BEGIN') ? Buffer.from(content) : Buffer.from(content, 'base64');
  const isText = bytes.includes('-----BEGIN');
  try {
    if (bytes.includes('PRIVATE KEY')) throw new TypeError('not a public key');
    return isText ? createPublicKey(bytes) : createPublicKey({ key: bytes, format: 'der', type: 'spki' });
  } catch {
    throw invalidArgument('the public key cannot be read; it must be PEM, or DER in base64');
  }
}

const curves = ['prime256v1', 'secp384r1', 'secp521r1'];

function checkKey(key: KeyObject): KeyObject {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (key.type === 'public') {
    if (type === 'ed25519') return key;
    if (type === 'ec' && curves.includes(details?.namedCurve ?? '')) return key;
    const bits = details?.modulusLength ?? 0;
    if (type === 'rsa' && bits >= 2048 && bits <= 8192) return key;
  }
  throw invalidArgument('the public key must be ECDSA on P-256, P-384 or P-521, Ed25519, or RSA of 2048 bits or more');
}

/** Clients differ in the hash that they take for the larger curves. */
const hashesOf = ({ asymmetricKeyType }: KeyObject): readonly (string | null)[] =>
  asymmetricKeyType === 'ed25519' ? [null] : ['sha256', 'sha384', 'sha512'];

function isSigned(hash: string | null, name: string, key: KeyObject, signature: Buffer): boolean {
  try {
    return verify(hash, Buffer.from(name), key, signature);
  } catch {
    return false;
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalidArgument('the body is no certificate request');
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
