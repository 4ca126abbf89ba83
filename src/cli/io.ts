// stdout is the answer, stderr the conversation. Promises: no colour code, question or warning reaches a pipe on stdout,
// and text from the network is stripped of control characters before a terminal sees it.

import type { Host } from '../host.ts';

export interface Io {
  /** Prompts are possible: stdin and stderr are terminals, no `--yes`, not CI. */
  readonly interactive: boolean;
  /** A line of stdin may hold the answer to a yes/no question: it is a pipe, or a terminal too dumb for prompts. */
  readonly canAnswer: boolean;
  readonly outIsTty: boolean;
  readonly width: number;
  /** Colour functions for stdout and for stderr, plain where colour is off. */
  readonly outStyle: Style;
  readonly errStyle: Style;
  /** Writes to stdout, as is. */
  out(text: string): void;
  /** Writes one line to stderr; control characters in it are neutralised, colours of `errStyle` stay. */
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
  const errColours = colours(host.stderr.isTty);
  const errStyle = createStyle(errColours);
  const isTerminal = host.stdin.isTty && host.stderr.isTty && !isCi(host);
  return {
    interactive: isTerminal && !options.assumeYes && host.env['TERM'] !== 'dumb',
    canAnswer: !host.stdin.isTty || isTerminal,
    outIsTty: host.stdout.isTty,
    width: host.stdout.columns,
    outStyle: createStyle(colours(host.stdout.isTty)),
    errStyle,
    out: (text) => host.stdout.write(text),
    note: (line) => {
      if (!options.silent()) host.stderr.write(`${harmless(line, errColours)}\n`);
    },
    warn: (line) => host.stderr.write(`${errStyle.yellow('warning:')} ${harmless(line, errColours)}\n`),
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

// C0 and C1 controls, which carry every terminal escape, and the bidirectional overrides, which can make a row read as
// something else.
const dangerous = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Makes foreign text safe to print on one line: dangerous characters are replaced, line ends become blanks. */
export function printable(text: string): string {
  return text.replace(/[\r\n\t]+/g, ' ').replace(dangerous, '\ufffd');
}

/** The same for text of several lines: its line ends and tabs stay. */
export function printableLines(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replace(dangerous, (found) => (found === '\n' || found === '\t' ? found : '\ufffd'));
}

/** JSON that a terminal takes for nothing else. JSON itself leaves C1 controls and bidirectional overrides as they are. */
export function printableJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, undefined, indent);
  return text.replace(dangerous, (found) =>
    found === '\n' ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Like `printableLines`, but for our own colours. */
function harmless(text: string, coloured: boolean): string {
  const parts = text.split(/(\u001b\[[0-9;]*m)/);
  return parts.map((part, at) => (at % 2 === 0 ? printableLines(part) : coloured ? part : '')).join('');
}
