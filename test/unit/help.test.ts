import { describe, expect, test } from 'vitest';
import { loadCommands } from '../../scripts/gen-index.ts';
import { defineCommand, type IndexNode } from '../../src/cli/define.ts';
import { commandHelp, groupHelp } from '../../src/cli/help.ts';
import { helpPage } from '../../src/cli/help-page.ts';
import { topicNames } from '../../src/cli/help-topics.ts';
import { boolean, choice, duration, named, secret, strings } from '../../src/cli/inputs/values.ts';
import { wholeIndex } from '../../src/cli/program.ts';
import { displayWidth } from '../../src/cli/width.ts';
import { fakeHost } from '../support/fake-host.ts';
import { runCli, runDefinition } from '../support/run-cli.ts';

const command = defineCommand({
  path: ['thing', 'make'],
  summary: 'Make a thing.',
  description:
    'A long description that has to be wrapped because it does not fit into the eighty columns of a terminal.\nA second paragraph.',
  aliases: ['mk'],
  inputs: {
    parent: {
      kind: named('LOCATION'),
      required: true,
      config: 'default.group',
      aliases: ['group'],
      help: 'Where it goes.',
    },
    name: { kind: named('NAME'), positional: 'NAME', short: 'n', required: true, help: 'What it is called.' },
    others: { kind: named('FILE'), positional: 'FILE', flag: false, many: true, help: 'What it is made from.' },
    role: { kind: strings('ROLE'), many: true, help: 'What it may do.' },
    claimPattern: { kind: named('KEY=PATTERN'), many: true, help: 'What it must say.' },
    type: { kind: choice('first', 'second'), help: 'What kind it is.' },
    ttl: { kind: duration(), default: '720h', help: 'How long it lives.' },
    token: { kind: secret('TOKEN|FILE'), help: 'A secret.' },
    audience: { kind: named('AUDIENCE'), help: 'Its own audience.' },
    secretDoor: { kind: boolean, hidden: true, help: 'Hidden.' },
  },
  confirmsInRun: 'Do not ask for confirmation.',
  examples: [
    { text: 'The simplest', args: 'my-thing' },
    { text: 'Pick everything', args: '' },
  ],
  formats: ['text', 'table', 'json'],
  run: async () => undefined,
});

const expected = `Make a thing.
A long description that has to be wrapped because it does not fit into the
eighty columns of a terminal.
A second paragraph.

Usage: chainctl thing make NAME [FILE...] [flags] (also: mk)

Examples:
  chainctl thing make my-thing  # The simplest
  chainctl thing make  # Pick everything

Arguments:
  NAME  What it is called.
  FILE  What it is made from.

Required:
      --parent LOCATION  Where it goes.

Optional:
      --audience AUDIENCE          Its own audience.
      --claim-pattern KEY=PATTERN  What it must say. (may be repeated)
      --role ROLE                  What it may do. (comma list or repeated)
      --token TOKEN|FILE           A secret.
      --ttl DURATION               How long it lives. (default 720h)
      --type first|second          What kind it is.
  -y, --yes                        Do not ask for confirmation.

More: \`chainctl help flags\`
`;

