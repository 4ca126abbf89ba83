// The generated tables against each other: what the codec and the router take for granted.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generateSchema } from '../../scripts/gen-schema.ts';
import { capabilities } from '../../src/api/schema/capabilities.gen.ts';
import { lazily, together } from '../../src/api/schema/lazily.ts';
import { enums, messages } from '../../src/api/schema/messages.gen.ts';
import { operations } from '../../src/api/schema/operations.gen.ts';
import type { Operation } from '../../src/api/schema/types.ts';
import { parseTemplate } from '../../src/api/wire/template.ts';

const all: [string, Operation][] = Object.entries(operations);

function fieldAt(messageName: string, path: string) {
  let owner = messageName;
  return path.split('.').map((name) => {
    const field = messages[owner]?.fields.find((each) => each.name === name);
    owner = field?.type ?? '';
    return field;
  });
}

describe('the generated tables', () => {
  it('are what the generator writes today', () => {
    for (const [path, content] of generateSchema()) expect(readFileSync(path, 'utf8'), path).toBe(content);
  });

  it('hold every operation of the packages that this project speaks', () => {
    expect(all).toHaveLength(298);
    for (const [id, operation] of all) expect(operation.id).toBe(id);
    expect(operations['iam.v1.Groups.List'].rpc).toBe('/chainguard.platform.iam.Groups/List');
    expect(operations['vulnerabilities.v1.Advisories.List'].rpc).toBe(
      '/chainguard.platform.vulnerabilities.v1.Advisories/List',
    );
  });

  it.each(all)('%s names fields, messages and capabilities that exist', (_, operation) => {
    for (const name of [operation.request, operation.response]) {
      expect(name === 'google.protobuf.Empty' || name in messages, name).toBe(true);
    }
    const names = new Set(capabilities.map(({ name }) => name));
    for (const capability of operation.capabilities) expect(names).toContain(capability);
    if (operation.scope !== null) expect(fieldAt(operation.request, operation.scope)).not.toContain(undefined);
    expect(operation.bindings.length).toBeGreaterThan(0);
    for (const { path, body } of operation.bindings) {
      for (const variable of parseTemplate(path).variables) {
        expect(fieldAt(operation.request, variable.path), variable.path).not.toContain(undefined);
      }
      if (body !== null && body !== '*') expect(fieldAt(operation.request, body)).not.toContain(undefined);
    }
  });

  it('name no message or enum that is missing', () => {
    for (const [name, { fields }] of Object.entries(messages)) {
      for (const field of fields) {
        const kind = field.map?.valueKind ?? field.kind;
        if (kind === 'enum') expect(enums, `${name}.${field.name}`).toHaveProperty([field.type]);
        if (kind === 'message' && !field.type.startsWith('google.protobuf.')) {
          expect(messages, `${name}.${field.name}`).toHaveProperty([field.type]);
        }
      }
    }
    for (const [name, values] of Object.entries(enums)) expect(Object.values(values), name).toContain(0);
  });

  it('are the same for v2 and v2beta1, so that the platform serves both with one function', () => {
    const asBeta = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value).replaceAll(/([./])v2([./])/g, '$1v2beta1$2'));
    const newer = all.filter(([id]) => id.includes('.v2.'));
    expect(newer.length).toBeGreaterThan(60);
    const table: Readonly<Record<string, Operation>> = operations;
    for (const [id, operation] of newer) {
      expect(asBeta(operation), id).toEqual(table[id.replace('.v2.', '.v2beta1.')]);
    }
    for (const [name, message] of Object.entries(messages)) {
      if (name.includes('.v2.')) expect(asBeta(message), name).toEqual(messages[name.replace('.v2.', '.v2beta1.')]);
    }
    for (const [name, values] of Object.entries(enums)) {
      if (name.includes('.v2.')) expect(values, name).toEqual(enums[name.replace('.v2.', '.v2beta1.')]);
    }
  });

  it('marks what may be sent twice', () => {
    const flags = (id: keyof typeof operations) => {
      const { idempotent, readOnly }: Operation = operations[id];
      return { idempotent, readOnly };
    };
    expect(flags('iam.v1.Groups.List')).toEqual({ idempotent: true, readOnly: true });
    expect(flags('iam.v1.Groups.Update')).toEqual({ idempotent: true, readOnly: false });
    expect(flags('iam.v1.Groups.Delete')).toEqual({ idempotent: true, readOnly: false });
    expect(flags('iam.v1.Groups.Create')).toEqual({ idempotent: false, readOnly: false });
  });
});

it('of several tables, what is not looked at is not read', () => {
  const all = together(lazily<object>({ one: '{"read":true}' }), lazily<object>({ other: 'no JSON' }));
  expect([Object.keys(all), Object.hasOwn(all, 'other'), Object.hasOwn(all, 'third')]).toEqual([
    ['one', 'other'],
    true,
    false,
  ]);
  expect(all['one']).toEqual({ read: true });
  expect(all['one']).toBe(all['one']);
  expect(() => all['other']).toThrow(SyntaxError);
});
