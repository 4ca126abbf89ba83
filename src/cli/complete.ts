// The second half of the pipeline: names become things, and what is missing is asked for. Guarantees: inputs are
// settled in declared order, one after the other; without a terminal nothing is asked and everything missing is said at
// once.

import { CliError } from '../errors.ts';
import { shellWord } from '../shell-word.ts';
import { type Collected, listed, splitCommas } from './collect.ts';
import type { Context } from './context.ts';
import type { AnyCommand, Check, Input, Option } from './define.ts';
import { globalInputs } from './globals.ts';
import { exampleOf } from './inputs/examples.ts';
import { boolean } from './inputs/values.ts';
import { printable } from './io.ts';
import type { Candidate } from './prompts/question.ts';
import { commandName, flagOf, kebab, spellingOf } from './spelling.ts';

/** Texts that would have been typed, by input key: those given and those picked. */
type Typed = Map<string, readonly string[]>;

/** A choice that the command line leaves open, and what was chosen if it was asked before everything else. */
export interface PendingAlternatives {
  readonly rule: AlternativesRule;
  readonly option: Option | undefined;
}

export interface Completed {
  /** Argument of `run`. */
  readonly values: Record<string, unknown>;
  /** The same without what nobody said: empty lists and booleans that are false only because they were left out. */
  readonly explicit: Record<string, unknown>;
  /** A person answered, so the rules have not seen the whole yet. */
  readonly asked: boolean;
}

type AlternativesRule = Extract<Check, { rule: 'one-of' }>;

export async function complete(
  definition: AnyCommand,
  collected: Collected,
  globals: Readonly<Partial<Record<string, string>>>,
  context: Context,
  open?: PendingAlternatives,
): Promise<Completed> {
  const chosen: Record<string, unknown> = {};
  const leftOut: Record<string, unknown> = {};
  const typed: Typed = new Map(collected.given);
  // As rules look at it: references are still text.
  const known: Record<string, unknown> = Object.fromEntries(collected.parsed);
  let asked = false;
  let option = open?.option;
  for (const [key, input] of Object.entries(definition.inputs)) {
    if (open?.rule.keys.includes(key)) option ??= await askOption(definition, open.rule, context);
    const parsed = collected.parsed.get(key);
    if (parsed !== undefined && !isEmptyOnPurpose(key, input, collected)) {
      const found = await resolve(key, input, parsed, context, chosen).catch(naming(collected.sources.get(key)));
      chosen[key] = found.value;
      if (found.picked !== undefined) {
        asked = true;
        typed.set(key, found.picked);
      }
    } else if (isRequired(input, collected) || option?.requires.includes(key) || parsed !== undefined) {
      chosen[key] = await input.kind.fallback?.(context, chosen);
      if (chosen[key] !== undefined) continue;
      asked ||= context.io.interactive;
      chosen[key] = context.io.interactive
        ? await ask({ definition, key, input, context, chosen, typed, known })
        : await onlyCandidateOrRefuse(definition, key, input, context, chosen, collected);
    } else if (input.asksWith && asked && context.io.interactive) {
      chosen[key] = await ask({ definition, key, input, context, chosen, typed, known });
    } else if (input.many) {
      leftOut[key] = [];
    } else if (input.kind.boolean) {
      leftOut[key] = false;
    }
  }
  if (asked) {
    context.io.note(context.io.errStyle.dim(`  Equivalent command: ${commandLine(definition, typed, globals)}`));
  }
  return { values: { ...chosen, ...leftOut }, explicit: chosen, asked };
}

const isRequired = (input: Input, collected: Collected) =>
  input.required === true || (input.requiredUnless !== undefined && !isSet(collected.parsed.get(input.requiredUnless)));

const isSet = (value: unknown) => value !== undefined && value !== false;

/** `--capabilities=`: whoever writes that wants to be asked. */
const isEmptyOnPurpose = (key: string, input: Input, { given }: Collected) => {
  const texts = input.askWhenEmpty === true ? given.get(key) : undefined;
  return texts !== undefined && splitCommas(input, texts).length === 0;
};

