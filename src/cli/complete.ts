// The second half of the pipeline: names become things, and what is missing is asked for. Guarantees: inputs are
// settled in declared order, one after the other; without a terminal nothing is asked and everything missing is said at
// once.

import { CliError } from '../errors.ts';
import { ask, type Typed } from './ask.ts';
import { type Collected, listed, splitCommas } from './collect.ts';
import type { Context } from './context.ts';
import type { AnyCommand, Check, Input, Option } from './define.ts';
import { equivalentCommand } from './equivalent-command.ts';
import { noteSelected, resolve } from './resolve.ts';
import { kebab, spellingOf } from './spelling.ts';

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
    context.io.note(context.io.errStyle.dim(`  Equivalent command: ${equivalentCommand(definition, typed, globals)}`));
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
