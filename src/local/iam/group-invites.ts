import type {
  IamDeleteGroupInviteRequest,
  IamGroupInvite,
  IamGroupInviteFilter,
  IamGroupInviteList,
  IamGroupInviteRequest,
  IamRole,
  IamStoredGroupInvite,
} from '../../api/schema/types/iam.gen.ts';
import type { Empty } from '../../api/schema/types.ts';
import { isAncestorOrSelf, newChildId } from '../../api/uidp.ts';
import { millisecondsOf } from '../api/durations.ts';
import { checkEmail } from '../api/field-rules.ts';
import {
  type ListContext,
  optionalUidp,
  type Resource,
  requiredUidp,
  type Selection,
  selectVisible,
} from '../api/selection.ts';
import { toWireTime } from '../api/wire-time.ts';
import { groupsWith } from '../authorization/access.ts';
import { failedPrecondition, invalidArgument, notFound, permissionDenied } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import type { SqlRow, SqlValue, Tx } from '../store/database.ts';
import { bindRole, findBoundRole } from './bind-role.ts';
import { builtInRoleId } from './built-in-roles.ts';
import { findApplicableRole, requireGrantableRole } from './grantable-roles.ts';
import { createOrganizationWithoutOwner, findGroup } from './groups.ts';
import { decodeInviteCode, digestOfSecret, encodeInviteCode, isSameDigest } from './invite-codes.ts';
import { toWireRole } from './roles.ts';
import { type Voucher, vouchesForAddresses } from './trusted-addresses.ts';

const resource: Resource = { table: 'group_invites', parent: 'group_id' };

/** Last second of the year 9999: what a timestamp on the wire can hold. */
const endOfTime = Date.parse('9999-12-31T23:59:59Z');

/** An invite is a role binding to come, so the caller must be able to make that binding now. */
export function createGroupInvite(tx: Tx, caller: Caller, request: IamGroupInviteRequest): IamGroupInvite {
  const group = requiredUidp('group', request.group);
  findGroup(tx, group);
  const role = requireGrantableRole(tx, caller, group, requiredUidp('role', request.role));
  return insertInvite(tx, group, role, request);
}

/**
 * A new organization, named by `group`, that nobody owns until somebody accepts the invite (group_invites.proto: not
 * for customers). Wants both capabilities anywhere in the token.
 */
export function createGroupInviteWithGroup(tx: Tx, caller: Caller, request: IamGroupInviteRequest): IamGroupInvite {
  const wanted = ['group_invites.create', 'role_bindings.create'];
  if (groupsWith(tx, caller, wanted).length === 0) throw permissionDenied(`missing: ${wanted.join(', ')}`);
  const owner = builtInRoleId('owner');
  if (request.role !== undefined && request.role !== owner) {
    throw invalidArgument('role: the person who accepts becomes owner of the new organization');
  }
  const group = createOrganizationWithoutOwner(tx, request.group);
  const role = findApplicableRole(tx, group, owner);
  if (role === undefined) throw new Error('the built-in roles are not installed');
  return insertInvite(tx, group, role, request);
}

/** `group` takes that group and everything below it. Codes are shown once and never here. */
export function listGroupInvites(
  tx: Tx,
  caller: Caller,
  request: IamGroupInviteFilter,
  context?: ListContext,
): IamGroupInviteList {
  const within = optionalUidp('group', request.group);
  const rows = selectVisible(tx, groupInviteSelection(tx, caller, request), context?.part).filter(
    (row) => within === undefined || isAncestorOrSelf(within, String(row['group_id'])),
  );
  const roles = rolesOfInvites(tx, rows);
  return { items: rows.map((row) => toStoredInvite(row, roles.get(row['role']))) };
}

export function groupInviteSelection(tx: Tx, caller: Caller, { id, keyId }: IamGroupInviteFilter): Selection {
  const visible = groupsWith(tx, caller, ['group_invites.list']);
  return { resource, visible, id, also: { key_id: keyId } };
}

export function findGroupInvite(tx: Tx, id: string): SqlRow {
  const row = tx.get('SELECT * FROM group_invites WHERE id = ?', id);
  if (row === undefined) throw notFound(`${id} not found`);
  return row;
}

/** By id; a role that has been deleted is missing. */
export function rolesOfInvites(tx: Tx, rows: readonly SqlRow[]): Map<SqlValue | undefined, IamRole> {
  const ids = JSON.stringify([...new Set(rows.map((row) => row['role']))]);
  const found = tx.all('SELECT * FROM roles WHERE id IN (SELECT value FROM json_each(?))', ids);
  return new Map(found.map((row) => [row['id'], toWireRole(row)]));
}

