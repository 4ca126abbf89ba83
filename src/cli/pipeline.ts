// One command from words to output: collect, check, resolve, ask, confirm, run, render. Guarantees: `run`
// starts only when every input is known and agreed to, and nothing is asked twice.

import { Arrivals, partsOf } from '../arrivals.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { requireAgreement } from './agreement.ts';
import { type Collected, collect } from './collect.ts';
import { askOption, complete, missingError, missingInputs, missingSentence, pendingAlternatives } from './complete.ts';
import { type Context, type ContextParts, createContext } from './context.ts';
import type { AnyCommand, Format, IndexNode, View } from './define.ts';
import { type ChosenFormat, chooseFormat } from './formats.ts';
import { toGlobals } from './globals.ts';
import { isTrue } from './inputs/is-true.ts';
import { show } from './io.ts';
import type { Order, RenderInput } from './output/format.ts';
import type { Ordered } from './output/ordered.ts';
import { columnFormats, itemsFor, renderers } from './output/renderer.ts';
import type { Pager } from './pager.ts';
import { type ParsedArguments, readPlainly } from './plain-arguments.ts';
import { commandName, isList as isListCommand } from './spelling.ts';

/** Runs one command. Resolves when its output is written; throws what `main` turns into an exit code. */
export async function runCommand(
  definition: AnyCommand,
  words: readonly string[],
  host: Host,
  signal: AbortSignal,
  parts: ContextParts = {},
  children: readonly IndexNode[] = [],
): Promise<void> {
  const read = readPlainly(definition, words) ?? (await import('./arguments.ts')).parseArguments(definition, words);
  const parsed =
    definition.contextElse === undefined || read.globals['context'] === undefined
      ? read
      : await (await import('./other-context.ts')).withOtherContext(definition, read, host);
  if (isTrue(parsed.globals['help'])) {
    const [{ commandHelp }, { helpPage }] = await Promise.all([import('./help.ts'), import('./help-page.ts')]);
    return show(host, commandHelp(helpPage(definition), host, children));
  }
  const assumeYes = isTrue(parsed.given.get('yes')?.at(-1));
  const context = createContext(host, toGlobals(parsed.globals, assumeYes), signal, parts);
  try {
    await perform(definition, parsed, words, context, parts, children);
  } catch (error) {
    throw await orElsewhere(error, context);
  }
}

/** Somebody without a login may only have forgotten to say that the local platform was meant. */
async function orElsewhere(error: unknown, context: Context): Promise<unknown> {
  if (!(error instanceof CliError) || error.code !== 'auth.no-login') return error;
  const { unselectedPlatform } = await import('../commands/local/context.ts');
  const meant = await unselectedPlatform(context);
  if (meant === undefined) return error;
  const { kind, message, code, details, hint = '', cause, number } = error;
  return new CliError(kind, message, {
    code,
    details,
    hint: `${hint}${hint === '' ? '' : '; '}${meant}`,
    cause,
    ...(number === undefined ? {} : { number }),
  });
}

async function perform(
  definition: AnyCommand,
  parsed: ParsedArguments,
  words: readonly string[],
  context: Context,
  parts: ContextParts,
  children: readonly IndexNode[],
): Promise<void> {
  const { host, signal } = context;
  nameSuccessors(definition, parsed, context);
  if (definition.readsConfig !== false) await context.loadConfig();
  if (host.stderr.isTty) {
    const { watchExchanges } = await import('../api/transport.ts');
    watchExchanges(host, ({ url }) => context.waiting.begin(`Waiting for ${url.host}`).end);
  }
  if (context.isDebug) {
    const { traceExchanges } = await import('../api/transport.ts');
    traceExchanges(host, context.debug);
  }
  if (context.globals.needs) return tellNeeds(definition, parsed, context);
  const format = chooseFormat(definition, context);
  if (context.globals.query !== undefined) {
    const { checkQuery } = await import('./output/query.ts');
    checkQuery(context.globals.query);
  }
  const rule = pendingAlternatives(definition, parsed.given, context);
  const collected = collect(definition, parsed, context, rule);
  await check(definition, collected, format, context, rule === undefined);
  const option = rule?.alternatives?.first ? await askOption(definition, rule, context) : undefined;
  if (option?.below !== undefined) {
    return runCommand(await loadBelow(children, option.below), words, host, signal, parts);
  }
  const { values, explicit, asked } = await complete(
    definition,
    collected,
    parsed.globals,
    context,
    rule && { rule, option },
  );
  if (rule !== undefined || asked) refuse(await problemsWith(definition, explicit, context), definition);
  const given = new Set(Object.keys(explicit));
  if (definition.confirm !== undefined && !context.globals.assumeYes) {
    const question = await definition.confirm(values, context, given);
    if (question !== undefined) await requireAgreement(question, context);
  }
  signal.throwIfAborted();
  const running = definition.run(context, values, given);
  // The list itself is asked for first: why it is empty is told of the first that was asked for.
  if (columnFormats.has(format.use)) definition.ahead?.(context, values);
  const result = await running;
  const items = await write(definition, result, format.use, context);
  await definition.afterRender?.(context, items, values);
  const no = definition.exitError?.(items);
  if (no !== undefined) throw no;
}

