// For every operation: a random message, sent as a client does, routed and read as a server does, is the same message.

import { describe, expect, it } from 'vitest';
import { enums, messages, schema } from '../../src/api/schema/messages.gen.ts';
import { operations } from '../../src/api/schema/operations.gen.ts';
import type { FieldSchema, Operation } from '../../src/api/schema/types.ts';
import { parseTemplate } from '../../src/api/wire/template.ts';
import { createRouteMatcher, createWire, WireError } from '../../src/api/wire.ts';

const wire = createWire(schema);
const match = createRouteMatcher<Operation>(Object.values(operations));

/** A small repeatable generator: mulberry32. */
function randomFrom(seed: number) {
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
type Random = ReturnType<typeof randomFrom>;

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
const text = (random: Random) => Array.from({ length: 1 + random.below(6) }, () => random.pick(awkward)).join('');
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
    default:
      throw new Error(`no random ${type}`);
  }
}

function value(random: Random, kind: string, type: string, inQuery: boolean): unknown {
  if (kind === 'enum') return random.pick(Object.keys(enums[type] ?? {}));
  if (kind === 'message' && !type.startsWith('google.protobuf.')) return message(random, type, inQuery);
  return scalar(random, type);
}

function fieldValue(random: Random, field: FieldSchema, inQuery: boolean): unknown {
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

function message(
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

function compact(name: string, part: unknown): object {
  if (typeof part !== 'object' || part === null || !(name in messages)) return [part];
  return wire.encodeMessage(name, part, 'compact');
}

function request(random: Random, operation: Operation): Record<string, unknown> {
  const binding = operation.bindings[0];
  const made: Record<string, unknown> = {};
  const template = parseTemplate(binding?.path ?? '');
  const nested = template.variables
    .filter(({ path }) => path.includes('.'))
    .map(({ path }) => path.split('.')[0] ?? '');
  const whole = message(random, operation.request, binding?.body === null, nested);
  const inPath = new Set(template.variables.map(({ path }) => path));
  const fields = messages[operation.request]?.fields ?? [];
  for (const field of fields) {
    const variable = template.variables.find(({ path }) => path === field.name);
    if (variable) {
      const segments = template.segments.slice(variable.start, variable.end);
      // A oneof member in the path is always set, so it cannot be empty and excludes its siblings.
      const least = segments[0] === '*' || field.oneof !== undefined ? 1 : 0;
      const count = segments[0] === '*' ? 1 : least + random.below(4 - least);
      const parts = Array.from({ length: count }, () => `${text(random)}_`);
      if (parts.length > 0) made[field.json] = parts.join('/');
    } else if (fields.some(({ name, oneof }) => oneof !== undefined && oneof === field.oneof && inPath.has(name))) {
      // Excluded by the member in the path.
    } else if (field.json in whole) {
      const inQuery = binding?.body !== '*' && field.name !== binding?.body;
      const part = inQuery ? fieldValue(random, field, true) : whole[field.json];
      if (inQuery && field.kind === 'message' && !field.repeated && Object.keys(compact(field.type, part)).length === 0)
        continue;
      made[field.json] = part;
    }
  }
  return made;
}

/** The same JSON with proto names for keys, which input may use as well. */
function inProtoNames(name: string, part: unknown): unknown {
  if (typeof part !== 'object' || part === null) return part;
  return Object.fromEntries(
    (messages[name]?.fields ?? []).flatMap((field) => {
      if (!Object.hasOwn(part, field.json)) return [];
      const inner: unknown = Reflect.get(part, field.json);
      const rename = (item: unknown) => (field.type in messages ? inProtoNames(field.type, item) : item);
      if (field.map) {
        return [
          [field.name, Object.fromEntries(Object.entries(inner as object).map(([key, item]) => [key, rename(item)]))],
        ];
      }
      return [[field.name, Array.isArray(inner) && field.repeated ? inner.map(rename) : rename(inner)]];
    }),
  );
}

// semantics 5, "impossible in a query".
const onlyOverGrpc = new Set([
  'advisory.v1.SecurityAdvisory.ListResolvedVulnsReports',
  'registry.v1.Registry.ListManifestMetadata',
  'registry.v1.Vulnerabilities.ListVulnCountReports',
  'registry.v1.Vulnerabilities.ListCumulativeVulnCountReports',
]);

describe.each(Object.entries<Operation>(operations))('%s', (id, operation) => {
  it('arrives as it was sent', () => {
    const random = randomFrom(id.length * 7919 + 17);
    let refused = 0;
    for (let round = 0; round < 60; round += 1) {
      const sent = request(random, operation);
      const context = JSON.stringify(sent);
      let http: ReturnType<typeof wire.encodeRequest>;
      try {
        http = wire.encodeRequest(operation, sent);
      } catch (error) {
        if (!(error instanceof WireError) || !onlyOverGrpc.has(id)) throw error;
        expect(error.message).toContain('which a query cannot carry');
        refused += 1;
        continue;
      }
      const url = new URL(`http://localhost${http.path}?${http.query}`);
      const found = match(http.method, url.pathname);
      if (found.status !== 'found') throw new Error(`${http.method} ${http.path} is ${found.status}`);
      expect(found.operation.id, `${http.path} for ${context}`).toBe(id);
      const read = (body: string | undefined) =>
        wire.decodeRequest(found, { query: url.searchParams, body, contentType: 'application/json' });
      const expected = wire.encodeMessage(operation.request, sent, 'compact');
      expect(read(http.body), context).toEqual(expected);
      if (found.binding.body === '*' && http.body !== undefined) {
        const renamed = inProtoNames(operation.request, JSON.parse(http.body));
        expect(read(JSON.stringify(renamed)), context).toEqual(expected);
      }
    }
    expect(refused > 0).toBe(onlyOverGrpc.has(id));
  });

  it('answers what was meant, in full and compactly', () => {
    const random = randomFrom(id.length * 104_729 + 3);
    for (let round = 0; round < 20; round += 1) {
      const answer = operation.response in messages ? message(random, operation.response, false) : {};
      const compactly = wire.encodeMessage(operation.response, answer, 'compact');
      const full = wire.decodeResponse(operation.response, wire.encodeResponse(operation.response, answer));
      expect(wire.encodeMessage(operation.response, full, 'compact')).toEqual(compactly);
    }
  });
});
