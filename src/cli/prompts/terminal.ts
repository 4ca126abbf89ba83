// The questions on a real terminal. Loaded with the first question only, because it costs what the rest of a command does.

import {
  createPrompt,
  isDownKey,
  isEnterKey,
  isSpaceKey,
  isUpKey,
  useKeypress,
  useMemo,
  usePagination,
  useState,
} from '@inquirer/core';
import { CliError } from '../../errors.ts';
import type { Candidate, Question } from '../define.ts';
import { type Io, printable } from '../io.ts';

interface Row {
  readonly text: string;
  readonly search: string;
}

interface PickerConfig {
  readonly message: string;
  readonly rows: readonly Row[];
  readonly many: boolean;
  readonly io: Io;
}

const pageSize = 10;

/** Row numbers picked, or undefined after `q`. */
const picker = createPrompt<readonly number[] | undefined, PickerConfig>((config, done) => {
  const { io, rows, many } = config;
  const [active, setActive] = useState(0);
  const [filter, setFilter] = useState('');
  const [filtering, setFiltering] = useState(false);
  const [showHelp, setShowHelp] = useState(false);
  const [ticked, setTicked] = useState<readonly number[]>([]);
  const [finished, setFinished] = useState(false);

  const shown = useMemo(() => {
    const wanted = filter.toLowerCase();
    return rows.map((_, index) => index).filter((index) => rows[index]?.search.includes(wanted));
  }, [filter, rows]);

  useKeypress((key, line) => {
    const name = key.name ?? '';
    if (isEnterKey(key)) {
      const row = shown[active];
      if (many ? ticked.length === 0 && row === undefined : row === undefined) return;
      setFinished(true);
      // Enter without a tick takes the row under the cursor: what a person who ticked nothing meant.
      done(many && ticked.length > 0 ? [...ticked].sort((a, b) => a - b) : row === undefined ? [] : [row]);
      return;
    }
    if (isUpKey(key) || (!filtering && name === 'k')) {
      setActive(Math.max(0, active - 1));
    } else if (isDownKey(key) || (!filtering && name === 'j')) {
      setActive(Math.min(Math.max(0, shown.length - 1), active + 1));
    } else if (filtering) {
      if (name === 'escape') {
        line.clearLine(0);
        setFiltering(false);
        setFilter('');
      } else {
        setFilter(line.line);
        setActive(0);
      }
      return;
    } else if (many && isSpaceKey(key)) {
      const row = shown[active];
      if (row !== undefined) setTicked(ticked.includes(row) ? ticked.filter((one) => one !== row) : [...ticked, row]);
    } else if (name === 'q' || name === 'escape') {
      setFinished(true);
      done(undefined);
      return;
    } else if (keyText(key) === '/') {
      setFiltering(true);
    } else if (keyText(key) === '?') {
      setShowHelp(!showHelp);
    }
    line.clearLine(0);
  });

  const page = usePagination({
    items: shown.length === 0 ? [-1] : [...shown],
    active: Math.min(active, Math.max(0, shown.length - 1)),
    pageSize,
    loop: false,
    renderItem: ({ item, isActive }) => {
      const row = rows[item];
      if (row === undefined) return io.errStyle.dim('    nothing matches');
      const box = many ? (ticked.includes(item) ? '[x] ' : '[ ] ') : '';
      const text = `${isActive ? '  > ' : '    '}${box}${row.text}`;
      return isActive ? io.errStyle.cyan(text) : text;
    },
  });

  if (finished) return '';
  const keys = many
    ? 'up/down move, space ticks, enter confirms, / filters, q quits'
    : showHelp
      ? 'up/k and down/j move, enter picks, / filters, escape ends the filter, q quits'
      : 'enter picks, / filters, q quits, ? more help';
  const head = `${io.errStyle.bold(config.message)}${filtering ? `  /${filter}` : ''}`;
  return [`${head}\n\n${page}`, `\n${io.errStyle.dim(`  ${keys}`)}`];
});

