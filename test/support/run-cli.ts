import { closeTransport } from '../../src/api/transport.ts';
import type { AnyCommand } from '../../src/cli/define.ts';
import { createIo } from '../../src/cli/io.ts';
import { runCommand } from '../../src/cli/pipeline.ts';
import { runProgram } from '../../src/cli/program.ts';
import type { Prompter } from '../../src/cli/prompts/prompter.ts';
import { createPrompter } from '../../src/cli/prompts/prompter.ts';
import type { Candidate } from '../../src/cli/prompts/question.ts';
import { reportError } from '../../src/cli/report.ts';
import { CliError, Ending } from '../../src/errors.ts';
import { type FakeHost, type FakeHostOptions, fakeHost } from './fake-host.ts';
import { refusePrintedSecrets } from './secrets.ts';

export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly host: FakeHost;
  /** The questions that were put to the scripted person, in order. */
  readonly asked: readonly string[];
  /** Why the question stood again, for each text that was not taken. */
  readonly refused: readonly string[];
  /** What stood in the line already, for each question for a text that was answered. */
  readonly shown: readonly string[];
}

/**
 * What a scripted person answers, in order: a row's text for pickers, true/false for yes/no, a line of text; or a function
 * that gives one of these once something else has happened while the question stood.
 */
export type Answer = PlainAnswer | (() => Promise<PlainAnswer>);
type PlainAnswer = string | boolean | readonly string[];

export interface CliOptions extends Omit<FakeHostOptions, 'argv'> {
  readonly answers?: readonly Answer[];
  /** Ctrl-C. */
  readonly signal?: AbortSignal;
}

/** Runs one command line in this process, with everything outside it faked but the network and the file system. */
export function runCli(argv: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  return run(argv, options, runProgram);
}

/** The same for a command that the program does not have; `argv` are the words after its path. */
export function runDefinition(
  definition: AnyCommand,
  argv: readonly string[],
  options: CliOptions = {},
): Promise<CliRun> {
  return run(argv, options, (host, signal, parts) => runCommand(definition, argv, host, signal, parts));
}

async function run(
  argv: readonly string[],
  { answers, signal, ...hostOptions }: CliOptions,
  work: typeof runProgram,
): Promise<CliRun> {
  const host = fakeHost({ ...hostOptions, argv });
  // On a terminal nobody is there to type but the script.
  const script = answers === undefined && !hostOptions.tty ? undefined : scripted(answers ?? [], host);
  const controller = new AbortController();
  let code = 0;
  try {
    await work(host, signal ?? controller.signal, script === undefined ? {} : { prompter: script.prompter });
    script?.finished();
  } catch (error) {
    if (!(error instanceof CliError || error instanceof Ending))
      host.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    code = reportError(error, host);
  } finally {
    await closeTransport(host);
  }
  const { text: out } = host.stdout;
  const { text: err } = host.stderr;
  refusePrintedSecrets({ command: ['chainctl', ...argv].join(' '), out, err });
  return {
    code,
    out,
    err,
    host,
    asked: script?.asked ?? [],
    refused: script?.refused ?? [],
    shown: script?.shown ?? [],
  };
}

interface Script {
  readonly prompter: Prompter;
  readonly asked: readonly string[];
  readonly refused: readonly string[];
  readonly shown: readonly string[];
  finished(): void;
}

/** Fails on a question nobody scripted and on an answer nobody asked for. */
function scripted(answers: readonly Answer[], host: FakeHost): Script {
  const left = [...answers];
  const asked: string[] = [];
  const refused: string[] = [];
  const shown: string[] = [];
  const next = async (question: string): Promise<PlainAnswer> => {
    asked.push(question);
    const answer = left.shift();
    if (answer === undefined) throw new Error(`nobody scripted an answer to: ${question}`);
    return typeof answer === 'function' ? answer() : answer;
  };
  const row = <V>(message: string, candidates: readonly Candidate<V>[], text: string): Candidate<V> => {
    const found = candidates.find((candidate) => candidate.label === text || candidate.text === text);
    if (found === undefined) {
      throw new Error(`"${text}" is not among ${candidates.map((one) => one.label).join(', ')} for: ${message}`);
    }
    return found;
  };
  const real = createPrompter(
    host,
    createIo(host, { forceColor: false, silent: () => false, assumeYes: false }),
    new AbortController().signal,
  );
  const text: Prompter['text'] = async (message, validate, options) => {
    const answer = String(await next(message));
    const problem = await validate(answer);
    if (problem === undefined) {
      shown.push(options?.initial ?? '');
      return answer;
    }
    // As a terminal does: the reason, and the question again.
    refused.push(problem);
    return text(message, validate, options);
  };
  return {
    asked,
    refused,
    shown,
    prompter: {
      ...real,
      confirm: async (question) => {
        const answer = await next(question.message);
        if (typeof answer !== 'boolean') throw new Error(`a yes or no was asked: ${question.message}`);
        return answer;
      },
      pick: async (message, candidates) => row(message, candidates, String(await next(message))),
      pickMany: async (message, candidates) => {
        const answer = await next(message);
        return (Array.isArray(answer) ? answer : [String(answer)]).map((text) =>
          row(message, candidates, String(text)),
        );
      },
      text,
    },
    finished() {
      if (left.length > 0) throw new Error(`answers nobody asked for: ${JSON.stringify(left)}`);
    },
  };
}
