import { permissionDenied } from '../failures.ts';
import type { Tx } from '../store/database.ts';

/** Throws PERMISSION_DENIED for an account that a provider has deactivated over SCIM (protocols 9). */
export function requireActive(tx: Tx, identity: string): void {
  if (tx.get('SELECT 1 FROM scim_users WHERE identity = ? AND active = 0', identity) === undefined) return;
  throw deactivated();
}

export function deactivated(): Error {
  return permissionDenied('the account has been deactivated by its identity provider');
}
