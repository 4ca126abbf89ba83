// Signatures that `cosign verify-blob --key` and `openssl dgst -sha256 -verify` both take: ECDSA on P-256 over SHA-256, in
// DER, as Base64. ECDSA draws a random number each time, so signatures are all that differs between two builds.

import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Returns the key of this release, or undefined when neither a file nor the variable CHAINCTL_RELEASE_KEY names one. Throws
 * for every other kind of key.
 */
export function releaseKey(path, env = process.env) {
  const pem = path === undefined ? env.CHAINCTL_RELEASE_KEY : readFileSync(path, 'utf8');
  if (!pem) return undefined;
  const source = path === undefined ? 'CHAINCTL_RELEASE_KEY' : `"${path}"`;
  const hint = 'make one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`';
  let key;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new Error(`release: ${source} holds no private key in PEM without a password; ${hint}`);
  }
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new Error(`release: the key in ${source} is not ECDSA on P-256; ${hint}`);
  }
  return key;
}

/** PEM, as `cosign generate-key-pair` writes it. */
export function publicKeyOf(key) {
  return createPublicKey(key).export({ type: 'spki', format: 'pem' });
}

/** Writes `<path>.sig` and returns its path. */
export function signFile(path, key) {
  const signature = sign('sha256', readFileSync(path), key).toString('base64');
  writeFileSync(`${path}.sig`, `${signature}\n`);
  return `${path}.sig`;
}
