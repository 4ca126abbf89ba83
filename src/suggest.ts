/** The nearest of the known words, or undefined when none is near enough to be a slip. Letter case does not count. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const typed = word.toLowerCase();
  // Of short words nearly everything is two edits away.
  let bestDistance = (typed.length < 5 ? 1 : Math.max(2, Math.floor(typed.length / 3))) + 1;
  let best: string | undefined;
  for (const candidate of known) {
    const other = candidate.toLowerCase();
    // Another first letter makes another word of a short one: `get` is no slip for `set`.
    if (typed.length < 4 && typed[0] !== other[0] && typed.slice(1) === other.slice(1)) continue;
    const isBeginning = typed.length > 2 && other.startsWith(typed) && other !== typed;
    const distance = isBeginning ? 1 : editDistance(typed, other, bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance with transpositions of neighbours counted once; stops counting at `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        value = Math.min(value, (beforePrevious[j - 2] ?? 0) + 1);
      }
      current.push(value);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? limit;
}
