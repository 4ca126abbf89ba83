// Every command keeps the promises that help, lookup and scripts rely on. Table-driven over the definitions.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { generateIndex, loadCommands } from '../../scripts/gen-index.ts';
import { generateNeeds } from '../../scripts/gen-needs.ts';
import { parseArguments } from '../../src/cli/arguments.ts';
import { splitCommas } from '../../src/cli/collect.ts';
import type { IndexNode } from '../../src/cli/define.ts';
import { describeCommands } from '../../src/cli/describe-commands.ts';
import { commandHelp } from '../../src/cli/help.ts';
import { helpPage } from '../../src/cli/help-page.ts';
import { exampleOf } from '../../src/cli/inputs/examples.ts';
import { find, wholeIndex } from '../../src/cli/program.ts';
import { commandName, flagOf } from '../../src/cli/spelling.ts';
import { fakeHost } from '../support/fake-host.ts';
import { shellWords } from '../support/shell-words.ts';

const commands = await loadCommands();

test.each([...(await generateIndex()), ...(await generateNeeds())])('%s is fresh', (path, content) => {
  expect(readFileSync(join(import.meta.dirname, '../..', path), 'utf8')).toBe(content);
});

test('a build tells the same help as the sources, command by command', async () => {
  const pages: { readonly name: string; readonly load: IndexNode['load']; readonly help: IndexNode['help'] }[] = [];
  const walk = ({ name, load, help, children = [] }: IndexNode) => {
    if (load !== undefined) pages.push({ name, load, help });
    for (const child of children) walk(child);
  };
  walk(await wholeIndex());
  expect(pages.length).toBe(commands.length);
  for (const { name, load, help } of pages) {
    const definition = (await load?.())?.default;
    if (definition === undefined) throw new Error(`${name} is not there`);
    const page = (await help?.())?.default[name];
    if (page === undefined) throw new Error(`${commandName(definition)} has no page`);
    for (const columns of [40, 80, 100]) {
      const host = fakeHost({ columns });
      expect(commandHelp(page, host)).toBe(commandHelp(helpPage(definition), host));
    }
  }
});

test('a command that looks at --yes itself declares that it asks', () => {
  const folder = join(import.meta.dirname, '../../src/commands');
  const looking = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }))
    .filter(({ text }) => text.includes('.assumeYes'));
  expect(looking.length).toBeGreaterThan(0);
  expect(looking.filter(({ text }) => !/\bconfirm(sInRun)?:/.test(text)).map(({ file }) => file)).toEqual([]);
});

test('what `commands` says of writing is what the operations and the command itself say', async () => {
  const described = await describeCommands(await wholeIndex());
  const writes = new Map(described.map((one) => [one.command, one.writes]));
  // What asks before it does something does something.
  expect(described.filter((one) => one.confirms && !one.writes).map((one) => one.command)).toEqual([]);
  const looking = described.filter((one) => !one.writes).map((one) => one.command);
  expect(
    looking.filter((name) => /\b(create|delete|update|set|unset|apply|edit|activate|enable)\b/.test(name)),
  ).toEqual([]);
  expect(described.filter((one) => / list$/.test(one.command) && one.writes).map((one) => one.command)).toEqual([]);
  const expected = {
    'chainctl doctor': false,
    'chainctl iam access can-i': false,
    'chainctl iam account-associations check aws': false,
    'chainctl clusters describe': false,
    'chainctl local token github': false,
    'chainctl api': true,
    'chainctl auth login': true,
    'chainctl auth configure-docker': true,
    'chainctl config set': true,
    'chainctl iam invites create': true,
    'chainctl iam identity-providers scim token generate': true,
    'chainctl local start': true,
  };
  for (const [command, answer] of Object.entries(expected)) expect(writes.get(command), command).toBe(answer);
});

test('what a person is asked to type has an example, which the question itself would take', () => {
  let asked = 0;
  for (const { definition } of commands) {
    for (const [key, input] of Object.entries(definition.inputs)) {
      const { kind, required, question } = input;
      const isTyped = kind.candidates === undefined && kind.choices === undefined && !kind.boolean && !kind.secret;
      if (!isTyped || (!required && question === undefined)) continue;
      asked += 1;
      const example = exampleOf(input);
      const name = `${commandName(definition)}: ${key}`;
      expect(example, name).toBeDefined();
      for (const text of splitCommas(input, [example ?? ''])) expect(() => kind.parse(text), name).not.toThrow();
    }
  }
  expect(asked).toBeGreaterThan(50);
});

test('there are commands', () => {
  expect(commands.map((one) => one.definition.path.join(' '))).toEqual(
    expect.arrayContaining([
      'version',
      'iam organizations list',
      'iam identities create github',
      'auth login',
      'config view',
      'local start',
    ]),
  );
});

describe.each(commands.map((one) => [commandName(one.definition), one.definition] as const))(
  '%s',
  (name, definition) => {
    test('has a short summary with a full stop and at least one example', () => {
      expect(definition.summary).toMatch(/^[A-Z].*\.$/);
      expect(definition.summary.length).toBeLessThan(60);
      expect(definition.examples.length).toBeGreaterThan(0);
    });

    test('is found by its own words', async () => {
      expect((await find(definition.path)).path).toEqual(definition.path);
    });

    test('explains every input', () => {
      for (const [key, input] of Object.entries(definition.inputs)) {
        expect(input.help, `${name} ${key}`).toMatch(/^[A-Z].*[.)]$/);
      }
    });

    test('has --yes when it asks for a confirmation, and only then', () => {
      const asks = definition.confirm !== undefined || definition.confirmsInRun !== undefined;
      expect(definition.inputs['yes'] !== undefined).toBe(asks);
    });

    test('uses no flag twice', () => {
      const flags = Object.entries(definition.inputs).flatMap(([key, input]) => [
        flagOf(key, input),
        ...(input.aliases ?? []),
      ]);
      const given = flags.filter((flag) => flag !== undefined);
      expect(new Set(given).size).toBe(given.length);
    });

    test('has rules over inputs that exist', () => {
      const keys = Object.keys(definition.inputs);
      for (const rule of definition.check ?? []) {
        expect(keys).toEqual(expect.arrayContaining(rule.rule === 'needs' ? [rule.key, rule.needs] : [...rule.keys]));
      }
      for (const input of Object.values(definition.inputs)) {
        const other = input.requiredUnless === undefined ? undefined : definition.inputs[input.requiredUnless];
        if (input.requiredUnless !== undefined) expect(other).toBeDefined();
        // Such a command loads the configuration itself, when it is too late for its inputs.
        if (definition.readsConfig === false) expect(input.config).toBeUndefined();
      }
    });

    test('has examples that parse, values included', () => {
      for (const example of definition.examples) {
        const { given } = parseArguments(definition, shellWords(example.args));
        for (const [key, texts] of given) {
          const input = definition.inputs[key];
          if (input !== undefined) for (const text of splitCommas(input, texts)) input.kind.parse(text);
        }
      }
    });

    test('offers only formats that its view can show', () => {
      for (const format of definition.formats ?? []) {
        if (format === 'id') expect(definition.view?.id).toBeDefined();
        if (format === 'table') expect(definition.view?.columns).toBeDefined();
        if (format === 'tree') expect(definition.view?.tree).toBeDefined();
        if (format === 'env') expect(definition.view?.env).toBeDefined();
        if (format === 'text') expect(definition.view?.text).toBeDefined();
      }
    });
  },
);
