import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest';
import {
  type AnyCommand,
  type CommandDefinition,
  changeOf,
  defineCommand,
  defineView,
  exclusive,
  type Inputs,
  needs,
} from '../../src/cli/define.ts';
import type { Kind } from '../../src/cli/inputs/kind.ts';
import { boolean, choice, duration, integer, named, secret, string, strings } from '../../src/cli/inputs/values.ts';
import { createIo } from '../../src/cli/io.ts';
import { createPrompter } from '../../src/cli/prompts/prompter.ts';
import type { Candidate } from '../../src/cli/prompts/question.ts';
import { CliError } from '../../src/errors.ts';
import { type FakeHostOptions, fakeHost } from '../support/fake-host.ts';
import { type CliOptions, runDefinition } from '../support/run-cli.ts';

interface Thing {
  readonly id: string;
  readonly name: string;
}

const things: readonly Thing[] = [
  { id: 'id-1', name: 'one' },
  { id: 'id-2', name: 'two' },
  { id: 'id-3', name: 'two' },
];

const toCandidate = (thing: Thing): Candidate<Thing> => ({ value: thing, label: thing.name, text: thing.id });

/** A kind whose names are looked up; every look-up is written down. */
function thingKind(all: readonly Thing[] = things, log: string[] = []): Kind<Thing> {
  return {
    metavar: 'THING',
    noun: 'thing',
    parse: (text) => {
      if (text === '') throw new Error('must not be empty');
      return text;
    },
    resolve: async (context, text) => {
      log.push(`resolve ${text}`);
      const [first, ...others] = all.filter((thing) => thing.name === text || thing.id === text);
      if (first === undefined)
        throw new CliError('not-found', `No thing found for "${text}"`, { code: 'not-found.thing' });
      if (others.length === 0) return first;
      return (await context.prompts.pick(`Which ${text}?`, all.filter((thing) => thing.name === text).map(toCandidate)))
        .value;
    },
    candidates: async () => {
      log.push('candidates');
      return all.map(toCandidate);
    },
  };
}

const withSole = (all: readonly Thing[], log?: string[]): Kind<Thing> => ({
  ...thingKind(all, log),
  onlyCandidate: async () => {
    log?.push('sole');
    return all.length === 1 && all[0] !== undefined ? toCandidate(all[0]) : undefined;
  },
});

/** A command that answers with the inputs it received. */
function echoing<const I extends Inputs>(inputs: I, more: Partial<CommandDefinition<I, never>> = {}): AnyCommand {
  return defineCommand({
    path: ['try'],
    summary: 'Try it.',
    inputs,
    examples: [],
    view: defineView<object>({ json: (item) => item }),
    formats: ['json'],
    run: async (_context, input) => ({ ...input }),
    ...(more as object),
  });
}

async function inputsOf(definition: AnyCommand, words: readonly string[], options: CliOptions = {}) {
  const run = await runDefinition(definition, words, options);
  expect(run.err).toBe('');
  expect(run.code).toBe(0);
  return JSON.parse(run.out) as Record<string, unknown>;
}

const written = (yaml: string, options: CliOptions = {}): CliOptions => ({
  ...options,
  env: { ...options.env, CHAINCTL_CONFIG: configFile(yaml) },
});

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function configFile(yaml: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'chainctl-pipeline-'));
  folders.push(folder);
  writeFileSync(join(folder, 'config.yaml'), yaml);
  return join(folder, 'config.yaml');
}

