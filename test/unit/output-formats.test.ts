import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Format, View } from '../../src/cli/define.ts';
import { createIo } from '../../src/cli/io.ts';
import { renderQuery } from '../../src/cli/output/query.ts';
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
    const names = ['=cmd|calc', '+1', '-1', '@SUM(A1)', '\t=1', 'a=b', '＝1', '＋1', '－1', '＠A1', '\n=1', '\r\n=1'];
    const items = names.map((name) => ({ name, count: -3 }));
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
    "'＋1,-3,utc",
    "'－1,-3,utc",
    "'＠A1,-3,utc",
    `"'\n=1",-3,utc`,
    `"'\n=1",-3,utc`,
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

/** What a terminal obeys: every control of both sets, and the marks that turn the direction of text. */
const commands = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0x202a, 0x202e],
  [0x2066, 0x2069],
].flatMap(([from = 0, to = 0]) => Array.from({ length: to - from + 1 }, (_, at) => String.fromCodePoint(from + at)));
const hostileRows = commands.map((command) => ({ name: `before${command}after` }));

function expectHarmless(text: string): void {
  expect(text).toContain('before');
  const found = text.replaceAll('\r\n', '\n').match(/[^\n\t -~\u00a0-\u2029\u202f-\u2065\u206a-\uffff]/g) ?? [];
  expect(found.map((one) => one.charCodeAt(0).toString(16))).toEqual([]);
}

const hostileView: View<Row> = {
  ...view,
  id: (row) => row.name,
  json: ({ name }) => ({ [name]: [{ [name]: name }] }),
  text: ({ name }) => `${name}\n`,
  template: ({ name }) => `${name}\n`,
  sarif: ({ name }) => ({ ruleId: name, rule: name, help: name, level: 'error', message: name, place: name }),
  tree: (rows) =>
    rows.map(({ name }) => ({ label: name, children: [{ label: name, children: [{ label: name, children: [] }] }] })),
};

const readable = [
  ...['table', 'wide', 'csv', 'markdown', 'json', 'yaml', 'id', 'terse', 'text', 'tree', 'go-template', 'sarif'],
] as readonly Format[];

test.each(readable)('%s: what came over the network commands no terminal', async (format) => {
  const { render } = await renderers[format]();
  for (const isList of [true, false]) {
    const host = fakeHost({ tty: true, columns: 400 });
    const io = createIo(host, { forceColor: false, assumeYes: false, silent: () => false });
    await render({ view: hostileView, items: hostileRows, isList, io, now: 0 });
    expectHarmless(host.stdout.text);
  }
});

test.each(['array', 'lines', 'items', 'reports'] as const)(
  'json in the envelope %s commands no terminal and means the same',
  async (envelope) => {
    const { render } = await renderers.json();
    for (const tty of [true, false]) {
      const host = fakeHost({ tty });
      const io = createIo(host, { forceColor: false, assumeYes: false, silent: () => false });
      await render({ view: { envelope }, items: hostileRows, isList: true, io, now: 0 });
      const { text } = host.stdout;
      expectHarmless(text);
      const documents = envelope === 'lines' ? text.trimEnd().split('\n') : [text];
      const parsed = documents.map((one): unknown => JSON.parse(one));
      const rows =
        { array: parsed[0], lines: parsed }[envelope as string] ?? (parsed[0] as Record<string, unknown>)[envelope];
      expect(rows).toEqual(hostileRows);
    }
  },
);

test.each([
  ['[].name', undefined],
  ['[0].name', undefined],
  ['[]', undefined],
  ['[].name', 'json'],
  ['[].name', 'yaml'],
] as const)('--query %s as %s commands no terminal', async (expression, format) => {
  const host = fakeHost({ tty: true });
  const io = createIo(host, { forceColor: false, assumeYes: false, silent: () => false });
  const input = { view: { envelope: 'array' } as const, items: hostileRows, isList: true, io, now: 0 };
  await renderQuery(input, expression, format);
  expectHarmless(host.stdout.text);
});

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

/** What a view prints of these items. */
async function printed<T>(format: Format, of: View<T>, items: readonly T[], { tty = false, isList = true } = {}) {
  const host = fakeHost({ tty });
  const io = createIo(host, { forceColor: false, assumeYes: false, silent: () => false });
  const { render } = await renderers[format]();
  await render({ view: of, items, isList, io, now: 0 });
  return host.stdout.text;
}

