// Questions to a person. Guarantees: a question goes to stderr and reads the terminal; without one, a yes/no question
// takes an answer that somebody wrote for it, is refused otherwise, and nothing else ever reads stdin.

import { CliError } from '../../errors.ts';
import type { Host } from '../../host.ts';
import { type Io, printableLines } from '../io.ts';
import type { Candidate, Question } from './question.ts';
import type { TextOptions, Validate } from './text.ts';

export interface Prompter {
  /** A yes/no question. Throws kind `usage` when there is no terminal and stdin holds no answer. */
  confirm(question: Question): Promise<boolean>;
  /** One of several; only called when `io.interactive`. Throws kind `not-found` when there is none. */
  pick<V>(message: string, candidates: readonly Candidate<V>[]): Promise<Candidate<V>>;
  /** Any number of several; at least one unless it is optional. */
  pickMany<V>(
    message: string,
    candidates: readonly Candidate<V>[],
    options?: ManyOptions,
  ): Promise<readonly Candidate<V>[]>;
  /** A line of text, asked again until `validate` has nothing against it. */
  text(message: string, validate: Validate, options?: TextOptions): Promise<string>;
}

export interface ManyOptions {
  /** None is an answer too. */
  readonly optional?: boolean;
}

const exampleLine = (example: string): string => printableLines(`for example ${example}`);

export function createPrompter(host: Host, io: Io, signal: AbortSignal): Prompter {
  const terminal = () => import('./terminal.ts');
  const picker = () => import('./picker.ts');
  const plain = () => import('./plain.ts');
  return {
    async confirm(question) {
      if (!io.interactive) return confirmPlainly(question, host, signal);
      return io.plain ? (await plain()).confirm(host, question, signal) : (await terminal()).confirm(question, signal);
    },
    async pick(message, candidates) {
      if (candidates.length === 0) throw nothingToPick();
      return io.plain
        ? (await plain()).pick(host, message, candidates, signal)
        : (await picker()).pick(message, candidates, io, signal);
    },
    async pickMany(message, candidates, { optional = false } = {}) {
      if (candidates.length === 0 && !optional) throw nothingToPick();
      return io.plain
        ? (await plain()).pickMany(host, message, candidates, optional, signal)
        : (await picker()).pickMany(message, candidates, optional, io, signal);
    },
    async text(message, validate, options = {}) {
      // A secret needs a terminal that hides it, even one that can do little else.
      if (io.plain && !options.secret) return (await plain()).text(host, message, validate, signal, options);
      const { example, ...others } = options;
      const shown = example === undefined ? others : { ...others, example: io.errStyle.dim(exampleLine(example)) };
      return (await terminal()).text(message, validate, shown, signal);
    },
  };
}

/** The person can only leave an empty list. Whoever asks knows better words, if there are any. */
const nothingToPick = () =>
  new CliError('not-found', 'There is nothing to choose from', {
    code: 'not-found.candidates',
    hint: 'create an organization with `chainctl iam organizations create`, or log in again if you belong to one',
  });

/**
 * Silence, and a line that was meant for somebody else, agree to nothing: neither to a deletion nor to anything new.
 */
async function confirmPlainly(question: Question, host: Host, signal: AbortSignal): Promise<boolean> {
  const asked = printableLines(question.message);
  let isAsked = false;
  const ask = () => {
    isAsked = true;
    host.stderr.write(`${asked} ${question.default ? '[Y,n]' : '[y,N]'}: `);
  };
  // A terminal that is no place for questions, in CI, is not read.
  const line = host.stdin.isTty ? undefined : await host.stdin.readAnswer(ask, signal);
  if (isAsked) host.stderr.write('\n');
  if (line === undefined) return refuse('no question can be asked here', isAsked ? [] : asked.split('\n'));
  return answerOf(line) ?? refuse('the line read from standard input is neither yes nor no');
}

const answerOf = (line: string | undefined): boolean | undefined =>
  /^(?:y|yes|n|no)$/i.test(line ?? '') ? /^y/i.test(line ?? '') : undefined;

function refuse(reason: string, details: readonly string[] = []): never {
  throw new CliError('usage', `\`--yes\` is required: ${reason}`, {
    code: 'usage.confirmation',
    details,
    hint: 'add `--yes`, or pipe the answer in: `echo y | chainctl …`',
  });
}
