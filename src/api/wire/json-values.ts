// JSON values of messages: what each type of a field takes, and the sentence for what it does not.

import { grpcCodes, WireError } from '../status.ts';
import {
  camelPath,
  canonicalBytes,
  canonicalDuration,
  canonicalInteger,
  canonicalTimestamp,
  isIntegerType,
  numberOf,
} from './values.ts';

export type Fields = Record<string, unknown>;

/**
 * `strict` for what a server is sent, `exact` for the same without unknown names, `tolerant` for what a client gets
 * from a platform that may be newer.
 */
export type Reading = 'strict' | 'exact' | 'tolerant';

/** Text on the wire is UTF-8, which cannot carry half a character. */
export const isWellFormed = (text: string): boolean => text.isWellFormed();

export const zeroes: Readonly<Record<string, unknown>> = {
  bool: false,
  int32: 0,
  uint32: 0,
  double: 0,
  float: 0,
  int64: '0',
  uint64: '0',
};

/** A scalar or well-known value in canonical form; undefined when the JSON value is none of that type. */
export function fromJson(type: string, value: unknown): unknown {
  // First, because most of every message is text.
  if (type === 'string') return typeof value === 'string' && isWellFormed(value) ? value : undefined;
  if (type === 'google.protobuf.Value') return value;
  if (type === 'google.protobuf.Struct' || type === 'google.protobuf.Any') return isFields(value) ? value : undefined;
  if (type === 'google.protobuf.ListValue') return Array.isArray(value) ? value : undefined;
  if (type === 'bool') return typeof value === 'boolean' ? value : undefined;
  if (isIntegerType(type)) {
    // Beyond 2^53 the parser has already rounded, so such a number has to come as text.
    if (typeof value === 'number') {
      return Number.isSafeInteger(value) ? canonicalInteger(type, String(value)) : undefined;
    }
    return typeof value === 'string' ? canonicalInteger(type, value) : undefined;
  }
  if (type === 'double' || type === 'float') {
    if (typeof value === 'number') return value;
    return typeof value === 'string' ? numberOf(value) : undefined;
  }
  if (typeof value !== 'string') return undefined;
  if (type === 'bytes') return canonicalBytes(value);
  if (type === 'google.protobuf.Timestamp') return canonicalTimestamp(value);
  if (type === 'google.protobuf.Duration') return canonicalDuration(value);
  if (type === 'google.protobuf.FieldMask') return camelPath(value);
  return undefined;
}

const descriptions: Readonly<Record<string, string>> = {
  string: 'text',
  bytes: 'base64 text',
  bool: 'true or false',
  int32: 'a whole number of 32 bits',
  uint32: 'a whole number of 32 bits, not negative',
  int64: 'a whole number of 64 bits',
  uint64: 'a whole number of 64 bits, not negative',
  double: 'a number',
  float: 'a number',
  'google.protobuf.Timestamp': 'a time such as 2026-03-27T13:55:00Z',
  'google.protobuf.Duration': 'a duration such as 1800s, or 30m in a query',
};

export function describe(type: string): string {
  return descriptions[type] ?? type;
}

export function wrong(path: string, wanted: string, value: unknown, reading: Reading = 'strict'): WireError {
  const shown = isShallow(value) ? (JSON.stringify(value) ?? 'nothing') : tooDeep;
  const what = path === '' ? 'The message' : `"${path.replace(/\.$/, '')}"`;
  const got = shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
  return new WireError(
    `${what} must be ${wanted}, not ${got}`,
    reading !== 'tolerant' ? grpcCodes.INVALID_ARGUMENT : grpcCodes.INTERNAL,
  );
}

/** Depth of nesting that protobuf libraries accept. Beyond some thousands, programs run out of stack. */
const deepest = 100;
const tooDeep = `a value of more than ${deepest} levels`;

/** Returns whether a JSON value has no more levels than a message may have. */
export function isShallow(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= deepest; depth += 1) {
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []));
    if (level.length === 0) return true;
  }
  return false;
}

export function requireShallow(value: unknown, path: string, reading: Reading): void {
  if (typeof value !== 'object' || isShallow(value)) return;
  const code = reading === 'tolerant' ? grpcCodes.INTERNAL : grpcCodes.INVALID_ARGUMENT;
  throw new WireError(`"${path}" must not be ${tooDeep}`, code);
}

export function mapKeyOf(type: string, text: string, path: string): string {
  if (type === 'string') return text;
  const key = type === 'bool' ? (text === 'true' || text === 'false' ? text : undefined) : canonicalInteger(type, text);
  if (key === undefined) throw wrong(`${path}[${text}]`, `keyed by ${describe(type)}`, text);
  return String(key);
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Message interfaces have no index signature, but every message is a plain object of JSON values. */
export function asFields(value: unknown): Fields {
  if (!isFields(value)) throw new WireError('A message must be a plain object', grpcCodes.INTERNAL);
  return value;
}