/** Its code is worth nothing from then on. */
export function deleteGroupInvite(tx: Tx, _caller: Caller, request: IamDeleteGroupInviteRequest): Empty {
  const id = requiredUidp('id', request.id);
  if (tx.run('DELETE FROM group_invites WHERE id = ?', id) === 0) throw notFound(`${id} not found`);
  return {};
}

/** Person who wants to join, as the upstream login says. */
export interface Invitee extends Voucher {
  /** UIDP of the account, which may have been made just now. */
  readonly identity: string;
  readonly email: string | undefined;
  readonly emailVerified: boolean;
}

/** Content of a valid code. */
interface OpenInvite {
  readonly id: string;
  readonly group: string;
  /** Row of table `roles`. */
  readonly role: SqlRow;
  readonly singleUse: boolean;
}

/**
 * Reads what a code is for and changes nothing. Throws NOT_FOUND for a code that is not known or revoked,
 * FAILED_PRECONDITION when it is over, PERMISSION_DENIED when it is for another address.
 */
export function openInvite(tx: Tx, code: string, invitee: Omit<Invitee, 'identity'>): OpenInvite {
  const claimed = decodeInviteCode(code);
  const row = claimed === undefined ? undefined : tx.get('SELECT * FROM group_invites WHERE key_id = ?', claimed.keyId);
  if (
    row === undefined ||
    claimed === undefined ||
    !isSameDigest(String(row['digest']), digestOfSecret(claimed.secret))
  ) {
    throw notFound('the invite code is not known, or has been used or revoked');
  }
  const expiresAt = Number(row['expires_at']);
  if (expiresAt <= tx.now) throw failedPrecondition(`the invite expired at ${toWireTime(expiresAt)}`);
  const email = String(row['email']);
  // An address that nobody has verified proves nothing (protocols 5: must match exactly).
  if (email !== '' && !(invitee.emailVerified && invitee.email === email)) {
    throw permissionDenied('the invite is for another e-mail address');
  }
  const group = String(row['group_id']);
  if (email !== '' && !vouchesForAddresses(tx, invitee, group)) {
    throw permissionDenied(
      `the invite is for an e-mail address, and issuer ${JSON.stringify(invitee.issuer)} is not trusted with those`,
    );
  }
  const role = row['role'] === null ? undefined : findApplicableRole(tx, group, String(row['role']));
  if (role === undefined) throw failedPrecondition('the role of the invite no longer exists');
  return { id: String(row['id']), group, role, singleUse: row['single_use'] === 1 };
}

/** Binds the invitee to the invite's role and returns the group. Throws as `openInvite` does. */
export function acceptInvite(tx: Tx, code: string, invitee: Invitee): string {
  const { id, group, role, singleUse } = openInvite(tx, code, invitee);
  const binding = { group, identity: invitee.identity, role: String(role['id']) };
  if (findBoundRole(tx, binding) === undefined) bindRole(tx, binding);
  if (singleUse) tx.run('DELETE FROM group_invites WHERE id = ?', id);
  return group;
}

function insertInvite(tx: Tx, group: string, role: SqlRow, request: IamGroupInviteRequest): IamGroupInvite {
  if (request.ttl === undefined) throw invalidArgument('ttl is required');
  const ttl = millisecondsOf(request.ttl);
  if (ttl <= 0) throw invalidArgument('ttl must be positive');
  const expiresAt = tx.now + ttl;
  if (expiresAt > endOfTime) throw invalidArgument('ttl is too long');
  const email = request.email === undefined || request.email === '' ? '' : checkEmail('email', request.email);
  const id = newChildId(group, (count) => tx.randomBytes(count));
  const keyId = Buffer.from(tx.randomBytes(8)).toString('hex');
  const secret = Buffer.from(tx.randomBytes(32)).toString('base64url');
  tx.run(
    `INSERT INTO group_invites (id, group_id, role, key_id, digest, email, single_use, expires_at, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    group,
    String(role['id']),
    keyId,
    digestOfSecret(secret),
    email,
    request.singleUse === true ? 1 : 0,
    expiresAt,
    tx.now,
  );
  return {
    id,
    expiration: toWireTime(expiresAt),
    keyId,
    role: toWireRole(role),
    code: encodeInviteCode({ group, expiresAt, keyId, role: String(role['id']), email, secret }),
  };
}

function toStoredInvite(row: SqlRow, role: IamRole | undefined): IamStoredGroupInvite {
  return {
    id: String(row['id']),
    expiration: toWireTime(Number(row['expires_at'])),
    keyId: String(row['key_id']),
    ...(role === undefined ? {} : { role }),
    email: String(row['email']),
    createdAt: toWireTime(Number(row['created_at'])),
    singleUse: row['single_use'] === 1,
  };
}
