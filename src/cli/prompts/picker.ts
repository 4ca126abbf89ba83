// Picking from rows. Guarantees: no row is wider than the terminal, typing filters at once with the nearest rows first,
// and what is not ticked is not chosen.

import { createPrompt, isEnterKey, useKeypress, useState } from '@inquirer/core';
import { type Io, printable } from '../io.ts';
import { cut, cutStart, displayWidth } from '../width.ts';
import {
  cancelled,
  guarded,
  streams,
  useBelow,
  useDrawn,
  useEndOfInput,
  useSuspension,
  useTerminalSize,
} from './hooks.ts';
import type { Candidate } from './question.ts';
import { type Ranked, ranked } from './rank.ts';

interface Row extends Ranked {
  /** Before the words, while all rows are there: it shows the tree. */
  readonly branch: string;
}

interface PickerConfig {
  readonly message: string;
  readonly rows: readonly Row[];
  readonly many: boolean;
  /** Enter without a tick is an answer too. */
  readonly optional: boolean;
  readonly io: Io;
}

const hideCursor = '\u001b[?25l';

/** Row numbers picked, or undefined when the person gave up. */
const picker = createPrompt<readonly number[] | undefined, PickerConfig>((config, done) => {
  const { io, rows, many, optional } = config;
  const below = useBelow();
  const drawn = useDrawn();
  const size = useTerminalSize(below, drawn);
  const [active, setActive] = useState(0);
  const [filter, setFilter] = useState('');
  const [ticked, setTicked] = useState<readonly number[]>([]);
  const [problem, setProblem] = useState('');
  useEndOfInput(() => done(undefined));
  useSuspension(below);

  const shown = ranked(rows, filter);
  const headRows = Math.ceil(displayWidth(config.message) / size.columns);
  // Room for the question, the filter, the dots, the keys and the blank lines between; in a low window for the rows
  // alone.
  const isLow = size.rows < headRows + 9;
  const pageSize = isLow ? Math.max(1, size.rows - headRows - 1) : Math.max(3, size.rows - headRows - 7);
  const moveTo = (to: number) => setActive(Math.max(0, Math.min(shown.length - 1, to)));
  const narrow = (text: string) => {
    setFilter(text);
    setActive(0);
  };

  useKeypress((key, readline) => {
    // The filter is kept here: the line editor would take it for a part of the question, and draw both on every key.
    readline.clearLine(0);
    setProblem('');
    const typed = key.ctrl ? '' : keyText(key);
    if (isEnterKey(key)) {
      const row = shown[active];
      if (!many && row !== undefined) done([row]);
      else if (many && (ticked.length > 0 || optional)) done([...ticked].sort((a, b) => a - b));
      else if (many) setProblem('Nothing is ticked: space ticks the row at the cursor');
    } else if (key.name === 'up') moveTo(active - 1);
    else if (key.name === 'down') moveTo(active + 1);
    else if (key.name === 'pageup') moveTo(active - pageSize);
    else if (key.name === 'pagedown') moveTo(active + pageSize);
    else if (key.name === 'home') moveTo(0);
    else if (key.name === 'end') moveTo(shown.length - 1);
    else if (key.name === 'escape') {
      if (filter === '') done(undefined);
      else narrow('');
    } else if (key.name === 'backspace') narrow([...filter].slice(0, -1).join(''));
    else if (key.ctrl && key.name === 'u') narrow('');
    else if (key.ctrl && key.name === 'w') narrow(filter.replace(/\S+\s*$/, ''));
    else if (many && typed === ' ') {
      const row = shown[active];
      if (row !== undefined) setTicked(ticked.includes(row) ? ticked.filter((one) => one !== row) : [...ticked, row]);
    } else if (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u.test(typed) && !(filter === '' && /^[ /]$/.test(typed))) {
      narrow(filter + typed);
    }
  });

  const room = size.columns - 1;
  const page = Math.floor(active / pageSize);
  const lines = shown.slice(page * pageSize, (page + 1) * pageSize).map((index) => {
    const isActive = index === shown[active];
    const box = many ? (ticked.includes(index) ? '[x] ' : '[ ] ') : '';
    const branch = filter === '' ? rows[index]?.branch : '';
    const line = cut(`${isActive ? '  > ' : '    '}${box}${branch}${rows[index]?.text}`, room);
    return isActive ? io.errStyle.cyan(line) : line;
  });
  if (shown.length === 0) lines.push(io.errStyle.dim('    nothing matches'));
  const pages = Math.ceil(shown.length / pageSize);
  if (pages > 1 && !isLow) lines.push('', io.errStyle.dim(cut(dots(page, pages), room)));
  const count = ticked.length > 0 ? ` ${ticked.length}` : '';
  const keys = [
    ...(many ? ['space ticks', `enter confirms${count}`] : ['enter picks']),
    ...(filter === '' ? ['type to filter', 'esc quits'] : ['esc ends the filter']),
  ];
  if (!isLow) {
    const line = problem === '' ? io.errStyle.dim(cut(`  ${keys.join(', ')}`, room)) : cut(`  ${problem}`, room);
    lines.push('', line);
  }
  const head = io.errStyle.bold(config.message);
  // Behind the question while there is room, of a long filter its end.
  const left = room - (displayWidth(config.message) % size.columns) - 3;
  const text = filter === '' || left < 1 ? '' : `  ${cutStart(filter, left)}`;
  const body = `${isLow ? '' : '\n'}${lines.join('\n')}`;
  below.current = body.split('\n').length;
  drawn.current = { content: `${head}${text}`, columns: size.columns };
  return [`${head}${text}${filter === '' ? hideCursor : ''}`, body];
});

const dots = (page: number, pages: number) =>
  pages > 20 ? `    page ${page + 1} of ${pages}` : `    ${'·'.repeat(page)}•${'·'.repeat(pages - page - 1)}`;

function keyText(key: object): string {
  // readline's key event carries the typed character as `sequence`; the library's type leaves it out.
  return (key as { sequence?: string }).sequence ?? '';
}

export async function pick<V>(
  message: string,
  candidates: readonly Candidate<V>[],
  io: Io,
  signal: AbortSignal,
): Promise<Candidate<V>> {
  const [picked] = await choose(message, candidates, { many: false, optional: false }, io, signal);
  if (picked === undefined) throw cancelled();
  return picked;
}

export function pickMany<V>(
  message: string,
  candidates: readonly Candidate<V>[],
  optional: boolean,
  io: Io,
  signal: AbortSignal,
): Promise<readonly Candidate<V>[]> {
  return choose(message, candidates, { many: true, optional }, io, signal);
}

async function choose<V>(
  message: string,
  candidates: readonly Candidate<V>[],
  how: Pick<PickerConfig, 'many' | 'optional'>,
  io: Io,
  signal: AbortSignal,
): Promise<readonly Candidate<V>[]> {
  const branches = branchesOf(candidates);
  const rows = candidates.map((candidate, index) => {
    const label = printable(candidate.label);
    const words = `[${label}] ${printable(candidate.description ?? '')}`.trimEnd();
    return { text: words, label, branch: branches[index] ?? '' };
  });
  const config = { message: printable(message), rows, ...how, io };
  const numbers = await guarded(() => picker(config, { ...streams(signal), clearPromptOnDone: true }));
  if (numbers === undefined) throw cancelled();
  return numbers.flatMap((number) => candidates[number] ?? []);
}

/** `├ ` and `└ ` before each row, from the depths alone. */
function branchesOf(candidates: readonly { readonly depth?: number }[]): string[] {
  const prefixes: string[] = [];
  // Walking from the end tells whether a level has a later row.
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