interface Resolved {
  readonly value: unknown;
  /** Words that avoid the question, when a text named several things and one of them was picked. */
  readonly picked?: readonly string[];
}

async function resolve(
  key: string,
  input: Input,
  parsed: unknown,
  context: Context,
  chosen: Record<string, unknown>,
): Promise<Resolved> {
  const { kind } = input;
  if (kind.resolve === undefined) return { value: parsed };
  const resolved: unknown[] = [];
  const texts: string[] = [];
  let asked = false;
  // A kind with `resolve` parses to the text it resolves. One after the other: each may ask which of several is meant.
  for (const text of input.many ? (parsed as string[]) : [parsed as string]) {
    const { watched, picked } = watchPicks(context);
    resolved.push(await kind.resolve(watched, text, chosen));
    const pick = picked();
    if (pick !== undefined) {
      asked = true;
      noteSelected(`${pick.noun ?? nounOf(key, input)} ${pick.label}`, context);
    }
    texts.push(pick?.text ?? text);
  }
  return { value: input.many ? resolved : resolved[0], ...(asked ? { picked: texts } : {}) };
}

/** The same context, and what was picked with it last. */
function watchPicks(context: Context): { watched: Context; picked: () => Candidate<unknown> | undefined } {
  let last: Candidate<unknown> | undefined;
  const pick: Context['prompts']['pick'] = async (message, candidates) => {
    const one = await context.prompts.pick(message, candidates);
    last = one;
    return one;
  };
  // Made on first use, like everything in a context.
  const prompts = { get: () => ({ ...context.prompts, pick }) };
  return { watched: Object.create(context, { prompts }) as Context, picked: () => last };
}

/** Says where the value stood when it was not on the command line: a person looks for it there in vain. */
function naming(source: string | undefined) {
  return (error: unknown): never => {
    if (source === undefined || !(error instanceof CliError) || !/^(usage|not-found)/.test(error.kind)) throw error;
    const { kind, message, code, hint, number, cause } = error;
    throw new CliError(kind, message, {
      code,
      details: [...error.details, `the value comes from ${source}`],
      cause,
      ...(hint === undefined ? {} : { hint }),
      ...(number === undefined ? {} : { number }),
    });
  };
}

// ---- without a terminal ----

/**
 * Returns what nobody can fill in: required, not given, and nowhere to take it from. Known before anything is looked
 * up.
 */
export function missingInputs(definition: AnyCommand, collected: Collected, context: Context): string[] {
  if (context.io.interactive) return [];
  return Object.entries(definition.inputs)
    .filter(([key, input]) => isMissing(key, input, collected) && input.kind.onlyCandidate === undefined)
    .map(([key, input]) => spellingOf(key, input));
}

const isMissing = (key: string, input: Input, collected: Collected) =>
  input.kind.fallback === undefined &&
  ((isRequired(input, collected) && !collected.parsed.has(key)) || isEmptyOnPurpose(key, input, collected));

/** One sentence that names them all. */
export const missingSentence = (names: readonly string[]): string =>
  `${listed(names)} ${names.length > 1 ? 'are' : 'is'} required when not running interactively`;

/** One sentence, because that is all a log shows, and where a location is missing how to set one for good. */
export const missingError = (names: readonly string[]): CliError =>
  new CliError('usage', missingSentence(names), {
    code: 'usage.missing',
    ...(names.includes('`--parent`')
      ? { hint: 'name a location, or set one for good: `chainctl config set default.group NAME`' }
      : {}),
  });

async function onlyCandidateOrRefuse(
  definition: AnyCommand,
  key: string,
  input: Input,
  context: Context,
  chosen: Record<string, unknown>,
  collected: Collected,
): Promise<unknown> {
  const only = await input.kind.onlyCandidate?.(context, chosen);
  if (only === undefined) {
    // The inputs after this one depend on it, so whatever else is missing is missing too.
    const inputs = Object.entries(definition.inputs);
    const rest = inputs.slice(inputs.findIndex(([name]) => name === key) + 1);
    const others = rest.filter(([name, other]) => isMissing(name, other, collected));
    throw missingError([[key, input] as const, ...others].map(([name, other]) => spellingOf(name, other)));
  }
  context.debug(() => `${spellingOf(key, input)} taken as the only candidate: ${only.text}`);
  return input.many ? [only.value] : only.value;
}

