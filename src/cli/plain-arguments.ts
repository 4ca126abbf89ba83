// Reads plain command lines, with flags written out, each with its value behind it or behind a `=`, and operands. Skips the parser, whose
// start costs as much as the rest of a small command.

import type { AnyCommand, Input } from './define.ts';
import { allInputs, flagOf } from './spelling.ts';

export interface ParsedArguments {
  /** Texts given, by input key, in the order given; positionals included. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** Last text given, by global key. */
  readonly globals: Readonly<Partial<Record<string, string>>>;
  /** Flags given in an older spelling, and how they are spelled today; with dashes. */
  readonly older: ReadonlyMap<string, string>;
}

/**
 * Returns what the words say as `parseArguments` does. Undefined for every mistake and for each spelling that takes a rule
 * to read: `-ojson`, `-o=json`, `--switch=false`, `--`, a flag that stands where a value does.
 */
export function readPlainly(definition: AnyCommand, words: readonly string[]): ParsedArguments | undefined {
  const given = new Map<string, string[]>();
  const globals: Partial<Record<string, string>> = {};
  const older = new Map<string, string>();
  if (words.length === 0) return { given, globals, older };
  const { own, global } = allInputs(definition);
  const operands: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (!word.startsWith('-')) {
      operands.push(word);
      continue;
    }
    const [name, value] = splitValue(word);
    const found = flagCalled(name, own) ?? flagCalled(name, global);
    if (found === undefined) return undefined;
    let text = 'true';
    if (value !== undefined) {
      if (found.input.kind.boolean === true) return undefined;
      text = value;
    } else if (found.input.kind.boolean !== true) {
      const next = words[at + 1];
      if (next === undefined || next.startsWith('-')) return undefined;
      text = next;
      at += 1;
    }
    if (found.alias) older.set(name, `--${flagOf(found.key, found.input)}`);
    if (own[found.key] === found.input) given.set(found.key, [...(given.get(found.key) ?? []), text]);
    else globals[found.key] = text;
  }
  // A request for help may end an incomplete command line.
  if (globals['help'] !== undefined) return undefined;
  return placed(operands, definition, given) ? { given, globals, older } : undefined;
}

/** `--flag=value` as both; any other word alone. */
function splitValue(word: string): [name: string, value?: string] {
  const at = word.startsWith('--') ? word.indexOf('=') : -1;
  return at < 0 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}

interface Called {
  readonly key: string;
  readonly input: Input;
  readonly alias: boolean;
}

function flagCalled(word: string, inputs: Readonly<Record<string, Input>>): Called | undefined {
  for (const [key, input] of Object.entries(inputs)) {
    const flag = flagOf(key, input);
    if (flag === undefined) continue;
    if (word === `--${flag}` || (input.short !== undefined && word === `-${input.short}`))
      return { key, input, alias: false };
    if (input.aliases?.some((alias) => word === `--${alias}`)) return { key, input, alias: true };
  }
  return undefined;
}

/** Returns whether each operand has a place of its own. */
function placed(operands: readonly string[], { inputs }: AnyCommand, given: Map<string, string[]>): boolean {
  const rest = [...operands];
  for (const [key, input] of Object.entries(inputs)) {
    if (rest.length === 0) return true;
    if (input.positional === undefined) continue;
    if (given.has(key) && !input.many) return false;
    given.set(key, input.many ? [...(given.get(key) ?? []), ...rest.splice(0)] : rest.splice(0, 1));
  }
  return rest.length === 0;
}
