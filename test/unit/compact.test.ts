import { expect, test } from 'vitest';
import { compact, compactAfter } from '../../src/api/compact.ts';

test.each([
  ['what is unset goes, at every depth', { a: '', b: null, c: false, d: 'X_UNSPECIFIED', e: { f: '' } }, { e: {} }],
  ['lists and maps stay when they are empty', { a: [], b: {}, c: [{ d: '' }, []] }, { a: [], b: {}, c: [{}, []] }],
  [
    'what is set stays',
    { a: 0, b: 'x', c: true, d: 'Not_UNSPECIFIED' },
    { a: 0, b: 'x', c: true, d: 'Not_UNSPECIFIED' },
  ],
  ['unset between set', { a: 'x', b: '', c: 'y', d: null, e: 'z' }, { a: 'x', c: 'y', e: 'z' }],
])('%s', (_, message, expected) => {
  const before = structuredClone(message);
  const result = compact(message);
  expect(JSON.stringify(result)).toBe(JSON.stringify(expected));
  expect(message).toEqual(before);
});

test('the fields that come first come once, and __proto__ is a name like any other', () => {
  const message = JSON.parse('{"name":"n","id":"i","__proto__":{"x":1,"y":""},"rest":""}');
  expect(JSON.stringify(compactAfter({ id: message.id, name: message.name, description: '' }, message))).toBe(
    '{"id":"i","name":"n","description":"","__proto__":{"x":1}}',
  );
});

test('what lies deep is looked at once on the way', () => {
  let looks = 0;
  const leaf = {
    get value() {
      looks += 1;
      return '';
    },
  };
  let message: object = leaf;
  for (let depth = 0; depth < 30; depth += 1) message = { message };
  compact(message);
  expect(looks).toBe(1);
});