test('tree: roots bare, children on lines, the last one with a corner', async () => {
  const leaf = (label: string) => ({ label, children: [] });
  const forest = [
    {
      label: 'one',
      children: [
        { label: 'a', children: [leaf('b'), leaf('c')] },
        { label: 'd', children: [leaf('e')] },
      ],
    },
    leaf('two'),
  ];
  const of: View<Row> = { tree: (rows) => (rows.length === 0 ? [] : forest) };
  expect(await printed('tree', of, [{ name: 'x' }])).toBe(
    ['one', '├ a', '│ ├ b', '│ └ c', '└ d', '  └ e', 'two', ''].join('\n'),
  );
  expect(await printed('tree', of, [])).toBe('');
  expect(await printed('tree', {}, [{ name: 'x' }])).toBe('');
});

test('json: a line without blanks in a pipe, indented on a terminal, as a list, an array, lines or one document', async () => {
  const rows = [{ name: 'a', count: 1 }, { name: 'b' }];
  expect(await printed('json', {}, rows)).toBe('{"items":[{"name":"a","count":1},{"name":"b"}]}\n');
  expect(await printed('json', {}, [])).toBe('{"items":[]}\n');
  expect(await printed('json', {}, rows, { isList: false })).toBe('{"name":"a","count":1}\n{"name":"b"}\n');
  expect(await printed('json', { envelope: 'array' }, rows)).toBe('[{"name":"a","count":1},{"name":"b"}]\n');
  expect(await printed('json', { envelope: 'array' }, [])).toBe('[]\n');
  expect(await printed('json', { envelope: 'lines' }, rows)).toBe('{"name":"a","count":1}\n{"name":"b"}\n');
  expect(await printed('json', { json: ({ name }: Row) => name }, rows)).toBe('{"items":["a","b"]}\n');
  const tty = true;
  for (const document of [{ items: rows }, { items: rows.slice(0, 1) }]) {
    expect(await printed('json', {}, document.items, { tty })).toBe(`${JSON.stringify(document, undefined, 2)}\n`);
    expect(await printed('json', { envelope: 'array' }, document.items, { tty })).toBe(
      `${JSON.stringify(document.items, undefined, 2)}\n`,
    );
  }
  expect(JSON.parse(await printed('json', {}, [], { tty }))).toEqual({ items: [] });
  expect(await printed('json', {}, rows.slice(0, 1), { tty, isList: false })).toBe(
    '{\n  "name": "a",\n  "count": 1\n}\n',
  );
});

test('yaml: what is there twice is written twice, and nothing is nothing', async () => {
  const shared = { a: 'b' };
  const of: View<Row> = { envelope: 'array', json: () => ({ one: shared, two: shared, none: null, list: [null] }) };
  expect(await printed('yaml', of, [{ name: 'x' }])).toBe(
    ['- one:', '    a: b', '  two:', '    a: b', '  none: null', '  list:', '    - null', ''].join('\n'),
  );
});

test.each(['\u0007', '\u009b', '\u202e'])(
  'yaml: what commands a terminal does so in no key either: %j',
  async (mark) => {
    const text = await printed('yaml', { json: () => ({ [`a${mark}b`]: `c${mark}d` }) }, [{ name: 'x' }]);
    expect(text).toBe('items:\n  - a\ufffdb: c\ufffdd\n');
  },
);

test('id: one to a line, nothing of nothing, and nothing where there are none', async () => {
  const of: View<Row> = { id: ({ name }) => name };
  expect(await printed('id', of, [{ name: 'a' }, { name: 'b' }])).toBe('a\nb\n');
  expect(await printed('id', of, [])).toBe('');
  expect(await printed('id', {}, [{ name: 'a' }])).toBe('');
});

test('terse: the line of the view, or the first column', async () => {
  expect(await printed('terse', { ...view, terse: ({ name }: Row) => `is ${name}` }, [{ name: 'a' }])).toBe('is a\n');
  expect(await printed('terse', view, [{ name: 'a' }])).toBe('a\n');
  expect(await printed('terse', {}, [{ name: 'a' }])).toBe('\n');
});

test.each([
  ['a', 'a'],
  ['a b', 'a b'],
  ["it's", "it's"],
  ['a-b', 'a-b'],
  ['a,b', '"a,b"'],
  ['a"b', '"a""b"'],
  [' a', '" a"'],
  ['a ', '"a "'],
  ['\u00a0a', '"\u00a0a"'],
  ['a\nb', '"a\nb"'],
  ['a\n', '"a\n"'],
  ['é', 'é'],
  ['é,', '"é,"'],
  ['a\u009bb', 'a\ufffdb'],
  ['a\u001b[2Jb', 'a\ufffd[2Jb'],
  ['', ''],
])('csv: %j is the field %j', async (name, field) => {
  expect(await printed('csv', { columns: [{ head: 'NAME', value: (row: Row) => row.name }] }, [{ name }])).toBe(
    `NAME\r\n${field}\r\n`,
  );
});
