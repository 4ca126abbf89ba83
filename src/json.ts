// JSON from outside, read without belief: each function answers undefined, or nothing, for what is not there.

export type JsonObject = Readonly<Record<string, unknown>>;

/** Returns whether a value is an object with members: neither null nor a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the value, or an object without members in place of anything that is none. */
export function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** Returns the value of a JSON text; undefined for any other text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the object that a JSON text is; undefined for any other text. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  const value = parseJson(text);
  return isObject(value) ? value : undefined;
}

/** Returns an object's own member; undefined where the value is no object or has none of that name. */
export function memberOf(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** Returns an own member that is a text with something in it. */
export function textOf(value: unknown, name: string): string | undefined {
  const member = memberOf(value, name);
  return typeof member === 'string' && member !== '' ? member : undefined;
}

/** Returns whether any text in the value, or any name, holds U+0000. */
export function hasNullCharacter(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0');
  if (Array.isArray(value)) return value.some(hasNullCharacter);
  return isObject(value) && !ArrayBuffer.isView(value)
    ? Object.entries(value).some((entry) => entry.some(hasNullCharacter))
    : false;
}
