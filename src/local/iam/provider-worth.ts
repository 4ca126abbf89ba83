// Computes the worth of an identity provider: whoever decides whose word is taken as its own gives all of that away.
// Guarantees: nobody decides it who does not hold as much.

import { rootOf } from '../../api/uidp.ts';
import { authorityOf } from '../authorization/access.ts';
import type { Caller } from '../core/types.ts';
import type { Tx } from '../store/database.ts';
import { effectiveRolesOf } from './effective-roles.ts';
import { requireGrantableRole } from './grantable-roles.ts';
import type { StoredProvider } from './stored-provider.ts';

/** By what its groups and a first login give. Throws PERMISSION_DENIED. */
export function requireProviderGrantable(tx: Tx, caller: Caller, provider: StoredProvider): void {
  const authority = authorityOf(tx, caller);
  if (provider.defaultRole !== null) {
    requireGrantableRole(tx, caller, provider.parent, provider.defaultRole, authority);
  }
  const mapped = tx.all(
    'SELECT DISTINCT role, scope FROM external_group_role_mappings WHERE identity_provider = ? ORDER BY role',
    provider.id,
  );
  for (const row of mapped) requireGrantableRole(tx, caller, String(row['scope']), String(row['role']), authority);
}

/**
 * By the accounts that tokens of `issuer` open in the organization of `parent` (provider-logins.ts). What these hold in
 * other organizations is not looked at, or nobody could set up a provider for people who do. Throws PERMISSION_DENIED.
 */
export function requireAccountsGrantable(tx: Tx, caller: Caller, parent: string, issuer: string): void {
  const organization = rootOf(parent);
  const authority = authorityOf(tx, caller);
  const accounts = tx.all(
    'SELECT id FROM identities WHERE issuer = ? AND parent IS NULL AND (home = ? OR home IS NULL)',
    issuer,
    organization,
  );
  for (const account of accounts) {
    for (const { place, id } of effectiveRolesOf(tx, String(account['id']))) {
      if (rootOf(String(place)) !== organization) continue;
      requireGrantableRole(tx, caller, String(place), String(id), authority);
    }
  }
}
