// Groups as a provider tells them (RFC 7643, 4.2). Their members hold the roles that are mapped to the group's external
// id or name, from the moment they are members (access.ts).

import { isObject } from '../../json.ts';
import { toWireTime } from '../api/wire-time.ts';
import type { StoredProvider } from '../iam/stored-provider.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { newUuid } from '../store/uuid.ts';
import type { Table } from './listing.ts';
import type { ScimObject } from './matching.ts';
import { normalize } from './normalize.ts';
import { applyPatch } from './patch.ts';
import { groupType } from './schema.ts';
import { badRequest, ScimError } from './scim-error.ts';

export const groupTable: Table = {
  name: 'scim_groups',
  type: groupType,
  columns: { id: 'id', displayName: 'display_name', externalId: 'external_id' },
  toFilterable: (tx, row) => ({ ...bodyOf(tx, row), id: String(row['id']), meta: metaOf(row) }),
};

export function createGroup(tx: Tx, provider: StoredProvider, input: unknown): SqlRow {
  const body = normalize(groupType, input);
  const id = newUuid(tx);
  requireFree(tx, provider, body, id);
  tx.run(
    `INSERT INTO scim_groups (id, identity_provider, external_id, display_name, version, created_at, updated_at)
     VALUES (?, ?, ?, ?, 1, ?, ?)`,
    id,
    provider.id,
    textOrNull(body['externalId']),
    String(body['displayName']),
    tx.now,
    tx.now,
  );
  setMembers(tx, provider, id, body);
  return findGroup(tx, provider, id);
}

export function replaceGroup(tx: Tx, provider: StoredProvider, row: SqlRow, input: unknown): SqlRow {
  return write(tx, provider, row, normalize(groupType, input));
}

export function patchGroup(tx: Tx, provider: StoredProvider, row: SqlRow, input: unknown): SqlRow {
  return write(tx, provider, row, applyPatch(groupType, bodyOf(tx, row), input));
}

export function deleteGroup(tx: Tx, _provider: StoredProvider, row: SqlRow): void {
  tx.run('DELETE FROM scim_groups WHERE id = ?', String(row['id']));
}

export function findGroup(tx: Tx, provider: StoredProvider, id: string): SqlRow {
  const row = tx.get('SELECT * FROM scim_groups WHERE id = ? AND identity_provider = ?', id, provider.id);
  if (row === undefined) throw new ScimError(404, `Group ${JSON.stringify(id)} not found`);
  return row;
}

/** `base` is the URL of the provider's endpoint. Members are read only when they are wanted. */
export function toGroupResource(tx: Tx, row: SqlRow, base: string, withMembers: boolean): ScimObject {
  const members = withMembers
    ? membersOf(tx, row).map((member) => ({ ...member, $ref: `${base}/Users/${String(member['value'])}` }))
    : [];
  return {
    schemas: [groupType.schema.id],
    id: String(row['id']),
    ...ownAttributes(row),
    ...(withMembers ? { members } : {}),
    meta: { ...metaOf(row), location: `${base}/Groups/${String(row['id'])}` },
  };
}

function write(tx: Tx, provider: StoredProvider, row: SqlRow, body: ScimObject): SqlRow {
  const id = String(row['id']);
  requireFree(tx, provider, body, id);
  tx.run(
    'UPDATE scim_groups SET external_id = ?, display_name = ?, version = version + 1, updated_at = ? WHERE id = ?',
    textOrNull(body['externalId']),
    String(body['displayName']),
    tx.now,
    id,
  );
  setMembers(tx, provider, id, body);
  return findGroup(tx, provider, id);
}

/** Writes what has changed and nothing else, so that one more member of a large group is one more row. */
function setMembers(tx: Tx, provider: StoredProvider, id: string, body: ScimObject): void {
  const items = Array.isArray(body['members']) ? body['members'].filter(isObject) : [];
  const wanted = new Set(items.map((item) => (typeof item['value'] === 'string' ? item['value'] : '')));
  const before = new Set(
    tx.all('SELECT scim_user FROM scim_group_members WHERE scim_group = ?', id).map((row) => String(row['scim_user'])),
  );
  for (const user of before) {
    if (wanted.has(user)) continue;
    tx.run('DELETE FROM scim_group_members WHERE scim_group = ? AND scim_user = ?', id, user);
  }
  for (const user of wanted) {
    if (before.has(user)) continue;
    if (tx.get('SELECT 1 FROM scim_users WHERE id = ? AND identity_provider = ?', user, provider.id) === undefined) {
      throw badRequest('invalidValue', `members: ${JSON.stringify(user)} is not the id of a user`);
    }
    tx.run('INSERT INTO scim_group_members (scim_group, scim_user) VALUES (?, ?)', id, user);
  }
}

function requireFree(tx: Tx, provider: StoredProvider, body: ScimObject, own: string): void {
  for (const [column, name] of [
    ['display_name', 'displayName'],
    ['external_id', 'externalId'],
  ] as const) {
    const value = body[name];
    if (typeof value !== 'string') continue;
    const taken = tx.get(
      `SELECT 1 FROM scim_groups WHERE identity_provider = ? AND ${column} = ? AND id <> ?`,
      provider.id,
      value,
      own,
    );
    if (taken !== undefined) throw new ScimError(409, `There is a group with this ${name} already`, 'uniqueness');
  }
}

function ownAttributes(row: SqlRow): ScimObject {
  const externalId = row['external_id'];
  return {
    displayName: String(row['display_name']),
    ...(externalId === null || externalId === undefined ? {} : { externalId: String(externalId) }),
  };
}

function bodyOf(tx: Tx, row: SqlRow): ScimObject {
  return { ...ownAttributes(row), members: membersOf(tx, row) };
}

function membersOf(tx: Tx, row: SqlRow): ScimObject[] {
  return tx
    .all(
      `SELECT u.id FROM scim_group_members m JOIN scim_users u ON u.id = m.scim_user
       WHERE m.scim_group = ? ORDER BY u.seq`,
      String(row['id']),
    )
    .map((user) => ({ value: String(user['id']) }));
}

function metaOf(row: SqlRow): ScimObject {
  return {
    resourceType: 'Group',
    created: toWireTime(Number(row['created_at'])),
    lastModified: toWireTime(Number(row['updated_at'])),
    version: `W/"${String(row['version'])}"`,
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
