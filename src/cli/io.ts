// stdout is the answer, stderr the conversation. Guarantees: no color code, question or warning reaches a pipe on stdout,
// and text from the network is stripped of control characters before a terminal sees it.

import type { Host } from '../host.ts';
import { isTrue } from './inputs/is-true.ts';
import { createStyle, hasColors, type Palette, type Style } from './style.ts';

export type { Style } from './style.ts';

export interface Io {
  /** Prompts are possible: stdin and stderr are terminals, no `--yes`, not CI. */
  readonly interactive: boolean;
  /** Prompts are lines and numbers: the terminal cannot draw (TERM=dumb), or somebody reads it otherwise (ACCESSIBLE=1). */
  readonly plain: boolean;
  readonly outIsTty: boolean;
  readonly width: number;
  /** Color functions for stdout and for stderr, plain where color is off. */
  readonly outStyle: Style;
  readonly errStyle: Style;
  /** Writes to stdout, as is. */
  out(text: string): void;
  /** Writes one line to stderr; control characters in it are neutralized, colors of `errStyle` stay. */
  note(line: string): void;
  warn(line: string): void;
}

export interface IoOptions {
  readonly forceColor: boolean;
  /** `output.silent`: informational lines are left out; warnings stay. */
  readonly silent: () => boolean;
  readonly assumeYes: boolean;
  /** The colors of states that a person chose. */
  readonly palette?: Palette;
}

export function createIo(host: Host, options: IoOptions): Io {
  const outColors = hasColors(host, host.stdout.isTty, options.forceColor);
  const errColors = hasColors(host, host.stderr.isTty, options.forceColor);
  const errStyle = createStyle(errColors, host.env, options.palette);
  const isTerminal = host.stdin.isTty && host.stderr.isTty && !isCi(host);
  return {
    interactive: isTerminal && !options.assumeYes,
    plain: host.env['TERM'] === 'dumb' || isTrue(host.env['ACCESSIBLE']),
    outIsTty: host.stdout.isTty,
    width: host.stdout.columns,
    outStyle: createStyle(outColors, host.env, options.palette),
    errStyle,
    out: (text) => host.stdout.write(text),
    note: (line) => {
      if (!options.silent()) host.stderr.write(`${harmless(line, errColors)}\n`);
    },
    warn: (line) => host.stderr.write(`${errStyle.warn('warning:')} ${harmless(line, errColors)}\n`),
  };
}

/** Writes a whole text, on a terminal a screen at a time where it takes more than one. */
export async function show(host: Host, text: string): Promise<void> {
  if (!host.stdout.isTty) return host.stdout.write(text);
  const { page } = await import('./pager.ts');
  await page(host, text);
}

export function isCi(host: Host): boolean {
  const value = host.env['CI'];
  return value !== undefined && value !== '' && value !== '0' && value !== 'false';
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
  // Most is ASCII, in which JSON leaves one of them as it is; looking at each character takes several times as long.
  if (Buffer.byteLength(text) === text.length && !text.includes('\u007f')) return text;
  return text.replace(dangerous, (found) =>
    found === '\n' ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Like `printableLines`, but for our own colors. */
function harmless(text: string, colored: boolean): string {
  const parts = text.split(/(\u001b\[[0-9;]*m)/);
  return parts.map((part, at) => (at % 2 === 0 ? printableLines(part) : colored ? part : '')).join('');
}
