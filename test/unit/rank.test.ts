import { expect, test } from 'vitest';
import { ranked } from '../../src/cli/prompts/rank.ts';

const rows = (...names: string[]) => names.map((label) => ({ label, text: `[${label}] described` }));
const order = (filter: string, ...names: string[]) => ranked(rows(...names), filter).map((at) => names[at]);

test('exact before prefix before word before anything inside, each in its order', () => {
  expect(order('viewer', 'actions.viewer', 'console_viewer', 'viewer', 'viewers')).toEqual([
    'viewer',
    'viewers',
    'actions.viewer',
    'console_viewer',
  ]);
  expect(order('owner', 'limited_owner', 'cowner', 'owner')).toEqual(['owner', 'limited_owner', 'cowner']);
  expect(order('OWNER', 'Owner')).toEqual(['Owner']);
  expect(order('', 'b', 'a')).toEqual(['b', 'a']);
  expect(order('nothing', 'b', 'a')).toEqual([]);
});

test('the name counts for more than what is written beside it', () => {
  const two = [
    { label: 'other', text: '[other] pulls images' },
    { label: 'registry.pull', text: '[registry.pull]' },
    { label: 'last', text: '[last] unpulled' },
  ];
  expect(ranked(two, 'pull')).toEqual([1, 0, 2]);
});
