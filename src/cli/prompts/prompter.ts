// Questions to a person. Promises: a question goes to stderr and reads the terminal; nothing else ever reads stdin.

import { CliError } from '../../errors.ts';
import type { Host } from '../../host.ts';
import type { Candidate, Question } from '../define.ts';
import { type Io, printableLines } from '../io.ts';

export interface Prompter {
  /** A yes/no question; takes one line from a pipe when stdin is not a terminal. */
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
      host.stderr.write(`${printableLines(question.message)} ${question.default ? '[Y,n]' : '[y,N]'}: `);
      const line = io.canAnswer ? await host.stdin.readLine(signal) : undefined;
      host.stderr.write('\n');
      const answer = line?.trim().toLowerCase() ?? '';
      if (answer === '') {
        if (question.default) return true;
        throw new CliError('usage', '`--yes` is required when nobody can be asked', {
          code: 'usage.confirmation',
          hint: 'add `--yes`, or pipe the answer in: `echo y | chainctl …`',
        });
      }
      return answer === 'y' || answer === 'yes';
    },
    pick: async (message, candidates) => (await terminal()).pick(message, candidates, io, signal),
    pickMany: async (message, candidates) => (await terminal()).pickMany(message, candidates, io, signal),
    text: async (message, validate, options = {}) => (await terminal()).text(message, validate, options, signal),
  };
}
