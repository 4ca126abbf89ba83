// Questions to a person. Guarantees: a question goes to stderr and reads the terminal; without one, a yes/no question takes
// an answer that somebody wrote for it, is refused otherwise, and nothing else ever reads stdin.

import { CliError } from '../../errors.ts';
import type { Host } from '../../host.ts';
import type { Candidate, Question } from '../define.ts';
import { type Io, printableLines } from '../io.ts';

export interface Prompter {
  /** A yes/no question. Throws kind `usage` when there is no terminal and stdin holds no answer. */
  confirm(question: Question): Promise<boolean>;
  /** One of several; only called when `io.interactive`. */
  pick<V>(message: string, candidates: readonly Candidate<V>[]): Promise<Candidate<V>>;
  /** Any number of several. */
  pickMany<V>(message: string, candidates: readonly Candidate<V>[]): Promise<readonly Candidate<V>[]>;
  /** A line of text; `validate` returns what is wrong or undefined. */
  text(message: string, validate: (text: string) => string | undefined, options?: TextOptions): Promise<string>;
}

export interface TextOptions {
  /** What is typed does not show. */
  readonly secret?: boolean;
}

export function createPrompter(host: Host, io: Io, signal: AbortSignal): Prompter {
  const terminal = () => import('./terminal.ts');
  return {
    async confirm(question) {
      if (io.interactive) return (await terminal()).confirm(question, signal);
      return confirmPlainly(question, host, io, signal);
    },
    pick: async (message, candidates) => (await terminal()).pick(message, candidates, io, signal),
    pickMany: async (message, candidates) => (await terminal()).pickMany(message, candidates, io, signal),
    text: async (message, validate, options = {}) => (await terminal()).text(message, validate, options, signal),
  };
}

/** Silence, and a line that was meant for somebody else, agree to nothing: neither to a deletion nor to anything new. */
async function confirmPlainly(question: Question, host: Host, io: Io, signal: AbortSignal): Promise<boolean> {
  const asked = printableLines(question.message);
  const ask = () => host.stderr.write(`${asked} ${question.default ? '[Y,n]' : '[y,N]'}: `);
  if (host.stdin.isTty && io.canAnswer) {
    ask();
    const line = (await host.stdin.readLine(signal))?.trim();
    host.stderr.write('\n');
    if (line === '') return question.default;
    return answerOf(line) ?? refuse('the line typed is neither yes nor no');
  }
  let isAsked = false;
  const line = host.stdin.isTty
    ? undefined
    : await host.stdin.readAnswer(() => {
        isAsked = true;
        ask();
      }, signal);
  if (isAsked) host.stderr.write('\n');
  if (line === undefined) return refuse('nobody can be asked', isAsked ? [] : asked.split('\n'));
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
