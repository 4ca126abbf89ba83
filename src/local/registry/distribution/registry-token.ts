// The bearer tokens `/token` hands out. Guarantees: only this registry can make one, with a secret of this data folder;
// a token carries what was asked for and granted, never more than its maker held.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { BoundedMap } from '../../core/bounded-map.ts';
import type { Store } from '../../store/database.ts';
import { readMeta, writeMeta } from '../../store/meta.ts';

export type Action = 'pull' | 'push' | 'delete';

/** Actions of a token on one repository. */
export interface Grant {
  readonly name: string;
  readonly actions: readonly Action[];
  /** Asked for and not granted: asking again would not help. */
  readonly refused: readonly Action[];
  /** The holder's capabilities when the token was made: a ceiling for as long as it lives. */
  readonly capabilities: readonly string[];
}

export interface RegistryClaims {
  /** UIDP; undefined for anonymous pulls of public repositories. */
  readonly identity: string | undefined;
  /** Claims of the upstream login, for the events. */
  readonly actor: Readonly<Record<string, string>>;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly grants: readonly Grant[];
  /** UIDPs of the organizations whose repositories may be listed; undefined when the catalog was not asked for. */
  readonly catalog: readonly string[] | undefined;
  /** UIDPs of the groups whose blobs may be mounted, of tokens that may push. */
  readonly sources: readonly string[];
}

export interface RegistryTokens {
  sign(claims: RegistryClaims): string;
  /** Undefined unless this registry made the token and it has not expired. `now` in seconds. */
  verify(token: string, now: number): RegistryClaims | undefined;
}

const header = encode({ alg: 'HS256', typ: 'JWT' });

export function createRegistryTokens(store: Store, audience: string): RegistryTokens {
  /** Claims of this registry's tokens. Whether a token still counts is checked each time. */
  const tokens = new BoundedMap<ReadClaims>(4_000_000);
  let secret: Buffer | undefined;
  const mac = (text: string): Buffer => {
    secret ??= readSecret(store);
    return createHmac('sha256', secret).update(text).digest();
  };

  return {
    sign(claims) {
      const payload = encode({
        iss: audience,
        aud: audience,
        sub: claims.identity ?? '',
        iat: claims.issuedAt,
        exp: claims.expiresAt,
        act: claims.actor,
        access: claims.grants.map((grant) => ({ type: 'repository', ...grant })),
        ...(claims.catalog === undefined ? {} : { catalog: claims.catalog }),
        ...(claims.sources.length === 0 ? {} : { sources: claims.sources }),
      });
      return `${header}.${payload}.${mac(`${header}.${payload}`).toString('base64url')}`;
    },

    verify(token, now) {
      const claims = read(token);
      // A platform started again on another port is another registry to its clients.
      return claims === undefined || claims.audience !== audience || claims.expiresAt <= now ? undefined : claims;
    },
  };

  function read(token: string): ReadClaims | undefined {
    const known = tokens.get(token);
    if (known !== undefined) return known;
    const [head = '', payload = '', signature = '', ...rest] = token.split('.');
    if (head !== header || rest.length > 0) return undefined;
    const given = Buffer.from(signature, 'base64url');
    const expected = mac(`${head}.${payload}`);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    // The signature says that `sign` wrote this, so its shape is known.
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
      aud: string;
      sub: string;
      iat: number;
      exp: number;
      act: Record<string, string>;
      access: Grant[];
      catalog?: string[];
      sources?: string[];
    };
    const kept: ReadClaims = {
      audience: claims.aud,
      identity: claims.sub === '' ? undefined : claims.sub,
      actor: claims.act,
      issuedAt: claims.iat,
      expiresAt: claims.exp,
      grants: claims.access,
      catalog: claims.catalog,
      sources: claims.sources ?? [],
    };
    tokens.set(token, kept);
    return kept;
  }
}

interface ReadClaims extends RegistryClaims {
  readonly audience: string;
}

/** Returns whether a bearer is one of ours, good or bad, rather than a platform token. */
export function isRegistryToken(token: string): boolean {
  return token.startsWith(`${header}.`);
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function readSecret(store: Store): Buffer {
  return store.transact((tx) => {
    const known = readMeta(tx, 'registry.token-secret');
    if (known !== undefined) return Buffer.from(known, 'base64url');
    const fresh = Buffer.from(tx.randomBytes(32));
    writeMeta(tx, 'registry.token-secret', fresh.toString('base64url'));
    return fresh;
  });
}
