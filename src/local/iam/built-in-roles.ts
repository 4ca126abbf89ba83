import { createHash } from 'node:crypto';
import { builtInRoles } from '../../api/schema/roles.gen.ts';
import type { Tx } from '../store/database.ts';

/** The same on every platform, so that scripts and fixtures may name it: 40 hex digits made from the role's name. */
export function builtInRoleId(name: string): string {
  return createHash('sha256').update(`built-in role ${name}`).digest('hex').slice(0, 40);
}

export function isBuiltInRoleName(name: string): boolean {
  return builtInRoles.some((role) => role.name === name);
}

/** Brings the rows of the built-in roles up to what this version knows (roles.md 1). Done at every start. */
export function installBuiltInRoles(tx: Tx): void {
  for (const role of builtInRoles) {
    tx.run(
      `INSERT INTO roles (id, parent, name, description, capabilities, created_at, updated_at)
       VALUES (?, NULL, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET description = excluded.description, capabilities = excluded.capabilities,
         updated_at = excluded.updated_at
       WHERE description <> excluded.description OR capabilities <> excluded.capabilities`,
      builtInRoleId(role.name),
      role.name,
      role.description,
      JSON.stringify(role.capabilities),
      tx.now,
      tx.now,
    );
  }
}
