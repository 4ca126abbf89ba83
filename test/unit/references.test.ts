import { describe, expect, test } from 'vitest';
import { inTreeOrder, pathOf, toDirectory } from '../../src/cli/inputs/references.ts';
import { nest } from '../../src/commands/iam/organizations/view.ts';

const org = 'a'.repeat(40);
const other = 'b'.repeat(40);
const suid = (n: number) => n.toString(16).padStart(16, '0');
const front = `${org}/${suid(1)}`;
const back = `${org}/${suid(2)}`;
const deep = `${front}/${suid(3)}`;
const orphan = `${'c'.repeat(40)}/${suid(4)}`;

const groups = [
  { id: deep, name: 'tools' },
  { id: front, name: 'front' },
  { id: other, name: 'zeta' },
  { id: back, name: 'back', description: 'the back end' },
  { id: orphan, name: 'orphan' },
  { id: org, name: 'acme' },
];

describe('the tree of locations', () => {
  test('parents come before children, siblings by name, and what has no visible parent is a root', () => {
    expect(inTreeOrder(groups).map(({ name }) => name)).toEqual(['acme', 'back', 'front', 'tools', 'orphan', 'zeta']);
  });

  test('names of equal spelling are ordered by id', () => {
    const twins = [
      { id: other, name: 'twin' },
      { id: org, name: 'twin' },
    ];
    expect(inTreeOrder(twins).map(({ id }) => id)).toEqual([org, other]);
  });

  test('paths go from the organization down', () => {
    const directory = toDirectory(groups);
    expect(groups.map((group) => pathOf(group, directory))).toEqual([
      'acme/front/tools',
      'acme/front',
      'zeta',
      'acme/back',
      'orphan',
      'acme',
    ]);
  });

  test('nested below the nearest ancestor that is listed', () => {
    expect(nest(inTreeOrder(groups.filter(({ id }) => id !== front)))).toEqual([
      {
        label: '[acme]',
        children: [
          { label: '[back] the back end', children: [] },
          { label: '[tools]', children: [] },
        ],
      },
      { label: '[orphan]', children: [] },
      { label: '[zeta]', children: [] },
    ]);
  });
});

test('ten thousand locations cost no more than ten times a thousand, give or take', () => {
  const many = (count: number) => [
    { id: org, name: 'acme' },
    ...Array.from({ length: count }, (_, at) => ({ id: `${org}/${suid(at)}`, name: `folder ${count - at}` })),
  ];
  const cost = (count: number) => {
    const all = many(count);
    const start = process.cpuUsage();
    const directory = toDirectory(all);
    for (const group of directory.groups) pathOf(group, directory);
    nest(directory.groups);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };
  cost(1000);
  const thousand = Math.max(1, cost(1000));
  // Quadratic work would be a hundred times as much.
  expect(cost(10_000)).toBeLessThan(40 * thousand + 100);
});
