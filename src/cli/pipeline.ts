// One command from words to output: collect, check, resolve, ask, confirm, run, render (architecture 4). Promises: `run`
// starts only when every input is known and agreed to, and nothing is asked twice.

import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { type ParsedArguments, parseArguments } from './arguments.ts';
import { type Collected, collect, listed } from './collect.ts';
import { complete, missingError, missingInputs, missingSentence } from './complete.ts';
import { type Context, type ContextParts, createContext } from './context.ts';
import type { AnyCommand, Format, IndexNode } from './define.ts';
import { toGlobals } from './globals.ts';
import { isTrue } from './inputs/values.ts';
import { itemsFor, type RenderInput, renderers } from './output/renderer.ts';
import { commandName } from './spelling.ts';

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
  if (isTrue(parsed.globals['help'])) {
    const { commandHelp } = await import('./help.ts');
    host.stdout.write(commandHelp(definition, host, children));
    return;
  }
  const assumeYes = isTrue(parsed.given.get('yes')?.at(-1));
  const context = createContext(host, toGlobals(parsed.globals, assumeYes), signal, parts);
  nameSuccessors(definition, parsed, context);
  if (definition.readsConfig !== false) await context.loadConfig();
  const format = chooseFormat(definition, context);
  const collected = collect(definition, parsed, context);
  await check(definition, collected, format, context);
  const values = await complete(definition, collected, parsed.globals, context);
  if (definition.confirm !== undefined && !context.globals.assumeYes) {
    const question = await definition.confirm(values, context);
    if (question !== undefined && !(await context.prompts.confirm(question))) {
      throw new CliError('cancelled', 'Nothing was changed', { code: 'cancelled.declined' });
    }
  }
  signal.throwIfAborted();
  const result = await definition.run(context, values);
  const items = await render(definition, result, format.use, context);
  await definition.afterwards?.(context, items);
  const no = definition.verdict?.(items);
  if (no !== undefined) throw no;
}

/** Words that have a successor. Not to scripts that read JSON from both streams together (script-contracts 1.1). */
function nameSuccessors(definition: AnyCommand, { older }: ParsedArguments, context: Context): void {
  if (context.globals.output === 'json' && !context.host.stderr.isTty) return;
  const { deprecated } = definition;
  if (deprecated !== undefined) context.io.warn(`${commandName(definition)} is deprecated: ${deprecated}`);
  for (const [alias, flag] of older) context.io.warn(`\`${alias}\` is deprecated: use \`${flag}\``);
}

// ---- check ----

/** Everything that is wrong is said together, before anything is looked up or asked. */
async function check(
  definition: AnyCommand,
  collected: Collected,
  format: ChosenFormat,
  context: Context,
): Promise<void> {
  const problems = format.problem === undefined ? [...collected.problems] : [...collected.problems, format.problem];
  if (collected.problems.length === 0) {
    // Values that did not parse are not there to be looked at.
    problems.push(...((await definition.validate?.(Object.fromEntries(collected.parsed), context)) ?? []));
  }
  const missing = missingInputs(definition, collected, context);
  const [first, ...others] = problems;
  if (first === undefined) {
    if (missing.length > 0) throw missingError(missing);
    return;
  }
  throw new CliError('usage', first, {
    code: first === format.problem ? 'usage.output' : 'usage.invalid',
    details: missing.length > 0 ? [...others, missingSentence(missing)] : others,
    hint: `see \`${commandName(definition)} --help\``,
  });
}

// ---- format ----

interface ChosenFormat {
  readonly use: Format;
  readonly problem?: string;
}

/** Every format of the reference: what a command without output takes and ignores, as scripts write `--output=none`. */
const words: readonly Format[] = [
  'csv',
  'env',
  'go-template',
  'id',
  'json',
  'markdown',
  'none',
  'table',
  'terse',
  'tree',
  'wide',
];

function chooseFormat(definition: AnyCommand, context: Context): ChosenFormat {
  const formats = definition.formats ?? (definition.view ? (['table', 'json', 'id'] as const) : []);
  const fallback = formats[0] ?? 'none';
  const wanted = context.globals.output;
  if (wanted === undefined || wanted === '') return { use: fallback };
  const offered = formats.filter((format) => format !== 'text');
  const accepted =
    definition.view === undefined ? words : [...offered.filter((format) => format !== 'none'), 'none' as const];
  const known = accepted.find((format) => format === wanted);
  if (known !== undefined) return { use: known };
  if (definition.lenientFormat) {
    context.io.warn(`"${wanted}" is not an output format here; use ${listed(offered, 'or')}`);
    return { use: fallback };
  }
  return { use: fallback, problem: `\`--output\` must be one of ${accepted.join(', ')}, not "${wanted}"` };
}

// ---- render ----

/** Writes the answer; resolves to what was in it, as far as the command wants to look at it again. */
async function render(
  definition: AnyCommand,
  result: unknown,
  format: Format,
  context: Context,
): Promise<readonly unknown[]> {
  const isList = isIterable(result);
  const keeps = definition.verdict !== undefined || definition.afterwards !== undefined;
  const kept: unknown[] = [];
  let count = 0;
  const each = (item: unknown) => {
    count += 1;
    if (keeps) kept.push(item);
  };
  const view = definition.view ?? {};
  const items = watched(isList ? result : result === undefined ? [] : [result], each);
  const input: RenderInput<unknown> = {
    view,
    isList,
    items: itemsFor(format, view, items),
    io: context.io,
    now: context.host.now(),
  };
  const load = renderers[definition.view === undefined ? 'none' : format];
  if (load === undefined) throw new Error(`no renderer for ${format}`);
  await (await load()).render(input);
  const forPeople = format !== 'json' && format !== 'id' && format !== 'none';
  if (isList && count === 0 && forPeople && definition.view?.empty) context.io.note(definition.view.empty);
  return kept;
}

async function* watched<T>(items: AsyncIterable<T> | Iterable<T>, each: (item: T) => void): AsyncIterable<T> {
  for await (const item of items) {
    each(item);
    yield item;
  }
}

function isIterable(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value);
}
