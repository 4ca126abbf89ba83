import type { CellContext } from '../define.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A time in milliseconds since the epoch as a cell shows it: `29d` to come or `3d ago` on a terminal, else RFC 3339. */
export function timeCell(at: number, cell: CellContext): string {
  if (!cell.relativeTimes) return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
  const distance = at - cell.now;
  return distance < 0 ? `${formatAge(-distance)} ago` : formatAge(distance);
}

/** The same for a time as the wire writes it; blank when there is none. */
export function sinceCell(time: string | undefined, cell: CellContext): string {
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) ? '' : timeCell(at, cell);
}

/** The largest unit of which there are at least two, so that the number says something. */
function formatAge(ms: number): string {
  if (ms >= 2 * day) return `${Math.floor(ms / day)}d`;
  if (ms >= 2 * hour) return `${Math.floor(ms / hour)}h`;
  if (ms >= 2 * minute) return `${Math.floor(ms / minute)}m`;
  return `${Math.floor(ms / 1000)}s`;
}
