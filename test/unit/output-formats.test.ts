import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { defineView, type Format, type TreeNode, type View } from '../../src/cli/define.ts';
import { createIo } from '../../src/cli/io.ts';
import { renderers } from '../../src/cli/output/renderer.ts';
import { fakeHost } from '../support/fake-host.ts';

interface Row {
  readonly id: string;
  readonly name: string;
  readonly age?: number;
  readonly note?: string;
}

const view = defineView<Row>({
  id: (row) => row.id,
  columns: [
    { head: 'NAME', value: (row) => row.name },
    { head: 'AGE', value: (row) => row.age, align: 'right' },
    { head: 'NOTE', value: async (row) => row.note },
    { head: 'WIDE ONLY', value: () => 'wide', wide: true },
  ],
  text: (row, cell) => `${row.name}\t${cell.relativeTimes ? 'relative' : 'absolute'}\n`,
  env: (row) => ({ ROW_ID: row.id, ROW_NAME: row.name }),
});

interface RenderOptions {
  readonly tty?: boolean;
  readonly single?: boolean;
  readonly columns?: number;
}

/** What reaches stdout; stderr must stay silent. */
async function rendered<T>(
  format: Format,
  shown: View<T>,
  items: AsyncIterable<T> | Iterable<T>,
  { tty = false, single = false, columns = 80 }: RenderOptions = {},
): Promise<string> {
  const host = fakeHost({ tty, columns });
  const io = createIo(host, { forceColor: false, assumeYes: false, silent: () => false });
  const renderer = await renderers[format]?.();
  if (renderer === undefined) throw new Error(`no renderer for ${format}`);
  await renderer.render({ view: shown, items, isList: !single, io, now: 0 });
  expect(host.stderr.text).toBe('');
  return host.stdout.text;
}

const lines = (...text: string[]) => text.map((line) => `${line}\n`).join('');

