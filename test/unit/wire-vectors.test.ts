// The messages of semantics 11 as a gateway and as an event write them. The vectors are copied from that section, not
// made by our code: `compact` is its block, `gatewayAdds` the line "gateway also sends" below it.

import { describe, expect, it } from 'vitest';
import { schema } from '../../src/api/schema/messages.gen.ts';
import { createWire } from '../../src/api/wire.ts';
import vectors from './wire-vectors.json' with { type: 'json' };

const wire = createWire(schema);

/** Sets what `a.b[].c="text"` says, in every element of the lists on the way. */
function add(target: unknown, addition: string): void {
  const end = addition.indexOf('=');
  const steps = addition.slice(0, end).split('.');
  const value: unknown = JSON.parse(addition.slice(end + 1));
  const walk = (at: unknown, [step, ...rest]: string[]): void => {
    if (step === undefined || typeof at !== 'object' || at === null) throw new Error(`${addition} has no place to go`);
    const object = at as Record<string, unknown>;
    const key = step.replace('[]', '');
    if (rest.length === 0) {
      expect(object).not.toHaveProperty([key]);
      object[key] = value;
    } else if (step.endsWith('[]')) {
      for (const item of object[key] as unknown[]) walk(item, rest);
    } else {
      walk(object[key], rest);
    }
  };
  walk(target, steps);
}

describe.each(vectors)('$title', ({ message, compact, gatewayAdds }) => {
  const full = JSON.parse(compact);
  for (const addition of gatewayAdds) add(full, addition);
  const withFraction = compact.replaceAll('55:00Z', '55:00.000Z');

  it('is written in full as the gateway does', () => {
    expect(JSON.parse(wire.encodeResponse(message, JSON.parse(compact)))).toEqual(full);
  });

  it('is written compactly as an event body, byte for byte in declaration order', () => {
    expect(JSON.stringify(wire.encodeMessage(message, full, 'compact'))).toBe(compact);
  });

  it('takes times with a fraction of zeros', () => {
    expect(JSON.parse(wire.encodeResponse(message, JSON.parse(withFraction)))).toEqual(full);
  });

  it('reads the full and the compact answer as the same message', () => {
    const read = wire.decodeResponse(message, JSON.stringify(full));
    expect(wire.encodeMessage(message, read, 'compact')).toEqual(JSON.parse(compact));
    expect(wire.decodeResponse(message, compact)).toEqual(JSON.parse(compact));
    expect(wire.decodeMessage(message, full)).toEqual(JSON.parse(compact));
  });
});

it('has a vector for each v1 message of the section', () => {
  expect(vectors).toHaveLength(21);
});
