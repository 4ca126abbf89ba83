/**
 * A message as scripts expect to read it: what the REST gateway writes for fields that were never set (`""`, `null`,
 * `false`, the zero enum name) is left out again, at every depth. Lists and maps stay even when empty, because callers
 * iterate them (script-contracts 1.10).
 */
export function compact(value: unknown): unknown {
  if (Array.isArray(value)) {
    const list = value.map(compact);
    return list.some((item, at) => item !== value[at]) ? list : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const fields = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(fields);
  // Nothing is copied that is as it should be: a long list has several such objects for each item.
  let kept: Record<string, unknown> | undefined;
  for (let at = 0; at < keys.length; at += 1) {
    const key = keys[at] ?? '';
    const field = fields[key];
    const isLeftOut = isUnset(field);
    const compacted = isLeftOut ? undefined : compact(field);
    if (kept === undefined && compacted !== field) {
      kept = {};
      for (const earlier of keys.slice(0, at)) setOwn(kept, earlier, fields[earlier]);
    }
    if (kept !== undefined && !isLeftOut) setOwn(kept, key, compacted);
  }
  return kept ?? value;
}

/** The same behind fields that are written in any case, each of which is left out where it comes again. */
export function compactAfter(first: Record<string, unknown>, message: object): Record<string, unknown> {
  for (const key of Object.keys(message)) {
    if (Object.hasOwn(first, key)) continue;
    const field: unknown = (message as Record<string, unknown>)[key];
    if (!isUnset(field)) setOwn(first, key, compact(field));
  }
  return first;
}

/** Also where the key is `__proto__`, which an assignment takes for something else. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') target[key] = value;
  else Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

const isUnset = (field: unknown) =>
  field === null ||
  field === '' ||
  field === false ||
  (typeof field === 'string' && field.endsWith('_UNSPECIFIED') && /^[A-Z_]+$/.test(field));
