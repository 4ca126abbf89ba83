import type { Context } from './context.ts';
import type { Input } from './define.ts';
import { printable } from './io.ts';
import type { Candidate } from './prompts/question.ts';
import { flagOf } from './spelling.ts';

interface Resolved {
  readonly value: unknown;
  /** Words that avoid the question, when a text named several things and one of them was picked. */
  readonly picked?: readonly string[];
}

/** Turns the text of an input into the thing it names. Asks where it names several. */
export async function resolve(
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

export const nounOf = (key: string, input: Input) =>
  input.kind.noun ?? (input.positional ?? flagOf(key, input) ?? key).toLowerCase().replaceAll(/[-_]/g, ' ');

export function noteSelected(what: string, { io }: Context): void {
  io.note(`  ${io.errStyle.green('✔')} Selected ${printable(what)}.`);
}
