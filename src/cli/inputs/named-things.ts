// Finds the thing that a text names among those that a list operation gives. Guarantees: every list is fetched once per run
// and location; one match is used, none is a not-found error with near misses, several are picked from or listed.

import type { Context } from '../context.ts';
import type { Candidate } from '../prompts/question.ts';
import { remembered } from '../remembered.ts';
import {
  byNameThenId,
  groupDirectory,
  type Named,
  namedOrShort,
  one,
  placeAndEnd,
  type Reference,
  sharedIn,
} from './references.ts';

interface BelowFilter {
  readonly uidp?: { readonly descendantsOf: string };
}

interface Naming<T> {
  readonly noun: string;
  /** Things that are meant before any that has the text as its name. */
  readonly exact?: readonly T[];
  readonly candidate: (thing: T) => Candidate<Reference>;
}

/** Returns a function that lists what the caller sees, by name; below `parent` when there is one. */
export const listedBelow = <T extends Named>(
  list: (context: Context, filter: BelowFilter) => Promise<readonly T[] | undefined>,
): ((context: Context, parent?: string) => Promise<readonly T[]>) =>
  remembered(
    async (context: Context, parent?: string): Promise<readonly T[]> => {
      const items = await list(context, parent === undefined ? {} : { uidp: { descendantsOf: parent } });
      return [...(items ?? [])].sort(byNameThenId);
    },
    (parent = '') => parent,
  );

/** The one of `exact`, else of that name, else whose id begins so. Throws kinds `not-found` and `usage`. */
export const namedAmong = <T extends Named>(
  context: Context,
  text: string,
  things: readonly T[],
  { noun, candidate, exact = [] }: Naming<T>,
): Promise<T> =>
  one(context, text, exact.length > 0 ? exact : namedOrShort(text, things), {
    noun,
    missing: `No ${noun} found for "${text}"`,
    names: () => things.map(({ name = '' }) => name),
    candidate,
  });

/** Candidates where names may be shared: those show where they are, and are typed by their id. */
export async function toldApart<T extends Named, V>(
  context: Context,
  things: readonly T[],
  candidate: (thing: T) => Candidate<V>,
): Promise<Candidate<V>[]> {
  const isShared = sharedIn(things);
  if (!things.some(isShared)) return things.map(candidate);
  const directory = await groupDirectory(context);
  return things.map((thing) => ({
    ...candidate(thing),
    ...(isShared(thing) ? { description: placeAndEnd(thing.id ?? '', directory), text: thing.id ?? '' } : {}),
  }));
}
