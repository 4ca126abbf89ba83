// For every operation: a random message, sent as a client does, routed and read as a server does, is the same message.

import { describe, expect, it } from 'vitest';
import { messages, schema } from '../../src/api/schema/messages.gen.ts';
import { operations } from '../../src/api/schema/operations.gen.ts';
import type { Operation } from '../../src/api/schema/types.ts';
import { parseTemplate } from '../../src/api/wire/template.ts';
import { createRouteMatcher, createWire, WireError } from '../../src/api/wire.ts';
import { compact, fieldValue, message, type Random, randomFrom, text } from '../support/random-message.ts';

const wire = createWire(schema);
const match = createRouteMatcher<Operation>(Object.values(operations));

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
