// Times as people read them. The exact one is in the element for programs and as a title.

const day = 86_400_000;
const units = [
  ['year', 365 * day],
  ['month', 30 * day],
  ['day', day],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** `3 days ago`, `in 2 hours`; `–` without a time. */
export function When({ time, now }: { readonly time: string | number | undefined; readonly now: number }) {
  const at = typeof time === 'number' ? time : Date.parse(time ?? '');
  if (Number.isNaN(at)) return <span class="quiet">–</span>;
  const iso = new Date(at).toISOString();
  return (
    <time dateTime={iso} title={iso}>
      {since(at, now)}
    </time>
  );
}

export function since(at: number, now: number): string {
  const distance = Math.abs(at - now);
  const [unit, size] = units.find(([, size]) => distance >= size) ?? ['moment', distance + 1];
  const count = Math.floor(distance / size);
  if (unit === 'moment') return at > now ? 'in a moment' : 'just now';
  const words = `${count} ${unit}${count === 1 ? '' : 's'}`;
  return at > now ? `in ${words}` : `${words} ago`;
}

/** Days until then, the last one counted whole; 0 for what has ended. */
export function daysUntil(at: number, now: number): number {
  return Math.max(0, Math.ceil((at - now) / day));
}
