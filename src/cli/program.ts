// From the words typed to one command of the index. Guarantees: finding a command loads that command only; everything
// the index knows (parents' help, nearest names) is answered without loading any, and without the parser. A build
// answers `--help` of a command without loading it either.

import { buildVersion } from '../build.ts';
import { index } from '../commands/index.gen.ts';
import { CliError, Ending } from '../errors.ts';
import type { Host } from '../host.ts';
import { nearest } from '../suggest.ts';
import type { ContextParts } from './context.ts';
import type { IndexNode } from './define.ts';
import type { DescribedCommand } from './described-command.ts';
import type { Found } from './found.ts';
import { globalInputs } from './globals.ts';
import type { HelpPage } from './help-data.ts';
import { show } from './io.ts';
import type { Need } from './need.ts';
import { commandName, kebab, unknownFlag } from './spelling.ts';

/** Runs what the words say. Resolves when done; throws CliError otherwise. */
export async function runProgram(host: Host, signal: AbortSignal, parts: ContextParts = {}): Promise<void> {
  if (host.argv[0] === '__complete') {
    const { printOffers } = await import('./shell-completion.ts');
    return printOffers(host, find, signal);
  }
  const [word, topic] = host.argv;
  if (word === 'help' && topic !== undefined && host.argv.length === 2) {
    const { helpTopic } = await import('./help-topics.ts');
    const text = helpTopic(topic, host);
    if (text !== undefined) return show(host, text);
  }
  const { path, node, rest, stranger } = await find(host.argv);
  if (word === 'help' && stranger === topic && topic !== undefined && nearestChild(topic, node) === undefined) {
    const { nearestTopic } = await import('./help-topics.ts');
    const meant = nearestTopic(topic);
    if (meant !== undefined) {
      const hint = `did you mean \`chainctl help ${meant}\`?`;
      throw new CliError('usage', `There is no help about "${topic}"`, { code: 'usage.unknown-command', hint });
    }
  }
  if (node.load === undefined) {
    if (stranger !== undefined) throw await unknownCommand(stranger, path, node);
    refuseFlags(rest, path);
    const { groupHelp } = await import('./help.ts');
    return show(host, groupHelp(path, node, host));
  }
  if (rest.length > 0 && rest.every((word) => word === '--help' || word === '-h')) {
    const { commandHelp } = await import('./help.ts');
    return show(host, commandHelp(await pageOf(node), host, node.children));
  }
  const definition = (await node.load()).default;
  const { runCommand } = await import('./pipeline.ts');
  try {
    await runCommand(
      definition,
      rest,
      host,
      signal,
      { commands: describedCommands, needsOf: needsOfWords, ...parts },
      node.children,
    );
  } catch (error) {
    // A program that was run in our place has had the signal too, and how it ended is the answer.
    if (error instanceof Ending) throw error;
    // An interrupted call fails in many ways; there is one reason for all of them. What a command has to say of it
    // stays.
    const isTold = error instanceof CliError && error.kind === 'cancelled' && error.code !== 'cancelled';
    if (signal.aborted && !isTold) throw new CliError('cancelled', 'Interrupted', { code: 'cancelled', cause: error });
    const meant = stranger === undefined ? undefined : nearestChild(stranger, node);
    if (meant === undefined || !(error instanceof CliError) || error.code !== 'usage.unexpected-argument') throw error;
    const hint = `did you mean \`${commandName({ path: [...path, meant] })}\`?`;
    throw new CliError('usage', error.message, { code: error.code, hint });
  }
}

/**
 * Returns what a whole command line would use. Throws kind `usage` when there is no such command, or it would not be
 * taken.
 */
async function needsOfWords(words: readonly string[]): Promise<readonly Need[]> {
  const { path, node, rest, stranger } = await find(words);
  if (node.load === undefined) {
    if (stranger !== undefined) throw await unknownCommand(stranger, path, node);
    const hint = `see \`${commandName({ path })} --help\``;
    throw new CliError('usage', `\`${commandName({ path })}\` is a group of commands`, { code: 'usage.group', hint });
  }
  const [{ needsOf }, { parseArguments }, { default: definition }] = await Promise.all([
    import('./needs.ts'),
    import('./arguments.ts'),
    node.load(),
  ]);
  const { given } = parseArguments(definition, rest);
  const parsed = [...given].map(([key, texts]) => [key, definition.inputs[key]?.many ? texts : texts.at(-1)] as const);
  return needsOf(definition, { parsed: new Map(parsed) });
}

