import { expect, test } from 'vitest';
import { nearest } from '../../src/suggest.ts';

const words = ['create', 'delete', 'describe', 'list', 'ls', 'update', 'identities', 'organizations'];

test.each([
  ['lsit', 'list'],
  ['lst', 'list'],
  ['sl', 'ls'],
  ['LIST', 'list'],
  ['crate', 'create'],
  ['deleet', 'delete'],
  ['identites', 'identities'],
  ['org', 'organizations'],
  ['organisation', 'organizations'],
  ['desc', 'describe'],
])('%s was meant as %s', (word, meant) => {
  expect(nearest(word, words)).toBe(meant);
});

test.each(['', 'x', 'ab', 'foo', 'frobnicate', 'list-everything'])('%j is near nothing', (word) => {
  expect(nearest(word, words)).toBeUndefined();
});

test('the nearest of several wins, the first of equals', () => {
  expect(nearest('cat', ['dot', 'cart', 'bat'])).toBe('cart');
  expect(nearest('dog', ['dig', 'dot'])).toBe('dig');
});

test('an exact word is its own nearest', () => {
  expect(nearest('update', words)).toBe('update');
});