/** Answers `--needs` in place of the command. What is missing is described, and what is wrong is refused. */
async function tellNeeds(definition: AnyCommand, parsed: ParsedArguments, context: Context): Promise<void> {
  const { needsOf, needsView } = await import('./needs.ts');
  const { exitError: _exitError, afterRender: _afterRender, lenientFormat: _lenient, ...rest } = definition;
  const telling: AnyCommand = { ...rest, view: needsView as View<unknown>, formats: ['table', 'json'], lists: true };
  const format = chooseFormat(telling, context);
  // Rules about what has to be there are kept once the command is to do it.
  const check = definition.check?.filter(({ rule }) => rule === 'exclusive');
  const collected = collect({ ...definition, ...(check && { check }) }, parsed, context);
  refuse(format.problem === undefined ? collected.problems : [...collected.problems, format.problem], definition);
  await write(telling, await needsOf(definition, collected), format.use, context);
}

async function loadBelow(children: readonly IndexNode[], path: readonly string[]): Promise<AnyCommand> {
  let node: IndexNode | undefined;
  for (const name of path) node = (node?.children ?? children).find((child) => child.name === name);
  if (node?.load === undefined) throw new Error(`no command "${path.join(' ')}"`);
  return (await node.load()).default;
}

/** Words that have a successor. */
function nameSuccessors(definition: AnyCommand, { older }: ParsedArguments, context: Context): void {
  if (context.isJsonAlone) return;
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
  isWhole: boolean,
): Promise<void> {
  const problems = format.problem === undefined ? [...collected.problems] : [...collected.problems, format.problem];
  // Values that did not parse are not there to be looked at, nor are those that a choice is going to ask for.
  if (collected.problems.length === 0 && isWhole) {
    problems.push(...(await problemsWith(definition, Object.fromEntries(collected.parsed), context)));
  }
  const missing = missingInputs(definition, collected, context);
  const [first] = problems;
  if (first === undefined) {
    if (missing.length > 0) throw missingError(missing);
    return;
  }
  refuse(problems, definition, {
    code: first === format.problem ? 'usage.output' : 'usage.invalid',
    others: missing.length > 0 ? [missingSentence(missing)] : [],
  });
}

const problemsWith = async (definition: AnyCommand, values: Readonly<Record<string, unknown>>, context: Context) =>
  (await definition.validate?.(values, context)) ?? [];

/** Returns when there is nothing wrong. */
function refuse(
  problems: readonly string[],
  definition: AnyCommand,
  { code = 'usage.invalid', others = [] }: { readonly code?: string; readonly others?: readonly string[] } = {},
): void {
  const [first, ...more] = new Set(problems);
  if (first === undefined) return;
  throw new CliError('usage', first, {
    code,
    details: [...more, ...others],
    hint: `see \`${commandName(definition)} --help\``,
  });
}

// ---- render ----