async function describedCommands(): Promise<readonly DescribedCommand[]> {
  const { describeCommands } = await import('./describe-commands.ts');
  return describeCommands(await wholeIndex());
}

/** Of a command's help. Who changes a definition sees the change without generating pages. */
async function pageOf({ name, load, help }: IndexNode): Promise<HelpPage> {
  const page = buildVersion === 'dev' ? undefined : (await help?.())?.default[name];
  if (page !== undefined || load === undefined) return page as HelpPage;
  const [{ helpPage }, command] = await Promise.all([import('./help-page.ts'), load()]);
  return helpPage(command.default);
}

/** The node with its children. */
export async function opened(node: IndexNode): Promise<IndexNode> {
  return node.open === undefined ? node : { ...node, children: (await node.open()).default };
}

/** All of the index at once. */
export async function wholeIndex(): Promise<IndexNode> {
  return { ...index, children: await Promise.all((index.children ?? []).map(opened)) };
}

const globalFlags: readonly { readonly names: readonly string[]; readonly isBoolean: boolean }[] = Object.entries(
  globalInputs,
).map(([key, input]) => ({
  names: 'short' in input ? [`--${kebab(key)}`, `-${input.short}`] : [`--${kebab(key)}`],
  isBoolean: 'boolean' in input.kind,
}));

const isGlobal = (flag: string) => globalFlags.some(({ names }) => names.includes(flag));
const isGlobalBoolean = (flag: string) => globalFlags.some(({ names, isBoolean }) => isBoolean && names.includes(flag));

/** Walks the index. Flags may stand between command words (script-contracts 1.6); `help a b` means `a b --help`. */
export async function find(words: readonly string[]): Promise<Found> {
  let node: IndexNode = index;
  const path: string[] = [];
  const rest: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const stop = (stranger: string | undefined) => ({ path, node, rest: [...rest, ...words.slice(at)], stranger });
    if (node.children === undefined) return stop(undefined);
    if (word === '--') return stop(words[at + 1]);
    if (word.startsWith('-') && word !== '-') {
      rest.push(word);
      const next = words[at + 1];
      if (next !== undefined && isValueOf(word, next, node)) {
        rest.push(next);
        at += 1;
      }
      continue;
    }
    const child = childOf(node, word);
    if (child !== undefined) {
      node = await opened(child);
      path.push(child.name);
    } else if (word === 'help' && node.load === undefined) {
      rest.push('--help');
    } else {
      return stop(word);
    }
  }
  return { path, node, rest, stranger: undefined };
}

/** Returns whether the word after a flag belongs to it rather than to the command's path. */
function isValueOf(flag: string, next: string, node: IndexNode): boolean {
  if (node.valueFlags?.includes(flag)) return true;
  if (isGlobal(flag)) return !isGlobalBoolean(flag);
  // A flag of a command that is still to come: its value is what could not be that command.
  const isLong = flag.startsWith('--') && !flag.includes('=');
  return isLong && node.load === undefined && !next.startsWith('-') && childOf(node, next) === undefined;
}

function childOf(node: IndexNode, word: string): IndexNode | undefined {
  return node.children?.find((child) => child.name === word || child.aliases?.includes(word));
}

/** The name of the child whose name or other spelling is nearest. */
function nearestChild(word: string, node: IndexNode): string | undefined {
  const children = (node.children ?? []).filter((child) => !child.hidden);
  const spelling = nearest(
    word,
    children.flatMap((child) => [child.name, ...(child.aliases ?? [])]),
  );
  return spelling === undefined ? undefined : childOf(node, spelling)?.name;
}

