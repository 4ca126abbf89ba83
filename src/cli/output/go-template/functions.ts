// Functions of templates (pkg.go.dev/text/template, "Functions").

import { isList, isMap, keysOf, plain, sprint, sprintf, sprintln, typeName, type Value } from './format.ts';

export interface TemplateFunction {
  /** How many arguments it takes. */
  readonly min: number;
  readonly max: number;
  /** Throws CallError. */
  readonly run: (args: readonly Value[]) => Value;
}

const any = Number.POSITIVE_INFINITY;

function takes(min: number, max: number, run: TemplateFunction['run']): TemplateFunction {
  return { min, max, run };
}

/** A mistake whose place is known where the function is called. */
export class CallError extends Error {}

const fail = (message: string): never => {
  throw new CallError(message);
};

/** The functions a template may call, by name. */
export const functions: Readonly<Record<string, TemplateFunction>> = {
  // The first two stop at the first argument that decides; that is done where their arguments are evaluated.
  and: takes(1, any, (args) => args.at(-1)),
  or: takes(1, any, (args) => args.at(-1)),
  not: takes(1, 1, ([value]) => !isTrue(value)),
  len: takes(1, 1, ([value]) => lengthOf(value)),
  index: takes(1, any, ([value, ...keys]) => keys.reduce<Value>(element, value)),
  slice: takes(1, 4, ([value, ...bounds]) => slice(value, bounds)),
  print: takes(0, any, sprint),
  printf: takes(1, any, ([format, ...args]) =>
    typeof format === 'string' ? sprintf(format, args) : fail(`wrong type for format: ${typeName(format)}`),
  ),
  println: takes(0, any, sprintln),
  html: takes(0, any, (args) => textOf(args).replaceAll(/[&<>"'\0]/g, (char) => htmlEscapes[char] ?? char)),
  js: takes(0, any, (args) => textOf(args).replaceAll(/[\\'"<>&=\x00-\x1f\u2028\u2029]/g, jsEscape)),
  urlquery: takes(0, any, (args) =>
    encodeURIComponent(textOf(args))
      .replaceAll('%20', '+')
      .replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`),
  ),
  eq: takes(1, any, ([first, ...others]) =>
    others.length === 0 ? fail('missing argument for comparison') : others.some((other) => equal(first, other)),
  ),
  ne: takes(2, 2, ([a, b]) => !equal(a, b)),
  lt: takes(2, 2, ([a, b]) => compare(a, b) < 0),
  le: takes(2, 2, ([a, b]) => compare(a, b) <= 0),
  gt: takes(2, 2, ([a, b]) => compare(a, b) > 0),
  ge: takes(2, 2, ([a, b]) => compare(a, b) >= 0),
};

const htmlEscapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
  '\0': '\uFFFD',
};

const jsEscape = (char: string): string =>
  /[\\'"]/.test(char) ? `\\${char}` : `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;

const textOf = (args: readonly Value[]): string => (args.length === 1 ? plain(args[0], '<no value>') : sprint(args));

export function isTrue(value: Value): boolean {
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return keysOf(value).length > 0;
  return Boolean(value);
}

function lengthOf(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (isList(value)) return value.length;
  if (isMap(value)) return keysOf(value).length;
  return fail(value == null ? 'len of nil pointer' : `len of type ${typeName(value)}`);
}

function equal(a: Value, b: Value): boolean {
  if (a == null || b == null) return a == null && b == null;
  if (isList(a) || isMap(a) || isList(b) || isMap(b))
    return fail(`cannot compare values of type ${typeName(isList(a) || isMap(a) ? a : b)}`);
  if (typeof a !== typeof b) return fail('incompatible types for comparison');
  return a === b;
}

function compare(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return fail(typeof a === typeof b ? 'invalid type for comparison' : 'incompatible types for comparison');
}

function element(value: Value, key: Value): Value {
  if (value == null) return fail('index of untyped nil');
  if (isMap(value)) {
    if (typeof key !== 'string') return fail(`value has type ${typeName(key)}; should be string`);
    return Object.hasOwn(value, key) ? value[key] : undefined;
  }
  if (typeof key !== 'number' || !Number.isInteger(key))
    return fail(`cannot index slice/array with type ${typeName(key)}`);
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return bytes[key] ?? fail(`index out of range: ${key}`);
  }
  if (!isList(value)) return fail(`can't index item of type ${typeName(value)}`);
  return key >= 0 && key < value.length ? value[key] : fail(`index out of range: ${key}`);
}

function slice(value: Value, bounds: readonly Value[]): Value {
  const numbers = bounds.map((bound) =>
    typeof bound === 'number' ? bound : fail(`cannot slice with type ${typeName(bound)}`),
  );
  if (typeof value === 'string') {
    if (numbers.length > 2) return fail('cannot 3-index slice a string');
    const bytes = Buffer.from(value);
    const [from = 0, to = bytes.length] = numbers;
    if (from < 0 || to > bytes.length || from > to)
      return fail(`index out of range: ${from < 0 || from > to ? from : to}`);
    return bytes.subarray(from, to).toString();
  }
  if (!isList(value)) return fail(`can't slice item of type ${typeName(value)}`);
  const [from = 0, to = value.length] = numbers;
  if (from < 0 || to > value.length || from > to)
    return fail(`index out of range: ${from < 0 || from > to ? from : to}`);
  return value.slice(from, to);
}