/** Writes the answer; resolves to what was in it, as far as the command wants to look at it again. */
async function write(
  definition: AnyCommand,
  result: unknown,
  format: Format,
  context: Context,
): Promise<readonly unknown[]> {
  const isList = isIterable(result);
  const keeps = definition.exitError !== undefined || definition.afterRender !== undefined;
  const kept: unknown[] = [];
  let count = 0;
  const each = (item: unknown) => {
    count += 1;
    if (keeps) kept.push(item);
  };
  const { view = {} } = definition;
  const { io, globals, host } = context;
  const { items, order } = isList
    ? await inOrder(result, view, format, context)
    : { items: result === undefined ? [] : [result], order: undefined };
  const pager = await pagerFor(definition, isList, context);
  const input: RenderInput<unknown> = {
    view,
    isList,
    items: itemsFor(format, view, watched(items, each)),
    io: pager === undefined ? io : { ...io, out: pager.write },
    now: host.now(),
    order,
    shortIds: isList && globals.output === undefined,
    rawCsv: globals.csvRaw,
  };
  try {
    if (globals.query !== undefined && definition.view !== undefined) {
      const { renderQuery } = await import('./output/query.ts');
      await renderQuery(input, globals.query, globals.output === undefined ? undefined : format);
    } else {
      const { render } = await renderers[definition.view === undefined ? 'none' : format]();
      await render(input);
    }
  } finally {
    await pager?.end();
  }
  const forPeople = !programFormats.has(format) && globals.query === undefined;
  if (isList && count === 0 && forPeople && view.empty) {
    io.note(view.empty);
    const { whyEmpty } = await import('./why-empty.ts');
    const reason = await whyEmpty(context);
    if (reason !== undefined) io.note(reason);
  }
  return kept;
}

/** For an answer that has an end: what is followed as it happens has to be seen at once. */
async function pagerFor(definition: AnyCommand, isList: boolean, context: Context): Promise<Pager | undefined> {
  const { host, waiting } = context;
  const hasEnd = definition.afterRender === undefined && (!isList || isListCommand(definition));
  if (!host.stdout.isTty || !hasEnd) return undefined;
  const { configOf, createPager, pagerCommand } = await import('./pager.ts');
  const command = pagerCommand(host, definition.readsConfig === false ? await configOf(host) : context.config);
  return command === undefined ? undefined : createPager(host, command, waiting);
}

/** Nothing is said beside these: what reads them reads the other stream too. */
const programFormats: ReadonlySet<Format> = new Set(['id', 'json', 'none', 'yaml']);

/** Written item by item as it arrives, in the platform's order. */
const streamedFormats: ReadonlySet<Format> = new Set(['csv', 'id', 'json', 'none']);

const tables: ReadonlySet<Format> = new Set(['table', 'wide']);

/** The items as they are to be shown; for a table also the order, because it sorts rows with less memory than items take. */
async function inOrder(
  result: AsyncIterable<unknown> | Iterable<unknown>,
  view: View<unknown>,
  format: Format,
  { globals }: Context,
): Promise<{ items: AsyncIterable<unknown> | Iterable<unknown>; order: Order<unknown> | undefined }> {
  const { sortBy, limit } = globals;
  const isStreamed = streamedFormats.has(format) && sortBy === undefined;
  const natural = 'order' in result && !isStreamed ? (result as Ordered<unknown>).order : undefined;
  if (natural === undefined && sortBy === undefined && limit === undefined) return { items: result, order: undefined };
  const { first, rearranged, sorted } = await import('./output/ordered.ts');
  let items = result;
  let order: Order<unknown> | undefined;
  if (sortBy !== undefined) {
    const { orderBy } = await import('./output/sort-by.ts');
    order = orderBy(sortBy, view);
  } else if (natural !== undefined) {
    if ('key' in natural) order = natural;
    else items = rearranged(items, natural.arrange);
  }
  if (order !== undefined && (limit !== undefined || !tables.has(format))) {
    items = sorted(items, order);
    order = undefined;
  }
  return { items: limit === undefined ? items : first(items, limit), order };
}

/** The same, each told. */
function watched<T>(items: AsyncIterable<T> | Iterable<T>, each: (item: T) => void): AsyncIterable<T> | Iterable<T> {
  if (Symbol.asyncIterator in items) return new Arrivals(partsOf(items)).tap(each);
  return {
    *[Symbol.iterator]() {
      for (const item of items) {
        each(item);
        yield item;
      }
    },
  };
}

function isIterable(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value);
}