describe('values', () => {
  const command = echoing({
    name: { kind: named('NAME'), positional: 'NAME', help: 'N.' },
    parent: { kind: named('LOCATION'), help: 'P.', config: 'default.group' },
    ttl: { kind: duration(), help: 'T.', default: '1h' },
    tags: { kind: strings(), many: true, help: 'T.' },
    claims: { kind: string, many: true, help: 'C.' },
    yes: { kind: boolean, short: 'y', help: 'Y.' },
  });

  test('that nobody gave: defaults, empty lists, false, and nothing else', async () => {
    expect(await inputsOf(command, [])).toEqual({ ttl: 3_600_000, tags: [], claims: [], yes: false });
  });

  test('come parsed; the last of several counts, a list takes all', async () => {
    const words = ['n', '--ttl=5m', '--ttl', '2m', '--tags=a, b', '--tags', 'c', '--claims=x,y', '--claims=z', '-y'];
    expect(await inputsOf(command, words)).toEqual({
      name: 'n',
      ttl: 120_000,
      tags: ['a', 'b', 'c'],
      claims: ['x,y', 'z'],
      yes: true,
    });
  });

  test('that are empty reach the command as such, and an empty list is empty', async () => {
    expect(await inputsOf(command, ['', '--parent=', '--tags='])).toMatchObject({ name: '', parent: '', tags: [] });
  });

  test('come from the flag before the environment before the file', async () => {
    const file = 'default:\n  group: from-file\n';
    const env = { CHAINGUARD_DEFAULT_GROUP: 'from-env' };
    expect(await inputsOf(command, ['--parent=from-flag'], written(file, { env }))).toMatchObject({
      parent: 'from-flag',
    });
    expect(await inputsOf(command, [], written(file, { env }))).toMatchObject({ parent: 'from-env' });
    expect(await inputsOf(command, [], written(file))).toMatchObject({ parent: 'from-file' });
    expect(await inputsOf(command, [], { env: { CHAINGUARD_DEFAULT_GROUP: '' } })).not.toHaveProperty('parent');
  });

  test('are told at debug level with where they come from', async () => {
    const run = await runDefinition(command, ['n', '-v=2'], { env: { CHAINGUARD_DEFAULT_GROUP: 'g' } });
    expect(run.err).toBe(
      [
        'debug: `NAME` is "n", from the command line',
        'debug: `CHAINGUARD_DEFAULT_GROUP` is "g", from `CHAINGUARD_DEFAULT_GROUP`',
        'debug: `--ttl` is "1h", from the default',
        '',
      ].join('\n'),
    );
  });
});

describe('problems', () => {
  const command = echoing(
    {
      parent: { kind: duration({ min: 60_000 }), help: 'P.', config: 'default.group' },
      type: { kind: choice('a', 'b'), help: 'T.' },
      count: { kind: integer, help: 'C.' },
      id: { kind: string, help: 'I.' },
      all: { kind: boolean, help: 'A.' },
      other: { kind: string, help: 'O.' },
      token: { kind: { ...secret('TOKEN'), parse: refuse }, help: 'T.' },
    },
    { check: [exclusive('id', 'all', 'other'), needs('count', 'type')] },
  );

  function refuse(): never {
    throw new Error('must be another');
  }

  test('are all told together, each naming its flag', async () => {
    const run = await runDefinition(command, [
      '--type=c',
      '--count=x',
      '--id=1',
      '--all=maybe',
      '--other=2',
      '-o',
      'xml',
    ]);
    expect(run.code).toBe(2);
    expect(run.out).toBe('');
    expect(run.err).toBe(
      [
        'error: `--type` must be one of a, b, not "c"',
        '  `--count` must be a whole number, not "x"',
        '  `--all` must be true or false, not "maybe"',
        '  `--id`, `--all` and `--other` cannot be used together',
        '  `--output` must be one of json, yaml, none, not "xml"',
        'hint: see `chainctl try --help`',
        '',
      ].join('\n'),
    );
  });

  test('name the variable or the property a value comes from', async () => {
    const env = await runDefinition(command, [], { env: { CHAINGUARD_DEFAULT_GROUP: 'x' } });
    expect(env.err).toContain('error: `CHAINGUARD_DEFAULT_GROUP` must be a duration such as "24h" or "90m", not "x"\n');
    const file = await runDefinition(command, [], written('default:\n  group: 1s\n'));
    expect(file.err).toContain('error: configuration property `default.group` must be at least 1m, not "1s"\n');
  });

  test('of a rule over two flags', async () => {
    expect((await runDefinition(command, ['--count=1'])).err).toContain('error: `--count` needs `--type`\n');
    const either = echoing(
      { a: { kind: string, help: 'A.' }, b: { kind: string, help: 'B.' }, c: { kind: string, help: 'C.' } },
      { check: [changeOf('a', 'b', 'c')] },
    );
    expect((await runDefinition(either, [])).err).toContain('error: one of `--a`, `--b` or `--c` is required\n');
  });

  test('never show a secret, nor more than a line of a long text', async () => {
    const held = await runDefinition(command, ['--token=hunter2']);
    expect(held.err).toContain('error: `--token` must be another\n');
    expect(held.err).not.toContain('hunter2');
    const long = await runDefinition(command, [`--count=${'9'.repeat(500)}`]);
    expect(long.err.split('\n')[0]?.length).toBeLessThan(120);
  });

  test('of the global flags count like the others', async () => {
    const run = await runDefinition(command, ['--force-color=perhaps', '-v=loud', '--count=x']);
    expect(run.err).toContain('`--force-color` must be true or false, not "perhaps"');
    expect(run.err).toContain('`--v` must be a whole number, not "loud"');
    expect(run.err).toContain('`--count` must be a whole number, not "x"');
  });

  test('that only the command knows are told before anything is looked up', async () => {
    const log: string[] = [];
    const strict = echoing(
      { thing: { kind: thingKind(things, log), help: 'T.' }, size: { kind: string, required: true, help: 'S.' } },
      { validate: ({ thing }) => (String(thing) === 'odd' ? ['`--thing` must be even'] : []) },
    );
    const run = await runDefinition(strict, ['--thing=odd']);
    expect(run.err).toContain('error: `--thing` must be even\n  `--size` is required when not running interactively\n');
    expect(log).toEqual([]);
  });
});

