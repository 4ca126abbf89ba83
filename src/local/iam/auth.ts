import { sortCapabilities } from '../../api/capabilities.ts';
import type {
  AuthDeletionRequest,
  AuthProfile,
  AuthWhoAmI,
  AuthWhoAmICapability,
} from '../../api/schema/types/auth.gen.ts';
import type { Empty } from '../../api/schema/types.ts';
import { ancestry } from '../../api/uidp.ts';
import { toWireTime } from '../api/wire-time.ts';
import { authorityOf } from '../authorization/access.ts';
import { invalidArgument, permissionDenied } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { effectiveRolesOf } from './effective-roles.ts';
import { toWireGroup } from './groups.ts';
import { removeIdentity } from './identities.ts';
import { capabilitiesOf, toWireRole } from './roles.ts';

/** Returns what the caller's token says, with what is left of its capabilities now (protocols 4.4). */
export function validate(tx: Tx, caller: Caller, _request: Empty): AuthWhoAmI {
  const profile = toProfile(caller.profile);
  return {
    issuer: caller.issuer,
    subject: caller.identity,
    audience: [...caller.audience],
    expiry: toWireTime(caller.expiresAt * 1000),
    issuedAt: toWireTime(caller.issuedAt * 1000),
    capabilities: capabilitiesByGroup(tx, caller),
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

/** One entry per role while the roles explain everything the caller holds in a group, the bare names otherwise. */
function capabilitiesByGroup(tx: Tx, caller: Caller): AuthWhoAmICapability[] {
  const authority = authorityOf(tx, caller);
  const rolesAt = new Map<string, SqlRow[]>();
  for (const row of effectiveRolesOf(tx, caller.identity)) {
    const place = String(row['place']);
    rolesAt.set(place, [...(rolesAt.get(place) ?? []), row]);
  }
  return [...caller.ceiling.keys()].sort().flatMap((id): AuthWhoAmICapability[] => {
    const row = tx.get('SELECT * FROM groups WHERE id = ?', id);
    const held = authority(id);
    if (row === undefined || held.size === 0) return [];
    const group = toWireGroup(row);
    const roles = distinct(ancestry(id).flatMap((place) => rolesAt.get(place) ?? []));
    const fitting = roles.filter((role) => isWithin(capabilitiesOf(role), held));
    const explained = new Set(fitting.flatMap(capabilitiesOf));
    if (explained.size === held.size) return fitting.map((role) => ({ group, role: toWireRole(role) }));
    return [{ group, capabilities: sortCapabilities(held) }];
  });
}

/** Each role once, by id. */
function distinct(roles: readonly SqlRow[]): SqlRow[] {
  const byId = new Map(roles.map((role) => [String(role['id']), role]));
  return [...byId].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, role]) => role);
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
