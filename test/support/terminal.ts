// A person at a real terminal: tmux draws it, keys go in, the screen comes out. Guarantees: nothing of it outlives the test.

import { spawnSync } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { type Environment, until } from './program.ts';

export interface Terminal {
  /** Keys by tmux's names (`Enter`, `Down`, `C-c`); anything else is typed as it is. */
  press(...keys: readonly string[]): void;
  /** Types text literally. */
  type(text: string): void;
  /** Returns what the screen shows now, without blank lines at its end. */
  screen(): string;
  /** Waits until the screen shows a text or matches; rejects with the screen otherwise. */
  shows(what: string | RegExp): Promise<string>;
  /** Resolves when programs are told of it: tmux lets a quarter of a second pass between two sizes. */
  resize(columns: number, rows: number): Promise<void>;
}

let terminals = 0;

/** A shell on a terminal of 80 columns and 24 rows. */
export async function openTerminal(env: Environment, folder: string): Promise<Terminal> {
  terminals += 1;
  const server = `chainctl-${process.pid}-${terminals}`;
  const tmux = (...args: string[]): string => {
    const ran = spawnSync('tmux', ['-L', server, '-f', '/dev/null', ...args], {
      cwd: folder,
      env: { ...env, TERM: 'xterm-256color', TMUX_TMPDIR: folder },
      encoding: 'utf8',
    });
    if (ran.error !== undefined) throw ran.error;
    if (ran.status !== 0) throw new Error(`tmux ${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout;
  };
  tmux('-u', 'new-session', '-d', '-x', '80', '-y', '24', '/bin/sh');
  onTestFinished(() => void tmux('kill-server'));

  const terminal: Terminal = {
    press: (...keys) => void tmux('send-keys', ...keys),
    type: (text) => void tmux('send-keys', '-l', text),
    screen: () => tmux('capture-pane', '-p').trimEnd(),
    async shows(what) {
      let screen = '';
      const found = () => {
        screen = terminal.screen();
        return typeof what === 'string' ? screen.includes(what) : what.test(screen);
      };
      try {
        await until(found, `the screen shows ${what}`);
      } catch (error) {
        throw new Error(`${error instanceof Error ? error.message : error}; it shows:\n${screen}`);
      }
      return screen;
    },
    async resize(columns, rows) {
      tmux('resize-window', '-x', String(columns), '-y', String(rows));
      const tty = tmux('display-message', '-p', '#{pane_tty}').trim();
      const size = () => spawnSync('stty', ['-F', tty, 'size'], { encoding: 'utf8' }).stdout.trim();
      await until(() => size() === `${rows} ${columns}`, `the terminal has ${columns} columns and ${rows} rows`);
    },
  };
  await terminal.shows(/^[#$]/m);
  return terminal;
}
