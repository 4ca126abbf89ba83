// The encrypted session of a headless login (semantics 3.7, protocols 2.1), both ends of it. Guarantees: the token is
// readable by nobody but who made the code; all-zero secrets are refused; what does not decrypt is an error.

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  type KeyObject,
} from 'node:crypto';
import { newKeyPair } from '../key-pairs.ts';

/** A code that somebody may sign in for, and the key that reads the answer. */
export interface HeadlessKey {
  /** Unpadded base64url of the public key, 43 characters. */
  readonly code: string;
  readonly privateKey: KeyObject;
}

/** As the wire carries it: both fields standard base64, the first of them of base64url text. */
export interface SealedSession {
  readonly ecdhPublicKey: string;
  readonly encryptedIdtoken: string;
}

const nonceBytes = 12;
const tagBytes = 16;

export function createHeadlessKey(): HeadlessKey {
  const { privateKey } = newKeyPair('x25519');
  return { code: codeOf(privateKey), privateKey };
}

/** Throws a RangeError that says what is wrong: the two sentences of the SDK's own check (protocols 2.1). */
export function parseHeadlessCode(code: string): KeyObject {
  if (!/^[\w-]*$/.test(code)) throw new RangeError('illegal base64');
  // Both checks: a character too many may decode to the same bytes.
  if (code.length !== 43 || Buffer.from(code, 'base64url').length !== 32) throw new RangeError('invalid public key');
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: code }, format: 'jwk' });
}

/** Returns what a person compares on both screens, e.g. `3F9A-01BC`. */
export function headlessCheck(code: string): string {
  const hex = createHash('sha256').update(code).digest('hex').slice(0, 8).toUpperCase();
  return `${hex.slice(0, 4)}-${hex.slice(4)}`;
}

/** Encrypts for who made the code. `nonce` is 12 bytes that are never used again with this key. */
export function sealHeadless(code: string, idToken: string, nonce: Uint8Array): SealedSession {
  const publicKey = parseHeadlessCode(code);
  const { privateKey } = newKeyPair('x25519');
  const cipher = createCipheriv('aes-256-gcm', diffieHellman({ privateKey, publicKey }), nonce);
  const sealed = Buffer.concat([nonce, cipher.update(idToken, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return {
    ecdhPublicKey: Buffer.from(codeOf(privateKey)).toString('base64'),
    encryptedIdtoken: sealed.toString('base64'),
  };
}

/** The ID token in a session. Throws an Error for one that was made for another code or was changed on the way. */
export function openHeadless(key: HeadlessKey, session: SealedSession): string {
  const publicKey = parseHeadlessCode(Buffer.from(session.ecdhPublicKey, 'base64').toString('latin1'));
  const sealed = Buffer.from(session.encryptedIdtoken, 'base64');
  if (sealed.length <= nonceBytes + tagBytes) throw new RangeError('the encrypted token is too short');
  // OpenSSL refuses keys whose shared secret is all zeros, as Go does.
  const secret = diffieHellman({ privateKey: key.privateKey, publicKey });
  const decipher = createDecipheriv('aes-256-gcm', secret, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  const text = Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()]);
  return text.toString('utf8');
}

function codeOf(privateKey: KeyObject): string {
  return createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '';
}
