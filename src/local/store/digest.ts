import { createHash, type Hash } from 'node:crypto';

/** The algorithms the image specification registers; everything else is refused, never stored under a guess. */
export type DigestAlgorithm = 'sha256' | 'sha512';

export interface Digest {
  readonly algorithm: DigestAlgorithm;
  /** Lower-case hexadecimal. */
  readonly hex: string;
}

const hexLength: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 };

/** Undefined for anything that is not a whole digest of an algorithm we know. */
export function parseDigest(text: string): Digest | undefined {
  const match = /^([a-z0-9]+):([0-9a-f]+)$/.exec(text);
  if (match === null) return undefined;
  const [, algorithm = '', hex = ''] = match;
  if (!isDigestAlgorithm(algorithm) || hex.length !== hexLength[algorithm]) return undefined;
  return { algorithm, hex };
}

export function isDigestAlgorithm(text: string): text is DigestAlgorithm {
  return text === 'sha256' || text === 'sha512';
}

export function digestText(digest: Digest): string {
  return `${digest.algorithm}:${digest.hex}`;
}

export function newHash(algorithm: DigestAlgorithm): Hash {
  return createHash(algorithm);
}

/** The digest of bytes at hand, as text. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}
