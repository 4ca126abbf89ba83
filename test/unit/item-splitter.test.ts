import { describe, expect, test } from 'vitest';
import { ItemSplitter } from '../../src/api/item-splitter.ts';

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
