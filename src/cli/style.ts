// Colors of a stream. Guarantees: where color is off, every function gives its text back as it is.

import type { Host } from '../host.ts';

export interface Style {
  readonly enabled: boolean;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
  /** Colors of `output.color`: good, worth a look, and wrong. */
  pass(text: string): string;
  warn(text: string): string;
  fail(text: string): string;
}

/** The color a person chose for a state, such as `#ff8800` or `orange`; undefined for the terminal's own. */
export type Palette = (state: 'pass' | 'warn' | 'fail') => string | undefined;

/**
 * Returns whether a stream gets colors: the flag, then `NO_COLOR` (https://no-color.org), then `CLICOLOR_FORCE` and
 * `CLICOLOR` (https://bixense.com/clicolors), then whether it is a terminal that can show them.
 */
export function hasColors({ env }: Pick<Host, 'env'>, isTty: boolean, forceColor: boolean): boolean {
  if (forceColor) return true;
  if (env['NO_COLOR']) return false;
  const forced = env['CLICOLOR_FORCE'];
  if (forced !== undefined && forced !== '' && forced !== '0') return true;
  return isTty && env['TERM'] !== 'dumb' && env['CLICOLOR'] !== '0';
}

export function createStyle(enabled: boolean, env: Host['env'] = {}, palette: Palette = () => undefined): Style {
  const paint = (open: string, close: number) => (text: string) =>
    enabled ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  const state = (name: 'pass' | 'warn' | 'fail', fallback: string) => (text: string) => {
    if (!enabled) return text;
    const chosen = palette(name);
    return paint(chosen === undefined ? fallback : (codeOf(chosen, env) ?? fallback), 39)(text);
  };
  return {
    enabled,
    bold: paint('1', 22),
    dim: paint('2', 22),
    red: paint('31', 39),
    green: paint('32', 39),
    yellow: paint('33', 39),
    cyan: paint('36', 39),
    pass: state('pass', '32'),
    warn: state('warn', '33'),
    fail: state('fail', '31'),
  };
}

const names: Readonly<Record<string, string>> = {
  black: '30',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  magenta: '35',
  purple: '35',
  cyan: '36',
  white: '37',
  gray: '90',
  grey: '90',
  orange: '38;5;214',
};

/** The parameters of the escape sequence that selects a color; undefined for a name that is not known. */
function codeOf(color: string, env: Host['env']): string | undefined {
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(color)?.[1];
  if (digits === undefined) return names[color.toLowerCase()];
  const six = digits.length === 3 ? digits.replace(/./g, '$&$&') : digits;
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => Number.parseInt(six.slice(at, at + 2), 16));
  if (/^(truecolor|24bit)$/.test(env['COLORTERM'] ?? '')) return `38;2;${red};${green};${blue}`;
  // The nearest of the 6 × 6 × 6 colors that a terminal of 256 colors has.
  const step = (value: number) => Math.round((value / 255) * 5);
  return `38;5;${16 + 36 * step(red) + 6 * step(green) + step(blue)}`;
}
