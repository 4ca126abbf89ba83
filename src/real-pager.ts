// The program that shows long output a screen at a time. Guarantees: Ctrl-C is the pager's while it is there, and a pager that
// was left ends the output quietly, as a reader of a pipe does that goes away.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { PagerProcess } from './host.ts';

/** Returns undefined when there is no such program. `closed` makes what a write throws once the pager was left. */
export function startPager(command: string, closed: () => Error): PagerProcess | undefined {
  const [program = ''] = command.trim().split(/\s+/);
  if (!isThere(program)) return undefined;
  const { spawn } = process.getBuiltinModule('node:child_process');
  // As Git and gh start it: less ends by itself where all of it fits, shows colors and leaves the text on the screen.
  const env = { LESS: 'FRX', LV: '-c', ...process.env };
  const handlers = process.listeners('SIGINT');
  process.removeAllListeners('SIGINT');
  const ignore = () => {};
  process.on('SIGINT', ignore);
  const child = spawn(command, { shell: true, stdio: ['pipe', 'inherit', 'inherit'], env });
  let isOver = false;
  const over = new Promise<void>((resolve) => {
    const end = () => {
      isOver = true;
      process.removeListener('SIGINT', ignore);
      for (const handler of handlers) process.on('SIGINT', handler);
      resolve();
    };
    child.once('close', end);
    child.once('error', end);
  });
  // Whoever has read enough leaves in the middle.
  child.stdin.on('error', () => {});
  return {
    write(text) {
      if (isOver || child.stdin.destroyed) throw closed();
      child.stdin.write(text);
    },
    async end() {
      child.stdin.end();
      await over;
    },
  };
}

function isThere(program: string): boolean {
  if (program.includes('/')) return isExecutable(program);
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => isExecutable(join(folder, program)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
