import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Format, TreeNode, View } from '../../src/cli/define.ts';
import { createIo } from '../../src/cli/io.ts';
import { renderers } from '../../src/cli/output/renderer.ts';
import { fakeHost } from '../support/fake-host.ts';

interface Row {
  readonly name: string;
  readonly count?: number;
}

const view: View<Row> = {
  columns: [
    { head: 'NAME', value: (row) => row.name },
    { head: 'COUNT', value: async (row) => row.count, align: 'right' },
    { head: 'TIMES', value: (_, cell) => cell.times, wide: true },
  ],
};

async function shown(format: Format, items: AsyncIterable<Row> | readonly Row[], tty = false) {
  const host = fakeHost({ tty });
  const io = createIo(host, { forceColor: false, assumeYes: false, silent: () => false });
  const module = await renderers[format]();
  await module.render({ view, items, isList: true, io, now: 0 });
  return host.stdout.text;
}

const hostile = 'a|b, "c" <i>\u001b[31m\nsecond *line*';

test('csv is RFC 4180 with a header and every column, also on a terminal', async () => {
  const rows = [{ name: 'plain', count: 1 }, { name: hostile }, { name: ' blanks ' }];
  const wanted = [
    'NAME,COUNT,TIMES',
    'plain,1,utc',
    '"a|b, ""c"" <i>\ufffd[31m\nsecond *line*",,utc',
    '" blanks ",,utc',
    '',
  ].join('\r\n');
  expect(await shown('csv', rows)).toBe(wanted);
  expect(await shown('csv', rows, true)).toBe(wanted);
  expect(await shown('csv', [])).toBe('NAME,COUNT,TIMES\r\n');
});

test('wide is the table with the columns that the table leaves out', async () => {
  expect(await shown('wide', [{ name: 'x', count: 10 }], true)).toBe(
    [' NAME | COUNT | TIMES', '------|-------|-------', ' x    |    10 | local', ''].join('\n'),
  );
});

test('markdown shows values as they are and never as markup', async () => {
  expect(await shown('markdown', [{ name: hostile, count: 2 }])).toBe(
    ['| NAME | COUNT |', '| --- | --: |', '| a\\|b, "c" &lt;i>\ufffd\\[31m<br>second \\*line\\* | 2 |', ''].join('\n'),
  );
  expect(await shown('markdown', [])).toBe('| NAME | COUNT |\n| --- | --: |\n');
});

test.each(['csv', 'json', 'id', 'markdown'] as const)('%s writes each item as it arrives', async (format) => {
  const host = fakeHost();
  const io = createIo(host, { forceColor: false, assumeYes: false, silent: () => false });
  const seen: string[] = [];
  async function* slowly() {
    yield { name: 'first' };
    seen.push(host.stdout.text);
    yield { name: 'second' };
  }
  const named = { ...view, id: (row: Row) => row.name };
  const module = await renderers[format]();
  await module.render({ view: named, items: slowly(), isList: true, io, now: 0 });
  expect(seen[0]).toContain('first');
  expect(seen[0]).not.toContain('second');
});

test.each(['csv', 'markdown'] as const)(
  '%s of a list that fails at once is empty, not a table without rows',
  async (format) => {
    const host = fakeHost();
    const io = createIo(host, { forceColor: false, assumeYes: false, silent: () => false });
    // biome-ignore lint/correctness/useYield: it fails before it yields.
    async function* broken(): AsyncIterable<Row> {
      throw new Error('no answer');
    }
    const module = await renderers[format]();
    await expect(module.render({ view, items: broken(), isList: true, io, now: 0 })).rejects.toThrow('no answer');
    expect(host.stdout.text).toBe('');
  },
);

test('the first rows of a long table are written before the last are laid out', async () => {
  const host = fakeHost();
  const io = createIo(host, { forceColor: false, assumeYes: false, silent: () => false });
  const writes: string[] = [];
  const module = await renderers.table?.();
  const items = Array.from({ length: 2000 }, (_, at) => ({ name: `row ${at}` }));
  await module.render({ view, items, isList: true, io: { ...io, out: (text) => writes.push(text) }, now: 0 });
  expect(writes.length).toBeGreaterThan(5);
  expect(writes[1]).toContain('row 0');
  expect(writes[1]).not.toContain('row 1999');
});

