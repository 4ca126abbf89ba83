import { expect, test } from 'vitest';
import { ItemReader } from '../../src/api/item-reader.ts';
import { forSeeds, type Random } from '../support/random.ts';

function read(document: string | Buffer, size: number) {
  const reader = new ItemReader();
  const bytes = Buffer.from(document);
  const items: unknown[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    for (const piece of reader.pieces(bytes.subarray(at, at + size))) reader.read(piece, items);
  }
  return { items, whole: reader.isWhole };
}

const texts = ['a', '', '},{"id":', '"},{"id":"', '\\', '\\"', '}]}', '[{', 'é🙂', '\u2028', '\u0000', '{"items":['];

function identity(random: Random, depth = 0): Record<string, unknown> {
  const text = () => texts[random.below(texts.length)] ?? '';
  const nested = () => Array.from({ length: random.below(4) }, () => identity(random, depth + 1));
  return {
    id: text(),
    ...(random.below(2) === 0 && { name: text() }),
    ...(random.below(3) === 0 && { parts: depth < 2 ? nested() : [] }),
    ...(random.below(4) === 0 && { last: depth < 2 ? { id: text(), deep: nested() } : null }),
  };
}

test('a list is read as JSON.parse reads it, however it is cut and laid out', () =>
  forSeeds(25, (random) => {
    const list = Array.from({ length: random.below(40) }, () => identity(random));
    const document = { total: 3, items: list, after: [{ id: 'no item' }] };
    const compact = JSON.stringify(document);
    for (const text of [compact, JSON.stringify(document, undefined, 2), compact.replaceAll('},{', '}, {')]) {
      for (const size of [1, 64, 500, text.length + 1]) {
        // One pass of replacing may change texts too.
        expect(read(text, size)).toMatchObject({ items: JSON.parse(text).items, whole: true });
      }
    }
  }));

test('an item is there with its last byte, in the middle of many too', () => {
  const item = (at: number) => `{"id":"${at}","text":"${'x'.repeat(100)}"}`;
  const head = `{"items":[${item(0)},`;
  const reader = new ItemReader();
  const items: unknown[] = [];
  reader.read(Buffer.from(head), items);
  expect(items).toHaveLength(1);
  // Four whole ones, and the fifth but for its brace.
  reader.read(Buffer.from([1, 2, 3, 4, 5].map(item).join(',').slice(0, -1)), items);
  expect(items).toHaveLength(5);
  reader.read(Buffer.from('}]'), items);
  expect(items).toHaveLength(6);
  expect(reader.isWhole).toBe(false);
  reader.read(Buffer.from('}'), items);
  expect(reader.isWhole).toBe(true);
});

test('the first of many items in the first chunk does not wait for the others', () => {
  const reader = new ItemReader();
  const chunk = Buffer.from(`{"items":[${['a', 'b', 'c'].map((id) => JSON.stringify({ id })).join(',')},`);
  const counts = reader.pieces(chunk).map((piece) => {
    const items: unknown[] = [];
    reader.read(piece, items);
    return items.length;
  });
  expect(counts).toEqual([1, 2]);
  expect(reader.pieces(chunk)).toEqual([chunk]);
});

test.each([
  ['a brace that is missing', '{"id":"2","x":{}', 1],
  ['no JSON', '{"id":nonsense}', 1],
  ['a list that ends too early', '{"id":"2"}],"more":[{"id":"3"}', 2],
])('of many items in one chunk, those before %s are given', (_, wrong, good) => {
  const reader = new ItemReader();
  const items: unknown[] = [];
  reader.read(Buffer.from('{"items":[{"id":"0"},'), items);
  const rest = Buffer.from(`{"id":"1"},${wrong},{"id":"4"},{"id":"5"}]}`);
  try {
    reader.read(rest, items);
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError);
  }
  expect(items.slice(0, 1 + good)).toEqual(
    ['0', '1', '2'].slice(0, 1 + good).map((id) => expect.objectContaining({ id })),
  );
});
