// The key this platform signs attestations with: ECDSA P-256, as cosign makes them. Guarantees: made on first use, kept in
// table signing_keys beside the issuer's; what goes out is only the public half.

import { createHash, createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { newKeyPair } from '../../key-pairs.ts';
import type { Store, Tx } from '../store/database.ts';

const owner = 'attestations';

export interface AttestationKey {
  /** SHA-256 of the public key's DER, hex: the `keyid` of signatures. */
  readonly keyId: string;
  readonly privateKey: KeyObject;
}

export function attestationKey(store: Store): AttestationKey {
  return store.transact((tx) => {
    const found = read(tx);
    if (found !== undefined) return found;
    const { privateKey, publicKey } = newKeyPair('P-256');
    tx.run(
      'INSERT INTO signing_keys (issuer, kid, private_jwk, public_jwk, created_at) VALUES (?, ?, ?, ?, ?)',
      owner,
      keyIdOf(publicKey),
      JSON.stringify(privateKey.export({ format: 'jwk' })),
      JSON.stringify(publicKey.export({ format: 'jwk' })),
      tx.now,
    );
    return { keyId: keyIdOf(publicKey), privateKey };
  });
}

/** PEM, as `cosign verify-attestation --key` takes it; undefined before anything has been signed. */
export function attestationPublicKeyPem(tx: Tx): string | undefined {
  const row = tx.get('SELECT public_jwk FROM signing_keys WHERE issuer = ?', owner);
  if (row === undefined) return undefined;
  const jwk = JSON.parse(String(row['public_jwk'])) as JsonWebKey;
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString();
}

function read(tx: Tx): AttestationKey | undefined {
  const row = tx.get('SELECT kid, private_jwk FROM signing_keys WHERE issuer = ?', owner);
  if (row === undefined) return undefined;
  const jwk = JSON.parse(String(row['private_jwk'])) as JsonWebKey;
  return { keyId: String(row['kid']), privateKey: createPrivateKey({ key: jwk, format: 'jwk' }) };
}

function keyIdOf(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}
