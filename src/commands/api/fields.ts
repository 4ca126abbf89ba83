/** Fields of a request with their dotted paths. */
export type Fields = readonly (readonly [path: string, value: unknown])[];

/** `a.b=1` as `{"a":{"b":1}}`. */
export function nested(fields: Fields): Record<string, unknown> {
  const message: Record<string, unknown> = Object.create(null);
  for (const [path, value] of fields) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let at = message;
    for (const key of keys) {
      const inner = at[key];
      const next =
        typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : Object.create(null);
      at[key] = next;
      at = next;
    }
    at[last] = value;
  }
  return message;
}
