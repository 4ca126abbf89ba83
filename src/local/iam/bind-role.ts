import type { IamRoleBinding } from '../../api/schema/types/iam.gen.ts';
import { newChildId } from '../../api/uidp.ts';
import type { Tx } from '../store/database.ts';

export interface NewRoleBinding {
  readonly group: string;
  readonly identity: string;
  readonly role: string;
}

/** Writes the binding; whether the caller may make it is for the caller of this function to have checked. */
export function bindRole(tx: Tx, binding: NewRoleBinding): IamRoleBinding {
  const id = newChildId(binding.group, (count) => tx.randomBytes(count));
  tx.run(
    'INSERT INTO role_bindings (id, group_id, identity, role, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)',
    id,
    binding.group,
    binding.identity,
    binding.role,
    tx.now,
    tx.now,
  );
  return { id, identity: binding.identity, role: binding.role };
}
