import { sortCapabilities } from '../../api/capabilities.ts';
import type {
  AuthDeletionRequest,
  AuthProfile,
  AuthWhoAmI,
  AuthWhoAmICapability,
  Empty,
} from '../../api/schema/types.gen.ts';
import { ancestry } from '../../api/uidp.ts';
import { capabilitiesAt } from '../access.ts';
import { invalidArgument, permissionDenied } from '../failures.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import type { Caller } from '../types.ts';
import { toWireGroup } from './groups.ts';
import { removeIdentity } from './identities.ts';
import { capabilitiesOf, toWireRole } from './roles.ts';
import { toWireTime } from './wire-time.ts';

/** What the caller's token says, with what is left of its capabilities now (protocols 4.4). */
export function validate(tx: Tx, caller: Caller, _request: Empty): AuthWhoAmI {
  const profile = toProfile(caller.profile);
  return {
    issuer: caller.issuer,
    subject: caller.identity,
    audience: [...caller.audience],
    expiry: toWireTime(caller.expiresAt * 1000),
    issuedAt: toWireTime(caller.issuedAt * 1000),
    capabilities: [...caller.ceiling.keys()].sort().flatMap((group) => capabilitiesIn(tx, caller, group)),
    ...(caller.email === undefined ? {} : { email: caller.email }),
    ...(profile === undefined ? {} : { profile }),
  };
}

/** A user may remove itself and nothing else (semantics 4). */
export function deleteSelf(tx: Tx, caller: Caller, request: AuthDeletionRequest): Empty {
  if (!request.id) throw invalidArgument('id is required');
  if (request.id !== caller.identity) throw permissionDenied('only the caller itself can be deleted');
  removeIdentity(tx, caller.identity);
  return {};
}

/** One entry per bound role while they explain everything the caller holds there, the bare names otherwise. */
function capabilitiesIn(tx: Tx, caller: Caller, groupId: string): AuthWhoAmICapability[] {
  const row = tx.get('SELECT * FROM groups WHERE id = ?', groupId);
  const held = capabilitiesAt(tx, caller, groupId);
  if (row === undefined || held.size === 0) return [];
  const group = toWireGroup(row);
  const roles = boundRoles(tx, caller.identity, groupId).filter((role) => isWithin(capabilitiesOf(role), held));
  const explained = new Set(roles.flatMap(capabilitiesOf));
  if (explained.size === held.size) return roles.map((role) => ({ group, role: toWireRole(role) }));
  return [{ group, capabilities: sortCapabilities(held) }];
}

/** Roles bound at the group or above it, each once, by id. */
function boundRoles(tx: Tx, identity: string, group: string): SqlRow[] {
  return tx.all(
    `SELECT r.* FROM roles r WHERE r.id IN (
       SELECT b.role FROM role_bindings b
       WHERE b.identity = ? AND b.group_id IN (SELECT value FROM json_each(?)))
     ORDER BY r.id`,
    identity,
    JSON.stringify(ancestry(group)),
  );
}

function isWithin(capabilities: readonly string[], held: ReadonlySet<string>): boolean {
  return capabilities.every((capability) => held.has(capability));
}

/** From upstream OpenID claims; absent when the login brought none, as for assumed identities. */
function toProfile(claims: Caller['profile']): AuthProfile | undefined {
  if (claims === undefined) return undefined;
  const text = (claim: string): string => (typeof claims[claim] === 'string' ? claims[claim] : '');
  return {
    name: text('name'),
    picture: text('picture'),
    givenName: text('given_name'),
    familyName: text('family_name'),
  };
}
