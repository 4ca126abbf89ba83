// Screens as a person sees them: one terminal, drawn by tmux at three sizes, on one platform. `UPDATE_GOLDEN=1` writes them anew.
// Tables of every list at these sizes are compared without a terminal in test/golden/outputs.test.ts; here is what only a real
// one shows: that nothing wraps, that a picker redraws itself, and what a terminal without colors or cursor gets.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { displayWidth } from '../../src/cli/width.ts';
import { expectGolden, expectNoOthers } from '../golden/golden.ts';
import { createWorld, type Person, signIn } from '../support/program.ts';
import { openTerminal, type Terminal } from '../support/terminal.ts';

const world = createWorld();
let person: Person;
const files: string[] = [];

beforeAll(async () => {
  const platform = await world.startPlatform();
  person = world.person('reader', platform);
  await signIn(person, platform);
});

afterAll(() => expectNoOthers('terminal', files));

const sizes = [
  [80, 24],
  [120, 40],
  [200, 50],
] as const;

/** Lists whose answer is the same on every platform: no times, no addresses. */
const lists = [
  'iam roles list',
  'iam organizations list -o table',
  'iam folders list',
  'iam role-bindings list',
  'iam roles capabilities list',
  'api list groups',
];

const helps = ['iam identities list --help', 'iam identities create github --help', 'images list --help'];

let runs = 0;

/** What the screen shows once a command line has ended. */
async function screenOf(terminal: Terminal, line: string): Promise<string> {
  runs += 1;
  const end = `end ${runs}`;
  terminal.type(`clear; ${line}; echo "${end}"`);
  terminal.press('Enter');
  const screen = await terminal.shows(new RegExp(`^${end}$`, 'm'));
  return screen.slice(0, screen.lastIndexOf(end));
}

function golden(name: string, size: readonly [number, number], screen: string): void {
  const [columns, rows] = size;
  const file = `terminal/${name.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '')}.${columns}x${rows}.txt`;
  files.push(file);
  // Short ids of what the platform made by chance.
  const lines = screen.split('\n').map((line) => line.trimEnd().replace(/^ [0-9a-f]{8}(?= \|)/, ' ########'));
  for (const line of lines) expect(displayWidth(line), line).toBeLessThanOrEqual(columns);
  expectGolden(file, `${lines.join('\n').trimEnd()}\n`);
}

test('tables, help and pickers at three sizes', async () => {
  const env = { ...person.env, CHAINCTL_PAGER: 'tail -n 18', NO_COLOR: undefined };
  const terminal = await openTerminal(env, person.home);
  for (const size of sizes) {
    await terminal.resize(size[0], size[1]);
    for (const list of lists) golden(list, size, await screenOf(terminal, `chainctl ${list}`));
    for (const help of helps) golden(`help ${help}`, size, await screenOf(terminal, `chainctl ${help}`));
    await pickers(terminal, size);
  }
});

async function pickers(terminal: Terminal, size: readonly [number, number]): Promise<void> {
  const begin = (line: string) => {
    terminal.type(`clear; ${line}`);
    terminal.press('Enter');
  };
  begin('chainctl iam identities create');
  golden('picker of a choice', size, await terminal.shows(/A service of the platform/));
  terminal.press('C-c');
  await terminal.shows('Cancelled');
  begin('chainctl iam roles create golden --parent=engineering');
  await terminal.shows('type to filter');
  terminal.type('groups.');
  golden('picker of several, filtered', size, await terminal.shows(/^ {2}> \[ \] \[groups\.create\]/m));
  terminal.press('C-c');
  await terminal.shows('Cancelled');
}

test('TERM=dumb gets numbered lines, NO_COLOR no color, and neither a cursor that moves', async () => {
  const terminal = await openTerminal(person.env, person.home);
  terminal.type('clear; TERM=dumb chainctl iam identities create');
  terminal.press('Enter');
  golden('dumb picker', [80, 24], await terminal.shows(/8\. A service of the platform\s+Number or name:/));
  terminal.press('C-c');
  await terminal.shows(/Cancelled|Interrupted|\^C/);
  const plain = await screenOf(
    terminal,
    'NO_COLOR=1 chainctl iam nosuch 2>&1 | cat -v; NO_COLOR=1 chainctl iam roles list | cat -v',
  );
  expect(plain).not.toContain('^[');
  const file = await screenOf(
    terminal,
    'NO_COLOR=1 script -qec "chainctl iam nosuch" out.txt >/dev/null; cat -v out.txt | head -5',
  );
  expect(file).toContain('Unknown command');
  expect(file).not.toContain('^[[3');
});
