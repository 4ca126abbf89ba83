// Who may do what. Promises: a caller has a capability at a place only while a role binding there or above gives it AND
// the caller's token was minted with it; and what a caller holds nothing at looks to it as if it did not exist.

import { ancestry, isRoot } from '../api/uidp.ts';
import { notFound, permissionDenied } from './failures.ts';
import type { Tx } from './store/database.ts';
import type { Caller } from './types.ts';

/** Capabilities by group from the role bindings made exactly there, not inherited ones. */
export function grantsOf(tx: Tx, identity: string): Map<string, Set<string>> {
  const grants = new Map<string, Set<string>>();
  const rows = tx.all(
    `SELECT b.group_id, r.capabilities FROM role_bindings b JOIN roles r ON r.id = b.role
     WHERE b.identity = ? ORDER BY b.group_id, b.id`,
    identity,
  );
  for (const row of rows) {
    const group = String(row['group_id']);
    const held = grants.get(group) ?? new Set<string>();
    for (const capability of JSON.parse(String(row['capabilities'])) as string[]) held.add(capability);
    grants.set(group, held);
  }
  return grants;
}

/**
 * What the caller may do at `uidp`. Ceiling and bindings are each collected over the ancestry first: a token scoped to
 * a folder files what it inherits under that folder (semantics 3.5), where no binding of that name exists.
 */
export function capabilitiesAt(tx: Tx, caller: Caller, uidp: string): Set<string> {
  const live = collect(grantsOf(tx, caller.identity), uidp);
  return new Set([...collect(caller.ceiling, uidp)].filter((capability) => live.has(capability)));
}

export function hasCapabilities(tx: Tx, caller: Caller, capabilities: readonly string[], uidp: string): boolean {
  const held = capabilitiesAt(tx, caller, uidp);
  return capabilities.every((capability) => held.has(capability));
}

/**
 * Throws unless the caller has all of `capabilities` at `uidp`: NOT_FOUND where it holds nothing at all, so that ids
 * cannot be probed, PERMISSION_DENIED with what is missing otherwise. Does not look whether `uidp` exists: both answers
 * are the same either way.
 */
export function requireCapabilities(tx: Tx, caller: Caller, capabilities: readonly string[], uidp: string): void {
  const held = capabilitiesAt(tx, caller, uidp);
  const missing = capabilities.filter((capability) => !held.has(capability));
  if (missing.length === 0) return;
  if (held.size === 0 && !isEverybodys(tx, caller, uidp)) throw notFound(`${uidp} not found`);
  throw permissionDenied(`missing: ${missing.join(', ')}`);
}

/**
 * The topmost ids at and below which the caller has all of `capabilities`, in ascending order; none contains another.
 * What a list without a scope may show is what lies at or below one of them.
 */
export function groupsWith(tx: Tx, caller: Caller, capabilities: readonly string[]): string[] {
  const live = grantsOf(tx, caller.identity);
  // Only where something is granted can a set become complete; between two such places nothing changes.
  const places = [...new Set([...live.keys(), ...caller.ceiling.keys()])].sort();
  const found = new Set<string>();
  for (const place of places) {
    if (ancestry(place).some((ancestor) => found.has(ancestor))) continue;
    const ceiling = collect(caller.ceiling, place);
    const granted = collect(live, place);
    if (capabilities.every((capability) => ceiling.has(capability) && granted.has(capability))) found.add(place);
  }
  return [...found];
}

function collect(grants: ReadonlyMap<string, ReadonlySet<string>>, uidp: string): Set<string> {
  const held = new Set<string>();
  for (const place of ancestry(uidp)) {
    for (const capability of grants.get(place) ?? []) held.add(capability);
  }
  return held;
}

/** Built-in roles are everybody's to see, and everybody knows itself. */
function isEverybodys(tx: Tx, caller: Caller, uidp: string): boolean {
  if (uidp === caller.identity) return true;
  return isRoot(uidp) && tx.get('SELECT 1 FROM roles WHERE id = ?', uidp) !== undefined;
}
