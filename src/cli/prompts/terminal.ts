// The questions on a real terminal. Loaded with the first question only, because it costs what the rest of a command
// does. Guarantees: no row is wider than the terminal, and every way out of a question ends it: Enter, q, Ctrl-C, Ctrl-D.
// Ctrl-Z interrupts it only.

import { createPrompt, isEnterKey, useEffect, useKeypress, useRef, useState } from '@inquirer/core';
import { CliError } from '../../errors.ts';
import type { Candidate, Question } from '../define.ts';
import { type Io, printable, printableLines } from '../io.ts';
import { cut, displayWidth } from '../width.ts';
import type { TextOptions } from './prompter.ts';

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

const hideCursor = '\u001b[?25l';
const showCursor = '\u001b[?25h';

/** Calls `done` when the terminal has no more input: Ctrl-D, or a connection that went away. */
function useEndOfInput(done: () => void): void {
  useEffect((readline) => {
    readline.on('close', done);
  }, []);
}

const eraseBelow = '\u001b[J';
const up = (rows: number) => (rows > 0 ? `\u001b[${rows}A` : '');

/**
 * Ctrl-Z leaves a clean terminal to the shell, and `fg` asks again below what was written meanwhile. Left to readline,
 * the program would come back with its input paused, and end.
 */
function useSuspension(rowsBelow: number): void {
  const [, redraw] = useState(0);
  const below = useRef(0);
  below.current = rowsBelow;
  useEffect((readline) => {
    let times = 0;
    readline.on('SIGTSTP', () => {
      process.stderr.write(`\n${eraseBelow}${showCursor}`);
      process.stdin.setRawMode(false);
      const goOn = () => {
        clearTimeout(unstopped);
        process.off('SIGCONT', goOn);
        process.stdin.setRawMode(true);
        // Drawing erases as many rows as are drawn; they must not be the shell's.
        process.stderr.write('\n'.repeat(below.current) + up(below.current));
        times += 1;
        redraw(times);
      };
      process.on('SIGCONT', goOn);
      process.kill(process.pid, 'SIGTSTP');
      // Without a shell above, as under `ssh -t host chainctl`, the kernel stops nobody, and nobody would say to go on.
      const unstopped = setTimeout(goOn, 200);
    });
  }, []);
}

/** Columns and rows of the terminal; changes when its window does. */
function useTerminalSize(): { readonly columns: number; readonly rows: number } {
  const now = () => ({ columns: process.stderr.columns || 80, rows: process.stderr.rows || 24 });
  const [size, setSize] = useState(now);
  useEffect(() => {
    const changed = () => setSize(now());
    process.stderr.on('resize', changed);
    return () => process.stderr.off('resize', changed);
  }, []);
  return size;
}

