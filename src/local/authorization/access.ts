// Decides who may do what. Guarantees: a caller has a capability at a place only while a role held there or above gives
// it AND the caller's token was minted with it; and what a caller holds nothing at looks to it as if it did not exist.

import { ancestry, isRoot } from '../../api/uidp.ts';
import { notFound, permissionDenied } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import type { SqlValue, Tx } from '../store/database.ts';
import type { Memory } from '../store/memory.ts';

/** Capabilities of the caller at a place. */
export type Authority = (uidp: string) => Set<string>;

/**
 * Returns the roles an identity holds now, and where: from its role bindings, from the groups its last login through a
 * provider named while that session lasts, and from the groups that a provider put it in over SCIM (protocols 9).
 * Nothing in an organization whose provider has deactivated it.
 */
export const effectiveRolesSql = `
  SELECT place, role FROM (
    SELECT b.place, b.role FROM bound_roles b WHERE b.identity = ?1
    UNION
    SELECT m.place, m.role FROM login_groups l
      JOIN json_each(l.external_groups) named
      JOIN mapped_roles m ON m.identity_provider = l.identity_provider AND m.external_group_id = named.value
    WHERE l.identity = ?1 AND l.ends > ?2
    UNION
    SELECT m.place, m.role FROM provisioned_groups g
      JOIN mapped_roles m
        ON m.identity_provider = g.identity_provider AND m.external_group_id IN (g.external_id, g.display_name)
    WHERE g.identity = ?1)
  WHERE NOT EXISTS (
    SELECT 1 FROM provisioned_users off
    WHERE off.identity = ?1 AND off.active = 0 AND substr(off.identity_provider, 1, 40) = substr(place, 1, 40))`;

/** Asked with every request. */
export const effectiveRolesMemory: Memory<{ readonly grants: Grants; readonly until: number }> = {
  tables: [
    'role_bindings',
    'roles',
    'identity_provider_logins',
    'external_group_role_mappings',
    'scim_users',
    'scim_groups',
    'scim_group_members',
  ],
  most: 1_000,
  until: ({ until }) => until,
};

/** Capabilities by group, in ascending order, from the roles held exactly there, not inherited ones. */
export function grantsOf(tx: Tx, identity: string): Grants {
  return tx.recall(effectiveRolesMemory, identity, () => ({
    grants: readGrants(tx, identity),
    until: nextLoginEnd(tx, identity),
  })).grants;
}

/** Returns when the groups of a login end, the first of them: nobody writes anything then. */
export function nextLoginEnd(tx: Tx, identity: string): number {
  const row = tx.get('SELECT MIN(ends) AS ends FROM login_groups WHERE identity = ? AND ends > ?', identity, tx.now);
  const ends = row?.['ends'] ?? undefined;
  return ends === undefined ? Number.POSITIVE_INFINITY : Number(ends);
}

function readGrants(tx: Tx, identity: string): Grants {
  // An identity may hold one role in a thousand places: each role is read once.
  const rows = tx.all(`${effectiveRolesSql} ORDER BY place`, identity, tx.now);
  const capabilities = capabilitiesOf(tx, [...new Set(rows.map((row) => row['role']))]);
  const grants = new Map<string, ReadonlySet<string>>();
  for (const row of rows) {
    const group = String(row['place']);
    const given = capabilities.get(row['role']) ?? new Set<string>();
    const held = grants.get(group);
    grants.set(group, held === undefined ? given : new Set([...held, ...given]));
  }
  return grants;
}

function capabilitiesOf(tx: Tx, roles: readonly (SqlValue | undefined)[]): Map<SqlValue | undefined, Set<string>> {
  const rows = tx.all(
    'SELECT role, capabilities FROM role_capabilities WHERE role IN (SELECT value FROM json_each(?))',
    JSON.stringify(roles),
  );
  return new Map(rows.map((row) => [row['role'], new Set(JSON.parse(String(row['capabilities'])) as string[])]));
}

/**
 * Answers for many places from one look at what the caller holds. Ceiling and roles are each collected over the
 * ancestry first: a token scoped to a folder files what it inherits under that folder (semantics 3.5), where nothing of
 * that name is held.
 */
export function authorityOf(tx: Tx, caller: Caller): Authority {
  const live = grantsOf(tx, caller.identity);
  return (uidp) => {
    const held = collect(live, uidp);
    return new Set([...collect(caller.ceiling, uidp)].filter((capability) => held.has(capability)));
  };
}

/** Returns what the caller may do at `uidp`. */
export function capabilitiesAt(tx: Tx, caller: Caller, uidp: string): Set<string> {
  return authorityOf(tx, caller)(uidp);
}

export function hasCapabilities(tx: Tx, caller: Caller, capabilities: readonly string[], uidp: string): boolean {
  return missingAt(tx, caller, capabilities, uidp).length === 0;
}

/** Looks for these alone: a caller holds hundreds, and nearly every request asks for one or two. */
function missingAt(tx: Tx, caller: Caller, capabilities: readonly string[], uidp: string): string[] {
  const live = grantsOf(tx, caller.identity);
  const around = ancestry(uidp);
  return capabilities.filter((one) => !(isGranted(caller.ceiling, one, around) && isGranted(live, one, around)));
}

/** Returns whether it is given at one of the places. */
function isGranted(grants: Grants, capability: string, places: readonly string[]): boolean {
  return places.some((place) => grants.get(place)?.has(capability));
}

/**
 * Throws unless the caller has all of `capabilities` at `uidp`: NOT_FOUND where it holds nothing at all, so that ids
 * cannot be probed, PERMISSION_DENIED with what is missing otherwise. Does not look whether `uidp` exists: both answers
 * are the same either way.
 */
export function requireCapabilities(tx: Tx, caller: Caller, capabilities: readonly string[], uidp: string): void {
  const missing = missingAt(tx, caller, capabilities, uidp);
  if (missing.length === 0) return;
  if (capabilitiesAt(tx, caller, uidp).size === 0 && !isEverybodys(tx, caller, uidp))
    throw notFound(`${uidp} not found`);
  throw permissionDenied(`missing: ${missing.join(', ')}`);
}

/**
 * The topmost ids at and below which the caller has all of `capabilities`, in ascending order; none contains another.
 * A list without a scope shows what lies at or below one of these places.
 */
export function groupsWith(tx: Tx, caller: Caller, capabilities: readonly string[]): string[] {
  const live = grantsOf(tx, caller.identity);
  // Only where something is granted can a set become complete; between two such places nothing changes.
  const places = [...new Set([...live.keys(), ...caller.ceiling.keys()])].sort();
  const found = new Set<string>();
  for (const place of places) {
    if (ancestry(place).some((ancestor) => found.has(ancestor))) continue;
    const above = ancestry(place);
    if (capabilities.every((one) => isGranted(caller.ceiling, one, above) && isGranted(live, one, above)))
      found.add(place);
  }
  return [...found];
}

type Grants = ReadonlyMap<string, ReadonlySet<string>>;

function collect(grants: Grants, uidp: string): Set<string> {
  const held = new Set<string>();
  for (const place of ancestry(uidp)) {
    for (const capability of grants.get(place) ?? []) held.add(capability);
  }
  return held;
}

/** Built-in roles are everybody's to see, and everybody knows itself. */
function isEverybodys(tx: Tx, caller: Caller, uidp: string): boolean {
  if (uidp === caller.identity) return true;
  return isRoot(uidp) && tx.get('SELECT 1 FROM role_capabilities WHERE role = ?', uidp) !== undefined;
}
