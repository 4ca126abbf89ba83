// Asks a person at the terminal for one input.

import { CliError } from '../errors.ts';
import { splitCommas } from './collect.ts';
import type { Context } from './context.ts';
import type { AnyCommand, Input } from './define.ts';
import { exampleOf } from './inputs/examples.ts';
import { printable } from './io.ts';
import type { Candidate } from './prompts/question.ts';
import { noteSelected, nounOf, resolve } from './resolve.ts';
import { spellingOf } from './spelling.ts';

/** Texts that would have been typed, by input key: those given and those picked. */
export type Typed = Map<string, readonly string[]>;

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
export async function ask(asking: Asking): Promise<unknown> {
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
