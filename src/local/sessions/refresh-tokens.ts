// Refresh tokens (protocols 3.6, Q7). Guarantees: only digests are stored, each token works once, and a second use ends
// every token that came from the same sign-in.

import { createHash } from 'node:crypto';
import { unauthenticated } from '../core/failures.ts';
import type { Tx } from '../store/database.ts';
import type { Actor, Limits } from './session.ts';

/** Data that a sign-in keeps for its refreshes. */
export interface Session {
  /** A user; assumed identities have no refresh tokens. */
  readonly identity: string;
  /** Audience of the first access token. */
  readonly audience: readonly string[];
  readonly actor: Actor;
  /** Limits that the sign-in asked for. */
  readonly limits: readonly Limits[];
  /** Id of the organization's identity provider that it came through. */
  readonly provider?: string | undefined;
}

export interface RefreshToken {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export type Rotation =
  | { readonly status: 'good'; readonly session: Session; readonly next: RefreshToken }
  | { readonly status: 'refused'; readonly reason: string };

const day = 24 * 60 * 60 * 1000;
const idleMs = 7 * day;
const absoluteMs = 30 * day;

/** The first token of a new family. */
export function startFamily(tx: Tx, issuer: string, session: Session): RefreshToken {
  prune(tx);
  return insert(tx, issuer, session, Buffer.from(tx.randomBytes(16)).toString('hex'), tx.now);
}

/**
 * Trades a token for its successor. A refusal is a value and not an exception, because ending the family of a token
 * that is used again must be committed.
 */
export function rotate(tx: Tx, issuer: string, token: string): Rotation {
  const digest = digestOf(token);
  const row = tx.get('SELECT * FROM refresh_tokens WHERE digest = ?', digest);
  if (row === undefined) return refused('the refresh token is not known');
  const family = String(row['family']);
  if (tx.get('SELECT 1 FROM revoked_families WHERE family = ?', family) !== undefined) {
    return refused('the refresh token has been revoked');
  }
  if (row['used_at'] !== null) {
    tx.run('INSERT INTO revoked_families (family, revoked_at) VALUES (?, ?)', family, tx.now);
    return refused('the refresh token has been used before; its whole session is ended');
  }
  if (Number(row['expires_at']) <= tx.now) return refused('the refresh token has expired');
  tx.run('UPDATE refresh_tokens SET used_at = ? WHERE digest = ?', tx.now, digest);
  const first = tx.get('SELECT MIN(issued_at) AS start FROM refresh_tokens WHERE family = ?', family);
  const stored = JSON.parse(String(row['upstream'])) as Pick<Session, 'actor' | 'limits' | 'provider'>;
  const session: Session = {
    identity: String(row['identity']),
    audience: JSON.parse(String(row['audience'])) as string[],
    ...stored,
  };
  return { status: 'good', session, next: insert(tx, issuer, session, family, Number(first?.['start'])) };
}

/** The exception for a refused rotation, to be thrown after the transaction. */
export function refusal(rotation: Extract<Rotation, { status: 'refused' }>): Error {
  return unauthenticated(rotation.reason);
}

function insert(tx: Tx, issuer: string, session: Session, family: string, startedAt: number): RefreshToken {
  const expiresAt = Math.min(tx.now + idleMs, startedAt + absoluteMs);
  // Standard padded base64 of JSON with a numeric exp: clients read the expiry out of it (semantics 3.3). Nothing in it
  // is believed when it comes back: the digest covers all of it, and the row says what it stands for.
  const content = {
    aud: session.audience,
    exp: Math.floor(expiresAt / 1000),
    iss: issuer,
    jti: Buffer.from(tx.randomBytes(32)).toString('base64url'),
    sub: session.identity,
  };
  const token = Buffer.from(JSON.stringify(content)).toString('base64');
  tx.run(
    `INSERT INTO refresh_tokens (digest, family, identity, audience, upstream, issued_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    digestOf(token),
    family,
    session.identity,
    JSON.stringify(session.audience),
    JSON.stringify({ actor: session.actor, limits: session.limits, provider: session.provider }),
    tx.now,
    expiresAt,
  );
  return { token, expiresAt };
}

/** Forgets sessions that are over. Used tokens of live ones are kept: they tell theft from noise. */
function prune(tx: Tx): void {
  tx.run(
    `DELETE FROM refresh_tokens WHERE family IN
       (SELECT family FROM refresh_tokens GROUP BY family HAVING MAX(expires_at) <= ?)`,
    tx.now,
  );
  tx.run('DELETE FROM revoked_families WHERE family NOT IN (SELECT family FROM refresh_tokens)');
}

/** Ends every session of an identity. */
export function endSessionsOf(tx: Tx, identity: string): void {
  tx.run('DELETE FROM refresh_tokens WHERE identity = ?', identity);
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function refused(reason: string): Rotation {
  return { status: 'refused', reason };
}
