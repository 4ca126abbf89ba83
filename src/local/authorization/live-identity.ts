import { unauthenticated } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import type { Tx } from '../store/database.ts';
import type { Memory } from '../store/memory.ts';

interface Life {
  readonly exists: boolean;
  /** Milliseconds since the epoch. */
  readonly deletedAt: number | undefined;
  readonly expiresAt: number | undefined;
}

/** Asked with every request. */
const lives: Memory<Life> = {
  tables: ['deleted_users'],
  rows: ['identities'],
  most: 1_000,
  until: ({ exists }) => (exists ? Number.POSITIVE_INFINITY : 0),
};

function readLife(tx: Tx, identity: string): Life {
  const row = tx.get('SELECT ends FROM identity_ends WHERE identity = ?', identity);
  const deleted = tx.get('SELECT deleted_at FROM identity_deletions WHERE identity = ?', identity);
  const expiresAt = row?.['ends'] ?? undefined;
  return {
    exists: row !== undefined,
    deletedAt: deleted === undefined ? undefined : Number(deleted['deleted_at']),
    expiresAt: expiresAt === undefined ? undefined : Number(expiresAt),
  };
}

/**
 * Throws UNAUTHENTICATED unless the identity of a token is still there: a token outlives it by up to an hour, and is worth
 * nothing when the identity was deleted, was deleted and made anew, or has expired. Returns when it expires, in
 * milliseconds since the epoch; Infinity for one that does not.
 */
export function requireLiveIdentity(tx: Tx, { identity, issuedAt }: Pick<Caller, 'identity' | 'issuedAt'>): number {
  const { exists, deletedAt, expiresAt } = tx.recall(lives, identity, () => readLife(tx, identity));
  // Issue times are whole seconds.
  const isOlder = deletedAt !== undefined && (issuedAt + 1) * 1000 <= deletedAt;
  if (!exists || isOlder) throw unauthenticated('the identity of the token no longer exists');
  if (expiresAt === undefined) return Number.POSITIVE_INFINITY;
  if (expiresAt <= tx.now) throw unauthenticated('the identity of this token has expired');
  return expiresAt;
}
