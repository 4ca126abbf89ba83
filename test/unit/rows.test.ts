import { expect, test } from 'vitest';
import { compact } from '../../src/api/compact.ts';
import { compareKeys } from '../../src/cli/output/ordered.ts';
import { Rows } from '../../src/cli/output/rows.ts';

/** The first cells in the order of their keys. */
function sorted(keys: readonly (string | number)[], descending = false): string[] {
  const rows = new Rows(1);
  for (const key of keys) rows.add([String(key)], 0, key);
  rows.sort(descending);
  return keys.map((_, place) => rows.at(place).cells[0] ?? '');
}

test.each([
  ['words', ['b', 'a', 'ab', '', 'a']],
  ['letters beyond ASCII', ['é', 'z', 'a', 'ü']],
  // By bytes of UTF-8 the emoji would come last.
  ['where bytes and code units differ', ['a', '\uff5e', '😀', 'b']],
  ['numbers before words', [10, 9, 'x', 2, 'a']],
  ['words before the first number', ['x', 'a', 3, 1]],
])('rows are in the order of code units: %s', (_, keys) => {
  const expected = [...keys].sort(compareKeys).map(String);
  expect(sorted(keys)).toEqual(expected);
  expect(sorted(keys, true)).toEqual(expected.toReversed());
});

test('rows are kept whole, however many and however long', () => {
  const rows = new Rows(2);
  const long = 'x'.repeat(1_100_000);
  for (let at = 0; at < 4_000; at += 1) rows.add([`name-${at}`, at === 7 ? long : `text é ${at}`], at === 7 ? 2 : 1);
  expect(rows.count).toBe(4_000);
  expect(rows.at(7).cells).toEqual(['name-7', long]);
  expect(rows.at(3_999)).toEqual({ cells: ['name-3999', 'text é 3999'], states: [], isPlain: false });
  expect(rows.widths).toEqual([9, 1_100_000]);
});

test('compact drops what was never set at every depth, and takes no key for something else', () => {
  const value = JSON.parse(
    '{"a":"","b":null,"c":false,"d":"KIND_UNSPECIFIED","e":[],"f":{"a":""},"__proto__":{"x":1}}',
  );
  const kept = compact(value) as object;
  expect(JSON.stringify(kept)).toBe('{"e":[],"f":{},"__proto__":{"x":1}}');
  expect(Object.getPrototypeOf(kept)).toBe(Object.prototype);
  expect(compact({ name: 'my_UNSPECIFIED', d: 'X_UNSPECIFIED' })).toEqual({ name: 'my_UNSPECIFIED' });
});