describe('missing inputs without a terminal', () => {
  const command = (kind: Kind<Thing>) =>
    echoing({
      thing: { kind, required: true, help: 'T.' },
      name: { kind: named('NAME'), positional: 'NAME', required: true, help: 'N.' },
      type: { kind: choice('a', 'b'), required: true, help: 'T.' },
    });

  test('are named in one line, before anything is looked up', async () => {
    const log: string[] = [];
    const run = await runDefinition(command(thingKind(things, log)), []);
    expect(run.code).toBe(2);
    expect(run.err).toBe('error: `--thing`, `NAME` and `--type` are required when not running interactively\n');
    expect(log).toEqual([]);
    expect(run.host.stdin.reads).toBe(0);
  });

  test('one alone', async () => {
    const run = await runDefinition(command(thingKind()), ['n', '--type=a']);
    expect(run.err).toBe('error: `--thing` is required when not running interactively\n');
  });

  test('a kind with a sole candidate is looked at when nothing else is missing', async () => {
    const log: string[] = [];
    const one = things.slice(0, 1);
    const refused = await runDefinition(command(withSole(one, log)), ['--type=a']);
    expect(refused.err).toBe('error: `NAME` is required when not running interactively\n');
    expect(log).toEqual([]);
    expect(await inputsOf(command(withSole(one, log)), ['n', '--type=a'])).toMatchObject({ thing: one[0] });
    expect(log).toEqual(['sole']);
  });

  test('several candidates are none', async () => {
    const run = await runDefinition(command(withSole(things)), ['n', '--type=a']);
    expect(run).toMatchObject({
      code: 2,
      err: 'error: `--thing` is required when not running interactively\n',
    });
  });

  test('with two that depend on look-ups, both are named', async () => {
    const both = echoing({
      from: { kind: withSole(things), required: true, help: 'F.' },
      to: { kind: withSole(things), required: true, help: 'T.' },
    });
    expect((await runDefinition(both, [])).err).toBe(
      'error: `--from` and `--to` are required when not running interactively\n',
    );
  });

  test('only a kind that says so is taken without being named: the one thing there is may not be the one meant', async () => {
    const run = await runDefinition(command(thingKind(things.slice(0, 1))), ['n', '--type=a', '--output=json']);
    expect(run.code).toBe(2);
    expect(JSON.parse(run.err)).toEqual({
      code: 2,
      reason: 'usage.missing',
      message: '`--thing` is required when not running interactively',
    });
  });

  test.each([
    ['CI', { tty: true, env: { CI: 'true' } }],
    ['CI with a dumb terminal', { tty: true, env: { CI: 'true', TERM: 'dumb' } }],
  ])('%s counts as no terminal', async (_name, options) => {
    const run = await runDefinition(command(thingKind()), ['n', '--type=a'], options);
    expect(run.code).toBe(2);
    expect(run.asked).toEqual([]);
  });

  test('an input that another one replaces is not missing', async () => {
    const replaced = echoing({
      thing: { kind: thingKind(), requiredUnless: 'expired', help: 'T.' },
      expired: { kind: boolean, help: 'E.' },
    });
    expect(await inputsOf(replaced, ['--expired'])).toEqual({ expired: true });
    expect((await runDefinition(replaced, ['--expired=false'])).code).toBe(2);
  });

  test('a kind with another source takes it from there', async () => {
    const fromFile = echoing({
      name: { kind: { ...string, fallback: async () => 'from a file' }, required: true, help: 'N.' },
    });
    expect(await inputsOf(fromFile, [])).toEqual({ name: 'from a file' });
    expect(await inputsOf(fromFile, ['--name=x'])).toEqual({ name: 'x' });
  });
});

