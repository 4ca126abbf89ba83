import { authorityOf } from '../access.ts';
import type { Tx } from '../store/database.ts';
import type { Caller } from '../types.ts';
import { requireGrantableRole } from './grantable-roles.ts';
import type { ProviderRecord } from './identity-provider-records.ts';

/**
 * Who decides whose word is taken as the provider's, by what signs its tokens or by a SCIM token, gives away whatever
 * that word is worth: the default role and all mapped ones. Throws PERMISSION_DENIED unless the caller holds as much.
 */
export function requireProviderGrantable(tx: Tx, caller: Caller, provider: ProviderRecord): void {
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