// ---- on a terminal ----

interface Asking {
  readonly definition: AnyCommand;
  readonly key: string;
  readonly input: Input;
  readonly context: Context;
  readonly chosen: Record<string, unknown>;
  readonly typed: Typed;
  /** Values by input key as the rules of the command see them; what is answered is added. */
  readonly known: Record<string, unknown>;
}

/** Resolves to an answer that its flag would have taken as well. */
async function ask(asking: Asking): Promise<unknown> {
  const { key, input, context, chosen, typed, known } = asking;
  const { kind } = input;
  const noun = nounOf(key, input);
  const question = input.question ?? `Which ${noun}?`;
  const candidates = await candidatesOf(input, context, chosen);
  const newProblem = problemsAfter(asking);
  if (candidates === undefined) {
    const wrong = async (line: string) => wrongWith(input, line) ?? (await newProblem(parsedLine(input, line)));
    const text = await context.prompts.text(question, wrong, {
      secret: kind.secret === true,
      example: exampleOf(input),
      initial: kind.secret ? undefined : (await input.current?.(context, chosen)) || input.default,
    });
    const texts = input.many ? splitCommas(input, [text]) : [text];
    const parsed = parsedLine(input, text);
    known[key] = parsed;
    const found = await resolve(key, input, parsed, context, chosen);
    typed.set(key, found.picked ?? texts);
    return found.value;
  }

  const [first, second] = candidates;
  const optional = input.asksWith === true;
  if (first === undefined) {
    if (optional) return [];
    throw new CliError('not-found', `There is no ${noun} to choose from`, {
      code: 'not-found.candidates',
      hint: kind.nothing ?? `name one with ${spellingOf(key, input)}`,
    });
  }
  for (;;) {
    let picked: readonly Candidate<unknown>[];
    if (second === undefined && !optional) picked = [first];
    else if (input.many) picked = await context.prompts.pickMany(question, candidates, { optional });
    else picked = [await context.prompts.pick(question, candidates)];
    const seen = picked.map(({ value, text }) => (kind.resolve === undefined ? value : text));
    const problem = await newProblem(input.many ? seen : seen[0]);
    if (problem !== undefined && second !== undefined) {
      context.io.note(`  ${context.io.errStyle.red('✘')} ${printable(problem)}`);
      continue;
    }
    known[key] = input.many ? seen : seen[0];
    for (const one of picked) noteSelected(`${one.noun ?? noun} ${one.label}`, context);
    if (picked.length === 0) {
      noteSelected(`no ${noun}`, context);
      return [];
    }
    typed.set(
      key,
      picked.map(({ text }) => text),
    );
    return input.many ? picked.map(({ value }) => value) : picked[0]?.value;
  }
}

/**
 * Returns what the rules of the command have against the answer. Those about an input that is still to come wait for
 * it.
 */
function problemsAfter({ definition, key, input, context, known }: Asking) {
  const name = spellingOf(key, input);
  return async (value: unknown): Promise<string | undefined> => {
    const problems = (await definition.validate?.({ ...known, [key]: value }, onTrial(context))) ?? [];
    const found = problems.find((problem) => problem.startsWith(name));
    return found?.replace(`${name} `, 'This ');
  };
}

/** For an answer that may not stand: nothing is remembered of it, and warnings wait until everything is answered. */
function onTrial(context: Context): Context {
  const io = { ...context.io, warn: () => {}, note: () => {} };
  return Object.create(context, { memory: { value: {} }, io: { value: io } }) as Context;
}

function parsedLine(input: Input, line: string): unknown {
  const parsed = (input.many ? splitCommas(input, [line]) : [line]).map((each) => input.kind.parse(each));
  return input.many ? parsed : parsed[0];
}

