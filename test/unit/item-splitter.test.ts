import { describe, expect, test } from 'vitest';
import { ItemSplitter } from '../../src/api/item-splitter.ts';
import { forSeeds, type Random } from '../support/random.ts';

function split(text: string, chunkSize: number) {
  const splitter = new ItemSplitter();
  const bytes = Buffer.from(text);
  const items: unknown[] = [];
  for (let at = 0; at < bytes.length; at += chunkSize) {
    for (const item of splitter.push(bytes.subarray(at, at + chunkSize))) items.push(JSON.parse(item));
  }
  return { items, whole: splitter.isWhole };
}

const documents: unknown[] = [
  { items: [] },
  { items: [{ id: 'a' }] },
  { items: [{ id: 'a' }, { id: 'b', deep: { list: [1, [2, { x: ']' }]] } }] },
  { items: [{ text: 'braces } ] , " \\ and é 🙂 and \u0000' }, {}] },
  { items: ['text', 1, null, true, [], { a: 1 }] },
  { other: { items: [{ id: 'no' }] }, items: [{ id: 'yes' }], nextPageToken: 'items' },
  { list: ['items'], total: 3, items: [{ id: 'yes' }] },
  { items: null, total: 0 },
  {},
];

describe.each(documents.map((document) => JSON.stringify(document)))('%s', (text) => {
  const { items } = JSON.parse(text);
  test.each([1, 2, 3, 7, 4096])('in chunks of %i bytes, with and without blanks', (size) => {
    expect(split(text, size)).toEqual({ items: items ?? [], whole: true });
    expect(split(JSON.stringify(JSON.parse(text), undefined, 2), size)).toEqual({ items: items ?? [], whole: true });
  });

  test('cut anywhere it is not whole, and every item given before is one of the list', () => {
    const bytes = Buffer.from(text);
    for (let length = 0; length < bytes.length; length += 1) {
      const splitter = new ItemSplitter();
      const given = [...splitter.push(bytes.subarray(0, length))].map((item) => JSON.parse(item));
      expect(splitter.isWhole).toBe(false);
      expect((items ?? []).slice(0, given.length)).toEqual(given);
    }
  });
});

test.each(['[]', '"text"', '{} {}', 'nonsense'])('%s is refused', (text) => {
  expect(() => split(text, 100)).toThrow(SyntaxError);
});

test('an item is there with its last byte', () => {
  const splitter = new ItemSplitter();
  expect([...splitter.push(Buffer.from('{"items":[{"id":"a"},'))]).toEqual(['{"id":"a"}']);
  expect([...splitter.push(Buffer.from('{"id":"b"'))]).toEqual([]);
  expect([...splitter.push(Buffer.from('}]'))]).toEqual(['{"id":"b"}']);
  expect(splitter.isWhole).toBe(false);
  expect([...splitter.push(Buffer.from('}'))]).toEqual([]);
  expect(splitter.isWhole).toBe(true);
});

test('an item has a bound, and a list has none', () => {
  const mebibyte = Buffer.alloc(1024 * 1024, 'a');
  const push = (splitter: ItemSplitter, chunk: Buffer) => [...splitter.push(chunk)].length;
  const splitter = new ItemSplitter();
  push(splitter, Buffer.from('{"items":['));
  // Three items of 15 MiB each are fine: what was given does not count.
  for (let item = 0; item < 3; item += 1) {
    push(splitter, Buffer.from('"'));
    for (let part = 0; part < 15; part += 1) push(splitter, mebibyte);
    expect(push(splitter, Buffer.from('",'))).toBe(1);
  }
  push(splitter, Buffer.from('{"a":"'));
  let parts = 0;
  expect(() => {
    for (; parts < 40; parts += 1) push(splitter, mebibyte);
  }).toThrow(new SyntaxError('an item is too large'));
  expect(parts).toBe(15);
});

test('a name that never ends has the same bound', () => {
  const splitter = new ItemSplitter();
  expect(() => {
    for (let part = 0; part < 40; part += 1) {
      expect([
        ...splitter.push(Buffer.concat([Buffer.from(part === 0 ? '{"' : ''), Buffer.alloc(1024 * 1024, 'a')])),
      ]).toEqual([]);
    }
  }).toThrow(SyntaxError);
});

describe('as JSON.parse, whatever the document and wherever it is cut', () => {
  const texts = [
    '',
    'a',
    '"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    'é',
    '🙂',
    '\u0000',
    '\n',
    'items',
    '\\"',
    ' ',
    '\u2028',
  ];

  function value(random: Random, depth: number): unknown {
    const kind = random.below(depth === 0 ? 5 : 8);
    if (kind === 0) return random.pick([0, -1, 1.5e300, -2e-7, 9007199254740991]);
    if (kind === 1) return random.pick([true, false, null]);
    if (kind < 5) return Array.from({ length: random.below(4) }, () => random.pick(texts)).join('');
    const members = Array.from({ length: random.below(4) }, () => value(random, depth - 1));
    if (kind === 5) return members;
    return Object.fromEntries(members.map((member) => [random.pick(['items', 'id', ...texts]), member]));
  }

  /** Blanks wherever JSON allows them, and `items` spelled with escapes now and then. */
  function written(random: Random, document: object): string {
    const text = JSON.stringify(document, undefined, random.pick(['', ' ', '\t', '\r\n  ']));
    return random.chance(0.2) ? text.replaceAll('"items"', String.raw`"\u0069tem\u0073"`) : text;
  }

  function cut(random: Random, bytes: Buffer): Buffer[] {
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = random.pick([0, 1, 1, 2, 3, 10, 100]);
      chunks.push(bytes.subarray(at, at + length));
      at += length;
    }
    return chunks;
  }

  test('its items are those of the document, and it is whole at its end only', () =>
    forSeeds(300, (random) => {
      const list = Array.from({ length: random.below(6) }, () => value(random, 3));
      const others = Object.fromEntries(
        random.some(['a', 'list', 'total', 'x items'], 0.5).map((name) => [name, value(random, 3)]),
      );
      const document = random.chance(0.5) ? { ...others, items: list } : { items: list, ...others };
      const bytes = Buffer.from(written(random, document));
      const splitter = new ItemSplitter();
      const given: unknown[] = [];
      for (const chunk of cut(random, bytes)) {
        if (chunk.length > 0) expect(splitter.isWhole).toBe(false);
        for (const text of splitter.push(chunk)) given.push(JSON.parse(text));
      }
      expect(splitter.isWhole).toBe(true);
      expect(given).toEqual(JSON.parse(bytes.toString()).items);
    }));

  test('what JSON.parse refuses never gives another list than the one that was broken', () =>
    forSeeds(300, (random) => {
      const list = Array.from({ length: 1 + random.below(5) }, () => value(random, 2));
      const bytes = Buffer.from(JSON.stringify({ items: list })).subarray(0, -1 - random.below(4));
      const splitter = new ItemSplitter();
      const given: unknown[] = [];
      for (const chunk of cut(random, bytes)) for (const text of splitter.push(chunk)) given.push(JSON.parse(text));
      expect(given).toEqual(JSON.parse(JSON.stringify(list)).slice(0, given.length));
      expect(splitter.isWhole).toBe(false);
    }));
});
