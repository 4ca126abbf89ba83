// Ids as people can type them: the beginning of the last segment, as git shortens its own. Guarantees: what a list shows
// is accepted wherever that id is, and never means two things without saying so.

import { lastSegment } from '../api/uidp.ts';

/** Digits shown when they are enough to tell the ids of a list apart. */
const usual = 8;

/** Returns for each id the shortest beginning, of at least eight digits, that no other id of these begins with. */
export function shortIds(ids: Iterable<string>): (id: string) => string {
  const ends = [...new Set([...ids].map(lastSegment))].sort();
  let length = usual;
  for (let at = 1; at < ends.length; at += 1) length = Math.max(length, shared(ends[at - 1] ?? '', ends[at] ?? '') + 1);
  return (id) => lastSegment(id).slice(0, length);
}

function shared(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}

/** Returns whether a text may be the beginning of an id. Fewer digits are more likely a name. */
export const isShortId = (text: string): boolean => /^[0-9a-f]{6,39}$/.test(text);

/** The things that a short id may mean; none when the text is no short id. */
export function byShortId<T extends { readonly id?: string }>(text: string, things: readonly T[]): readonly T[] {
  return isShortId(text) ? things.filter(({ id = '' }) => lastSegment(id).startsWith(text)) : [];
}