const nounOf = (key: string, input: Input) =>
  input.kind.noun ?? (input.positional ?? flagOf(key, input) ?? key).toLowerCase().replaceAll(/[-_]/g, ' ');

function noteSelected(what: string, { io }: Context): void {
  io.note(`  ${io.errStyle.green('✔')} Selected ${printable(what)}.`);
}

/** The rule whose choice the words leave to the person in front of the terminal. */
export function pendingAlternatives(
  { check = [] }: AnyCommand,
  given: ReadonlyMap<string, unknown>,
  { io }: Context,
): AlternativesRule | undefined {
  if (!io.interactive) return undefined;
  return check.find(
    (rule): rule is AlternativesRule =>
      rule.rule === 'one-of' && rule.alternatives !== undefined && !rule.keys.some((key) => given.has(key)),
  );
}

/** Taken without asking when there is one option only, like every single candidate. */
export async function askOption(
  definition: AnyCommand,
  { keys, alternatives }: AlternativesRule,
  context: Context,
): Promise<Option> {
  const options = alternatives?.options ?? keys.map((key) => optionOf(key, definition.inputs[key]));
  const candidates = options.map((option) => ({
    value: option,
    label: option.label,
    ...(option.description === undefined ? {} : { description: option.description }),
    text: option.label,
  }));
  const { value, label } = await context.prompts.pick(alternatives?.question ?? 'Which one?', candidates);
  noteSelected(label, context);
  return value;
}

const optionOf = (key: string, input: Input | undefined): Option => ({
  label: kebab(key).replaceAll('-', ' '),
  ...(input === undefined ? {} : { description: input.help }),
  requires: [key],
});

async function candidatesOf(
  { kind }: Input,
  context: Context,
  chosen: Record<string, unknown>,
): Promise<readonly Candidate<unknown>[] | undefined> {
  if (kind.candidates !== undefined) return kind.candidates(context, chosen);
  const choices = kind.choices ?? (kind.boolean ? ['true', 'false'] : undefined);
  return choices?.map((text) => ({ value: kind.parse(text), label: text, text }));
}

function wrongWith(input: Input, line: string): string | undefined {
  if (line.trim() === '') return 'Type a value, or Ctrl-C to stop';
  try {
    for (const text of input.many ? splitCommas(input, [line]) : [line]) input.kind.parse(text);
    return undefined;
  } catch (error) {
    return `This ${error instanceof Error ? error.message : String(error)}`;
  }
}

// ---- the command line that would have asked nothing ----

/** For a POSIX shell; credentials are left out. */
function commandLine(definition: AnyCommand, typed: Typed, globals: Readonly<Partial<Record<string, string>>>): string {
  const places: string[] = [];
  const flags: string[] = [];
  let everyPlaceFilled = true;
  let hasDash = false;
  for (const [key, input] of Object.entries(definition.inputs)) {
    const texts = typed.get(key);
    if (texts === undefined) {
      if (input.positional !== undefined) everyPlaceFilled = false;
      continue;
    }
    const flag = flagOf(key, input);
    // A text that looks like a flag would be read as one in a place.
    const looksLikeFlag = texts.some((text) => text.startsWith('-'));
    if (input.positional !== undefined && ((everyPlaceFilled && !looksLikeFlag) || flag === undefined)) {
      places.push(...texts.map((text) => word(input, text)));
      hasDash ||= looksLikeFlag;
    } else {
      flags.push(...texts.map((text) => asFlag(flag ?? key, input, text)));
    }
  }
  for (const [key, input] of Object.entries<Input>(globalInputs)) {
    const text = globals[key];
    if (text !== undefined) flags.push(asFlag(flagOf(key, input) ?? key, input, text));
  }
  const words = hasDash ? [...flags, '--', ...places] : [...places, ...flags];
  return printable([commandName(definition), ...words].join(' '));
}

const word = (input: Input, text: string) => (input.kind.secret ? '…' : shellWord(text));

function asFlag(flag: string, input: Input, text: string): string {
  if (input.kind.boolean) return boolean.parse(text) === true ? `--${flag}` : `--${flag}=false`;
  return `--${flag}=${word(input, text)}`;
}
