import type { CellContext, State } from '../define.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A time in milliseconds since the epoch as a cell shows it: `in 29 days`, `3 days ago`, or RFC 3339. */
export function timeCell(at: number, cell: CellContext): string {
  if (cell.times === 'utc') return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
  if (cell.times === 'local') return inLocalZone(at);
  const distance = at - cell.now;
  if (Math.abs(distance) < 1000) return 'now';
  return distance < 0 ? `${formatAge(-distance)} ago` : `in ${formatAge(distance)}`;
}

/** The same for a time as the wire writes it; blank when there is none. */
export function sinceCell(time: string | undefined, cell: CellContext): string {
  // As it is in most answers; every row has some.
  if (cell.times === 'utc' && time?.length === 20 && time.endsWith('Z')) return time;
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) ? '' : timeCell(at, cell);
}

/** The largest unit of which there are at least two, so that the number says something. */
function formatAge(ms: number): string {
  for (const [unit, name] of [
    [day, 'days'],
    [hour, 'hours'],
    [minute, 'minutes'],
  ] as const) {
    if (ms >= 2 * unit) return `${Math.round(ms / unit)} ${name}`;
  }
  const seconds = Math.round(ms / 1000);
  return seconds === 1 ? '1 second' : `${seconds} seconds`;
}

/** `2026-12-31T09:00:00+01:00`, in the zone of the machine. */
function inLocalZone(at: number): string {
  const time = new Date(at);
  const offset = -time.getTimezoneOffset();
  const shifted = new Date(at + offset * minute).toISOString().replace(/\.\d+Z$/, '');
  if (offset === 0) return `${shifted}Z`;
  const two = (part: number) => String(part).padStart(2, '0');
  return `${shifted}${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
}

const soon = 7 * day;

/** Returns what an end in milliseconds since the epoch says: over, over within a week, or nothing. */
export function endState(end: number | undefined, { now }: CellContext): State | undefined {
  if (end === undefined || Number.isNaN(end) || end > now + soon) return undefined;
  return end <= now ? 'fail' : 'warn';
}
