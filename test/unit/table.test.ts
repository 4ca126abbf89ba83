import { expect, test } from 'vitest';
import type { View } from '../../src/cli/define.ts';
import { createIo } from '../../src/cli/io.ts';
import { render } from '../../src/cli/output/table.ts';
import { fakeHost } from '../support/fake-host.ts';

interface Row {
  readonly name: string;
  readonly count: number;
  readonly words?: string;
}

const view: View<Row> = {
  columns: [
    { head: 'NAME', value: (row) => row.name },
    { head: 'COUNT', value: (row) => row.count, align: 'right' },
    { head: 'WORDS', value: async (row) => row.words },
    { head: 'MORE', value: () => 'hidden', wide: true },
  ],
  empty: 'Nothing here.',
};

async function table(items: readonly Row[], options: Parameters<typeof fakeHost>[0] = {}) {
  const host = fakeHost(options);
  const io = createIo(host, { forceColor: false, assumeYes: false, silent: () => false });
  await render({ view, items, isList: true, io, now: 0 });
  return { out: host.stdout.text, err: host.stderr.text };
}

test('one leading blank, centred heads, a crossed rule, cells aligned and several values below each other', async () => {
  const { out, err } = await table([
    { name: 'a longer name', count: 1, words: 'first\nsecond' },
    { name: 'b', count: 1000, words: 'x' },
  ]);
  expect(out.split('\n')).toEqual([
    '     NAME      | COUNT | WORDS',
    '---------------|-------|--------',
    ' a longer name |     1 | first',
    '               |       | second',
    ' b             |  1000 | x',
    '',
  ]);
  expect(err).toBe('');
});

test('wide and combining characters count as a terminal shows them; escapes of others are not passed on', async () => {
  const { out } = await table([
    { name: '日本', count: 1 },
    { name: 'e\u0301', count: 2 },
    { name: 'a\u001b[31m', count: 3 },
  ]);
  expect(out.split('\n').slice(2, 5)).toEqual([
    ' 日本   |     1 |',
    ' e\u0301      |     2 |',
    ' a\ufffd[31m |     3 |',
  ]);
});

test('an empty list is heads and rule', async () => {
  expect((await table([])).out).toBe(' NAME | COUNT | WORDS\n------|-------|-------\n');
});

test('ten thousand rows take no longer than a person waits', async () => {
  const start = process.cpuUsage();
  const rows = Array.from({ length: 10_000 }, (_, at) => ({ name: `row ${at}`, count: at, words: 'a\nb\nc' }));
  expect((await table(rows)).out.split('\n')).toHaveLength(30_003);
  // A quadratic layout takes minutes for this.
  expect(process.cpuUsage(start).user / 1000).toBeLessThan(5000);
});

test('a description of a megabyte is cut before anybody measures it, and a pipe has it whole', async () => {
  const rows = ['ä'.repeat(1_000_000), '👩‍👩‍👧'.repeat(100_000), 'a'.repeat(1_000_000)].map((name) => ({
    name,
    count: 1,
  }));
  const { out } = await table(rows, { tty: true });
  expect(out.split('\n').slice(2, 5)).toEqual(rows.map(() => expect.stringMatching(/^ .{20,400}… * \| +1 \|$/)));
  expect((await table(rows.slice(0, 1))).out).toContain(rows[0]?.name);
});
