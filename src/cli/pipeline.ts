// One command from words to output: collect, check, resolve, ask, confirm, run, render (architecture 4). Promises: `run`
// starts only when every input is known and agreed to, and nothing is asked twice.

import type { ConfigKey } from '../config/schema.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { parseArguments } from './arguments.ts';
import { type Context, type ContextParts, createContext } from './context.ts';
import type { AnyCommand, Candidate, Check, Format, IndexNode, Input, Inputs } from './define.ts';
import { toGlobals } from './globals.ts';
import { shellWord } from './output/env.ts';
import { type RenderInput, renderers } from './output/renderer.ts';
import { commandName, flagOf, spellingOf } from './spelling.ts';

/** Runs one command. Resolves when its output is written; throws what `main` turns into an exit code. */
export async function runCommand(
  definition: AnyCommand,
  words: readonly string[],
  host: Host,
  signal: AbortSignal,
  parts: ContextParts = {},
  children: readonly IndexNode[] = [],
): Promise<void> {
  const parsed = parseArguments(definition, words);
  if (parsed.globals['help'] !== undefined && parsed.globals['help'] !== 'false') {
    const { commandHelp } = await import('./help.ts');
    host.stdout.write(commandHelp(definition, host, children));
    return;
  }
  const yes = parsed.given.get('yes')?.at(-1);
  const context = createContext(host, toGlobals(parsed.globals, yes !== undefined && yes !== 'false'), signal, parts);
  const format = chooseFormat(definition, context);
  if (definition.readsConfig !== false) await context.loadConfig();
  const collected = collect(definition.inputs, parsed.given, context);
  check(definition, collected);
  const wrong = await definition.validate?.(Object.fromEntries(collected.parsed), context);
  if (wrong !== undefined && wrong.length > 0) throw usage(definition, wrong);
  const values = await complete(definition, collected, context);
  if (definition.confirm !== undefined && !context.globals.assumeYes) {
    const question = await definition.confirm(values, context);
    if (question !== undefined && !(await context.prompts.confirm(question))) {
      throw new CliError('cancelled', 'Nothing was changed', { code: 'cancelled.declined' });
    }
  }
  const result = await definition.run(context, values);
  await render(definition, result, format, context);
  if (definition.verdict === undefined && definition.afterwards === undefined) return;
  const results: readonly unknown[] = Array.isArray(result) ? result : [result];
  await definition.afterwards?.(context, results);
  const no = definition.verdict?.(results);
  if (no !== undefined) throw no;
}

// ---- format ----

const always: readonly Format[] = ['none'];

function chooseFormat(definition: AnyCommand, context: Context): Format {
  const formats = definition.formats ?? (definition.view ? (['table', 'json', 'id'] as const) : []);
  const wanted = context.globals.output;
  const fallback = formats[0] ?? 'none';
  if (wanted === undefined || wanted === '') return fallback;
  const selectable = formats.filter((format) => format !== 'text');
  const known = [...selectable, ...always].find((format) => format === wanted);
  if (known !== undefined) return known;
  if (definition.view === undefined) return 'none';
  if (definition.lenientFormat) {
    context.io.warn(`"${wanted}" is not an output format here; use ${selectable.join(' or ')}`);
    return fallback;
  }
  throw new CliError(
    'usage',
    `\`--output\` of ${commandName(definition)} must be one of ${selectable.join(', ')}, not "${wanted}"`,
    {
      code: 'usage.output',
    },
  );
}

// ---- collect and check ----

interface Collected {
  /** Parsed texts; references are still text. */
  readonly parsed: Map<string, unknown>;
  /** Keys a person gave on the command line; constraints look at these only. */
  readonly given: ReadonlySet<string>;
  readonly problems: string[];
}

function collect(inputs: Inputs, given: ReadonlyMap<string, readonly string[]>, context: Context): Collected {
  const parsed = new Map<string, unknown>();
  const problems: string[] = [];
  for (const [key, input] of Object.entries(inputs)) {
    const found = textsOf(key, input, given, context);
    if (found === undefined) continue;
    const values: unknown[] = [];
    for (const text of found.texts) {
      try {
        values.push(input.kind.parse(text));
      } catch (error) {
        const value = text === '' ? 'it is empty' : `got "${text}"`;
        const reason = error instanceof Error ? error.message : String(error);
        problems.push(`${found.name} ${reason}${input.kind.choices || text === '' ? `, ${value}` : `, not "${text}"`}`);
      }
    }
    parsed.set(key, input.many ? values : values.at(-1));
  }
  return { parsed, given: new Set(given.keys()), problems };
}