/** Row numbers picked, or undefined after `q`. */
const picker = createPrompt<readonly number[] | undefined, PickerConfig>((config, done) => {
  const { io, rows, many } = config;
  const size = useTerminalSize();
  const [active, setActive] = useState(0);
  const [filter, setFilter] = useState<string | undefined>(undefined);
  /** Keys are text for the filter rather than orders. */
  const [isTyping, setIsTyping] = useState(false);
  const [showHelp, setShowHelp] = useState(false);
  const [ticked, setTicked] = useState<readonly number[]>([]);
  useEndOfInput(() => done(undefined));

  const shown = rows.flatMap((row, index) => (row.search.includes((filter ?? '').toLowerCase()) ? [index] : []));
  const headRows = Math.ceil(displayWidth(config.message) / size.columns);
  // Room for the question, the dots, the keys and the blank lines between them; in a low window for the rows alone.
  const isLow = size.rows < headRows + 9;
  const pageSize = isLow ? Math.max(1, size.rows - headRows - 1) : Math.max(3, Math.min(10, size.rows - headRows - 7));
  const move = (by: number) => setActive(Math.max(0, Math.min(shown.length - 1, active + by)));

  useKeypress((key, readline) => {
    const typed = keyText(key);
    if (isEnterKey(key)) {
      const row = shown[active];
      if (many && isTyping) setIsTyping(false);
      else if (ticked.length > 0) done([...ticked].sort((a, b) => a - b));
      // Enter without a tick takes the row under the cursor: what a person who ticked nothing meant.
      else if (row !== undefined) done([row]);
      // Enter has emptied the line editor, which holds the filter.
      else readline.write(filter ?? '');
      return;
    }
    if (key.name === 'up' || (!isTyping && typed === 'k')) move(-1);
    else if (key.name === 'down' || (!isTyping && typed === 'j')) move(1);
    else if (key.name === 'pageup') move(-pageSize);
    else if (key.name === 'pagedown') move(pageSize);
    else if (key.name === 'escape' && filter !== undefined) {
      setFilter(undefined);
      setIsTyping(false);
      setActive(0);
    } else if (isTyping) {
      if (readline.line !== filter) {
        setFilter(readline.line);
        setActive(0);
      }
    } else if (many && typed === ' ') {
      const row = shown[active];
      if (row !== undefined) setTicked(ticked.includes(row) ? ticked.filter((one) => one !== row) : [...ticked, row]);
    } else if (typed === 'q' || key.name === 'escape') {
      done(undefined);
      return;
    } else if (typed === '/') {
      setFilter('');
      setIsTyping(true);
      setActive(0);
    } else if (typed === '?') setShowHelp(!showHelp);
    // Only a filter is text; any other key must not wait in the line editor until there is one.
    if (!isTyping || key.name === 'escape') readline.clearLine(0);
  });

  const room = size.columns - 1;
  const page = Math.floor(active / pageSize);
  const lines = shown.slice(page * pageSize, (page + 1) * pageSize).map((index) => {
    const isActive = index === shown[active];
    const box = many ? (ticked.includes(index) ? '[x] ' : '[ ] ') : '';
    const line = cut(`${isActive ? '  > ' : '    '}${box}${rows[index]?.text}`, room);
    return isActive ? io.errStyle.cyan(line) : line;
  });
  if (shown.length === 0) lines.push(io.errStyle.dim('    nothing matches'));
  const pages = Math.ceil(shown.length / pageSize);
  if (pages > 1 && !isLow) lines.push('', io.errStyle.dim(cut(dots(page, pages), room)));

  const keys = isTyping
    ? [many ? 'enter goes to the rows' : 'enter picks', 'escape ends the filter']
    : [
        many ? 'space ticks, enter confirms' : 'enter picks',
        filter === undefined ? '/ filters' : 'escape ends the filter',
        'q quits',
        showHelp ? '? less help' : '? more help',
      ];
  if (!isLow) lines.push('', io.errStyle.dim(cut(`  ${keys.join(', ')}`, room)));
  if (showHelp && !isTyping && !isLow)
    lines.push(io.errStyle.dim(cut('  up/k and down/j move, page up and down turn pages', room)));
  useSuspension(lines.length + 1);
  const head = io.errStyle.bold(config.message);
  return [
    isTyping ? `${head}  ${showCursor}/${filter}` : `${head}${filter === undefined ? '' : `  /${filter}`}${hideCursor}`,
    `${isLow ? '' : '\n'}${lines.join('\n')}`,
  ];
});

const dots = (page: number, pages: number) =>
  pages > 20 ? `    page ${page + 1} of ${pages}` : `    ${'·'.repeat(page)}•${'·'.repeat(pages - page - 1)}`;

function keyText(key: object): string {
  // readline's key event carries the typed character as `sequence`; the library's type leaves it out.
  return (key as { sequence?: string }).sequence ?? '';
}

export async function confirm(question: Question, signal: AbortSignal): Promise<boolean> {
  const suffix = question.default ? '[Y,n]' : '[y,N]';
  const wrong = (text: string) => (/^(y|yes|n|no|)$/i.test(text) ? undefined : 'Answer y or n');
  const answer = (await text(`${question.message} ${suffix}:`, wrong, {}, signal)).toLowerCase();
  return answer === '' ? question.default : answer.startsWith('y');
}

export async function pick<V>(
  message: string,
  candidates: readonly Candidate<V>[],
  io: Io,
  signal: AbortSignal,
): Promise<Candidate<V>> {
  const [picked] = await choose(message, candidates, false, io, signal);
  if (picked === undefined) throw cancelled();
  return picked;
}

export function pickMany<V>(
  message: string,
  candidates: readonly Candidate<V>[],
  io: Io,
  signal: AbortSignal,
): Promise<readonly Candidate<V>[]> {
  return choose(message, candidates, true, io, signal);
}

