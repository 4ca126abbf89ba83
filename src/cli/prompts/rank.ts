/** Fields that a filter looks at. */
export interface Ranked {
  /** The name of the thing. */
  readonly label: string;
  /** Everything that is shown of it. */
  readonly text: string;
}

/**
 * Numbers of the rows that hold the text, in either case: first the one called exactly so, then those whose name begins
 * with it, then those with a word in the name that does, then those with it anywhere in the name, then in the rest.
 * Rows of one rank stay in their order.
 */
export function ranked(rows: readonly Ranked[], filter: string): number[] {
  const wanted = filter.trim().toLowerCase();
  const ranks = rows.map((row, index) => [rankOf(row, wanted), index] as const);
  return ranks
    .filter(([rank]) => rank < none)
    .sort(([a, one], [b, other]) => a - b || one - other)
    .map(([, index]) => index);
}

const none = 6;

function rankOf({ label, text }: Ranked, wanted: string): number {
  if (wanted === '') return 0;
  const name = label.toLowerCase();
  if (name === wanted) return 0;
  if (name.startsWith(wanted)) return 1;
  if (hasWord(name, wanted)) return 2;
  if (name.includes(wanted)) return 3;
  const all = text.toLowerCase();
  if (hasWord(all, wanted)) return 4;
  return all.includes(wanted) ? 5 : none;
}

/** Returns whether a word begins with the text: after anything that is neither letter nor digit. */
function hasWord(text: string, wanted: string): boolean {
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? '')) return true;
  }
  return false;
}
