/** Milliseconds in a canonical Duration such as `604800s` or `0.5s`, fractions of one dropped. */
export function millisecondsOf(duration: string): number {
  return Math.trunc(Number(duration.replace(/s$/, '')) * 1000);
}

/** A canonical Duration of whole milliseconds. */
export function toWireDuration(milliseconds: number): string {
  return `${milliseconds / 1000}s`;
}
