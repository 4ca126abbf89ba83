/** RFC 3339 in UTC with as many fraction digits as protojson writes: none, or three (semantics 5). */
export function toWireTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z');
}
