import { unauthenticated } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import type { Tx } from '../store/database.ts';

/**
 * Throws UNAUTHENTICATED unless the identity of a token is still there: a token outlives it by up to an hour, and is worth
 * nothing when the identity was deleted, was deleted and made anew, or has expired. Returns when it expires, in
 * milliseconds since the epoch; Infinity for one that does not.
 */
export function requireLiveIdentity(tx: Tx, { identity, issuedAt }: Pick<Caller, 'identity' | 'issuedAt'>): number {
  const row = tx.get('SELECT expires_at FROM identities WHERE id = ?', identity);
  const deleted = tx.get('SELECT deleted_at FROM deleted_users WHERE id = ?', identity);
  // Issue times are whole seconds.
  const isOlder = deleted !== undefined && (issuedAt + 1) * 1000 <= Number(deleted['deleted_at']);
  if (row === undefined || isOlder) throw unauthenticated('the identity of the token no longer exists');
  if (row['expires_at'] === null || row['expires_at'] === undefined) return Number.POSITIVE_INFINITY;
  const expiresAt = Number(row['expires_at']);
  if (expiresAt <= tx.now) throw unauthenticated('the identity of this token has expired');
  return expiresAt;
}
