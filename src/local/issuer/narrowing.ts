import { capabilities as allCapabilities } from '../../api/schema/capabilities.gen.ts';
import { ancestry, isAncestorOrSelf, isUidp } from '../../api/uidp.ts';
import { quote } from '../../quote.ts';
import { invalidArgument, permissionDenied } from '../core/failures.ts';
import { groupsNamed } from '../iam/group-names.ts';
import type { Limits } from '../sessions/session.ts';
import type { Tx } from '../store/database.ts';

/** Capabilities by group. */
export type Grants = ReadonlyMap<string, ReadonlySet<string>>;

const capabilityNames = new Set(allCapabilities.map(({ name }) => name));

/** The limits in a request: union of `scope` and `scopes` (semantics 3.5). Throws INVALID_ARGUMENT (protocols Q22). */
export function toLimits(request: { scope?: string; scopes?: string[]; cap?: string[] }): Limits {
  const scopes = new Set([...(request.scopes ?? []), request.scope ?? ''].filter((scope) => scope !== ''));
  const capabilities = new Set((request.cap ?? []).filter((name) => name !== ''));
  for (const name of capabilities) {
    if (!capabilityNames.has(name)) throw invalidArgument(`${quote(name)} is not a capability`);
  }
  return { scopes: [...scopes], capabilities: [...capabilities] };
}

/**
 * Grants within limits: for each group asked for what is granted there or above, filed under that group, and of that
 * the capabilities asked for. What the caller lacks is left out silently; PERMISSION_DENIED when nothing is left
 * (protocols 3.1, Q22).
 */
export function narrow(tx: Tx, grants: Grants, limits: Limits): Grants {
  let narrowed = grants;
  if (limits.scopes.length > 0) {
    const groups = new Set(limits.scopes.map((scope) => toGroup(tx, grants, scope)));
    narrowed = withoutEmpty([...groups].map((group) => [group, heldAt(grants, group)]));
  }
  if (limits.capabilities.length > 0) narrowed = restrict(narrowed, () => new Set(limits.capabilities));
  if (isNarrowing(limits) && narrowed.size === 0) {
    throw permissionDenied('the identity holds none of the requested capabilities in the requested scope');
  }
  return narrowed;
}

/** Returns whether these limits ask for less than everything. */
export function isNarrowing(limits: Limits): boolean {
  return limits.scopes.length > 0 || limits.capabilities.length > 0;
}

/** Grants no higher than a ceiling, as that of the token they are asked with. */
export function underCeiling(grants: Grants, ceiling: Grants): Grants {
  // A token scoped to a folder files there what is granted above: look from both sides.
  const places = new Set([...grants.keys(), ...ceiling.keys()]);
  const all = withoutEmpty([...places].map((place) => [place, heldAt(grants, place)]));
  return restrict(all, (place) => heldAt(ceiling, place));
}

function restrict(grants: Grants, allowedAt: (group: string) => ReadonlySet<string>): Grants {
  return withoutEmpty(
    [...grants].map(([group, held]) => {
      const allowed = allowedAt(group);
      return [group, new Set([...held].filter((capability) => allowed.has(capability)))];
    }),
  );
}

function heldAt(grants: Grants, group: string): ReadonlySet<string> {
  return new Set(ancestry(group).flatMap((place) => [...(grants.get(place) ?? [])]));
}

function withoutEmpty(entries: readonly (readonly [string, ReadonlySet<string>])[]): Grants {
  return new Map(entries.filter(([, held]) => held.size > 0));
}

/** A UIDP as it is, or the one group of that name among those the caller holds something at (protocols Q23). */
function toGroup(tx: Tx, grants: Grants, scope: string): string {
  if (isUidp(scope)) return scope;
  const named = groupsNamed(tx, scope);
  const [group, ...others] = named.filter((id) => [...grants.keys()].some((granted) => isAncestorOrSelf(granted, id)));
  if (group === undefined) throw invalidArgument(`scope ${quote(scope)} is not the name of a group you have a role in`);
  if (others.length > 0) throw invalidArgument(`scope ${quote(scope)} is the name of several groups: give its id`);
  return group;
}
