import { expect, test } from 'vitest';
import type { IndexNode } from '../../src/cli/define.ts';
import { wholeIndex } from '../../src/cli/program.ts';
import { displayWidth } from '../../src/cli/width.ts';
import { runCli } from '../support/run-cli.ts';
import { expectGolden, expectNoOthers } from './golden.ts';

interface Entry {
  readonly path: readonly string[];
  readonly node: IndexNode;
}

const all = (node: IndexNode, path: readonly string[]): Entry[] => [
  { path, node },
  ...(node.children ?? []).flatMap((child) => all(child, [...path, child.name])),
];

const entries = all(await wholeIndex(), []);
const fileOf = (path: readonly string[]) => `help/${['chainctl', ...path].join('-')}.txt`;

test.each(entries.map((entry) => [['chainctl', ...entry.path].join(' '), entry] as const))(
  '%s --help',
  async (name, { path }) => {
    const run = await runCli([...path, '--help'], { columns: 80 });
    expect(run).toMatchObject({ code: 0, err: '' });
    expect(run.out).toMatch(new RegExp(`^Usage: ${name}( |$)`, 'm'));
    // Only what is there to be copied may be longer than a line.
    const tooWide = run.out.split('\n').filter((line) => displayWidth(line) > 80 && !line.startsWith('  chainctl '));
    expect(tooWide).toEqual([]);
    expectGolden(fileOf(path), run.out);
  },
);

test('there is no help of a command that is gone', () => {
  expectNoOthers(
    'help',
    entries.map(({ path }) => fileOf(path)),
  );
});
