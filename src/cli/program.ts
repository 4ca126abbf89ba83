// From the words typed to one command of the index. Promises: finding a command loads that command only; everything the
// index knows (parents' help, nearest names) is answered without loading any.

import { index } from '../commands/index.gen.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { nearest } from '../suggest.ts';
import type { IndexNode } from './define.ts';
import { globalInputs } from './globals.ts';
import { type ContextParts, runCommand } from './pipeline.ts';
import { commandName, kebab } from './spelling.ts';

export interface Found {
  readonly path: readonly string[];
  readonly node: IndexNode;
  /** The words that are not part of the path. */
  readonly rest: readonly string[];
}

/** Runs what the words say. Resolves when done; throws CliError otherwise. */
export async function runProgram(host: Host, signal: AbortSignal, parts: ContextParts = {}): Promise<void> {
  const words = rewriteHelp(host.argv);
  const found = find(words);
  const { path, node, rest } = found;
  const wantsHelp = rest.some((word) => word === '--help' || word === '-h');
  if (node.load === undefined) {
    const unknown = rest.find((word, at) => !word.startsWith('-') && !isValueOfGlobal(rest, at));
    if (unknown !== undefined && !wantsHelp) throw unknownCommand(unknown, path, node);
    refuseFlags(rest, path);
    const { groupHelp } = await import('./help.ts');
    host.stdout.write(groupHelp(path, node, host));
    return;
  }
  const definition = (await node.load()).default;
  await runCommand(definition, rest, host, signal, parts);
  if (wantsHelp && node.children !== undefined) {
    const { childRows } = await import('./help.ts');
    host.stdout.write(childRows(node, host));
  }
}

/** `help a b` means `a b --help`. */
function rewriteHelp(words: readonly string[]): readonly string[] {
  return words[0] === 'help' ? [...words.slice(1), '--help'] : words;
}

const globalValueFlags: ReadonlySet<string> = new Set(
  Object.entries(globalInputs).flatMap(([key, input]) => {
    if ('boolean' in input.kind && input.kind.boolean) return [];
    return 'short' in input ? [`--${kebab(key)}`, `-${input.short}`] : [`--${kebab(key)}`];
  }),
);

const isValueOfGlobal = (words: readonly string[], at: number) => globalValueFlags.has(words[at - 1] ?? '');

/** Walks the index. Flags may stand between command words (script-contracts 1.6). */
export function find(words: readonly string[]): Found {
  let node: IndexNode = index;
  const path: string[] = [];
  const rest: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === '--') return { path, node, rest: [...rest, ...words.slice(at)] };
    if (word.startsWith('-') && word !== '-') {
      rest.push(word);
      if (globalValueFlags.has(word) || node.valueFlags?.includes(word)) {
        at += 1;
        if (at < words.length) rest.push(words[at] ?? '');
      }
      continue;
    }
    const child = childOf(node, word);
    if (child === undefined) return { path, node, rest: [...rest, ...words.slice(at)] };
    node = child;
    path.push(child.name);
  }
  return { path, node, rest };
}

function childOf(node: IndexNode, word: string): IndexNode | undefined {
  return node.children?.find((child) => child.name === word || child.aliases?.includes(word));
}

function unknownCommand(word: string, path: readonly string[], node: IndexNode): CliError {
  const names = (node.children ?? []).filter((child) => !child.hidden);
  const near = nearest(
    word,
    names.flatMap((child) => [child.name, ...(child.aliases ?? [])]),
  );
  const parent = commandName({ path });
  return new CliError('usage', `Unknown command "${word}" for \`${parent}\``, {
    code: 'usage.unknown-command',
    hint: near === undefined ? `see \`${parent} --help\`` : `did you mean \`${parent} ${near}\`?`,
  });
}

function refuseFlags(rest: readonly string[], path: readonly string[]): void {
  const known = new Set(Object.keys(globalInputs).map((key) => `--${kebab(key)}`));
  const flag = rest.find((word) => /^--[a-z]/.test(word) && !known.has(word.split('=')[0] ?? ''));
  if (flag === undefined) return;
  throw new CliError('usage', `Unknown flag \`${flag.split('=')[0]}\` for \`${commandName({ path })}\``, {
    code: 'usage.unknown-flag',
    hint: `see \`${commandName({ path })} --help\``,
  });
}
