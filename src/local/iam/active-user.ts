import { permissionDenied } from '../core/failures.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import type { Memory } from '../store/memory.ts';

const provisioned: Memory<readonly SqlRow[]> = { tables: ['scim_users'], most: 1_000 };

/**
 * Throws PERMISSION_DENIED for an account that has been deactivated over SCIM (protocols 9): by the provider that it
 * signs in through, or, when it does not sign in through one, by every provider that knows it.
 */
export function requireActive(tx: Tx, identity: string, provider?: string): void {
  const rows = tx.recall(provisioned, identity, () =>
    tx.all('SELECT identity_provider, active FROM provisioned_users WHERE identity = ?', identity),
  );
  const known = provider === undefined ? rows : rows.filter((row) => row['identity_provider'] === provider);
  if (known.length > 0 && known.every((row) => row['active'] !== 1)) throw deactivated();
}

export function deactivated(): Error {
  return permissionDenied('the account has been deactivated by its identity provider');
}
