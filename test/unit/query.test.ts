import { expect, test } from 'vitest';
import type { View } from '../../src/cli/define.ts';
import { createIo } from '../../src/cli/io.ts';
import { renderQuery } from '../../src/cli/output/query.ts';
import { fakeHost } from '../support/fake-host.ts';

interface Row {
  readonly name: string;
  readonly expires?: string;
  readonly count: number;
}

const rows: readonly Row[] = [
  { name: 'a', expires: '2026-12-01T00:00:00Z', count: 1 },
  { name: 'b', expires: '2027-06-01T00:00:00Z', count: 2 },
  { name: 'c', count: 3 },
];
const view: View<Row> = { columns: [{ head: 'NAME', value: (row) => row.name }] };

async function queried(expression: string) {
  const host = fakeHost();
  const io = createIo(host, { forceColor: false, assumeYes: false, silent: () => false });
  await renderQuery({ view, items: rows, isList: true, io, now: 0 }, expression, 'json');
  return JSON.parse(host.stdout.text) as unknown;
}

// The second column is what `aws --query` (jmespath.py 1.1.0) makes of the same expression.
test.each([
  ["items[?expires < '2027-01-01'].name", ['a']],
  ["items[?expires <= '2026-12-01T00:00:00Z'].name", ['a']],
  ["items[?expires > '2027-01-01'].name", ['b']],
  ["items[?expires >= '2027-06-01T00:00:00Z'].name", ['b']],
  ["items[?name >= 'b' && count < `3`].name", ['b']],
  ["items[?!(name < 'b')] | [].name", ['b', 'c']],
  ['items[?count > `1`].name', ['b', 'c']],
  ["items[?count > '1'].name", []],
  ["items[].{name: name, old: expires < '2027-01-01'}[0]", { name: 'a', old: true }],
  ["sort_by(items[?name > 'a'], &count)[-1].name", 'c'],
  ["items[?name == 'a' || name != 'a'] | length(@)", 3],
  ['`{"type": "Comparator", "name": "LT"}`', { type: 'Comparator', name: 'LT' }],
])('--query orders texts as well as numbers: %s', async (expression, wanted) => {
  expect(await queried(expression)).toEqual(wanted);
});
