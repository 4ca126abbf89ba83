/**
 * A message as scripts expect to read it: what the REST gateway writes for fields that were never set (`""`, `null`,
 * `false`, the zero enum name) is left out again, at every depth. Lists and maps stay even when empty, because callers
 * iterate them (script-contracts 1.10).
 */
export function compact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(compact);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, field]) => !isUnset(field));
  return Object.fromEntries(kept.map(([key, field]) => [key, compact(field)]));
}

const isUnset = (field: unknown) =>
  field === null ||
  field === '' ||
  field === false ||
  (typeof field === 'string' && /^[A-Z_]+_UNSPECIFIED$/.test(field));
