import { sign } from 'node:crypto';
import { newKeyPair } from '../../src/key-pairs.ts';

export const someUser = '5'.repeat(40);
export const someIdentity = `${'a'.repeat(40)}/${'b'.repeat(16)}`;

let made: ReturnType<typeof makeKey> | undefined;

function makeKey() {
  const { privateKey, publicKey } = newKeyPair('rsa');
  return { privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid: 'test', alg: 'RS256', use: 'sig' } };
}

export function testKey() {
  made ??= makeKey();
  return made;
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token signed by the test's own key; `exp` in seconds. */
export function makeToken(
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>> = {},
): string {
  const signed = `${part({ alg: 'RS256', kid: 'test', ...header })}.${part({ sub: someUser, ...claims })}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), testKey().privateKey).toString('base64url')}`;
}

/** A refresh token as issuers make them: padded base64 of an object with `exp` in seconds (semantics 3.3). */
export function makeRefreshToken(expiresAtMs: number, more: Readonly<Record<string, unknown>> = {}): string {
  return Buffer.from(JSON.stringify({ exp: Math.floor(expiresAtMs / 1000), ...more })).toString('base64');
}
