import { describe, expect, test } from 'vitest';
import { parseArguments } from '../../src/cli/arguments.ts';
import { defineCommand } from '../../src/cli/define.ts';
import { boolean, named, string, strings } from '../../src/cli/inputs/values.ts';
import { type ParsedArguments, readPlainly } from '../../src/cli/plain-arguments.ts';
import { CliError } from '../../src/errors.ts';

const command = defineCommand({
  path: ['thing', 'make'],
  summary: 'Make a thing.',
  inputs: {
    name: { kind: named('NAME'), positional: 'NAME', short: 'n', help: 'Its name.' },
    files: { kind: named('FILE'), positional: 'FILE', flag: 'file', many: true, help: 'Its files.' },
    parent: { kind: named('LOCATION'), aliases: ['group'], help: 'Where.' },
    role: { kind: strings('ROLE'), many: true, help: 'Roles.' },
    audience: { kind: string, help: 'Of this command, not the global one.' },
    expired: { kind: boolean, short: 'e', aliases: ['old'], help: 'Old ones.' },
    kept: { kind: string, flag: false, positional: 'KEPT', help: 'A place without a flag.' },
  },
  confirmsInRun: 'Do not ask.',
  examples: [],
  run: async () => undefined,
});
const bare = defineCommand({ path: ['bare'], summary: 'Bare.', inputs: {}, examples: [], run: async () => undefined });

const comparable = ({ given, globals, older }: ParsedArguments) => ({
  given: Object.fromEntries(given),
  globals: { ...globals },
  older: Object.fromEntries(older),
});

describe('a line without rules of spelling is read', () => {
  test.each<[string[], object]>([
    [[], { given: {}, globals: {}, older: {} }],
    [['a'], { given: { name: ['a'] }, globals: {}, older: {} }],
    [['a', 'b', 'c'], { given: { name: ['a'], files: ['b', 'c'] }, globals: {}, older: {} }],
    [['-o', 'json', 'a', '-e'], { given: { name: ['a'], expired: ['true'] }, globals: { output: 'json' }, older: {} }],
    [['--role', 'x', '--role', 'y'], { given: { role: ['x', 'y'] }, globals: {}, older: {} }],
    [
      ['--group', 'g', '--old'],
      {
        given: { parent: ['g'], expired: ['true'] },
        globals: {},
        older: { '--group': '--parent', '--old': '--expired' },
      },
    ],
    [['--audience', ''], { given: { audience: [''] }, globals: {}, older: {} }],
    [['--audience='], { given: { audience: [''] }, globals: {}, older: {} }],
    [
      ['--output=json', '--role=x=y', '--role', 'z', '--group=--old', 'a'],
      {
        given: { name: ['a'], role: ['x=y', 'z'], parent: ['--old'] },
        globals: { output: 'json' },
        older: { '--group': '--parent' },
      },
    ],
  ])('%j', (words, expected) => {
    const parsed = readPlainly(command, words);
    expect(parsed && comparable(parsed)).toEqual(expected);
  });
});

describe('what takes a rule, or is a mistake, is left to the parser', () => {
  test.each<[string[]]>([
    [['--expired=true']],
    [['-o=json']],
    [['--unknown=a']],
    [['--=a']],
    [['-ojson']],
    [['-en']],
    [['--']],
    [['-']],
    [['-5']],
    [['--audience', '--expired']],
    [['--audience']],
    [['--unknown']],
    [['--kept', 'x']],
    [['--help']],
    [['--name', 'a', 'b', '-o']],
    [['--name', 'a', 'b', 'c']],
  ])('%j', (words) => expect(readPlainly(command, words)).toBeUndefined());

  test('an operand too many', () => expect(readPlainly(bare, ['a'])).toBeUndefined());
});

test('of three thousand lines, whatever is read is what the parser reads', () => {
  const words = [
    ...['a', 'b', '', '-', '--', '-5', 'true', '--name', '-n', '--file', '--parent', '--group', '--role', '--audience'],
    ...[
      '--expired',
      '-e',
      '--old',
      '--old=false',
      '--output',
      '-o',
      'json',
      '-ojson',
      '-o=json',
      '--yes',
      '-y',
      '-v',
      '--v=2',
    ],
    ...['--api', 'https://x.example', '--config', '--log-level', '--help', '--kept', '--unknown', '-ey'],
    ...['--audience=a', '--name=', '--group=--old', '--output=a=b', '--unknown=a', '--=', '--kept=x'],
  ];
  let seed = 12;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  let read = 0;
  for (let round = 0; round < 3_000; round += 1) {
    const line = Array.from({ length: random(6) }, () => words[random(words.length)] ?? '');
    const definition = random(5) === 0 ? bare : command;
    const plain = readPlainly(definition, line);
    if (plain === undefined) continue;
    read += 1;
    try {
      expect(comparable(plain), line.join(' ')).toEqual(comparable(parseArguments(definition, line)));
    } catch (error) {
      if (error instanceof CliError) throw new Error(`the parser refuses ${JSON.stringify(line)}`, { cause: error });
      throw error;
    }
  }
  expect(read).toBeGreaterThan(300);
});
