// Users as a provider tells them (RFC 7643, 4.1). Guarantees: a user belongs to one provider and is seen by no other; an
// account is linked by the provider's own id for it and never by e-mail (protocols 9); an organization's last owner is
// neither deactivated nor deleted.

import { rootOf } from '../../api/uidp.ts';
import { toWireTime } from '../api/wire-time.ts';
import { unbindRoles } from '../iam/bind-role.ts';
import { keepAnOwner } from '../iam/owners.ts';
import { accountOfDirectoryId, forgetLogin } from '../iam/provider-logins.ts';
import type { StoredProvider } from '../iam/stored-provider.ts';
import { endSessionsOf } from '../sessions/refresh-tokens.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { newUuid } from '../store/uuid.ts';
import type { Table } from './listing.ts';
import type { ScimObject } from './matching.ts';
import { normalize } from './normalize.ts';
import { applyPatch } from './patch.ts';
import { userType } from './schema.ts';
import { ScimError } from './scim-error.ts';

export const userTable: Table = {
  name: 'scim_users',
  type: userType,
  columns: { id: 'id', userName: 'user_name', externalId: 'external_id' },
  toFilterable: (tx, row) => ({ ...bodyOf(row), ...common(row), groups: groupsOf(tx, row, '') }),
};

export function createUser(tx: Tx, provider: StoredProvider, input: unknown): SqlRow {
  const body: ScimObject = { active: true, ...normalize(userType, input) };
  const id = newUuid(tx);
  requireFree(tx, provider, body, id);
  keepAnOwner(tx, [rootOf(provider.id)], () =>
    tx.run(
      `INSERT INTO scim_users
         (id, identity_provider, identity, external_id, user_name, active, resource, version, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?)`,
      id,
      provider.id,
      accountOf(tx, provider, body),
      textOrNull(body['externalId']),
      String(body['userName']),
      isActive(body) ? 1 : 0,
      JSON.stringify(body),
      tx.now,
      tx.now,
    ),
  );
  return findUser(tx, provider, id);
}

export function replaceUser(tx: Tx, provider: StoredProvider, row: SqlRow, input: unknown): SqlRow {
  return write(tx, provider, row, { active: true, ...normalize(userType, input) });
}

export function patchUser(tx: Tx, provider: StoredProvider, row: SqlRow, input: unknown): SqlRow {
  return write(tx, provider, row, applyPatch(userType, bodyOf(row), input));
}

/**
 * Takes away what the account holds in the provider's organization, and its sessions. The account itself may belong to
 * other organizations too and stays. Throws FAILED_PRECONDITION when that leaves the organization without owner.
 */
export function deleteUser(tx: Tx, provider: StoredProvider, row: SqlRow): void {
  const organization = rootOf(provider.id);
  const identity = textOrNull(row['identity']);
  keepAnOwner(tx, [organization], () => {
    tx.run('DELETE FROM scim_users WHERE id = ?', String(row['id']));
    if (identity !== null) unbindRoles(tx, identity, organization);
  });
  if (identity === null) return;
  forgetLogin(tx, identity, provider.id);
  endSessionsOf(tx, identity);
}

export function findUser(tx: Tx, provider: StoredProvider, id: string): SqlRow {
  const row = tx.get('SELECT * FROM scim_users WHERE id = ? AND identity_provider = ?', id, provider.id);
  if (row === undefined) throw new ScimError(404, `User ${JSON.stringify(id)} not found`);
  return row;
}

/** `base` is the URL of the provider's endpoint. */
export function toUserResource(tx: Tx, row: SqlRow, base: string): ScimObject {
  const body = bodyOf(row);
  const extensions = userType.extensions.filter(({ id }) => body[id] !== undefined).map(({ id }) => id);
  const groups = groupsOf(tx, row, base);
  return {
    schemas: [userType.schema.id, ...extensions],
    ...common(row),
    ...body,
    ...(groups.length === 0 ? {} : { groups }),
    meta: {
      ...metaOf(row),
      location: `${base}/Users/${String(row['id'])}`,
    },
  };
}

function write(tx: Tx, provider: StoredProvider, row: SqlRow, body: ScimObject): SqlRow {
  const id = String(row['id']);
  requireFree(tx, provider, body, id);
  const externalId = textOrNull(body['externalId']);
  // The link follows the provider's id; one that was made by a login stays while the id does.
  const identity = externalId === row['external_id'] && row['identity'] !== null ? row['identity'] : undefined;
  keepAnOwner(tx, [rootOf(provider.id)], () =>
    tx.run(
      `UPDATE scim_users SET identity = ?, external_id = ?, user_name = ?, active = ?, resource = ?,
         version = version + 1, updated_at = ? WHERE id = ?`,
      identity ?? accountOf(tx, provider, body),
      externalId,
      String(body['userName']),
      isActive(body) ? 1 : 0,
      JSON.stringify(body),
      tx.now,
      id,
    ),
  );
  return findUser(tx, provider, id);
}

/** The account that has signed in through this provider under this id before, if one has. */
function accountOf(tx: Tx, provider: StoredProvider, body: ScimObject): string | null {
  const externalId = textOrNull(body['externalId']);
  if (externalId === null) return null;
  return accountOfDirectoryId(tx, provider.id, externalId) ?? null;
}

function requireFree(tx: Tx, provider: StoredProvider, body: ScimObject, own: string): void {
  for (const [column, name] of [
    ['user_name', 'userName'],
    ['external_id', 'externalId'],
  ] as const) {
    const value = body[name];
    if (typeof value !== 'string') continue;
    const taken = tx.get(
      `SELECT 1 FROM scim_users WHERE identity_provider = ? AND ${column} = ? AND id <> ?`,
      provider.id,
      value,
      own,
    );
    if (taken !== undefined) throw new ScimError(409, `There is a user with this ${name} already`, 'uniqueness');
  }
}

function bodyOf(row: SqlRow): ScimObject {
  // Written by this module only, in the spelling of the schema.
  return JSON.parse(String(row['resource'])) as ScimObject;
}

function common(row: SqlRow): ScimObject {
  return { id: String(row['id']), meta: metaOf(row) };
}

function metaOf(row: SqlRow): ScimObject {
  return {
    resourceType: 'User',
    created: toWireTime(Number(row['created_at'])),
    lastModified: toWireTime(Number(row['updated_at'])),
    version: `W/"${String(row['version'])}"`,
  };
}

function groupsOf(tx: Tx, row: SqlRow, base: string): ScimObject[] {
  return tx
    .all(
      `SELECT g.id, g.display_name FROM scim_group_members m JOIN scim_groups g ON g.id = m.scim_group
       WHERE m.scim_user = ? ORDER BY g.seq`,
      String(row['id']),
    )
    .map((group) => ({
      value: String(group['id']),
      $ref: `${base}/Groups/${String(group['id'])}`,
      display: String(group['display_name']),
      type: 'direct',
    }));
}

function isActive(body: ScimObject): boolean {
  return body['active'] !== false;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
