import { describe, expect, test } from 'vitest';
import { defineCommand, type IndexNode } from '../../src/cli/define.ts';
import { commandHelp, groupHelp } from '../../src/cli/help.ts';
import { boolean, choice, duration, named, secret, strings } from '../../src/cli/inputs/values.ts';
import { displayWidth } from '../../src/cli/width.ts';
import { fakeHost } from '../support/fake-host.ts';
import { runDefinition } from '../support/run-cli.ts';

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
    yes: { kind: boolean, short: 'y', help: 'Do not ask for confirmation.' },
  },
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

Usage:
  chainctl thing make NAME [FILE...] --parent=LOCATION [--role=ROLE...]
      [--claim-pattern=KEY=PATTERN...] [--type=first|second] [--ttl=DURATION]
      [--token=TOKEN|FILE] [--audience=AUDIENCE] [--yes] [--output=table|json]

Aliases:
  make, mk

Examples:
  # The simplest
  chainctl thing make my-thing

  # Pick everything
  chainctl thing make

Arguments:
  NAME  What it is called.
  FILE  What it is made from.

Flags:
      --audience AUDIENCE          Its own audience.
      --claim-pattern KEY=PATTERN  What it must say. (may be repeated)
  -n, --name NAME                  What it is called.
      --parent LOCATION            Where it goes. (config default.group)
      --role ROLE                  What it may do. (comma list or repeated)
      --token TOKEN|FILE           A secret.
      --ttl DURATION               How long it lives. (default 720h)
      --type first|second          What kind it is.
  -y, --yes                        Do not ask for confirmation.

Global flags:
      --api URL          Address of the platform API.
      --config FILE      Configuration file to use instead of the usual ones
                         (env CHAINCTL_CONFIG).
      --console URL      Address of the web console.
      --force-color      Colour the output even when it is not a terminal.
  -h, --help             Show this help.
      --issuer URL       Address of the token issuer.
      --log-level LEVEL  How much to tell about what happens: error, info or
                         debug.
  -o, --output FORMAT    Output format. One of table, json.
  -v, --v N              Log verbosity; 2 and more is --log-level debug.
`;

describe('the help of a command', () => {
  test('tells everything the definition knows, and nothing hidden', () => {
    expect(commandHelp(command, fakeHost())).toBe(expected);
  });

  test.each([40, 60, 80, 100])('fits %i columns, commands to copy excepted', (columns) => {
    const help = commandHelp(command, fakeHost({ columns }));
    const tooWide = help.split('\n').filter((line) => displayWidth(line) > columns);
    expect(tooWide.filter((line) => !line.startsWith('  chainctl'))).toEqual([]);
  });

  test('is no wider than a page is readable, and no narrower than two columns need', () => {
    expect(commandHelp(command, fakeHost({ columns: 300 }))).toBe(commandHelp(command, fakeHost({ columns: 100 })));
    expect(commandHelp(command, fakeHost({ columns: 10 }))).toBe(commandHelp(command, fakeHost({ columns: 40 })));
  });

  test('lists the commands below one that is a group as well', () => {
    const children: IndexNode[] = [
      { name: 'big', summary: 'Make a big one.' },
      { name: 'hidden', summary: 'Not told.', hidden: true },
    ];
    const help = commandHelp(command, fakeHost(), children);
    expect(help).toContain('\nCommands:\n  big  Make a big one.\n\nFlags:\n');
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
  expect(groupHelp(['thing'], node, fakeHost()).split('\nGlobal flags:')[0]).toBe(`Work with things.

Things are what there is.

Usage:
  chainctl thing [command]

Aliases:
  thing, things

Commands:
  make      Make a thing.
  describe  Show a thing.
`);
  expect(groupHelp(['thing'], node, fakeHost())).toMatch(
    /\n {2}-o, --output FORMAT[\s\S]*\nUse "chainctl thing \[command\] --help" to learn more about a command\.\n$/,
  );
});
