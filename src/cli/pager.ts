// Output of more than a screen, shown a screen at a time. Guarantees: only on a terminal, only what does not fit, and what fits is
// written as ever; loaded on a terminal only.

import type { Config } from '../config/load.ts';
import type { Host, PagerProcess } from '../host.ts';
import { isTrue } from './inputs/is-true.ts';
import type { Waiting } from './waiting.ts';
import { displayWidth } from './width.ts';

export interface Pager {
  write(text: string): void;
  /** Writes what was kept back, and waits until a person has left the pager. */
  end(): Promise<void>;
}

/**
 * The program to show long output with, or undefined for none: CHAINCTL_PAGER, where an empty one is none, unless
 * `default.pager` is off, then PAGER, then less.
 */
export function pagerCommand(
  { env, stdout, platform }: Host,
  config: Pick<Config, 'isOn'> | undefined,
): string | undefined {
  if (!stdout.isTty || env['TERM'] === 'dumb' || isTrue(env['ACCESSIBLE'])) return undefined;
  const own = env['CHAINCTL_PAGER'];
  const wanted = own ?? (config?.isOn('default.pager') === false ? '' : env['PAGER'] || usual(platform));
  // Some say so that they want none.
  return wanted.trim() === '' || wanted.trim() === 'cat' ? undefined : wanted;
}

const usual = (platform: NodeJS.Platform): string => (platform === 'win32' ? '' : 'less');

/** `waiting` gives way: its line would be drawn over the pager's screen. */
export function createPager(host: Host, command: string, waiting?: Pick<Waiting, 'clear' | 'stop'>): Pager {
  const { stdout } = host;
  let kept: string[] = [];
  let rows = 0;
  let program: PagerProcess | undefined;
  let isDirect = false;
  const flush = (to: { write(text: string): void }) => {
    const text = kept.join('');
    kept = [];
    if (text !== '') to.write(text);
  };
  return {
    write(text) {
      if (program !== undefined) return program.write(text);
      if (isDirect) {
        waiting?.clear();
        return stdout.write(text);
      }
      kept.push(text);
      rows += rowsOf(text, stdout.columns);
      // The prompt takes one.
      if (rows < stdout.rows) return;
      waiting?.stop();
      program = host.openPager(command);
      isDirect = program === undefined;
      flush(program ?? stdout);
    },
    async end() {
      waiting?.clear();
      flush(stdout);
      await program?.end();
    },
  };
}

/** Writes a text, a screen at a time where it takes more. */
export async function page(host: Host, text: string): Promise<void> {
  if (rowsOf(text, host.stdout.columns) < host.stdout.rows) return host.stdout.write(text);
  const command = pagerCommand(host, await configOf(host));
  if (command === undefined) return host.stdout.write(text);
  const pager = createPager(host, command);
  pager.write(text);
  await pager.end();
}

/** The configuration, or undefined where it is broken: help is there for whoever has broken it, too. */
export async function configOf(host: Host): Promise<Config | undefined> {
  try {
    const { loadConfig } = await import('../config/load.ts');
    return await loadConfig(host);
  } catch {
    return undefined;
  }
}

/** Rows of the terminal that a text takes, which breaks what is wider. */
function rowsOf(text: string, columns: number): number {
  const lines = text.split('\n');
  const whole = lines.at(-1) === '' ? lines.slice(0, -1) : lines;
  return whole.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
}

const widthOf = (line: string): number => displayWidth(line.replaceAll(/\u001b\[[0-9;]*m/g, ''));
