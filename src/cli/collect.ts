// The first half of the pipeline: what was given, where it came from and whether it holds. Guarantees: flag beats
// environment beats file beats default, every problem names its source, and no message shows a secret.

import { envName } from '../config/schema.ts';
import type { Context } from './context.ts';
import type { AnyCommand, Check, Input, Inputs } from './define.ts';
import { globalInputs } from './globals.ts';
import type { ParsedArguments } from './plain-arguments.ts';
import { spellingOf } from './spelling.ts';

export interface Collected {
  /** Parsed values by input key; references are still text. */
  readonly parsed: ReadonlyMap<string, unknown>;
  /** Texts from the command line, by input key; constraints look at these only. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** How to name what did not come from the command line, e.g. `CHAINGUARD_DEFAULT_GROUP` in backticks; by input key. */
  readonly sources: ReadonlyMap<string, string>;
  /** One sentence each. */
  readonly problems: readonly string[];
}

interface Found {
  readonly texts: readonly string[];
  readonly name: string;
  readonly source?: string;
}

/** A rule in `open` is not broken yet: the person in front of the terminal is going to be asked. */
export function collect(
  definition: AnyCommand,
  { given, globals }: ParsedArguments,
  context: Context,
  open?: Check,
): Collected {
  const parsed = new Map<string, unknown>();
  const sources = new Map<string, string>();
  const problems: string[] = [];
  for (const [key, input] of Object.entries<Input>(globalInputs)) {
    const text = globals[key];
    if (text !== undefined) parse(input, { texts: [text], name: spellingOf(key, input) }, problems);
  }
  for (const [key, input] of Object.entries(definition.inputs)) {
    const found = find(key, input, given, context);
    if (found === undefined) continue;
    const values = parse(input, found, problems);
    parsed.set(key, input.many ? values : values.at(-1));
    if (found.source !== undefined) sources.set(key, found.source);
    context.debug(() => `${found.name} is ${shown(input, found)}, from ${found.source ?? 'the command line'}`);
  }
  for (const rule of definition.check ?? []) {
    const problem = rule === open ? undefined : broken(rule, definition.inputs, given);
    if (problem !== undefined) problems.push(problem);
  }
  return { parsed, given, sources, problems };
}

function find(
  key: string,
  input: Input,
  given: ReadonlyMap<string, readonly string[]>,
  context: Context,
): Found | undefined {
  const name = spellingOf(key, input);
  const texts = given.get(key);
  if (texts !== undefined) return { texts: input.many ? splitCommas(input, texts) : texts.slice(-1), name };
  if (input.config !== undefined && (input.configWhen?.(new Set(given.keys())) ?? true)) {
    const from = context.config.source(input.config);
    const value = context.config.get(input.config);
    if (from !== 'default' && value !== '') {
      const source = from === 'env' ? `\`${envName(input.config)}\`` : `configuration property \`${input.config}\``;
      return { texts: input.many ? splitCommas(input, [value]) : [value], name: source, source };
    }
  }
  return input.default === undefined ? undefined : { texts: [input.default], name, source: 'the default' };
}

/** The values that hold; what is wrong with the others is added to the problems. */
function parse(input: Input, found: Found, problems: string[]): unknown[] {
  return found.texts.flatMap((text) => {
    try {
      return [input.kind.parse(text)];
    } catch (error) {
      const reason = `${found.name} ${error instanceof Error ? error.message : String(error)}`;
      problems.push(input.kind.secret || text.trim() === '' ? reason : `${reason}, not "${shorten(text)}"`);
      return [];
    }
  });
}

/** `a,b` as two texts where the kind says so. An empty text is an empty list unless it would have to name something. */
export function splitCommas(input: Input, texts: readonly string[]): readonly string[] {
  if (!input.kind.splitsCommas) return texts;
  return texts.flatMap((text) =>
    text === '' && input.kind.resolve === undefined ? [] : text.split(',').map((part) => part.trim()),
  );
}

const longest = 60;
const shorten = (text: string) => (text.length > longest ? `${text.slice(0, longest - 1)}…` : text);

const shown = (input: Input, found: Found) =>
  input.kind.secret ? 'a secret' : found.texts.map((text) => `"${shorten(text)}"`).join(', ');

function broken(rule: Check, inputs: Inputs, given: ReadonlyMap<string, unknown>): string | undefined {
  const name = (key: string) => {
    const input = inputs[key];
    return input === undefined ? `\`${key}\`` : spellingOf(key, input);
  };
  if (rule.rule === 'needs') {
    return given.has(rule.key) && !given.has(rule.needs) ? `${name(rule.key)} needs ${name(rule.needs)}` : undefined;
  }
  const used = rule.keys.filter((key) => given.has(key));
  if (rule.rule === 'exclusive') {
    return used.length > 1 ? `${listed(used.map(name))} cannot be used together` : undefined;
  }
  if (used.length > 0) return undefined;
  return rule.alternatives?.problem ?? `one of ${listed(rule.keys.map(name), 'or')} is required`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(names: readonly string[], conjunction = 'and'): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} ${conjunction} ${names.at(-1)}`;
}