function textsOf(
  key: string,
  input: Input,
  given: ReadonlyMap<string, readonly string[]>,
  context: Context,
): { readonly texts: readonly string[]; readonly name: string } | undefined {
  const texts = given.get(key);
  if (texts !== undefined) {
    return { texts: input.many ? splitCommas(input, texts) : texts.slice(-1), name: spellingOf(key, input) };
  }
  if (input.config !== undefined && (input.configWhen?.(new Set(given.keys())) ?? true)) {
    const source = context.config.source(input.config);
    const value = context.config.get(input.config);
    if (source !== 'default' && value !== '') return { texts: [value], name: sourceName(input.config, source) };
  }
  return input.default === undefined ? undefined : { texts: [input.default], name: spellingOf(key, input) };
}

const sourceName = (key: ConfigKey, source: string) =>
  source === 'env' ? `\`CHAINGUARD_${key.toUpperCase().replace(/[.-]/g, '_')}\`` : `configuration property \`${key}\``;

function splitCommas(input: Input, texts: readonly string[]): readonly string[] {
  return input.kind.splitsCommas ? texts.flatMap((text) => text.split(',').map((part) => part.trim())) : texts;
}

function check(definition: AnyCommand, collected: Collected): void {
  const problems = [...collected.problems];
  for (const rule of definition.check ?? []) {
    const problem = broken(rule, definition.inputs, collected.given);
    if (problem !== undefined) problems.push(problem);
  }
  if (problems.length > 0) throw usage(definition, problems);
}

function broken(rule: Check, inputs: Inputs, given: ReadonlySet<string>): string | undefined {
  const name = (key: string) => {
    const input = inputs[key];
    return input === undefined ? `\`${key}\`` : spellingOf(key, input);
  };
  if (rule.rule === 'needs') {
    return given.has(rule.key) && !given.has(rule.needs) ? `${name(rule.key)} needs ${name(rule.needs)}` : undefined;
  }
  const used = rule.keys.filter((key) => given.has(key));
  if (rule.rule === 'exclusive') {
    return used.length > 1 ? `${used.map(name).join(' and ')} cannot be used together` : undefined;
  }
  return used.length === 0 ? `one of ${rule.keys.map(name).join(', ')} is required` : undefined;
}

function usage(definition: AnyCommand, problems: readonly string[]): CliError {
  const [first = '', ...rest] = problems;
  return new CliError('usage', first, {
    code: 'usage.invalid',
    details: rest,
    hint: `see \`${commandName(definition)} --help\``,
  });
}

// ---- resolve and ask ----

async function complete(
  definition: AnyCommand,
  collected: Collected,
  context: Context,
): Promise<Record<string, unknown>> {
  refuseMissing(definition, collected, context);
  const chosen: Record<string, unknown> = {};
  const picked: string[] = [];
  for (const [key, input] of Object.entries(definition.inputs)) {
    const parsed = collected.parsed.get(key);
    if (parsed !== undefined) {
      chosen[key] = await resolve(input, parsed, context, chosen);
    } else if (isRequired(input, collected)) {
      chosen[key] =
        (await input.kind.otherwise?.(context, chosen)) ??
        (await askFor(definition, key, input, context, chosen, picked));
    } else if (input.many) {
      chosen[key] = [];
    } else if (input.kind.boolean) {
      chosen[key] = false;
    }
  }
  if (picked.length > 0) {
    context.io.note(
      context.io.errStyle.dim(
        `  Same again: ${echo(context.host.argv, picked, secretsOf(definition.inputs, collected))}`,
      ),
    );
  }
  return chosen;
}

const isRequired = (input: Input, collected: Collected) =>
  input.required === true ||
  (input.requiredUnless !== undefined && collected.parsed.get(input.requiredUnless) !== true);

async function resolve(
  input: Input,
  parsed: unknown,
  context: Context,
  chosen: Record<string, unknown>,
): Promise<unknown> {
  const { kind } = input;
  if (kind.resolve === undefined) return parsed;
  // A kind with `resolve` parses to the text it resolves.
  if (!input.many) return kind.resolve(context, parsed as string, chosen);
  const resolved: unknown[] = [];
  // One after the other: each may ask which of several is meant.
  for (const text of parsed as string[]) resolved.push(await kind.resolve(context, text, chosen));
  return resolved;
}

/** Without a terminal, everything that cannot be filled in is said at once and before anything is looked up. */
function refuseMissing(definition: AnyCommand, collected: Collected, context: Context): void {
  if (context.io.interactive) return;
  const missing = Object.entries(definition.inputs).filter(
    ([key, input]) =>
      isRequired(input, collected) &&
      !collected.parsed.has(key) &&
      input.kind.candidates === undefined &&
      input.kind.otherwise === undefined,
  );
  if (missing.length > 0) throw missingError(definition, missing);
}

