import { expect, test } from 'vitest';
import { canonicalTimestamp } from '../../src/api/wire/values.ts';
import { toWireTime } from '../../src/local/api/wire-time.ts';
import { forSeeds } from '../support/random.ts';

test('whatever stands in place of any character of a good time: the answer is that of the calendar', () =>
  forSeeds(300, (random) => {
    const good = '2026-01-02T03:04:05Z';
    const at = random.below(good.length);
    const text = `${good.slice(0, at)}${random.pick([...'0123456789-:TZ./x '])}${good.slice(at + 1)}`;
    const isTime =
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) && !Number.isNaN(Date.parse(text)) && !text.startsWith('0000');
    const real = isTime && new Date(text).toISOString().startsWith(text.slice(0, 19));
    expect(canonicalTimestamp(text), text).toBe(real ? text : undefined);
  }));

test('a time is written as the calendar says, whatever was written before it', () =>
  forSeeds(300, (random) => {
    const day = 24 * 60 * 60 * 1000;
    const around = (random.below(80_000) - 25_000) * day;
    for (const time of [around, around - 1, around + 1, around + random.below(day), around + random.below(day) + 0.5]) {
      expect(toWireTime(time), String(time)).toBe(new Date(time).toISOString().replace('.000Z', 'Z'));
    }
  }));

test('a time that is none is refused', () => {
  expect(() => toWireTime(Number.NaN)).toThrow(RangeError);
});
