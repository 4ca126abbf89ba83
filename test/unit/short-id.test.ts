import { expect, test } from 'vitest';
import { byShortId, isShortId, shortIds } from '../../src/cli/short-id.ts';

const root = '0475f6baca584a8964a6bce6b74dbe78dd8805b6';

test('eight digits of the last segment, and as many more as it takes to tell them apart', () => {
  const short = shortIds([`${root}/0102030405060708`, `${root}/0102030499999999`, root]);
  expect(short(`${root}/0102030405060708`)).toBe('010203040');
  expect(short(root)).toBe('0475f6bac');
  expect(shortIds([root])(root)).toBe('0475f6ba');
  expect(shortIds([])(root)).toBe('0475f6ba');
});

test('what a list shows finds the thing, and nothing else does', () => {
  const things = [{ id: `${root}/0102030405060708` }, { id: `${root}/0102039999999999` }, { id: root }];
  expect(byShortId('01020304', things)).toEqual([things[0]]);
  expect(byShortId('010203', things)).toHaveLength(2);
  expect(byShortId('0475f6ba', things)).toEqual([things[2]]);
  for (const text of ['01020', 'face', 'not-hex', 'ABCDEF01', root]) expect(isShortId(text), text).toBe(false);
});
