import { expect, test } from 'vitest';
import { fitInto, type Measured } from '../../src/cli/output/fit.ts';
import { forSeeds } from '../support/random.ts';

const column = (value: number, more: Partial<Measured> = {}): Measured => ({
  head: 4,
  value,
  flexible: true,
  rank: 0,
  ...more,
});

function taken(widths: readonly (number | undefined)[]): number {
  const kept = widths.filter((width) => width !== undefined);
  return kept.reduce((sum, width) => sum + width, 0) + (kept.length - 1) * 3 + 2;
}

test('what fits stays as it is', () => {
  expect(fitInto([column(10), column(20, { rank: 3 })], 80)).toEqual([10, 20]);
});

test('the widest text yields first, and an id never does', () => {
  expect(fitInto([column(40, { flexible: false }), column(40), column(25)], 100)).toEqual([40, 27, 25]);
  expect(fitInto([column(8, { flexible: false }), column(60), column(30)], 70)).toEqual([8, 27, 27]);
});

test('what nobody filled leaves first, then the highest rank, of equals the last', () => {
  const wide = column(30, { flexible: false });
  expect(fitInto([wide, { ...wide, rank: 1 }, { ...wide, rank: 2 }, { ...wide, value: 0, rank: 1 }], 65)).toEqual([
    30,
    30,
    undefined,
    undefined,
  ]);
  expect(fitInto([wide, { ...wide, rank: 1 }, { ...wide, rank: 1 }], 65)).toEqual([30, 30, undefined]);
});

test('whatever the columns: the table fits as long as anything can yield, and what must stay stays', () =>
  forSeeds(200, (random) => {
    const columns = Array.from({ length: 1 + random.below(8) }, (_, at) => ({
      head: 2 + random.below(10),
      value: random.below(120),
      flexible: random.chance(0.7),
      rank: at === 0 ? 0 : random.below(5),
    }));
    const room = 40 + random.below(160);
    const widths = fitInto(columns, room);
    const mayYield = columns.some(
      ({ flexible, head, value, rank }, at) =>
        widths[at] !== undefined &&
        (rank > 0 || (flexible && (widths[at] ?? 0) > Math.max(head, Math.min(value, rank === 0 ? 24 : 16)))),
    );
    if (mayYield) expect(taken(widths)).toBeLessThanOrEqual(room);
    columns.forEach(({ rank, flexible, head, value }, at) => {
      if (rank === 0) expect(widths[at]).toBeDefined();
      if (!flexible && widths[at] !== undefined) expect(widths[at]).toBe(Math.max(head, value));
    });
  }));
