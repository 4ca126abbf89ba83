// Scalar values between the spellings that JSON bodies, queries and Go accept and the one canonical spelling that
// messages hold (semantics 5, "JSON encoding"). A function answers undefined for text that is not such a value.

/** Largest span of a Duration: 10 000 years of seconds. */
const maxSeconds = 315_576_000_000n;
const billion = 1_000_000_000n;

/**
 * What the platform itself writes, which is canonical already; a list has two or three for each item. Years 1000 to 2999 but
 * for leap days; no fraction, or milliseconds that are not zero.
 */
const plainTimestamp =
  /^[12]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.(?!000)\d{3})?Z$/;

/** RFC 3339 in UTC with `Z` and 0, 3, 6 or 9 fraction digits. */
export function canonicalTimestamp(text: string): string | undefined {
  if (plainTimestamp.test(text)) return text;
  const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/.exec(text);
  if (!parts) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = new Date(0);
  // Not Date.UTC: it reads the years 0 to 99 as 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  date.setUTCHours(hour, minute, second);
  if (parts[8] !== undefined) {
    const [hours, minutes] = [Number(parts[9]), Number(parts[10])];
    if (hours > 23 || minutes > 59) return undefined;
    const offset = (hours * 60 + minutes) * 60_000;
    date.setTime(date.getTime() + (parts[8] === '+' ? -offset : offset));
  }
  const years = date.getUTCFullYear();
  if (years < 1 || years > 9999) return undefined;
  return `${date.toISOString().slice(0, 19)}${fraction(parts[7] ?? '')}Z`;
}

/** Seconds with `s` and 0, 3, 6 or 9 fraction digits, from protojson's own form (`604800s`, `0.5s`). */
export function canonicalDuration(text: string): string | undefined {
  const parts = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/.exec(text);
  if (!parts) return undefined;
  const nanos = BigInt(parts[2] ?? '') * billion + BigInt((parts[3] ?? '').padEnd(9, '0'));
  return durationOf(parts[1] === '-' ? -nanos : nanos);
}

const goUnits: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: billion,
  m: 60n * billion,
  h: 3600n * billion,
};

/** The same from Go's form, which queries use: `30m`, `1h15m`, `1.5h`, `-2s`, `0`. */
export function durationFromGo(text: string): string | undefined {
  const parts = /^([-+]?)(0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text);
  if (!parts) return undefined;
  let nanos = 0n;
  for (const [, whole = '', tail = '', unit = ''] of (parts[2] ?? '').matchAll(
    /(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g,
  )) {
    const size = goUnits[unit] ?? 0n;
    nanos += BigInt(whole || '0') * size;
    if (tail) nanos += (BigInt(tail) * size) / 10n ** BigInt(tail.length);
  }
  // Go holds durations in 64 bits of nanoseconds, about 292 years.
  if (nanos >= 2n ** 63n) return undefined;
  return durationOf(parts[1] === '-' ? -nanos : nanos);
}

function durationOf(nanos: bigint): string | undefined {
  const size = nanos < 0n ? -nanos : nanos;
  const seconds = size / billion;
  if (seconds > maxSeconds) return undefined;
  return `${nanos < 0n ? '-' : ''}${seconds}${fraction(String(size % billion).padStart(9, '0'))}s`;
}

/** `.` and 3, 6 or 9 digits, or nothing. */
function fraction(digits: string): string {
  const needed = digits.replace(/0+$/, '');
  return needed === '' ? '' : `.${needed.padEnd(Math.ceil(needed.length / 3) * 3, '0')}`;
}

/** Standard padded base64, from standard or URL-safe text with or without padding. */
export function canonicalBytes(text: string): string | undefined {
  if (!/^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  const canonical = bytes.toString('base64');
  // A length that no bytes encode to leaves a rest which Buffer drops without a word.
  return canonical.replace(/=+$/, '').length === text.replace(/=+$/, '').length ? canonical : undefined;
}

const integerRanges: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

export function isIntegerType(type: string): boolean {
  return type in integerRanges;
}

/** 32-bit types as a number, 64-bit types as decimal text; undefined when it is no whole number or out of range. */
export function canonicalInteger(type: string, text: string): number | string | undefined {
  const range = integerRanges[type];
  if (!range || !/^[-+]?\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  if (value < range[0] || value > range[1]) return undefined;
  return type.endsWith('64') ? String(value) : Number(value);
}

/** Go's ParseBool. */
export function parseBool(text: string): boolean | undefined {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(?:0|f|F|FALSE|false|False)$/.test(text)) return false;
  return undefined;
}

/** `claim_match.issuer` → `claimMatch.issuer`. */
export function camelPath(path: string): string {
  return path.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `claimMatch.issuer` → `claim_match.issuer`. */
export function snakePath(path: string): string {
  return path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A finite number from text, or the three names JSON has no number for. */
export function numberOf(text: string): number | string | undefined {
  if (/^(?:NaN|-?Infinity)$/.test(text)) return text;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}