test('csv: what a spreadsheet would run is made a text, numbers stay numbers, and --csv-raw leaves all as it is', async () => {
  const csvOf = async (rawCsv: boolean) => {
    const host = fakeHost();
    const io = createIo(host, { forceColor: false, assumeYes: false, silent: () => false });
    const { render } = await renderers.csv();
    const items = ['=cmd|calc', '+1', '-1', '@SUM(A1)', '\t=1', 'a=b', '＝1'].map((name) => ({ name, count: -3 }));
    await render({ view, items, isList: true, io, now: 0, rawCsv });
    return host.stdout.text.split('\r\n').slice(1, -1);
  };
  expect(await csvOf(false)).toEqual([
    "'=cmd|calc,-3,utc",
    "'+1,-3,utc",
    "'-1,-3,utc",
    "'@SUM(A1),-3,utc",
    "'\t=1,-3,utc",
    'a=b,-3,utc',
    "'＝1,-3,utc",
  ]);
  expect((await csvOf(true))[0]).toBe('=cmd|calc,-3,utc');
});

test('yaml is the document of json', async () => {
  const { parse } = await import('yaml');
  const rows = [{ name: hostile, count: 1 }, { name: 'no' }];
  const text = await shown('yaml', rows, true);
  expect(parse(text)).toEqual({ items: [{ name: hostile.replace('\u001b', '\ufffd'), count: 1 }, { name: 'no' }] });
  expect(text).not.toContain('\u001b');
});

/** What a terminal obeys: controls of both sets, and marks that turn the direction of text. */
const commands = ['\u001b[31m', '\u009b2J', '\u0007', '\b', '\u007f', '\u202e', '\u2066', '\r'];
const everywhere = commands.map((command) => `before${command}after`).join(' ');

test.each(['table', 'wide', 'csv', 'markdown', 'json', 'yaml', 'id', 'terse', 'text', 'tree'] as const)(
  '%s: what came over the network commands no terminal',
  async (format) => {
    const host = fakeHost({ tty: true, columns: 400 });
    const io = createIo(host, { forceColor: false, assumeYes: false, silent: () => false });
    const node = (depth: number): TreeNode => ({
      label: everywhere,
      children: depth === 0 ? [] : [node(depth - 1), node(depth - 1)],
    });
    const hostileView: View<Row> = {
      ...view,
      id: (row) => row.name,
      text: (row) => `${row.name}\n`,
      tree: () => [node(3)],
    };
    const { render } = await renderers[format]();
    await render({ view: hostileView, items: [{ name: everywhere }], isList: true, io, now: 0 });
    const { text } = host.stdout;
    expect(text).toContain('before');
    expect(text.replaceAll('\r\n', '\n')).not.toMatch(
      /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/,
    );
    if (format === 'tree') expect(text.split('\n')).toHaveLength(16);
  },
);

test('env: a shell reads back what was meant, and runs none of it', async () => {
  const values = {
    PLAIN: 'abc.DEF-1_2/3:4@5%6+7,8',
    EMPTY: '',
    BLANK: '/home/some one/.local',
    COMMAND: '$(touch ran)`touch ran`',
    QUOTES: `a'b"c\\d`,
    ALL: `'; touch ran; '`,
    LINES: 'first\nsecond; touch ran',
    VARIABLE: '$HOME ~',
    GLOB: '* ? [a] !x #y &z |w >v',
    EQUALS: '=ls',
  };
  const host = fakeHost();
  const io = createIo(host, { forceColor: false, assumeYes: false, silent: () => false });
  const { render } = await renderers.env();
  await render({ view: { env: () => values }, items: [{}], isList: false, io, now: 0 });
  const names = Object.keys(values);
  const printed = names.map((name) => `printf '%s\\0' "$${name}"`).join('; ');
  const out = execFileSync('sh', ['-c', `${host.stdout.text}\n${printed}`], { cwd: host.cwd, encoding: 'utf8' });
  expect(Object.fromEntries(out.split('\0').map((value, at) => [names[at], value]))).toMatchObject(values);
  expect(readdirSync(host.cwd)).toEqual([]);
  // What needs no quotes has none, so that `eval $(…)` without quotes around it works too.
  expect(host.stdout.text).toContain("export PLAIN=abc.DEF-1_2/3:4@5%6+7,8\nexport EMPTY=''\n");
});
