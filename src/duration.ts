// Durations as Go's time.ParseDuration reads them, for which scripts and files were written, and days besides.

/** Milliseconds. A unit that begins with another stands before it. */
const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const part = `(\\d+\\.?\\d*|\\.\\d+)(${Object.keys(units).join('|')})`;

/** Milliseconds of `1h30m`, `1.5h`, `7d` or `0`; undefined for anything else, negative ones included. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!new RegExp(`^(?:${part})+$`).test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(new RegExp(part, 'g')))
    total += Number(amount) * (units[unit ?? ''] ?? 0);
  return total;
}