async function choose<V>(
  message: string,
  candidates: readonly Candidate<V>[],
  many: boolean,
  io: Io,
  signal: AbortSignal,
): Promise<readonly Candidate<V>[]> {
  const branches = branchesOf(candidates);
  const rows = candidates.map((candidate, index) => {
    const words = `[${printable(candidate.label)}] ${printable(candidate.description ?? '')}`.trimEnd();
    return { text: `${branches[index] ?? ''}${words}`, search: words.toLowerCase() };
  });
  const config = { message: printable(message), rows, many, io };
  const numbers = await guarded(() => picker(config, { ...streams(signal), clearPromptOnDone: true }));
  if (numbers === undefined) throw cancelled();
  return numbers.flatMap((number) => candidates[number] ?? []);
}

/** `├ ` and `└ ` before each row, from the depths alone. */
function branchesOf(candidates: readonly { readonly depth?: number }[]): string[] {
  const prefixes: string[] = [];
  // Whether a level has a later row is known when coming from the end.
  const open: boolean[] = [];
  for (const { depth = 0 } of [...candidates].reverse()) {
    let prefix = '';
    for (let level = 1; level < depth; level += 1) prefix += open[level] ? '│ ' : '  ';
    if (depth > 0) prefix += open[depth] ? '├ ' : '└ ';
    prefixes.push(prefix);
    open.length = depth + 1;
    open[depth] = true;
  }
  return prefixes.reverse();
}

/** What is wrong with a text, or undefined. */
type Validate = (text: string) => string | undefined;

interface LineConfig {
  readonly message: string;
  readonly validate: Validate;
}

/** The line typed, without blanks around it; undefined at the end of the input. */
const line = createPrompt<string | undefined, LineConfig>((config, done) => {
  const [value, setValue] = useState('');
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  useEndOfInput(() => done(undefined));
  useSuspension(1);
  useKeypress((key, readline) => {
    if (!isEnterKey(key)) {
      setValue(readline.line);
      setWrong(undefined);
      return;
    }
    const problem = config.validate(value.trim());
    if (problem === undefined) {
      done(value.trim());
    } else {
      // Enter has emptied the line editor; put the text back so that it can be mended.
      readline.write(value);
      setWrong(problem);
    }
  });
  return [`${config.message} ${value}`, wrong === undefined ? '' : `  ${wrong}`];
});

export async function text(
  message: string,
  validate: Validate,
  options: TextOptions,
  signal: AbortSignal,
): Promise<string> {
  const asked = printableLines(message);
  const typed = await guarded(() =>
    options.secret ? hidden(asked, validate, signal) : line({ message: asked, validate }, streams(signal)),
  );
  if (typed === undefined) throw cancelled();
  return typed;
}

/** Stars for what is typed. The library notices neither Ctrl-D, which ends the input, nor that Ctrl-Z pauses it. */
async function hidden(message: string, validate: Validate, signal: AbortSignal): Promise<string | undefined> {
  const { password } = await import('@inquirer/prompts');
  let isBack = false;
  const goOn = () => {
    isBack = true;
  };
  let end: () => void = () => {};
  const ended = new Promise<undefined>((resolve) => {
    end = () => resolve(undefined);
  });
  const pressed = (_text: string, { name, ctrl }: { name?: string; ctrl?: boolean }) => {
    if (ctrl === true && name === 'z') process.stderr.write('\n');
  };
  // Node's readline pauses when the shell continues us, and leaves it to others to go on.
  const paused = () =>
    setImmediate(() => {
      if (!isBack) return end();
      isBack = false;
      process.stderr.write(`${message} `);
      process.stdin.resume();
    });
  process.on('SIGCONT', goOn);
  process.stdin.on('keypress', pressed).on('pause', paused);
  const config = {
    message,
    mask: '*',
    theme: { prefix: '' },
    validate: (text: string) => validate(text.trim()) ?? true,
  };
  try {
    return await Promise.race([password(config, streams(signal)).then((text) => text.trim()), ended]);
  } finally {
    process.off('SIGCONT', goOn);
    process.stdin.off('keypress', pressed).off('pause', paused);
  }
}

const streams = (signal: AbortSignal) => ({ input: process.stdin, output: process.stderr, signal });

const cancelled = () => new CliError('cancelled', 'Cancelled', { code: 'cancelled' });

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
