// Our codec beside the protobuf library, which gRPC uses: for every message that an operation takes or answers, each reads
// what the other writes, as JSON and through the binary form.

import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { fieldNumbers } from '../../src/api/schema/field-numbers.gen.ts';
import { messages, schema } from '../../src/api/schema/messages.gen.ts';
import { operations } from '../../src/api/schema/operations.gen.ts';
import { createWire } from '../../src/api/wire.ts';
import { createDescriptors } from '../../src/local/api/grpc/descriptors.ts';
import { message, randomFrom } from '../support/random-message.ts';

const wire = createWire(schema);
const table = Object.values(operations);
const registry = createDescriptors(schema, fieldNumbers, table);
const names = [...new Set(table.flatMap(({ request, response }): string[] => [request, response]))].filter(
  (name) => name in messages,
);

/** `message.field` of every bytes field that some message carried filled. */
const filled = new Set<string>();

function noteBytes(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const field of messages[name]?.fields ?? []) {
    const part: unknown = Reflect.get(value, field.json);
    if (part === undefined) continue;
    if (field.type === 'bytes') filled.add(`${name}.${field.name}`);
    const parts = field.map ? Object.values(part as object) : field.repeated ? (part as unknown[]) : [part];
    for (const item of parts) noteBytes(field.type, item);
  }
}

describe.each(names)('%s', (name) => {
  test('is one message in both', () => {
    const desc = registry.getMessage(name);
    if (desc === undefined) throw new Error(`no descriptor of ${name}`);
    const random = randomFrom(name.length * 7919 + 31);
    for (let round = 0; round < 25; round += 1) {
      const made = message(random, name, false);
      noteBytes(name, made);
      const ours = wire.encodeMessage(name, made, 'compact');
      const context = JSON.stringify(ours);
      for (const mode of ['compact', 'full'] as const) {
        const theirs = fromJson(desc, wire.encodeMessage(name, made, mode) as JsonValue, { registry });
        const carried = fromBinary(desc, toBinary(desc, theirs));
        for (const alwaysEmitImplicit of [false, true]) {
          const json = toJson(desc, carried, { registry, alwaysEmitImplicit });
          expect(wire.decodeMessage(name, json), context).toEqual(ours);
        }
      }
    }
  });
});

test('every bytes field of them was carried filled', () => {
  const reachable = new Set<string>();
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const field of messages[name]?.fields ?? []) {
      if (field.type === 'bytes') reachable.add(`${name}.${field.name}`);
      visit(field.type);
    }
  };
  for (const name of names) visit(name);
  expect(reachable.size).toBeGreaterThan(0);
  expect([...filled].sort()).toEqual([...reachable].sort());
});
