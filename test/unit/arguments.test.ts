import { describe, expect, test } from 'vitest';
import { parseArguments } from '../../src/cli/arguments.ts';
import { type AnyCommand, defineCommand } from '../../src/cli/define.ts';
import { boolean, named, string, strings } from '../../src/cli/inputs/values.ts';
import { CliError } from '../../src/errors.ts';

const command = defineCommand({
  path: ['thing', 'make'],
  summary: 'Make a thing.',
  inputs: {
    name: { kind: named('NAME'), positional: 'NAME', short: 'n', help: 'Its name.' },
    files: { kind: named('FILE'), positional: 'FILE', flag: 'file', many: true, help: 'Its files.' },
    parent: { kind: named('LOCATION'), aliases: ['group'], help: 'Where.' },
    githubRepo: { kind: string, help: 'A repository.' },
    description: { kind: string, short: 'd', help: 'A text.' },
    role: { kind: strings('ROLE'), many: true, help: 'Roles.' },
    audience: { kind: string, help: 'Of this command, not the global one.' },
    expired: { kind: boolean, help: 'Old ones.' },
    secretDoor: { kind: boolean, hidden: true, help: 'Hidden.' },
  },
  confirmsInRun: 'Do not ask.',
  examples: [],
  run: async () => undefined,
});

const list = defineCommand({
  path: ['thing', 'list'],
  summary: 'List things.',
  inputs: { parent: { kind: string, help: 'Where.' } },
  examples: [],
  run: async () => undefined,
});

const bare = defineCommand({ path: ['bare'], summary: 'Bare.', inputs: {}, examples: [], run: async () => undefined });

function given(...words: string[]): Record<string, readonly string[]> {
  return Object.fromEntries(parseArguments(command, words).given);
}

function globals(...words: string[]): Partial<Record<string, string>> {
  return { ...parseArguments(command, words).globals };
}

