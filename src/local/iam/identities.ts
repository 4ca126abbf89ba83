import type {
  IamCreateIdentityRequest,
  IamDeleteIdentityRequest,
  IamIdentity,
  IamIdentityFilter,
  IamIdentityList,
  IamLookupRequest,
} from '../../api/schema/types/iam.gen.ts';
import type { Empty } from '../../api/schema/types.ts';
import { isAncestor, isRoot, newChildId } from '../../api/uidp.ts';
import { checkDescription, checkName } from '../api/field-rules.ts';
import { type ListContext, type Resource, requiredUidp, type Selection, selectVisible } from '../api/selection.ts';
import { authorityOf, grantsOf, groupsWith } from '../authorization/access.ts';
import { failedPrecondition, invalidArgument, notFound, permissionDenied } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import type { Tx } from '../store/database.ts';
import { findGroup } from './groups.ts';
import { keepAnOwner, organizationsOwnedBy } from './owners.ts';
import { checkRelationship } from './relationships.ts';
import {
  findIdentity,
  findUser,
  insertIdentity,
  type StoredIdentity,
  shownColumns,
  toShownIdentity,
  toWireIdentity,
  updateIdentity as writeIdentity,
} from './stored-identity.ts';

const resource: Resource = { table: 'identities', parent: 'parent' };

export function createIdentity(tx: Tx, _caller: Caller, request: IamCreateIdentityRequest): IamIdentity {
  const parent = requiredUidp('parent_id', request.parentId);
  const identity = request.identity ?? {};
  const name = checkName(identity.name);
  const description = checkDescription(identity.description);
  const relationship = checkRelationship(identity, tx.now);
  findGroup(tx, parent);
  const id = newChildId(parent, (count) => tx.randomBytes(count));
  return toWireIdentity(insertIdentity(tx, { id, name, description, relationship }));
}

export function updateIdentity(tx: Tx, caller: Caller, request: IamIdentity): IamIdentity {
  const before = requireIdentity(tx, requiredUidp('id', request.id));
  const { id } = before;
  const name = checkName(request.name);
  const description = checkDescription(request.description);
  const relationship = checkRelationship(request, tx.now, before.relationship);
  if (JSON.stringify(relationship) !== JSON.stringify(before.relationship)) {
    requireGrantable(tx, caller, id);
    requireUnboundService(tx, id);
  }
  keepAnOwner(tx, organizationsOwnedBy(tx, id), () => writeIdentity(tx, { id, name, description, relationship }));
  return toWireIdentity(requireIdentity(tx, id));
}

export function listIdentities(
  tx: Tx,
  caller: Caller,
  request: IamIdentityFilter,
  context?: ListContext,
): IamIdentityList {
  const selection = { ...identitySelection(tx, caller, request), columns: shownColumns };
  return { items: selectVisible(tx, selection, context?.part).map((row) => toWireIdentity(toShownIdentity(row))) };
}

/** Users live in no group, so a list never shows them; a caller asking for itself by id gets itself. */
export function identitySelection(tx: Tx, caller: Caller, { id, uidp }: IamIdentityFilter): Selection {
  const visible = groupsWith(tx, caller, ['identity.list']);
  const self = caller.identity;
  const asked = id === self || uidp?.ids?.includes(self) === true;
  const shown = visible.some((place) => isAncestor(place, self));
  return { resource, visible: asked && !shown ? [...visible, self].sort() : visible, id, uidp };
}

/** The user who signs in with this pair, for any caller that knows it (protocols 3.3). */
export function lookupIdentity(tx: Tx, _caller: Caller, request: IamLookupRequest): IamIdentity {
  if (!request.issuer) throw invalidArgument('issuer is required');
  if (!request.subject) throw invalidArgument('subject is required');
  const user = findUser(tx, request.issuer, request.subject);
  if (user === undefined) throw notFound('no user signs in with this issuer and subject');
  return toWireIdentity(user);
}

/** Its role bindings and refresh tokens go with it. */
export function deleteIdentity(tx: Tx, _caller: Caller, request: IamDeleteIdentityRequest): Empty {
  removeIdentity(tx, requireIdentity(tx, requiredUidp('id', request.id)).id);
  return {};
}

export function removeIdentity(tx: Tx, id: string): void {
  requireUnboundService(tx, id);
  keepAnOwner(tx, organizationsOwnedBy(tx, id), () => tx.run('DELETE FROM identities WHERE id = ?', id));
  if (!isRoot(id)) return;
  tx.run(
    `INSERT INTO deleted_users (id, deleted_at) VALUES (?, ?)
     ON CONFLICT (id) DO UPDATE SET deleted_at = excluded.deleted_at`,
    id,
    tx.now,
  );
}

export function requireIdentity(tx: Tx, id: string): StoredIdentity {
  const record = findIdentity(tx, id);
  if (record === undefined) throw notFound(`${id} not found`);
  return record;
}

/** An account association hands it to a service of the platform (semantics 2), which must find what it was given. */
function requireUnboundService(tx: Tx, id: string): void {
  const row = tx.get('SELECT group_id, principal FROM service_bindings WHERE identity = ?', id);
  if (row === undefined) return;
  throw failedPrecondition(
    `identity ${id} is the ${row['principal']} of the account association of ${row['group_id']}`,
  );
}

/** A caller who may change how an identity is proved may become it, so it must hold all that the identity does. */
function requireGrantable(tx: Tx, caller: Caller, id: string): void {
  const authority = authorityOf(tx, caller);
  for (const [group, granted] of grantsOf(tx, id)) {
    const held = authority(group);
    const beyond = [...granted].filter((capability) => !held.has(capability));
    if (beyond.length === 0) continue;
    throw permissionDenied(`the identity holds more at ${group} than the caller does; missing: ${beyond.join(', ')}`);
  }
}
