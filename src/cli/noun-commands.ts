// Defines `delete` and `describe` of a noun, so that each says only what is its own.

import type { Context } from './context.ts';
import { type AnyCommand, type CommandDefinition, defineCommand, type Inputs, type InputValues } from './define.ts';
import type { Kind } from './inputs/kind.ts';
import { printable } from './io.ts';
import type { Question } from './prompts/question.ts';

/** One thing of a noun, as it is named on the command line. */
export interface Noun<V> {
  readonly kind: Kind<V>;
  /** In the usage line, e.g. `ROLE_BINDING_ID`. */
  readonly positional: string;
  readonly help: string;
  /** Completes "Which … would you like to see?". */
  readonly called: string;
}

type Shared<V, I extends Inputs, T> = Omit<CommandDefinition<I, T>, 'inputs' | 'confirm' | 'run'> & {
  readonly noun: Noun<V>;
  /** Besides the thing itself. */
  readonly inputs?: I;
};

export interface DeleteDefinition<V, I extends Inputs, T> extends Shared<V, I, T> {
  /** Completes "Which … would you like to …?"; `delete` unless said otherwise. */
  readonly verb?: string;
  /**
   * Names what is deleted, as a sentence; the question whether to continue comes behind it. Throws when it is not
   * there.
   */
  readonly describeConsequence: (
    context: Context,
    thing: V,
    input: InputValues<I>,
  ) => string | Question | Promise<string | Question>;
  readonly run: (context: Context, thing: V, input: InputValues<I>) => Promise<T | undefined> | Promise<void>;
}

/** A command that deletes one thing once a person agrees, and never takes the only one there is for the one meant. */
export function defineDelete<V, const I extends Inputs = Record<never, never>, T = never>(
  definition: DeleteDefinition<V, I, T>,
): AnyCommand {
  const { noun, inputs, describeConsequence, run, verb = 'delete', ...rest } = definition;
  return defineCommand<Inputs & { readonly yes?: never }, T>({
    aliases: ['rm'],
    ...(rest as Omit<CommandDefinition<Inputs, T>, 'inputs' | 'run'>),
    inputs: { thing: thingInput(noun, verb), ...inputs },
    confirm: async (input, context) => {
      const consequence = await describeConsequence(context, input['thing'] as V, input as InputValues<I>);
      if (typeof consequence !== 'string') return consequence;
      return { message: printable(`${consequence} Do you want to continue?`), default: false };
    },
    // The pipeline supplies what the inputs declare.
    run: async (context, input) => (await run(context, input['thing'] as V, input as InputValues<I>)) as T | undefined,
  });
}

export interface DescribeDefinition<V, I extends Inputs, T> extends Shared<V, I, T> {
  readonly run: (context: Context, thing: V, input: InputValues<I>) => Promise<T>;
}

/** A command that shows one thing, as JSON unless asked otherwise. */
export function defineDescribe<V, const I extends Inputs = Record<never, never>, T = never>(
  definition: DescribeDefinition<V, I, T>,
): AnyCommand {
  const { noun, inputs, run, ...rest } = definition;
  return defineCommand<Inputs & { readonly yes?: never }, T>({
    formats: ['json', 'table', 'id'],
    ...(rest as Omit<CommandDefinition<Inputs, T>, 'inputs' | 'run'>),
    inputs: { thing: thingInput(noun, 'see'), ...inputs },
    // The pipeline supplies what the inputs declare.
    run: async (context, input) => run(context, input['thing'] as V, input as InputValues<I>),
  });
}

const thingInput = <V>({ kind, positional, help, called }: Noun<V>, verb: string) => ({
  kind,
  positional,
  flag: false as const,
  required: true,
  help,
  question: `Which ${called} would you like to ${verb}?`,
});
