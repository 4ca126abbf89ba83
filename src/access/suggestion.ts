// The smallest roles that allow what was seen. Guarantees: no input or output; every capability that is needed at a place is given
// there or above.

import type { IamRole } from '../api/schema/types/iam.gen.ts';
import { isAncestor, isRoot } from '../api/uidp.ts';

/** Capabilities that something has used at a place. */
export interface Use {
  /** UIDP of an organization or folder. */
  readonly place: string;
  readonly capabilities: readonly string[];
  /** A list of all that may be seen: it is answered with less where less is held, and is about no one place. */
  readonly isAnywhere: boolean;
}

export interface Suggestion {
  readonly place: string;
  /** Sorted. */
  readonly capabilities: readonly string[];
  /** A built-in role with these and no others more than any smaller one; undefined where only a custom role would do. */
  readonly role: IamRole | undefined;
}

/**
 * Roles for the places, outermost first. Lists of anything are allowed where something else is done, or with `lists: 'wide'`, and
 * where nothing else is, at the place that they were recorded for.
 */
export function suggestRoles(
  uses: readonly Use[],
  builtIn: readonly IamRole[],
  lists: 'narrow' | 'wide',
): Suggestion[] {
  const needed = new Map<string, Set<string>>();
  const add = (place: string, capabilities: readonly string[]) => {
    const known = needed.get(place) ?? new Set();
    needed.set(place, known);
    for (const one of capabilities) known.add(one);
  };
  for (const { place, capabilities, isAnywhere } of uses) if (!isAnywhere) add(place, capabilities);
  const scoped = [...needed.keys()];
  for (const { place, capabilities, isAnywhere } of uses) {
    if (!isAnywhere) continue;
    const below = scoped.filter((one) => one === place || isAncestor(place, one));
    if (lists === 'wide' || below.length === 0) add(place, capabilities);
    else for (const one of below) add(one, capabilities);
  }
  const suggestions: Suggestion[] = [];
  for (const place of [...needed.keys()].sort((a, b) => a.length - b.length || (a < b ? -1 : 1))) {
    const above = suggestions.filter((one) => isAncestor(one.place, place)).flatMap(({ capabilities }) => capabilities);
    const capabilities = [...(needed.get(place) ?? [])].filter((one) => !above.includes(one)).sort();
    if (capabilities.length === 0) continue;
    suggestions.push({ place, capabilities, role: smallestWith(builtIn, capabilities) });
  }
  return suggestions;
}

function smallestWith(roles: readonly IamRole[], wanted: readonly string[]): IamRole | undefined {
  return roles
    .filter(({ id = '', capabilities = [] }) => isRoot(id) && wanted.every((one) => capabilities.includes(one)))
    .sort(
      (a, b) =>
        (a.capabilities?.length ?? 0) - (b.capabilities?.length ?? 0) || ((a.name ?? '') < (b.name ?? '') ? -1 : 1),
    )[0];
}