function missingError(definition: AnyCommand, missing: readonly (readonly [string, Input])[]): CliError {
  const names = missing.map(([key, input]) => spellingOf(key, input));
  return new CliError(
    'usage',
    `${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} required when not running interactively`,
    { code: 'usage.missing', hint: `see \`${commandName(definition)} --help\`` },
  );
}

async function askFor(
  definition: AnyCommand,
  key: string,
  input: Input,
  context: Context,
  chosen: Record<string, unknown>,
  picked: string[],
): Promise<unknown> {
  const { kind } = input;
  const flag = flagOf(key, input);
  const typed = (text: string) => (input.positional !== undefined ? shellWord(text) : `--${flag}=${shellWord(text)}`);
  const selected = (candidate: Candidate<unknown>) => {
    context.io.note(`  ${context.io.errStyle.green('✔')} Selected ${kind.noun ?? 'value'} ${candidate.label}.`);
    return candidate.value;
  };

  if (!context.io.interactive) {
    const sole = kind.sole
      ? await kind.sole(context, chosen)
      : onlyOne((await kind.candidates?.(context, chosen)) ?? []);
    if (sole === undefined) throw missingError(definition, [[key, input]]);
    context.debug(() => `${spellingOf(key, input)} taken as the only candidate: ${sole.text}`);
    return input.many ? [sole.value] : sole.value;
  }

  if (kind.candidates !== undefined || kind.choices !== undefined) {
    const candidates =
      (await kind.candidates?.(context, chosen)) ??
      (kind.choices ?? []).map((text) => ({ value: text as unknown, label: text, text }));
    if (candidates.length === 0) {
      throw new CliError('not-found', `There is no ${kind.noun ?? key} to choose from`, {
        code: 'not-found.candidates',
        hint: `name one with ${spellingOf(key, input)}`,
      });
    }
    const only = onlyOne(candidates);
    if (input.many && only === undefined) {
      const several = await context.prompts.pickMany(questionOf(input, kind.noun ?? key), candidates);
      picked.push(...several.map((one) => typed(one.text)));
      return several.map((one) => one.value);
    }
    const one = only ?? (await context.prompts.pick(questionOf(input, kind.noun ?? key), candidates));
    picked.push(typed(one.text));
    return input.many ? [selected(one)] : selected(one);
  }

  const text = await context.prompts.text(
    `${questionOf(input, kind.noun ?? (input.positional ?? key).toLowerCase())}`,
    (line) => {
      if (line === '') return 'Type a value, or Ctrl-C to stop';
      try {
        kind.parse(line);
        return undefined;
      } catch (error) {
        return `This ${error instanceof Error ? error.message : String(error)}`;
      }
    },
  );
  picked.push(typed(text));
  const parsed = input.many ? splitCommas(input, [text]).map((part) => kind.parse(part)) : kind.parse(text);
  return resolve(input, parsed, context, chosen);
}

const questionOf = (input: Input, noun: string) => input.question ?? `Which ${noun}?`;

function onlyOne<V>(candidates: readonly Candidate<V>[]): Candidate<V> | undefined {
  return candidates.length === 1 ? candidates[0] : undefined;
}

/** The command line that would have asked nothing; credentials in it are left out. */
function echo(argv: readonly string[], picked: readonly string[], secrets: readonly string[]): string {
  const words = argv.map((word) => {
    const held = secrets.find((secret) => secret !== '' && word.includes(secret));
    return held === undefined ? shellWord(word) : word.replace(held, '…');
  });
  return ['chainctl', ...words, ...picked].join(' ');
}

function secretsOf(inputs: Inputs, collected: Collected): string[] {
  return Object.entries(inputs).flatMap(([key, input]) => {
    const value = collected.parsed.get(key);
    return input.kind.secret && typeof value === 'string' ? [value] : [];
  });
}

// ---- render ----

async function render(definition: AnyCommand, result: unknown, format: Format, context: Context): Promise<void> {
  const { view } = definition;
  if (view === undefined) return;
  const load = renderers[format];
  if (load === undefined) throw new Error(`no renderer for ${format}`);
  const isList = isIterable(result);
  const input: RenderInput<unknown> = {
    view,
    isList,
    items: isList ? result : result === undefined ? [] : [result],
    io: context.io,
    now: context.host.now(),
  };
  await (await load()).render(input);
}

function isIterable(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value);
}