describe('on a terminal', () => {
  const command = (kind: Kind<Thing>) =>
    echoing(
      {
        thing: { kind, required: true, help: 'T.' },
        name: { kind: named('NAME'), positional: 'NAME', required: true, help: 'N.' },
        type: { kind: choice('a', 'b'), required: true, help: 'T.' },
        others: { kind: thingKind(), required: true, many: true, help: 'O.', question: 'And which others?' },
      },
      {},
    );

  test('everything missing is asked for once, in declared order', async () => {
    const run = await runDefinition(command(thingKind()), [], {
      tty: true,
      answers: ['one', "it's", 'b', ['id-2', 'id-3']],
    });
    expect(run.code).toBe(0);
    expect(run.asked).toEqual(['Which thing?', 'Which name?', 'Which type?', 'And which others?']);
    expect(JSON.parse(run.out)).toEqual({ thing: things[0], name: "it's", type: 'b', others: [things[1], things[2]] });
  });

  test('the command that asks nothing is shown, for a shell to read', async () => {
    const run = await runDefinition(command(thingKind()), ['--log-level=error'], {
      tty: true,
      answers: ['one', "it's", 'b', ['id-2', 'id-3']],
      env: { NO_COLOR: '1' },
    });
    expect(run.err).toBe(
      [
        '  ✔ Selected thing one.',
        '  ✔ Selected type b.',
        '  ✔ Selected thing two.',
        '  ✔ Selected thing two.',
        "  Equivalent command: chainctl try 'it'\\''s' --thing=id-1 --type=b --others=id-2 --others=id-3 --log-level=error",
        '',
      ].join('\n'),
    );
  });

  test('the only candidate is taken without a question', async () => {
    const run = await runDefinition(command(thingKind(things.slice(0, 1))), ['n', '--type=a', '--others=one'], {
      tty: true,
    });
    expect(run.code).toBe(0);
    expect(run.err).toContain('Selected thing one.');
    expect(run.err).toContain('Equivalent command: chainctl try n --thing=id-1 --type=a --others=one');
  });

  test('no candidate is an error that says how to name one', async () => {
    const run = await runDefinition(command(thingKind([])), ['n', '--type=a'], { tty: true });
    expect(run.code).toBe(1);
    expect(run.err.replace(/\u001b\[\d+m/g, '')).toBe(
      'error: There is no thing to choose from\nhint: name one with `--thing`\n',
    );
  });

  test('given values are not asked for, and no command is shown when nothing was', async () => {
    const run = await runDefinition(command(thingKind()), ['n', '--thing=one', '--type=a', '--others=one'], {
      tty: true,
    });
    expect(run).toMatchObject({ code: 0, err: '', asked: [] });
  });

  test('of several with one name the meant one is picked', async () => {
    const run = await runDefinition(command(thingKind()), ['n', '--thing=two', '--type=a', '--others=one'], {
      tty: true,
      answers: ['id-3'],
    });
    expect(JSON.parse(run.out)).toMatchObject({ thing: things[2] });
  });

  test('--yes asks for nothing', async () => {
    const quiet = echoing({
      thing: { kind: thingKind(), required: true, help: 'T.' },
      yes: { kind: boolean, short: 'y', help: 'Y.' },
    });
    expect((await runDefinition(quiet, ['-y'], { tty: true })).code).toBe(2);
    expect((await runDefinition(quiet, ['--yes=false'], { tty: true, answers: ['one'] })).code).toBe(0);
    expect((await runDefinition(quiet, ['--yes=0'], { tty: true, answers: ['one'] })).code).toBe(0);
  });

  test('secrets and control characters stay out of what is shown', async () => {
    const odd = [{ id: 'evil\u001b[2J', name: 'e\u009bvil' }, ...things];
    const command = echoing({
      token: { kind: secret('TOKEN'), required: true, help: 'T.' },
      password: { kind: secret('PASSWORD'), help: 'P.' },
      thing: { kind: thingKind(odd), required: true, help: 'T.' },
    });
    const run = await runDefinition(command, ['--password', 'hunter2'], {
      tty: true,
      answers: ['tok-en', 'evil\u001b[2J'],
      env: { NO_COLOR: '1' },
    });
    expect(run.code).toBe(0);
    expect(run.err).toBe(
      [
        '  ✔ Selected thing e\ufffdvil.',
        "  Equivalent command: chainctl try --token=… --password=… --thing='evil\ufffd[2J'",
        '',
      ].join('\n'),
    );
  });

  test('a text that is not accepted is asked again', async () => {
    const command = echoing({ ttl: { kind: duration(), required: true, help: 'T.' } });
    await expect(runDefinition(command, [], { tty: true, answers: ['soon', '24h'] })).resolves.toMatchObject({
      code: 0,
      refused: ['This must be a duration such as "24h" or "90m"'],
    });
  });

  test('an answer is held to the rules of the command as well, those of other inputs aside', async () => {
    const command = defineCommand({
      path: ['try'],
      summary: 'Try.',
      inputs: {
        repo: { kind: named('OWNER/NAME'), required: true, help: 'R.' },
        thing: { kind: choice('one', 'two'), required: true, help: 'T.' },
      },
      examples: [],
      validate: ({ repo = '/', thing = 'one' }) => [
        ...(repo.includes('/') ? [] : ['`--repo` must be OWNER/NAME']),
        ...(repo === 'acme/app' && thing === 'two' ? ['`--thing` must not be the second'] : []),
      ],
      run: async () => {},
    });
    const run = await runDefinition(command, [], { tty: true, answers: ['acme', 'acme/app', 'two', 'one'] });
    expect(run.code).toBe(0);
    expect(run.asked).toEqual(['Which repo?', 'Which repo?', 'Which thing?', 'Which thing?']);
    expect(run.refused).toEqual(['This must be OWNER/NAME']);
    expect(run.err).toContain('This must not be the second\n');
    expect(run.err).toContain('Equivalent command: chainctl try --repo=acme/app --thing=one');
  });

  test('what is easily forgotten is asked with the rest, and none is an answer', async () => {
    const command = echoing({
      name: { kind: named('NAME'), required: true, help: 'N.' },
      roles: { kind: choice('reader', 'writer'), many: true, asksWith: true, help: 'R.' },
    });
    const none = await runDefinition(command, [], { tty: true, answers: ['x', []] });
    expect(none.asked).toHaveLength(2);
    expect(none.err).toContain('Selected no ');
    expect(none.err).toMatch(/Equivalent command: chainctl try --name=x[^ ]*\n/);
    const some = await runDefinition(command, [], { tty: true, answers: ['x', ['writer']] });
    expect(some.err).toContain('Equivalent command: chainctl try --name=x --roles=writer');
    expect((await runDefinition(command, ['--name=x'], { tty: true, answers: [] })).asked).toEqual([]);
  });

  test('places keep their meaning in the command that is shown', async () => {
    const places = echoing({
      first: { kind: named('FIRST'), positional: 'FIRST', help: 'F.' },
      second: { kind: thingKind(), positional: 'SECOND', required: true, help: 'S.' },
      third: { kind: named('THIRD'), positional: 'THIRD', flag: false, required: true, help: 'T.' },
    });
    const skipping = await runDefinition(places, [], { tty: true, answers: ['one', 'x'] });
    expect(skipping.err).toContain('Equivalent command: chainctl try x --second=id-1');
    const dashes = await runDefinition(places, ['f', 'one'], { tty: true, answers: ['-x'] });
    expect(dashes.err).toContain('Equivalent command: chainctl try -- f one -x');
    const quoted = await runDefinition(places, ['f', 'one'], { tty: true, answers: ['-x y'] });
    expect(quoted.err).toContain("Equivalent command: chainctl try -- f one '-x y'");
  });

  test('which of several a name meant is in the command that is shown', async () => {
    const command = echoing({
      thing: { kind: thingKind(), required: true, help: 'T.', config: 'default.group' },
      others: { kind: { ...thingKind(), splitsCommas: true }, many: true, help: 'O.' },
    });
    const given = await runDefinition(command, ['--thing=two', '--others=one,two'], {
      tty: true,
      answers: ['id-3', 'id-2'],
    });
    expect(given.err).toContain('Equivalent command: chainctl try --thing=id-3 --others=one --others=id-2');
    const configured = await runDefinition(command, [], {
      tty: true,
      answers: ['id-2'],
      ...written('default:\n  group: two\n'),
    });
    expect(configured.err).toContain('Equivalent command: chainctl try --thing=id-2');
    const plain = await runDefinition(command, ['--thing=one'], { tty: true, answers: [] });
    expect(plain.err).toBe('');
  });
});

describe('a name that leads nowhere', () => {
  const command = echoing({ parent: { kind: thingKind(), help: 'P.', config: 'default.group' } });

  test('from the command line', async () => {
    const run = await runDefinition(command, ['--parent=three']);
    expect(run).toMatchObject({ code: 1, err: 'error: No thing found for "three"\n' });
  });

  test('from elsewhere is told with its source', async () => {
    const env = await runDefinition(command, [], { env: { CHAINGUARD_DEFAULT_GROUP: 'three' } });
    expect(env.err).toBe('error: No thing found for "three"\n  the value comes from `CHAINGUARD_DEFAULT_GROUP`\n');
    const file = await runDefinition(command, [], written('default:\n  group: three\n'));
    expect(file.err).toContain('the value comes from configuration property `default.group`');
  });
});

describe('confirmation', () => {
  const ran: string[] = [];
  const command = (initial: boolean) =>
    defineCommand({
      path: ['change'],
      summary: 'Change it.',
      inputs: {},
      examples: [],
      confirm: () => ({ message: 'Do you want to \u001b[1mcontinue?', default: initial }),
      run: async () => void ran.push('ran'),
    });

  async function outcome(initial: boolean, words: readonly string[], options: CliOptions) {
    ran.length = 0;
    const run = await runDefinition(command(initial), words, options);
    expect(run.out).toBe('');
    return { code: run.code, ran: ran.length > 0, err: run.err, reads: run.host.stdin.reads };
  }

  const question = (suffix: string) => `Do you want to \ufffd[1mcontinue? ${suffix}: \n`;

  test.each(['y', 'Y', 'yes', 'YES', 'y\r'])('%j from a pipe agrees', async (answer) => {
    const stdin = `${answer}\nrest`;
    expect(await outcome(false, [], { stdin })).toEqual({ code: 0, ran: true, err: question('[y,N]'), reads: 1 });
  });

  test.each(['n', 'no', 'N', 'No'])('%j from a pipe declines', async (answer) => {
    const declined = { code: 1, ran: false, err: `${question('[Y,n]')}Nothing was changed\n`, reads: 1 };
    expect(await outcome(true, [], { stdin: `${answer}\n` })).toEqual(declined);
  });

  const hint = 'hint: add `--yes`, or pipe the answer in: `echo y | chainctl …`\n';

  test.each(['', ' yes ', 'maybe', 'yesterday', 'yes-bot', 'y y', 'id-of-something'])(
    '%j from a pipe is a line for somebody else: refused, for creation and deletion alike',
    async (line) => {
      const err = 'error: `--yes` is required: the line read from standard input is neither yes nor no\n';
      for (const [initial, suffix] of [
        [true, '[Y,n]'],
        [false, '[y,N]'],
      ] as const) {
        expect(await outcome(initial, [], { stdin: `${line}\ny\n` })).toEqual({
          code: 2,
          ran: false,
          err: `${question(suffix)}${err}${hint}`,
          reads: 1,
        });
      }
    },
  );

  test.each([true, false])('an empty pipe is refused (default %s)', async (initial) => {
    expect(await outcome(initial, [], { stdin: '' })).toEqual({
      code: 2,
      ran: false,
      err: `${question(initial ? '[Y,n]' : '[y,N]')}error: \`--yes\` is required: no question can be asked here\n${hint}`,
      reads: 1,
    });
  });

  test.each([['--yes'], ['-y'], ['--yes=true'], ['--yes=1']])('%s never asks and never reads', async (word) => {
    expect(await outcome(false, [word], { stdin: 'n\n' })).toEqual({ code: 0, ran: true, err: '', reads: 0 });
    expect(await outcome(false, [word], { tty: true })).toEqual({ code: 0, ran: true, err: '', reads: 0 });
  });

  test('on a terminal it is asked there', async () => {
    expect(await outcome(false, [], { tty: true, answers: [true] })).toMatchObject({ code: 0, ran: true, reads: 0 });
    expect(await outcome(true, [], { tty: true, answers: [false] })).toMatchObject({ code: 1, ran: false, reads: 0 });
  });

  function prompterOn(options: FakeHostOptions) {
    const host = fakeHost({ tty: true, ...options });
    const io = createIo(host, { forceColor: false, silent: () => false, assumeYes: false });
    return { host, prompter: createPrompter(host, io, new AbortController().signal) };
  }

  test('in CI a terminal is not waited for', async () => {
    const { host, prompter } = prompterOn({ env: { CI: '1' } });
    for (const initial of [true, false]) {
      const asked = prompter.confirm({ message: 'Go on?\nReally?', default: initial });
      await expect(asked).rejects.toMatchObject({ kind: 'usage', details: ['Go on?', 'Really?'] });
    }
    expect(host.stdin.reads).toBe(0);
    expect(host.stderr.text).toBe('');
    expect(host.stdout.text).toBe('');
    expect(await outcome(false, [], { env: { CI: '1' }, stdin: 'y\n' })).toMatchObject({ code: 0, ran: true });
  });

  test.each([{ TERM: 'dumb' }, { TERM: 'xterm', ACCESSIBLE: '1' }])(
    'a terminal that cannot draw is asked in plain lines: %j',
    async (env) => {
      const { host, prompter } = prompterOn({ env, stdin: 'what\ny\n\n' });
      expect(await prompter.confirm({ message: 'Go on?', default: false })).toBe(true);
      expect(host.stderr.text).toBe('Go on? [y,N]: Answer y or n\nGo on? [y,N]: ');
      expect(await prompter.confirm({ message: 'Go on?', default: true })).toBe(true);
    },
  );

  test('there, rows have numbers, and what is typed is a number, a name or what only one has', async () => {
    const rows = ['viewer', 'console_viewer', 'owner', '7'].map((label) => ({
      value: label,
      label,
      text: `id-${label}`,
    }));
    const answers = ['', '9', 'viewer', 'own', 'view', '2', '7', 'id-owner'];
    const { host, prompter } = prompterOn({ env: { TERM: 'dumb' }, stdin: `${answers.join('\n')}\n` });
    const pick = async () => (await prompter.pick('Which role?', rows)).value;
    // The first two are no answers.
    expect(await pick()).toBe('viewer');
    expect(await pick()).toBe('owner');
    expect(await pick()).toBe('console_viewer');
    expect(await pick()).toBe('7');
    expect(await pick()).toBe('owner');
    expect(host.stderr.text).toContain(
      'Which role?\n  1. viewer\n  2. console_viewer\n  3. owner\n  4. 7\nNumber or name: ',
    );
    expect(host.stderr.text).toContain('Several are meant by "view": viewer, console_viewer; type a number\n');
    expect(host.stderr.text).not.toContain('\u001b');
  });

  test('there, several are picked with commas, and nothing is nothing', async () => {
    const rows = ['a', 'b', 'c'].map((label) => ({ value: label, label, text: label }));
    const { host, prompter } = prompterOn({ env: { TERM: 'dumb' }, stdin: '\n1, c,1\n\n' });
    expect((await prompter.pickMany('Which?', rows)).map(({ value }) => value)).toEqual(['a', 'c']);
    expect(host.stderr.text).toContain('Nothing is chosen: type at least one number\n');
    expect(await prompter.pickMany('Which?', rows, { optional: true })).toEqual([]);
  });

  test('an empty list is an error that says what to do, never a picker', async () => {
    const { prompter } = prompterOn({});
    await expect(prompter.pick('Which?', [])).rejects.toMatchObject({
      kind: 'not-found',
      code: 'not-found.candidates',
    });
    await expect(prompter.pickMany('Which?', [])).rejects.toMatchObject({ kind: 'not-found' });
  });

  test('declined under -o json is an object', async () => {
    const run = await runDefinition(command(true), ['-o', 'json'], { stdin: 'n\n' });
    expect(run.code).toBe(1);
    expect(JSON.parse(run.err.split('\n').at(-2) ?? '')).toEqual({
      code: 130,
      reason: 'cancelled.declined',
      message: 'Nothing was changed',
    });
  });
});

describe('running', () => {
  test('a failure before the first item leaves stdout empty; one half-way leaves nothing that parses', async () => {
    const failing = (after: number) =>
      defineCommand({
        path: ['list'],
        summary: 'List.',
        inputs: {},
        examples: [],
        view: defineView<Thing>({ id: (thing) => thing.id, columns: [{ head: 'NAME', value: (thing) => thing.name }] }),
        formats: ['json', 'id', 'table'],
        run: async function* () {
          yield* things.slice(0, after);
          throw new CliError('network', 'The platform went away', { code: 'network' });
        } as () => AsyncIterable<Thing>,
      });
    for (const format of ['json', 'id', 'table']) {
      const early = await runDefinition(failing(0), ['-o', format]);
      expect(early).toMatchObject({ code: 1, out: '' });
    }
    const half = await runDefinition(failing(2), ['-o', 'json']);
    expect(half.code).toBe(1);
    expect(half.out).toBe('{"items":[{"id":"id-1","name":"one"},{"id":"id-2","name":"two"}');
    expect(() => JSON.parse(half.out)).toThrow();
    expect((await runDefinition(failing(2), ['-o', 'table'])).out).toBe('');
  });

  test('an empty list is success and says so to people only', async () => {
    const empty = defineCommand({
      path: ['list'],
      summary: 'List.',
      inputs: {},
      examples: [],
      view: defineView<Thing>({
        id: (thing) => thing.id,
        columns: [{ head: 'NAME', value: (thing) => thing.name }],
        tree: () => [],
        empty: 'There is nothing yet.',
      }),
      formats: ['tree', 'table', 'json', 'id'],
      run: async (): Promise<readonly Thing[]> => [],
    });
    const expected = {
      tree: ['', 'There is nothing yet.\n'],
      table: [' NAME\n------\n', 'There is nothing yet.\n'],
      json: ['{"items":[]}\n', ''],
      id: ['', ''],
      none: ['', ''],
    };
    for (const [format, [out, err]] of Object.entries(expected)) {
      expect(await runDefinition(empty, ['-o', format]), format).toMatchObject({ code: 0, out, err });
    }
  });

  test('a verdict decides the exit code after the answer was printed, lists of every kind included', async () => {
    const judged = (run: () => Promise<readonly Thing[] | AsyncIterable<Thing>>) =>
      defineCommand({
        path: ['check'],
        summary: 'Check.',
        inputs: {},
        examples: [],
        view: defineView<Thing>({ id: (thing) => thing.id }),
        formats: ['id'],
        exitError: (results: readonly Thing[]) =>
          results.some((thing) => thing.name === 'two')
            ? new CliError('conflict', `${results.length} looked at, one is two`)
            : undefined,
        run,
      });
    const expected = { code: 1, out: 'id-1\nid-2\nid-3\n', err: 'error: 3 looked at, one is two\n' };
    async function* streamed() {
      yield* things;
    }
    expect(
      await runDefinition(
        judged(async () => things),
        [],
      ),
    ).toMatchObject(expected);
    expect(
      await runDefinition(
        judged(async () => streamed()),
        [],
      ),
    ).toMatchObject(expected);
    expect(
      await runDefinition(
        judged(async () => things.slice(0, 1)),
        [],
      ),
    ).toMatchObject({ code: 0, err: '' });
  });

  test('a command without output takes every format of the reference and no other', async () => {
    const quiet = defineCommand({
      path: ['quiet'],
      summary: 'Be quiet.',
      inputs: {},
      examples: [],
      run: async () => undefined,
    });
    for (const format of ['none', 'json', 'id', 'table', 'wide']) {
      expect(await runDefinition(quiet, ['-o', format])).toMatchObject({ code: 0, out: '', err: '' });
    }
    expect(await runDefinition(quiet, ['-ojosn'])).toMatchObject({ code: 2 });
  });

  test('a lenient command answers an unknown format in its own, with a warning', async () => {
    const lenient = echoing({}, { lenientFormat: true });
    const run = await runDefinition(lenient, ['-o', 'xml']);
    expect(run).toMatchObject({
      code: 0,
      out: '{}\n',
      err: 'warning: "xml" is not an output format here; use json\n',
    });
  });

  test('stdin is left alone', async () => {
    const run = await runDefinition(echoing({ name: { kind: string, help: 'N.' } }), ['--name=x'], { stdin: 'y\ny\n' });
    expect(run.host.stdin.reads).toBe(0);
  });

  test('a configuration that cannot be read fails a command that needs it and none that does not', async () => {
    const broken = written('default: [\n');
    expect((await runDefinition(echoing({}), [], broken)).code).toBe(1);
    expect((await runDefinition(echoing({}, { readsConfig: false }), [], broken)).code).toBe(0);
    expect((await runDefinition(echoing({}), ['--help'], broken)).code).toBe(0);
  });

  test('remarks go away with output.silent, warnings stay', async () => {
    const chatty = defineCommand({
      path: ['chat'],
      summary: 'Chat.',
      inputs: {},
      examples: [],
      deprecated: 'nobody listens',
      run: async (context) => {
        context.io.note('a remark');
        context.io.warn('a warning');
      },
    });
    const loud = await runDefinition(chatty, []);
    expect(loud.err).toBe('warning: chainctl chat is deprecated: nobody listens\na remark\nwarning: a warning\n');
    const silent = await runDefinition(chatty, [], { env: { CHAINGUARD_OUTPUT_SILENT: 'true' } });
    expect(silent.err).not.toContain('a remark');
    expect(silent.err).toContain('a warning');
  });
});

test('the types of what run receives follow from the inputs', () => {
  defineCommand({
    path: ['types'],
    summary: 'Types.',
    inputs: {
      plain: { kind: string, help: 'P.' },
      required: { kind: string, required: true, help: 'R.' },
      defaulted: { kind: duration(), default: '1h', help: 'D.' },
      unless: { kind: string, requiredUnless: 'flag', help: 'U.' },
      many: { kind: strings(), many: true, help: 'M.' },
      flag: { kind: boolean, help: 'F.' },
      picked: { kind: choice('a', 'b'), help: 'C.' },
      pickedMany: { kind: choice('a', 'b'), many: true, required: true, help: 'C.' },
      thing: { kind: thingKind(), required: true, help: 'T.' },
      maybeThing: { kind: thingKind(), help: 'T.' },
      configured: { kind: string, config: 'default.group', help: 'C.' },
    },
    examples: [],
    run: async (_context, input) => {
      expectTypeOf(input).toEqualTypeOf<{
        readonly plain: string | undefined;
        readonly required: string;
        readonly defaulted: number;
        readonly unless: string | undefined;
        readonly many: string[];
        readonly flag: boolean;
        readonly picked: 'a' | 'b' | undefined;
        readonly pickedMany: ('a' | 'b')[];
        readonly thing: Thing;
        readonly maybeThing: Thing | undefined;
        readonly configured: string | undefined;
      }>();
    },
  });
});
