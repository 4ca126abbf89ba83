/**
 * A message as scripts expect to read it: what the REST gateway writes for fields that were never set (`""`, `null`,
 * `false`, the zero enum name) is left out again, at every depth. Lists and maps stay even when empty, because callers
 * iterate them (script-contracts 1.10).
 */
export function compact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(compact);
  if (typeof value !== 'object' || value === null) return value;
  const kept: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const field: unknown = (value as Record<string, unknown>)[key];
    if (!isUnset(field)) setOwn(kept, key, compact(field));
  }
  return kept;
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
