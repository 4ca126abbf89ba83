import type { PlatformClock } from '../core/types.ts';

/** How often somebody has typed a wrong code lately. One visitor's tries never count against another. */
export interface WrongTries {
  isTooMany(visitor: string): boolean;
  note(visitor: string): void;
}

/** Windows of `windowMs`, sliding, with at most `most` wrong tries each. */
export function createWrongTries(clock: PlatformClock, most: number, windowMs: number): WrongTries {
  // Times of tries, oldest first, by visitor; whoever tried least recently comes first.
  const tries = new Map<string, readonly number[]>();
  const recent = (visitor: string): readonly number[] =>
    (tries.get(visitor) ?? []).filter((time) => clock.now() - time < windowMs);
  return {
    isTooMany: (visitor) => recent(visitor).length >= most,
    note(visitor) {
      const times = [...recent(visitor), clock.now()];
      tries.delete(visitor);
      const [oldest] = tries.keys();
      if (tries.size >= maxVisitors && oldest !== undefined) tries.delete(oldest);
      tries.set(visitor, times);
    },
  };
}

const maxVisitors = 1_000;