describe('table', () => {
  test('has the layout of the reference', async () => {
    const rows = [
      { id: '1', name: 'short', age: 3, note: 'x' },
      { id: '2', name: 'a longer name', age: 12 },
      { id: '3', name: '', note: 'two words' },
    ];
    expect(await rendered('table', view, rows)).toBe(
      lines(
        '     NAME      | AGE |   NOTE',
        '---------------|-----|-----------',
        ' short         |   3 | x',
        ' a longer name |  12 |',
        '               |     | two words',
      ),
    );
  });

  test('without rows is its heads and the rule', async () => {
    expect(await rendered('table', view, [])).toBe(lines(' NAME | AGE | NOTE', '------|-----|------'));
  });

  test('measures wide, combining and joined characters as a terminal does', async () => {
    const names = ['plain', '漢字', 'e\u0301te\u0301', '👩‍👩‍👧', '🇩🇪', 'ｆｕｌｌ', '한글'];
    const table = await rendered(
      'table',
      view,
      names.map((name) => ({ id: '', name, note: '|' })),
    );
    expect(table).toBe(
      lines(
        '   NAME   | AGE | NOTE',
        '----------|-----|------',
        ' plain    |     | |',
        ' 漢字     |     | |',
        ' e\u0301te\u0301      |     | |',
        ' 👩‍👩‍👧       |     | |',
        ' 🇩🇪       |     | |',
        ' ｆｕｌｌ |     | |',
        ' 한글     |     | |',
      ),
    );
  });

  test('gives several values in a cell lines of their own', async () => {
    const rows = [
      { id: '1', name: 'first\nsecond\nthird', age: 1, note: 'one' },
      { id: '2', name: 'next', age: 2, note: 'a\nb' },
    ];
    expect(await rendered('table', view, rows)).toBe(
      lines(
        '  NAME  | AGE | NOTE',
        '--------|-----|------',
        ' first  |   1 | one',
        ' second |     |',
        ' third  |     |',
        ' next   |   2 | a',
        '        |     | b',
      ),
    );
  });

  test('lets nothing through that a terminal would obey', async () => {
    const name = 'a\u001b[31mred\u001b]0;title\u0007\u009b2J\rb\tc\u202egnp\u2066';
    const table = await rendered('table', view, [{ id: '1', name }], { tty: true });
    expect(table).toContain(' a\ufffd[31mred\ufffd]0;title\ufffd\ufffd2J b c\ufffdgnp\ufffd |');
    expect(table).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
  });

  test.each([
    ['in a pipe', { tty: false }],
    ['on a terminal', { tty: true, columns: 40 }],
  ])('cuts nothing %s, however long', async (_where, options) => {
    const name = 'long '.repeat(60).trim();
    const table = await rendered('table', view, [{ id: '1', name }], options);
    expect(table).toContain(name);
    expect(table.split('\n')).toHaveLength(4);
  });

  test('shows no column of the wide format', async () => {
    expect(await rendered('table', view, [{ id: '1', name: 'n' }])).not.toContain('WIDE');
  });

  test('lays out ten thousand rows quickly', async () => {
    const rows = Array.from({ length: 10_000 }, (_, index) => ({ id: `${index}`, name: `name ${index}`, note: 'ö' }));
    const started = performance.now();
    expect((await rendered('table', view, rows)).split('\n')).toHaveLength(10_003);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('json', () => {
  const rows = [
    { id: '1', name: 'a b' },
    { id: '2', name: 'c' },
  ];

  test('is one line without blanks between tokens in a pipe', async () => {
    expect(await rendered('json', view, rows)).toBe('{"items":[{"id":"1","name":"a b"},{"id":"2","name":"c"}]}\n');
    expect(await rendered('json', { ...view, envelope: 'array' }, rows)).toBe(
      '[{"id":"1","name":"a b"},{"id":"2","name":"c"}]\n',
    );
    expect(await rendered('json', view, rows.slice(0, 1), { single: true })).toBe('{"id":"1","name":"a b"}\n');
  });

  test.each([
    ['items', []],
    ['items', rows],
    ['array', []],
    ['array', rows],
  ] as const)('is indented as usual on a terminal: %s of %j', async (envelope, items) => {
    const whole = envelope === 'array' ? items : { items };
    expect(await rendered('json', { ...view, envelope }, items, { tty: true })).toBe(
      `${JSON.stringify(whole, undefined, 2)}\n`,
    );
  });

  test('of one thing is indented on a terminal', async () => {
    const [row] = rows;
    expect(await rendered('json', view, rows.slice(0, 1), { tty: true, single: true })).toBe(
      `${JSON.stringify(row, undefined, 2)}\n`,
    );
  });

  test('of nothing has an empty list', async () => {
    expect(await rendered('json', view, [])).toBe('{"items":[]}\n');
    expect(await rendered('json', { ...view, envelope: 'array' }, [])).toBe('[]\n');
  });

  test('is the shape the view gives it', async () => {
    const shaped = { ...view, json: (row: Row) => ({ only: row.name, nothing: undefined, none: null }) };
    expect(await rendered('json', shaped, rows)).toBe(
      '{"items":[{"only":"a b","none":null},{"only":"c","none":null}]}\n',
    );
  });

  test('says the same with escapes where a terminal would obey', async () => {
    const odd = [{ id: '1', name: 'a\u001b[31m\u009b2J\u202e\u007f"\\\n' }];
    const text = await rendered('json', view, odd, { tty: true });
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    expect(JSON.parse(text)).toEqual({ items: odd });
  });

  test('writes each item before it asks for the next', async () => {
    const host = fakeHost();
    const seen: string[] = [];
    async function* slowly() {
      for (const row of rows) {
        seen.push(host.stdout.text);
        yield row;
      }
    }
    const io = createIo(host, { forceColor: false, assumeYes: false, silent: () => false });
    await (await renderers.json?.())?.render({ view, items: slowly(), isList: true, io, now: 0 });
    expect(seen).toEqual(['', '{"items":[{"id":"1","name":"a b"}']);
  });
});

describe('id', () => {
  test('is the ids alone, one to a line', async () => {
    const rows = [
      { id: 'a/1', name: 'x' },
      { id: 'a/2', name: 'y' },
    ];
    expect(await rendered('id', view, rows)).toBe('a/1\na/2\n');
    expect(await rendered('id', view, [])).toBe('');
    expect(await rendered('id', view, [{ id: 'a\nb\u001b[2J', name: '' }])).toBe('a b\ufffd[2J\n');
  });
});

describe('tree', () => {
  const node = (label: string, ...children: TreeNode[]): TreeNode => ({ label, children });

  test('has roots without a branch and two columns a level', async () => {
    const forest = [
      node('[a] first', node('[b]', node('[c]'), node('[d]')), node('[e]', node('[f]', node('[g]')))),
      node('[h]'),
    ];
    expect(await rendered('tree', { tree: () => forest }, [1])).toBe(
      lines('[a] first', '├ [b]', '│ ├ [c]', '│ └ [d]', '└ [e]', '  └ [f]', '    └ [g]', '[h]'),
    );
  });

  test('keeps a label on its line', async () => {
    expect(await rendered('tree', { tree: () => [node('a\nb\u001b[2J')] }, [1])).toBe('a b\ufffd[2J\n');
  });

  test('of nothing is nothing', async () => {
    expect(await rendered('tree', { tree: () => [] }, [])).toBe('');
  });
});

describe('terse', () => {
  test('is the first column, one value to a line', async () => {
    const rows = [
      { id: '1', name: 'a' },
      { id: '2', name: 'b\nc' },
    ];
    expect(await rendered('terse', view, rows)).toBe('a\nb c\n');
  });
});

describe('text', () => {
  test('is what the view says, times relative on a terminal only', async () => {
    const rows = [{ id: '1', name: 'a\u001b[31m\u009bb' }];
    expect(await rendered('text', view, rows, { single: true })).toBe('a\ufffd[31m\ufffdb\tabsolute\n');
    expect(await rendered('text', view, rows, { single: true, tty: true })).toBe('a\ufffd[31m\ufffdb\trelative\n');
  });
});

describe('env', () => {
  test.each([
    'plain-value_1.2@3:4/5',
    'with blank',
    "it's",
    '"double"',
    '$HOME `id` $(id) \\',
    '',
    '*',
    '~',
    '=cat',
    '-n',
    'a;b&c|d>e',
    'line\nnext',
    'a=b',
    '#no comment',
    '!history',
  ])('survives a shell: %j', async (name) => {
    const text = await rendered('env', view, [{ id: 'the-id', name }], { single: true });
    const shell = spawnSync('/bin/sh', ['-c', `eval "$TEXT"; printf %s "$ROW_NAME"; printf '\\n%s' "$ROW_ID"`], {
      env: { TEXT: text },
      encoding: 'utf8',
    });
    expect(shell.stderr).toBe('');
    expect(shell.stdout).toBe(`${name}\nthe-id`);
  });

  test('quotes nothing that needs none', async () => {
    const row = { id: 'a/b', name: 'eyJhbGciOi.J9-_' };
    expect(await rendered('env', view, [row], { single: true })).toBe(
      'export ROW_ID=a/b\nexport ROW_NAME=eyJhbGciOi.J9-_\n',
    );
  });
});

test('none runs the work and prints nothing', async () => {
  let count = 0;
  function* counted() {
    for (; count < 3; count += 1) yield { id: '', name: '' };
  }
  expect(await rendered('none', view, counted())).toBe('');
  expect(count).toBe(3);
});
