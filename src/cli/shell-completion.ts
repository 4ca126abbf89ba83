// Completes words at Tab. Guarantees: words and flags come from the index and the one command that is meant; values
// come from the `candidates` of its inputs, those that pickers use, or their `completions`; nothing is asked, no login
// begins, no word is written to stderr, and what fails or takes too long offers nothing.

import { dirname, join } from 'node:path';
import { cacheDir, type Host } from '../host.ts';
import { collect } from './collect.ts';
import { type Context, createContext } from './context.ts';
import type { AnyCommand, IndexNode, Input } from './define.ts';
import type { Found } from './found.ts';
import { toGlobals } from './globals.ts';
import { printable } from './io.ts';
import { readPlainly } from './plain-arguments.ts';
import type { Candidate } from './prompts/question.ts';
import { allInputs, flagOf } from './spelling.ts';

export interface Offer {
  readonly text: string;
  readonly description?: string | undefined;
}

/** `files`: the shell knows best. */
type Offers = readonly Offer[] | 'files';

/** Milliseconds that a person waits for Tab before it seems to hang. */
const patienceMs = 1500;

/** Milliseconds in which a platform that did not answer is not asked again: the next Tab answers at once. */
const silenceMs = 30_000;

const silenceFile = (host: Host) => join(cacheDir(host), 'chainctl', 'completion-silent');

async function rememberSilence(host: Host): Promise<void> {
  const { mkdirSync, writeFileSync } = await import('node:fs');
  try {
    mkdirSync(dirname(silenceFile(host)), { recursive: true, mode: 0o700 });
    writeFileSync(silenceFile(host), `${host.now()}\n`, { mode: 0o600 });
  } catch {
    // Then the next Tab waits again.
  }
}

/** Throws while the platform was silent a moment ago. */
async function refuseWhileSilent({ host }: Context): Promise<void> {
  const { readTextIfExists } = await import('../files.ts');
  const at = Number(readTextIfExists(silenceFile(host)) ?? Number.NaN);
  if (host.now() - at < silenceMs && host.now() >= at) throw new Error('the platform was silent a moment ago');
}

/**
 * Prints what fits the words after `__complete`, the last of which is being typed; without any, those of bash's
 * COMP_LINE up to COMP_POINT. First `:words` or `:files`, then an offer to a line, a tab before its description.
 */
export async function printOffers(
  host: Host,
  find: (words: readonly string[]) => Promise<Found>,
  signal: AbortSignal,
): Promise<void> {
  const [, ...given] = host.argv;
  const fromBash = given.length === 0;
  const line = fromBash
    ? readLine(host)
    : { words: given[0] === '--' ? given.slice(1) : given, quoted: false, raw: '' };
  const words = line.words.slice(0, -1);
  const current = line.words.at(-1) ?? '';
  let offers: Offers = [];
  const patience = AbortSignal.timeout(patienceMs);
  try {
    offers = await offersFor(quiet(host), await find(words), current, AbortSignal.any([signal, patience]));
  } catch {
    // Tab is no place to learn what is wrong; running the command is.
    if (patience.aborted) await rememberSilence(host);
  }
  if (offers === 'files') return host.stdout.write(':files\n');
  const fitting = offers.filter(({ text }) => text.startsWith(current) && text === printable(text));
  const shown = fitting.map(({ text, description }) => {
    const written = fromBash ? forBash(text, line) : text;
    return description ? `${written}\t${printable(description)}` : written;
  });
  host.stdout.write([':words', ...shown].map((each) => `${each}\n`).join(''));
}

async function offersFor(host: Host, found: Found, current: string, signal: AbortSignal): Promise<Offers> {
  const { node, rest, stranger } = found;
  const children = stranger === undefined ? childrenOf(node) : [];
  if (node.load === undefined) return current.startsWith('-') ? flagOffers(undefined, new Set()) : children;
  const definition = (await node.load()).default;
  const { own, global } = allInputs(definition);
  const inputs: Record<string, Input> = { ...global, ...own };

  // `--flag value` and `--flag=value`.
  const equals = current.startsWith('-') ? current.indexOf('=') : -1;
  const before = rest.at(-1) ?? '';
  const named = equals > 0 ? current.slice(0, equals) : before.includes('=') ? undefined : before;
  const flagged = named?.startsWith('-') && !rest.slice(0, -1).includes('--') ? byFlag(inputs, named) : undefined;
  const words = flagged !== undefined && equals < 0 && !flagged.input.kind.boolean ? rest.slice(0, -1) : rest;
  const { given, globals } =
    readPlainly(definition, words) ?? (await import('./arguments.ts')).parseArguments(definition, words);
  const context = createContext(host, toGlobals(globals, false), signal);
  const valuesOf = async (key: string, input: Input, typed: string): Promise<Offers> => {
    await context.loadConfig();
    await refuseWhileSilent(context);
    const chosen = await chosenBefore(definition, key, { given, globals, older: new Map() }, context);
    return valueOffers(definition, key, input, typed, chosen, context);
  };

  if (flagged !== undefined && (equals > 0 || !flagged.input.kind.boolean)) {
    const typed = equals > 0 ? current.slice(equals + 1) : current;
    const offers = await valuesOf(flagged.key, flagged.input, typed);
    if (offers === 'files' || equals < 0) return offers;
    return offers.map(({ text, description }) => ({ text: `${named}=${text}`, description }));
  }
  if (current.startsWith('-') && !words.includes('--')) return flagOffers(definition, new Set(given.keys()));
  const place = Object.entries(definition.inputs).find(
    ([key, input]) => input.positional !== undefined && (input.many || !given.has(key)),
  );
  if (place === undefined) return children;
  const offers = await valuesOf(place[0], place[1], current);
  return offers === 'files' ? offers : [...children, ...offers];
}

