import { describe, expect, test } from 'vitest';
import { isTrue } from '../../src/cli/inputs/is-true.ts';
import type { Kind } from '../../src/cli/inputs/kind.ts';
import {
  boolean,
  choice,
  date,
  duration,
  file,
  formatDuration,
  integer,
  keyValue,
} from '../../src/cli/inputs/values.ts';
import { parseDuration } from '../../src/duration.ts';

const refuses = (kind: Kind<unknown>, text: string, message: string) =>
  expect(() => kind.parse(text), text).toThrow(message);

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

describe('duration', () => {
  test.each([
    ['0', 0],
    ['24h', 24 * hour],
    ['8760h0m0s', 8760 * hour],
    ['1h30m', 1.5 * hour],
    ['1.5h', 1.5 * hour],
    ['.5m', 30 * second],
    ['90s', 90 * second],
    ['100ms', 100],
    ['1us', 0.001],
    ['1µs', 0.001],
    ['1ns', 0.000001],
    ['7d', 168 * hour],
    ['1d12h', 36 * hour],
  ])('%s', (text, ms) => {
    expect(duration().parse(text)).toBeCloseTo(ms, 9);
  });

  test.each(['', '1', '24', '-1h', '+1h', '1 h', '1H', '1w', 'h', '1h ', '1.2.3h', '1e3h', 'abc'])('not %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
    refuses(duration(), text, 'must be a duration such as "24h" or "90m"');
  });

  test('limits are told in the same spelling', () => {
    const kind = duration({ min: minute, max: 8760 * hour });
    expect(kind.parse('1m')).toBe(minute);
    expect(kind.parse('8760h')).toBe(8760 * hour);
    refuses(kind, '59s', 'must be at least 1m');
    refuses(kind, '8761h', 'must be at most 8760h');
  });

  test.each([
    [0, '0s'],
    [90 * second, '1m30s'],
    [24 * hour, '24h'],
    [25.5 * hour, '25h30m'],
    [1500, '1.5s'],
    [-90 * minute, '-1h30m'],
  ])('%i ms reads %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('date', () => {
  test.each([
    ['2026-12-31', '2026-12-31T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2026-12-31T10:20:30Z', '2026-12-31T10:20:30.000Z'],
    ['2026-12-31T10:20:30.5+02:00', '2026-12-31T08:20:30.500Z'],
  ])('%s', (text, expected) => {
    expect(new Date(date.parse(text) as number).toISOString()).toBe(expected);
  });

  test.each([
    '',
    '2026-02-30',
    '2025-02-29',
    '2026-13-01',
    '2026-1-1',
    '31.12.2026',
    '2026-12-31 10:00:00',
    '2026-12-31T10:00:00',
    '2026-02-30T10:00:00Z',
    '2026-12-31T25:00:00Z',
    'tomorrow',
  ])('not %j', (text) => {
    refuses(date, text, 'must be a date such as "2026-12-31" or an RFC 3339 time');
  });
});

describe('boolean', () => {
  test.each(['1', 't', 'T', 'true', 'TRUE', 'True'])('%s is on', (text) => {
    expect(boolean.parse(text)).toBe(true);
    expect(isTrue(text)).toBe(true);
  });
  test.each(['0', 'f', 'F', 'false', 'FALSE', 'False'])('%s is off', (text) => {
    expect(boolean.parse(text)).toBe(false);
    expect(isTrue(text)).toBe(false);
  });
  test.each(['', 'yes', 'no', 'on', 'tRUE', '2'])('%j is neither', (text) => {
    refuses(boolean, text, 'must be true or false');
    expect(isTrue(text)).toBe(false);
  });
  test('nothing is off', () => expect(isTrue(undefined)).toBe(false));
});

test('integer', () => {
  expect(integer.parse('0')).toBe(0);
  expect(integer.parse('42')).toBe(42);
  for (const text of ['', '-1', '1.5', '1e3', ' 1', 'x', '12345678901234567890']) {
    refuses(integer, text, 'must be a whole number');
  }
});

test('choice', () => {
  const kind = choice('aws', 'static');
  expect(kind.metavar).toBe('aws|static');
  expect(kind.parse('aws')).toBe('aws');
  refuses(kind, 'AWS', 'must be one of aws, static');
});

test('key and value', () => {
  expect(keyValue.parse('a=b=c')).toEqual(['a', 'b=c']);
  expect(keyValue.parse('a=')).toEqual(['a', '']);
  for (const text of ['a', '=b', '']) refuses(keyValue, text, 'must be KEY=VALUE');
});

test('file', () => {
  expect(file.parse('-')).toBe('-');
  refuses(file, '', 'must name a file');
});
