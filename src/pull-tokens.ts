// Creates pull tokens (protocols 7.3). Guarantees: the private key is forgotten as soon as the one
// token is signed; the platform only ever sees the public half.

import { sign } from 'node:crypto';
import { pullTokenIssuer } from './api/identity-rules.ts';
import type { IamIdentityStaticKeys } from './api/schema/types/iam.gen.ts';
import type { Host } from './host.ts';
import { newRsaKeyPair } from './key-pairs.ts';

/** Use of a token, as `--repository` spells it (cli.json). */
export const repositories = [
  'oci',
  'apk',
  'java',
  'javascript',
  'python',
  'go',
  'dotnet',
  'java_athena',
  'javascript_athena',
  'python_athena',
  'go_athena',
  'dotnet_athena',
] as const;

export type Repository = (typeof repositories)[number];

/** The role that lets a token pull from it (protocols 7.3). */
export function pullRole(repository: Repository): string {
  if (repository === 'oci') return 'registry.pull';
  if (repository === 'apk') return 'apk.pull';
  return `libraries.${repository}.pull`;
}

/** Returns the name of the identity. Names are unique in their place, and people make many tokens under one name. */
export function identityName(name: string, repository: Repository, uid: string): string {
  return `${name} - ${repository === 'oci' ? 'registry' : repository} - ${uid.slice(0, 8)}`;
}

export interface PullTokenRequest {
  /** Address of the issuer that will be asked to exchange the token; its only audience. */
  readonly issuer: string;
  /** Milliseconds the token is good for. */
  readonly ttlMs: number;
}

export interface MintedPullToken {
  /** The password: a JWT. */
  readonly token: string;
  /** How an identity proves itself with it. */
  readonly keys: IamIdentityStaticKeys;
  /** Hex digits that no other pull token shares. */
  readonly uid: string;
  /** Milliseconds since the epoch, whole seconds. */
  readonly expiresAt: number;
}

export async function mintPullToken(
  host: Pick<Host, 'now' | 'randomBytes'>,
  { issuer, ttlMs }: PullTokenRequest,
): Promise<MintedPullToken> {
  // 2048 bits hold well beyond the year a token may live, take a tenth of the time that 4096 do, and keep the
  // signature, which people paste into `docker login`, half as long.
  const { privateKey, publicKey } = await newRsaKeyPair();
  const uid = Buffer.from(host.randomBytes(20)).toString('hex');
  const subject = `pull-token-${uid}`;
  const issuedAt = Math.floor(host.now() / 1000);
  const expiresAt = Math.floor((host.now() + ttlMs) / 1000);
  const claims = { iss: pullTokenIssuer, sub: subject, aud: issuer, iat: issuedAt, exp: expiresAt };
  const signed = `${base64url({ alg: 'RS256', typ: 'JWT' })}.${base64url(claims)}`;
  const { kty, n, e } = publicKey.export({ format: 'jwk' });
  return {
    token: `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`,
    keys: {
      issuer: pullTokenIssuer,
      subject,
      issuerKeys: JSON.stringify({ keys: [{ kty, n, e, alg: 'RS256', use: 'sig' }] }),
      expiration: new Date(expiresAt * 1000).toISOString(),
    },
    uid,
    expiresAt: expiresAt * 1000,
  };
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