/** Returns where below the node commands are called exactly that, at the first depth that has any. */
async function deeper(word: string, below: IndexNode): Promise<string[][]> {
  const node = below === index ? await wholeIndex() : below;
  let level = [{ path: [] as string[], node }];
  while (level.length > 0) {
    level = level.flatMap(({ path, node: { children = [] } }) =>
      children.filter(({ hidden }) => !hidden).map((child) => ({ path: [...path, child.name], node: child })),
    );
    // Other spellings of a noun count; those of a verb say nothing of what it was meant for.
    const found = level.filter(
      ({ node: { name, aliases, children } }) => name === word || (children !== undefined && aliases?.includes(word)),
    );
    if (found.length > 0) return found.map(({ path }) => path);
  }
  return [];
}

/** A verb that every noun has says nothing about the noun. */
const maxPlaces = 3;

/** First words of commands that only Chainguard's chainctl has: no slip, so no guess helps. */
const missingWords = async () => (await import('../commands/missing.gen.ts')).missing;

async function unknownCommand(word: string, path: readonly string[], node: IndexNode): Promise<CliError> {
  if (path.length === 0 && (await missingWords()).includes(word)) {
    return new CliError(
      'usage',
      `\`chainctl ${word}\` is a command of Chainguard's own chainctl that this one does not have yet`,
      {
        code: 'usage.unknown-command',
        hint: `use Chainguard's own chainctl for \`chainctl ${word}\``,
      },
    );
  }
  if (path.length === 0 && /^clusters?$/.test(word)) {
    const message = `\`chainctl ${word}\` is a command of older versions of Chainguard's own chainctl, and not of this one`;
    return new CliError('usage', message, { code: 'usage.unknown-command', hint: 'see `chainctl --help`' });
  }
  const known = customary[[...path, word].join(' ')] ?? customaryVerb(word, path, node);
  if (known !== undefined) return unknown(word, path, `use \`${known}\``);
  const near = nearestChild(word, node);
  // `organizations list` was meant as `iam organizations list`.
  const elsewhere = await deeper(word, node);
  const meant = [...(near === undefined ? [] : [[near]]), ...(elsewhere.length > maxPlaces ? [] : elsewhere)];
  const names = new Set(meant.map((words) => `\`${commandName({ path: [...path, ...words] })}\``));
  const parent = commandName({ path });
  const guess = names.size === 0 ? `see \`${parent} --help\`` : `did you mean ${[...names].join(' or ')}?`;
  return unknown(word, path, guess);
}

const unknown = (word: string, path: readonly string[], hint: string) =>
  new CliError('usage', `Unknown command "${word}" for \`${commandName({ path })}\``, {
    code: 'usage.unknown-command',
    hint,
  });

/** Name in other command lines. */
const customary: Readonly<Record<string, string>> = {
  whoami: 'chainctl auth status',
  'auth whoami': 'chainctl auth status',
  'auth switch': 'chainctl config contexts use',
  'auth list': 'chainctl auth status',
  context: 'chainctl config contexts',
  contexts: 'chainctl config contexts',
  'config get': 'chainctl config view',
  'config list': 'chainctl config view',
  'config ls': 'chainctl config view',
  'iam users': 'chainctl iam role-bindings list',
  users: 'chainctl iam role-bindings list',
  'iam members': 'chainctl iam role-bindings list',
};

/** A verb for looking at one thing, which here is called otherwise; with the words before it. */
function customaryVerb(word: string, path: readonly string[], node: IndexNode): string | undefined {
  if (!['get', 'show', 'view', 'info', 'inspect', 'describe'].includes(word) || path.length === 0) return undefined;
  const verb = ['describe', 'view', 'list'].find((name) => node.children?.some((child) => child.name === name));
  return verb === undefined ? undefined : commandName({ path: [...path, verb] });
}

/** A group takes the global flags only. */
function refuseFlags(rest: readonly string[], path: readonly string[]): void {
  const name = commandName({ path });
  const known = globalFlags.flatMap(({ names }) => names.slice(0, 1));
  for (let at = 0; at < rest.length; at += 1) {
    const word = rest[at] ?? '';
    const flag = word.startsWith('--') ? (word.split('=')[0] ?? word) : word.slice(0, 2);
    if (!isGlobal(flag)) throw unknownFlag(word, known, name);
    if (flag !== word || isGlobalBoolean(flag)) continue;
    at += 1;
    if (at >= rest.length)
      throw new CliError('usage', `\`${flag}\` needs a value`, {
        code: 'usage.missing-value',
        hint: `see \`${name} --help\``,
      });
  }
}