const childrenOf = (node: IndexNode): Offer[] =>
  (node.children ?? [])
    .filter(({ hidden }) => !hidden)
    .map(({ name, summary }) => ({ text: name, description: summary }));

function byFlag(inputs: Readonly<Record<string, Input>>, flag: string): { key: string; input: Input } | undefined {
  for (const [key, input] of Object.entries(inputs)) {
    const name = flagOf(key, input);
    const names = [...(name === undefined ? [] : [name]), ...(input.aliases ?? [])].map((each) => `--${each}`);
    if (names.includes(flag) || flag === `-${input.short}`) return { key, input };
  }
  return undefined;
}

/** Flags that can still be given; the global ones alone for a group. */
function flagOffers(definition: AnyCommand | undefined, given: ReadonlySet<string>): Offer[] {
  const { own, global } = allInputs(definition);
  return [...Object.entries(own), ...Object.entries(global)].flatMap(([key, input]) => {
    const flag = flagOf(key, input);
    if (flag === undefined || input.hidden || (given.has(key) && !input.many)) return [];
    return { text: `--${flag}`, description: input.help };
  });
}

/**
 * Returns what the inputs before this one were given, as far as it can be told: later ones are narrowed by earlier
 * ones.
 */
async function chosenBefore(
  definition: AnyCommand,
  key: string,
  parsed: Parameters<typeof collect>[1],
  context: Context,
): Promise<Record<string, unknown>> {
  const collected = collect(definition, parsed, context);
  const chosen: Record<string, unknown> = {};
  for (const [other, { kind, many }] of Object.entries(definition.inputs)) {
    if (other === key) break;
    const value = collected.parsed.get(other);
    if (value === undefined) continue;
    chosen[other] = kind.resolve === undefined || many ? value : await kind.resolve(context, String(value), chosen);
  }
  return chosen;
}

async function valueOffers(
  definition: AnyCommand,
  key: string,
  input: Input,
  typed: string,
  chosen: Record<string, unknown>,
  context: Context,
): Promise<Offers> {
  const { kind } = input;
  // `a,b`: the last one is being typed.
  const done = kind.splitsCommas ? typed.slice(0, typed.lastIndexOf(',') + 1) : '';
  // An id says nothing without the name that a picker shows for it.
  const toOffer = ({ text, label, description, unique }: Candidate<unknown>): Offer => ({
    text: `${done}${unique ?? text}`,
    description: [label, description].filter((words) => words && words !== text && words !== unique).join(', '),
  });
  if (key === 'output' && definition.inputs['output'] === undefined) {
    const { acceptedFormats } = await import('./formats.ts');
    return acceptedFormats(definition).map((text) => ({ text }));
  }
  if (kind.completions !== undefined) return (await kind.completions(context, chosen, typed)).map((text) => ({ text }));
  const candidates = await kind.candidates?.(context, chosen);
  if (candidates !== undefined) return candidates.map(toOffer);
  const choices = kind.choices ?? (kind.boolean ? ['true', 'false'] : undefined);
  if (choices !== undefined) return choices.map((text) => ({ text: `${done}${text}` }));
  return kind.metavar === 'FILE' || kind.metavar === 'FOLDER' ? 'files' : [];
}

/** Nobody is there to be asked or told, and stdout is the shell's. */
function quiet(host: Host): Host {
  const silent = { isTty: false, columns: 80, write: () => {} };
  const empty = {
    isTty: false,
    readAll: async () => '',
    readLine: async () => undefined,
    readAnswer: async () => undefined,
  };
  return Object.assign(Object.create(host) as Host, { stdin: empty, stdout: silent, stderr: silent });
}

// ---- bash ----

interface Line {
  readonly words: readonly string[];
  /** A quote is open where the cursor stands. */
  readonly quoted: boolean;
  /** The word at the cursor as it was typed. */
  readonly raw: string;
}

/** The words of bash's line by its own rules of quoting, without the program's name. */
function readLine({ env }: Host): Line {
  const line = Buffer.from(env['COMP_LINE'] ?? '');
  const point = Number(env['COMP_POINT'] ?? line.length);
  // COMP_POINT counts bytes.
  return splitWords(line.subarray(0, Number.isNaN(point) ? line.length : point).toString());
}

export function splitWords(line: string): Line {
  const words: string[] = [];
  let word = '';
  let raw = '';
  let quote = '';
  const end = () => {
    if (raw !== '') words.push(word);
    word = '';
    raw = '';
  };
  for (let at = 0; at < line.length; at += 1) {
    const letter = line[at] ?? '';
    if (quote === '' && /\s/.test(letter)) {
      end();
      continue;
    }
    raw += letter;
    if (letter === quote) quote = '';
    else if (quote === '' && (letter === '"' || letter === "'")) quote = letter;
    else if (letter === '\\' && quote !== "'" && at + 1 < line.length) {
      at += 1;
      raw += line[at];
      word += line[at];
    } else word += letter;
  }
  words.push(word);
  return { words: words.slice(1), quoted: quote !== '', raw };
}

/** Returns what bash is to put in place of what it takes for the current word: it starts anew after `=` and `:`. */
function forBash(text: string, { raw, quoted }: Line): string {
  const from = quoted ? -1 : Math.max(raw.lastIndexOf('='), raw.lastIndexOf(':'));
  const kept = from < 0 ? 0 : raw.slice(0, from + 1).replaceAll(/\\(.)|["']/g, '$1').length;
  const rest = text.slice(kept);
  // Inside quotes bash takes the text as it is.
  return quoted ? rest : rest.replaceAll(/[^\w@%+=:,./~^{}[\]-]/gu, (letter) => `\\${letter}`);
}
