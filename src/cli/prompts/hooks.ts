// Shared code of every question on a terminal. Guarantees: every way out of a question ends it, and neither Ctrl-Z nor
// a window of another size leaves rows behind.

import { useEffect, useRef, useState } from '@inquirer/core';
import { CliError } from '../../errors.ts';
import { displayWidth } from '../width.ts';

export const showCursor = '\u001b[?25h';
const eraseBelow = '\u001b[J';
const up = (rows: number) => (rows > 0 ? `\u001b[${rows}A` : '');

/** Calls `done` when the terminal has no more input: Ctrl-D, or a connection that went away. */
export function useEndOfInput(done: () => void): void {
  useEffect((readline) => {
    readline.on('close', done);
  }, []);
}

/** Rows drawn below the line of the cursor, as the effects of a later moment need them. */
export interface Below {
  current: number;
}

export const useBelow = (): Below => useRef(0);

/** Erases what is drawn below the cursor. Drawing erases as many rows as were drawn; they must not be the shell's. */
const makeRoom = ({ current }: Below) => `${eraseBelow}${'\n'.repeat(current)}${up(current)}`;

/**
 * Ctrl-Z leaves a clean terminal to the shell, and `fg` asks again below what was written meanwhile. Left to readline,
 * the program would come back with its input paused, and end.
 */
export function useSuspension(below: Below): void {
  const [, redraw] = useState(0);
  useEffect((readline) => {
    let times = 0;
    readline.on('SIGTSTP', () => {
      process.stderr.write(`\n${eraseBelow}${showCursor}`);
      process.stdin.setRawMode(false);
      const goOn = () => {
        clearTimeout(unstopped);
        process.off('SIGCONT', goOn);
        process.stdin.setRawMode(true);
        process.stderr.write(makeRoom(below));
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

/** Lines drawn last, up to the cursor, and the width of the terminal then. */
export interface Drawn {
  current: { readonly content: string; readonly columns: number };
}

export const useDrawn = (): Drawn => useRef({ content: '', columns: 80 });

/** Columns and rows of the terminal; changes when its window does, and then what was drawn is drawn anew. */
export function useTerminalSize(below: Below, drawn: Drawn): { readonly columns: number; readonly rows: number } {
  const now = () => ({ columns: process.stderr.columns || 80, rows: process.stderr.rows || 24 });
  const [size, setSize] = useState(now);
  useEffect(() => {
    const changed = () => {
      const { content, columns } = drawn.current;
      const next = now();
      // The terminal has broken rows that are too long for it by now into several, and drawing does not know of them.
      const rows = rowsOf(content, columns, next.columns);
      const erased = rowsOf(content, columns, columns);
      process.stderr.write(`${up(rows - 1)}\r${eraseBelow}${'\n'.repeat(erased - 1)}${makeRoom(below)}`);
      setSize(next);
    };
    process.stderr.on('resize', changed);
    return () => process.stderr.off('resize', changed);
  }, []);
  return size;
}

/** Rows that a text takes which was drawn, and broken, for a terminal of `drawnAt` columns, on one of `columns`. */
export function rowsOf(text: string, drawnAt: number, columns: number): number {
  const lines = text.split('\n').map(displayWidth);
  const rows = lines.map((width) => {
    const [full, rest] = [Math.floor(width / drawnAt), width % drawnAt];
    return full * Math.ceil(drawnAt / columns) + (full === 0 || rest > 0 ? Math.max(1, Math.ceil(rest / columns)) : 0);
  });
  const last = lines.at(-1) ?? 0;
  // The cursor behind a full row stands on a row of its own.
  return rows.reduce((sum, count) => sum + count, 0) + (last > 0 && last % drawnAt === 0 ? 1 : 0);
}

export const streams = (signal: AbortSignal) => ({ input: process.stdin, output: process.stderr, signal });

export const cancelled = () => new CliError('cancelled', 'Cancelled', { code: 'cancelled' });

/** Ctrl-C and an aborted signal both end a prompt; the library reports each with an error of its own name. */
export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && (error.name === 'ExitPromptError' || error.name === 'AbortPromptError')) {
      throw cancelled();
    }
    throw error;
  }
}