describe('the help of a command', () => {
  test('tells everything the definition knows, and nothing hidden', () => {
    expect(commandHelp(helpPage(command), fakeHost())).toBe(expected);
  });

  test.each([40, 60, 80, 100])('fits %i columns, commands to copy excepted', (columns) => {
    const help = commandHelp(helpPage(command), fakeHost({ columns }));
    const tooWide = help.split('\n').filter((line) => displayWidth(line) > columns);
    expect(tooWide.filter((line) => !line.startsWith('  chainctl'))).toEqual([]);
  });

  test('is no wider than a page is readable, and no narrower than two columns need', () => {
    expect(commandHelp(helpPage(command), fakeHost({ columns: 300 }))).toBe(
      commandHelp(helpPage(command), fakeHost({ columns: 100 })),
    );
    expect(commandHelp(helpPage(command), fakeHost({ columns: 10 }))).toBe(
      commandHelp(helpPage(command), fakeHost({ columns: 40 })),
    );
  });

  test('lists the commands below one that is a group as well', () => {
    const children: IndexNode[] = [
      { name: 'big', summary: 'Make a big one.' },
      { name: 'hidden', summary: 'Not told.', hidden: true },
    ];
    const help = commandHelp(helpPage(command), fakeHost(), children);
    expect(help).toContain('\nCommands:\n  big  Make a big one.\n\nRequired:\n');
    expect(help).not.toContain('Not told');
  });

  test.each([
    [['--help']],
    [['-h']],
    [['--help=true']],
    [['surplus', 'more', 'files', '-h']],
    [['-yh']],
    [['--parent', 'x', '--help']],
  ])('is what %j asks for, on stdout and with success', async (words) => {
    const run = await runDefinition(command, words);
    expect(run).toMatchObject({ code: 0, out: expected, err: '' });
  });

  test.each([[['--help=false', 'n', '--parent=p']], [['--parent', '--help', 'n']]])(
    'is not what %j asks for',
    async (words) => {
      const run = await runDefinition(command, words);
      expect(run).toMatchObject({ code: 0, out: '', err: '' });
    },
  );
});

test('the help of a group', () => {
  const node: IndexNode = {
    name: 'thing',
    summary: 'Work with things.',
    description: 'Things are what there is.',
    aliases: ['things'],
    children: [
      { name: 'make', summary: 'Make a thing.' },
      { name: 'remove', summary: 'Remove a thing.', hidden: true },
      { name: 'describe', summary: 'Show a thing.' },
    ],
  };
  expect(groupHelp(['thing'], node, fakeHost())).toBe(`Work with things.

Things are what there is.

Usage: chainctl thing COMMAND (also: things)

Commands:
  make      Make a thing.
  describe  Show a thing.

More: \`chainctl thing COMMAND --help\`, \`chainctl help flags\`
`);
});

test('a page that nearly fits a screen is made to; one that is far from it is left whole', () => {
  const flags = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, at) => [`flag${at}`, { kind: named('X'), help: 'One. And two. And three.' }]),
    );
  const of = (count: number) =>
    commandHelp(helpPage({ ...command, inputs: flags(count) }), fakeHost()).split('\n').length - 1;
  expect(of(9)).toBeLessThanOrEqual(24);
  expect(of(40)).toBeGreaterThan(50);
});

test('four of five commands have help that fits a screen of 80 columns and 24 rows', async () => {
  const all = (await loadCommands()).map(({ definition }) => definition).filter(({ hidden }) => !hidden);
  const heights = all.map((definition) => commandHelp(helpPage(definition), fakeHost()).split('\n').length - 1);
  const groups = groupNodes(await wholeIndex()).map(
    ({ path, node }) => groupHelp(path, node, fakeHost()).split('\n').length - 1,
  );
  const every = [...heights, ...groups];
  expect(every.filter((height) => height <= 24).length / every.length).toBeGreaterThanOrEqual(0.8);
});

function groupNodes(node: IndexNode, path: readonly string[] = []): { path: readonly string[]; node: IndexNode }[] {
  const below = (node.children ?? []).flatMap((child) => groupNodes(child, [...path, child.name]));
  return node.load === undefined ? [{ path, node }, ...below] : below;
}

test.each(topicNames)('the topic %s is there', async (name) => {
  const { code, out } = await runCli(['help', name]);
  expect(code).toBe(0);
  expect(out.split('\n').filter((line) => line.length > 140)).toEqual([]);
  expect(out.length).toBeGreaterThan(200);
});

test('help of a command is still help of a command', async () => {
  expect((await runCli(['help', 'iam', 'roles', 'list'])).out).toContain('Usage: chainctl iam roles list');
});
