// Chooses the columns of a table that fit a terminal, and how wide each may be. Guarantees: a column without a rank
// never leaves, and an id is never cut.

/** Facts about a column that fitting needs. */
export interface Measured {
  /** Columns of the terminal that its head takes. */
  readonly head: number;
  /** The widest value; 0 when every row leaves it blank. */
  readonly value: number;
  /** Its values may be cut. */
  readonly flexible: boolean;
  /** The larger, the sooner it leaves; 0 stays. */
  readonly rank: number;
}

/** Narrower than this a text that was cut says nothing: of what never leaves, and of the rest. */
const narrowest = (rank: number) => (rank === 0 ? 24 : 16);

/** Blanks and bar between two columns. */
const between = 3;

/** Returns the width of each column in `room` columns of the terminal; undefined for those that have to leave. */
export function fitInto(columns: readonly Measured[], room: number): readonly (number | undefined)[] {
  // A column that shrinks begins no wider than the terminal: a text of a million letters is not shortened one by one.
  const widths: (number | undefined)[] = columns.map(({ head, value, flexible, rank }) =>
    Math.max(head, flexible ? Math.min(value, Math.max(room, narrowest(rank))) : value),
  );
  const least = ({ head, value, flexible, rank }: Measured) =>
    Math.max(head, flexible ? Math.min(value, narrowest(rank)) : value);
  const total = (of: (column: Measured, at: number) => number) => {
    const kept = columns.flatMap((column, at) => (widths[at] === undefined ? [] : [of(column, at)]));
    return kept.reduce((sum, width) => sum + width, 0) + Math.max(0, kept.length - 1) * between + 2;
  };
  while (total(least) > room) {
    const leaving = leavesNext(columns, widths);
    if (leaving === undefined) break;
    widths[leaving] = undefined;
  }
  for (let over = total((_, at) => widths[at] ?? 0) - room; over > 0; over -= 1) {
    const widest = widestThatYields(columns, widths, least);
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

/** The one with nothing in it, then the one of the highest rank, of equals the last. */
function leavesNext(columns: readonly Measured[], widths: readonly (number | undefined)[]): number | undefined {
  let found: number | undefined;
  let worst = 0;
  columns.forEach(({ rank, value }, at) => {
    const badness = rank > 0 && value === 0 ? Number.POSITIVE_INFINITY : rank;
    if (widths[at] === undefined || badness === 0 || badness < worst) return;
    worst = badness;
    found = at;
  });
  return found;
}

function widestThatYields(
  columns: readonly Measured[],
  widths: readonly (number | undefined)[],
  least: (column: Measured) => number,
): number | undefined {
  let found: number | undefined;
  columns.forEach((column, at) => {
    const width = widths[at];
    if (width === undefined || !column.flexible || width <= least(column)) return;
    if (found === undefined || width > (widths[found] ?? 0)) found = at;
  });
  return found;
}
