import { isUidp } from '../../api/uidp.ts';
import type { Tx } from '../store/database.ts';
import { findProvider, type StoredProvider, toStoredProvider } from './stored-provider.ts';

/**
 * The provider that an `idp_id` names: its own id, or the name of a verified organization that has one (protocols 1.1).
 * Of several, the oldest.
 */
export function findProviderFor(tx: Tx, text: string): StoredProvider | undefined {
  if (isUidp(text)) return findProvider(tx, text);
  const row = tx.get(
    `SELECT p.* FROM identity_providers p JOIN groups g ON g.id = p.parent
     WHERE g.parent IS NULL AND g.verified = 1 AND g.name = ? ORDER BY p.created_at, p.id LIMIT 1`,
    text,
  );
  return row === undefined ? undefined : toStoredProvider(row);
}