function keyText(key: unknown): string {
  // readline's key event carries the typed character as `sequence`; the library's type leaves it out.
  return (key as { sequence?: string }).sequence ?? '';
}

export async function confirm(question: Question, signal: AbortSignal): Promise<boolean> {
  const suffix = question.default ? '[Y,n]' : '[y,N]';
  const wrong = (text: string) => (/^(y|yes|n|no|)$/i.test(text.trim()) ? undefined : 'Answer y or n');
  const answer = (await text(`${question.message} ${suffix}:`, wrong, signal)).trim().toLowerCase();
  return answer === '' ? question.default : answer.startsWith('y');
}

export async function pick<V>(
  message: string,
  candidates: readonly Candidate<V>[],
  io: Io,
  signal: AbortSignal,
): Promise<Candidate<V>> {
  const picked = (await ask(message, candidates, false, io, signal))[0];
  if (picked === undefined) throw cancelled();
  return picked;
}

export async function pickMany<V>(
  message: string,
  candidates: readonly Candidate<V>[],
  io: Io,
  signal: AbortSignal,
): Promise<readonly Candidate<V>[]> {
  return ask(message, candidates, true, io, signal);
}

async function ask<V>(
  message: string,
  candidates: readonly Candidate<V>[],
  many: boolean,
  io: Io,
  signal: AbortSignal,
): Promise<readonly Candidate<V>[]> {
  const branches = branchesOf(candidates);
  const rows = candidates.map((candidate, index) => {
    const words = [`[${printable(candidate.label)}]`, candidate.description ? printable(candidate.description) : ''];
    return { text: `${branches[index] ?? ''}${words.join(' ')}`.trimEnd(), search: words.join(' ').toLowerCase() };
  });
  const numbers = await guarded(() => picker({ message, rows, many, io }, streams(signal)));
  if (numbers === undefined) throw cancelled();
  return numbers.flatMap((number) => candidates[number] ?? []);
}

/** `├ ` and `└ ` before each row, from the depths alone. */
function branchesOf(candidates: readonly { readonly depth?: number }[]): string[] {
  return candidates.map((candidate, index) => {
    const depth = candidate.depth ?? 0;
    if (depth === 0) return '';
    const hasLaterSibling = (level: number) => {
      for (const later of candidates.slice(index + 1)) {
        if ((later.depth ?? 0) < level) return false;
        if ((later.depth ?? 0) === level) return true;
      }
      return false;
    };
    let prefix = '';
    for (let level = 1; level < depth; level += 1) prefix += hasLaterSibling(level) ? '│ ' : '  ';
    return `${prefix}${hasLaterSibling(depth) ? '├ ' : '└ '}`;
  });
}

const line = createPrompt<string, { message: string; validate: (text: string) => string | undefined }>(
  (config, done) => {
    const [value, setValue] = useState('');
    const [wrong, setWrong] = useState<string | undefined>(undefined);
    const [finished, setFinished] = useState(false);
    useKeypress((key, readline) => {
      if (isEnterKey(key)) {
        const problem = config.validate(value);
        if (problem === undefined) {
          setFinished(true);
          done(value);
        } else {
          // Enter has emptied the line editor; put the text back so that it can be mended.
          readline.write(value);
          setWrong(problem);
        }
      } else {
        setValue(readline.line);
        setWrong(undefined);
      }
    });
    return [`${config.message} ${value}`, finished || wrong === undefined ? '' : `  ${wrong}`];
  },
);

export function text(
  message: string,
  validate: (text: string) => string | undefined,
  signal: AbortSignal,
): Promise<string> {
  return guarded(() => line({ message, validate }, streams(signal)));
}

const streams = (signal: AbortSignal) => ({ input: process.stdin, output: process.stderr, signal });

const cancelled = () => new CliError('cancelled', 'Nothing was chosen', { code: 'cancelled' });

/** Ctrl-C and an aborted signal both end a prompt; the library reports each with an error of its own name. */
async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && (error.name === 'ExitPromptError' || error.name === 'AbortPromptError')) {
      throw cancelled();
    }
    throw error;
  }
}
