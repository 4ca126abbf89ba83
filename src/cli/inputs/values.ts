// Kinds of plain values. Guarantees: `parse` throws an Error whose message completes "`--flag` …" and never shows the
// value of a secret.

import { parseDuration } from '../../duration.ts';
import { isTrue } from './is-true.ts';
import type { Kind } from './kind.ts';

export const string: Kind<string> = { metavar: 'STRING', parse: (text) => text };

/** A string under another name in usage lines. */
export const named = (metavar: string): Kind<string> => ({ metavar, parse: (text) => text });

/** A credential, or the path of a file that holds one. */
export const secret = (metavar: string): Kind<string> => ({ metavar, secret: true, parse: (text) => text });

/** Comma list or repeated. */
export const strings = (metavar = 'STRING'): Kind<string> => ({ metavar, splitsCommas: true, parse: (text) => text });

export const boolean: Kind<boolean> & { readonly boolean: true } = {
  metavar: '',
  boolean: true,
  parse: (text) => {
    // The spellings of Go's strconv.ParseBool, which scripts use.
    if (isTrue(text)) return true;
    if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false;
    throw new Error('must be true or false');
  },
};

export const integer: Kind<number> = {
  metavar: 'N',
  parse: (text) => {
    if (!/^[0-9]{1,9}$/.test(text)) throw new Error('must be a whole number');
    return Number(text);
  },
};

export function choice<const C extends string>(...choices: readonly C[]): Kind<C> {
  return {
    metavar: choices.join('|'),
    choices,
    parse: (text) => {
      const found = choices.find((one) => one === text);
      if (found === undefined) throw new Error(`must be one of ${choices.join(', ')}`);
      return found;
    },
  };
}

/** Milliseconds. */
export function duration(limits: { readonly min?: number; readonly max?: number } = {}): Kind<number> {
  return {
    metavar: 'DURATION',
    parse: (text) => {
      const ms = parseDuration(text);
      if (ms === undefined) throw new Error('must be a duration such as "24h" or "90m"');
      if (limits.min !== undefined && ms < limits.min)
        throw new Error(`must be at least ${formatDuration(limits.min)}`);
      if (limits.max !== undefined && ms > limits.max) throw new Error(`must be at most ${formatDuration(limits.max)}`);
      return ms;
    },
  };
}

/** Whole hours read `24h`, the rest as Go prints it without zero parts. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1000;
  return [hours ? `${hours}h` : '', minutes ? `${minutes}m` : '', seconds ? `${seconds}s` : ''].join('') || '0s';
}

/** A day (`yyyy-mm-dd`, its end in UTC is not implied: midnight at its start) or an RFC 3339 time. Milliseconds. */
export const date: Kind<number> = {
  metavar: 'YYYY-MM-DD',
  parse: (text) => {
    const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
    const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(text);
    const ms = isDay || isTime ? Date.parse(isDay ? `${text}T00:00:00Z` : text) : Number.NaN;
    if (Number.isNaN(ms) || !isCalendarDay(text.slice(0, 10))) {
      throw new Error('must be a date such as "2026-12-31" or an RFC 3339 time');
    }
    return ms;
  },
};

/** Date.parse rolls 2026-02-31 over to March; a person who typed it meant something else. */
function isCalendarDay(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}

/** `key=value`, split at the first `=`. */
export const keyValue: Kind<readonly [string, string]> = {
  metavar: 'KEY=VALUE',
  parse: (text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new Error('must be KEY=VALUE');
    return [text.slice(0, at), text.slice(at + 1)] as const;
  },
};

/** A path as typed; whether it exists is the command's business. */
export const file: Kind<string> = {
  metavar: 'FILE',
  parse: (text) => {
    if (text === '') throw new Error('must name a file');
    return text;
  },
};
