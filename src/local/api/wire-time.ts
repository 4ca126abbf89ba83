const day = 24 * 60 * 60 * 1000;

/** The date of the last time that was written: the rows of a list come from few days. */
let last = { start: Number.NaN, text: '' };

/** RFC 3339 in UTC with as many fraction digits as protojson writes: none, or three (semantics 5). */
export function toWireTime(time: number): string {
  const milliseconds = Math.trunc(time);
  const start = Math.floor(milliseconds / day) * day;
  if (start !== last.start) last = { start, text: new Date(start).toISOString().slice(0, -'00:00:00.000Z'.length) };
  const inDay = milliseconds - start;
  const seconds = Math.floor(inDay / 1000);
  const fraction = inDay - seconds * 1000;
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${last.text}${clock}${fraction === 0 ? '' : `.${String(fraction).padStart(3, '0')}`}Z`;
}

const two = (value: number): string => (value < 10 ? `0${value}` : String(value));