function refusal(words: readonly string[], definition: AnyCommand = command): CliError {
  try {
    parseArguments(definition, words);
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
  throw new Error(`accepted: ${words.join(' ')}`);
}

describe('a value', () => {
  test.each([
    [['-ojson']],
    [['-o', 'json']],
    [['-o=json']],
    [['--output', 'json']],
    [['--output=json']],
    [['name', '-ojson']],
    [['-o', 'table', '-o', 'json']],
    [['-yojson']],
    [['-yo', 'json']],
  ])('%j asks for JSON', (words) => {
    expect(globals(...words)['output']).toBe('json');
  });

  test.each([[['--description', 'x']], [['--description=x']], [['-d', 'x']], [['-dx']], [['-d=x']]])(
    '%j is the description',
    (words) => {
      expect(given(...words)).toEqual({ description: ['x'] });
    },
  );

  test('may be empty, and reaches the command as such', () => {
    expect(given('--description', '')).toEqual({ description: [''] });
    expect(given('--description=')).toEqual({ description: [''] });
    expect(given('')).toEqual({ name: [''] });
  });

  test.each(['-1h', '-', '--', '--yes', '-y', '-o=json', '--parent=x', '='])(
    'may be %j, whatever it looks like',
    (value) => {
      expect(given('--description', value)).toEqual({ description: [value] });
      expect(given(`--description=${value}`)).toEqual({ description: [value] });
      expect(given('-d', value)).toEqual({ description: [value] });
    },
  );

  test('keeps everything behind the first equals sign', () => {
    expect(given('--description=a=b\nc')).toEqual({ description: ['a=b\nc'] });
    expect(given('-d=a=b')).toEqual({ description: ['a=b'] });
    expect(given('-da=b')).toEqual({ description: ['a=b'] });
  });

  test('may be given under an older name, and the last one counts', () => {
    expect(given('--group', 'a')).toEqual({ parent: ['a'] });
    expect(given('--parent=a', '--group=b', '--parent=c')).toEqual({ parent: ['a', 'b', 'c'] });
  });

  test('may be repeated', () => {
    expect(given('--role=a,b', '--role', 'c')).toEqual({ role: ['a,b', 'c'] });
  });

  test.each([
    ['--parent', '--parent'],
    ['--group', '--group'],
    ['-d', '--description'],
    ['-o', '--output'],
  ])('may not be missing behind %s', (word, named) => {
    const error = refusal(['name', word]);
    expect(error.message).toBe(`\`${named}\` needs a value`);
    expect(error.kind).toBe('usage');
    expect(error.hint).toBe('see `chainctl thing make --help`');
  });

  test('that is missing and was taken from the next flag is named when a word is left over', () => {
    const error = refusal(['--parent', '-o', 'json'], list);
    expect(error.message).toMatch(/^Unexpected argument "json"/);
    expect(error.hint).toBe('`--parent` has no value, so it took `-o` for one');
    expect(refusal(['--parent', 'x', 'json'], list).hint).toBe('see `chainctl thing list --help`');
  });
});

describe('a boolean flag', () => {
  test.each([
    [['--yes'], ['true']],
    [['-y'], ['true']],
    [['--yes=true'], ['true']],
    [['--yes=false'], ['false']],
    [['-y=false'], ['false']],
    [['--yes='], ['']],
    [
      ['--yes=false', '--yes'],
      ['false', 'true'],
    ],
    [
      ['--yes', '--yes=false'],
      ['true', 'false'],
    ],
    [
      ['-y', '-y=0'],
      ['true', '0'],
    ],
  ])('%j', (words, texts) => {
    expect(given(...words)).toEqual({ yes: texts });
  });

  test('takes no word of its own', () => {
    expect(given('--yes', 'false')).toEqual({ yes: ['true'], name: ['false'] });
  });

  test('stands in a cluster', () => {
    expect(given('-ydtext')).toEqual({ yes: ['true'], description: ['text'] });
    expect(given('-yd', 'text')).toEqual({ yes: ['true'], description: ['text'] });
  });

  test('has no negated spelling that nobody declared', () => {
    expect(refusal(['--no-yes']).message).toBe('Unknown flag `--no-yes` for `chainctl thing make`');
  });
});

describe('places', () => {
  test('are filled in order, flags between them or not', () => {
    const expected = { name: ['n'], files: ['a', 'b'], yes: ['true'] };
    expect(given('n', 'a', 'b', '-y')).toEqual(expected);
    expect(given('-y', 'n', 'a', 'b')).toEqual(expected);
    expect(given('n', '-y', 'a', 'b')).toEqual(expected);
  });

  test('may also be given as flags', () => {
    expect(given('--name=n')).toEqual({ name: ['n'] });
    expect(given('-n', 'n')).toEqual({ name: ['n'] });
    expect(given('n', '--file=a', 'b')).toEqual({ name: ['n'], files: ['a', 'b'] });
  });

  test('take words that look like flags behind --', () => {
    expect(given('--', '-n', '--yes')).toEqual({ name: ['-n'], files: ['--yes'] });
    expect(given('-y', '--', 'a', '--')).toEqual({ yes: ['true'], name: ['a'], files: ['--'] });
    expect(given('-')).toEqual({ name: ['-'] });
  });

  test('cannot be given twice', () => {
    const error = refusal(['a', '--name=b']);
    expect(error.message).toBe('`NAME` was given twice: as "a" and as `--name`');
    expect(error.code).toBe('usage.twice');
  });

  test('are limited', () => {
    const error = refusal(['surplus'], bare);
    expect(error.message).toBe('Unexpected argument "surplus": `chainctl bare` takes no arguments');
    expect(error.code).toBe('usage.unexpected-argument');
  });

  test('do not matter to who asks for help', () => {
    expect(parseArguments(bare, ['surplus', '--help']).globals['help']).toBe('true');
  });
});

describe('a global flag', () => {
  test('is known to every command, before and after its words', () => {
    expect(globals('--api=https://x.test', 'name', '--force-color', '-v=2', '--log-level', 'debug')).toEqual({
      api: 'https://x.test',
      forceColor: 'true',
      v: '2',
      logLevel: 'debug',
    });
    expect(globals('-v2')).toEqual({ v: '2' });
    expect(globals('-v', '2')).toEqual({ v: '2' });
    expect(globals('--v=2')).toEqual({ v: '2' });
    expect(globals('--force-color=false')).toEqual({ forceColor: 'false' });
  });

  test('gives way to a flag of the command with its name', () => {
    const parsed = parseArguments(command, ['--audience=a']);
    expect(Object.fromEntries(parsed.given)).toEqual({ audience: ['a'] });
    expect(parsed.globals).toEqual({});
    expect(parseArguments(bare, ['--audience=a']).globals).toEqual({ audience: 'a' });
  });

  test('gives way to a short name and to an older name of the command', () => {
    const clashing = defineCommand({
      path: ['clash'],
      summary: 'Clash.',
      inputs: {
        verbose: { kind: boolean, short: 'v', help: 'Taken.' },
        server: { kind: string, aliases: ['api'], help: 'Taken too.' },
      },
      examples: [],
      run: async () => undefined,
    });
    const parsed = parseArguments(clashing, ['-v', '--v=3', '--api=x']);
    expect(Object.fromEntries(parsed.given)).toEqual({ verbose: ['true'], server: ['x'] });
    expect(parsed.globals).toEqual({ v: '3' });
  });
});

describe('an unknown flag', () => {
  test.each([
    ['--parnt', 'did you mean `--parent`?'],
    ['--parnt=x', 'did you mean `--parent`?'],
    ['--githubRepo', 'did you mean `--github-repo`?'],
    ['--Parent', 'did you mean `--parent`?'],
    ['-parent', 'did you mean `--parent`?'],
    ['--outptu', 'did you mean `--output`?'],
    ['--secret-dor', 'see `chainctl thing make --help`'],
    ['--something-else', 'see `chainctl thing make --help`'],
    ['-x', 'see `chainctl thing make --help`'],
  ])('%s is refused: %s', (word, hint) => {
    const error = refusal(['a', word, 'b']);
    expect(error.message).toBe(`Unknown flag \`${word.split('=')[0]}\` for \`chainctl thing make\``);
    expect(error.hint).toBe(hint);
    expect(error.kind).toBe('usage');
    expect(error.code).toBe('usage.unknown-flag');
  });
});
