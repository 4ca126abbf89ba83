// Messages of any kind of the generated tables, filled by chance with values that are awkward to carry.

import { enums, messages, schema } from '../../src/api/schema/messages.gen.ts';
import type { FieldSchema } from '../../src/api/schema/types.ts';
import { createWire } from '../../src/api/wire.ts';

const wire = createWire(schema);

/** A small repeatable generator: mulberry32. */
export function randomFrom(seed: number) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (count: number) => Math.floor(next() * count);
  const pick = <T>(items: readonly T[]): T => {
    const item = items[below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  };
  return { next, below, pick };
}
export type Random = ReturnType<typeof randomFrom>;

const awkward = [
  'a',
  'é',
  '日本',
  '🦊',
  ' ',
  '%',
  '%2F',
  '?',
  '#',
  '&',
  '=',
  '+',
  ':',
  ';',
  '@',
  '"',
  "'",
  '\\',
  '\n',
  '[x]',
  '~',
];
export const text = (random: Random) =>
  Array.from({ length: 1 + random.below(6) }, () => random.pick(awkward)).join('');
const times = [
  '2026-03-27T13:55:00Z',
  '1969-12-31T23:59:59.785Z',
  '9999-12-31T23:59:59.785123Z',
  '0001-01-01T00:00:00.000000001Z',
];

function scalar(random: Random, type: string): unknown {
  switch (type) {
    case 'string':
      return text(random);
    case 'bool':
      return random.next() < 0.5;
    case 'bytes':
      return Buffer.from(text(random)).toString('base64');
    case 'int32':
      return random.pick([0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]);
    case 'uint32':
      return random.pick([0, 7, 2 ** 32 - 1]);
    case 'int64':
      return random.pick(['0', '14', '9223372036854775807', '-9223372036854775808']);
    case 'uint64':
      return random.pick(['0', '18446744073709551615']);
    case 'double':
      return random.pick([0, 0.1, -1e300, 'NaN', 'Infinity']);
    case 'google.protobuf.Timestamp':
      return random.pick(times);
    case 'google.protobuf.Duration':
      return random.pick(['0s', '1800s', '-1.500s', '604800s', '0.000000001s']);
    case 'google.protobuf.FieldMask':
      return random.pick(['*', 'name', 'claimMatch.issuer,description']);
    case 'google.protobuf.Value':
      return random.pick([1, 'x', true, { a: [null, { b: 2 }] }, []]);
    case 'google.protobuf.Empty':
      return {};
    default:
      throw new Error(`no random ${type}`);
  }
}

function value(random: Random, kind: string, type: string, inQuery: boolean): unknown {
  if (kind === 'enum') return random.pick(Object.keys(enums[type] ?? {}));
  if (kind === 'message' && !type.startsWith('google.protobuf.')) return message(random, type, inQuery);
  return scalar(random, type);
}

export function fieldValue(random: Random, field: FieldSchema, inQuery: boolean): unknown {
  const items = <T>(make: () => T) => Array.from({ length: random.below(4) }, make);
  if (field.map) {
    const { key, valueKind } = field.map;
    return Object.fromEntries(
      items(() => [
        key === 'string' ? `${text(random)}x` : String(scalar(random, key)),
        value(random, valueKind, field.type, inQuery),
      ]),
    );
  }
  if (field.repeated) return items(() => value(random, field.kind, field.type, inQuery));
  return value(random, field.kind, field.type, inQuery);
}

export function message(
  random: Random,
  name: string,
  inQuery: boolean,
  needed: readonly string[] = [],
): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  const oneofs = new Set<string>();
  for (const field of messages[name]?.fields ?? []) {
    // A PATCH without a mask gets one from its body (wire.test.ts), and its path names a field of the resource.
    const isNeeded = field.type === 'google.protobuf.FieldMask' || needed.includes(field.name);
    if (random.next() < 0.3 && !isNeeded) continue;
    if (field.oneof !== undefined) {
      if (oneofs.has(field.oneof)) continue;
      oneofs.add(field.oneof);
    }
    const part = fieldValue(random, field, inQuery);
    // A query has no way to say that a message is there but empty.
    if (inQuery && field.kind === 'message' && !field.repeated && Object.keys(compact(field.type, part)).length === 0) {
      if (!field.type.startsWith('google.protobuf.')) continue;
    }
    made[field.json] = part;
  }
  return made;
}

export function compact(name: string, part: unknown): object {
  if (typeof part !== 'object' || part === null || !(name in messages)) return [part];
  return wire.encodeMessage(name, part, 'compact');
}
