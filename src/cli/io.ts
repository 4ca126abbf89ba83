// stdout is the answer, stderr the conversation. Promises: no colour code, question or warning reaches a pipe on stdout,
// and text from the network is stripped of control characters before a terminal sees it.

import type { Host } from '../host.ts';

export interface Io {
  /** Prompts are possible: stdin and stderr are terminals, no `--yes`, not CI. */
  readonly interactive: boolean;
  readonly outIsTty: boolean;
  readonly width: number;
  /** Colour functions for stdout and for stderr, plain where colour is off. */
  readonly outStyle: Style;
  readonly errStyle: Style;
  /** Writes to stdout, as is. */
  out(text: string): void;
  /** Writes one line to stderr. */
  note(line: string): void;
  warn(line: string): void;
}

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

export interface IoOptions {
  readonly forceColor: boolean;
  /** `output.silent`: informational lines are left out; warnings stay. */
  readonly silent: () => boolean;
  readonly assumeYes: boolean;
}

export function createIo(host: Host, options: IoOptions): Io {
  const colours = (isTty: boolean) => {
    if (options.forceColor) return true;
    // https://no-color.org: any non-empty value switches colour off.
    if (host.env['NO_COLOR'] || host.env['TERM'] === 'dumb') return false;
    return isTty;
  };
  const errStyle = createStyle(colours(host.stderr.isTty));
  return {
    interactive:
      host.stdin.isTty && host.stderr.isTty && !options.assumeYes && !isCi(host) && host.env['TERM'] !== 'dumb',
    outIsTty: host.stdout.isTty,
    width: host.stdout.columns,
    outStyle: createStyle(colours(host.stdout.isTty)),
    errStyle,
    out: (text) => host.stdout.write(text),
    note: (line) => {
      if (!options.silent()) host.stderr.write(`${line}\n`);
    },
    warn: (line) => host.stderr.write(`${errStyle.yellow('warning:')} ${line}\n`),
  };
}

export function isCi(host: Host): boolean {
  const value = host.env['CI'];
  return value !== undefined && value !== '' && value !== '0' && value !== 'false';
}

function createStyle(enabled: boolean): Style {
  const paint = (open: number, close: number) => (text: string) =>
    enabled ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
  };
}

/**
 * Makes foreign text safe to print: C0 and C1 controls, which carry every terminal escape, and the bidirectional
 * overrides, which can make a row read as something else, become the replacement character; line ends become blanks.
 */
export function printable(text: string): string {
  return text.replace(/[\r\n\t]+/g, ' ').replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}
