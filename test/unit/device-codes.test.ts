// Device codes (RFC 8628): who gets a token, how often, until when, and how many may be tried.

import { describe, expect, test } from 'vitest';
import { createDeviceCodes, type DeviceAuthorization } from '../../src/local/issuer/device-codes.ts';
import { TestClock } from '../support/platform.ts';

const minutes = (count: number) => count * 60_000;

function begin() {
  const clock = new TestClock();
  const codes = createDeviceCodes(clock);
  const start = (client = 'program'): DeviceAuthorization => {
    const started = codes.start(client);
    if (started === 'too-many') throw new Error('too many');
    return started;
  };
  const keyOf = (userCode: string): string => {
    const found = codes.find(userCode, 'browser');
    if (typeof found === 'string') throw new Error(found);
    return found.key;
  };
  return { clock, codes, start, keyOf };
}

test('a code is long, its user code readable, and each is another', () => {
  const { start } = begin();
  const [one, two] = [start(), start()];
  expect(one.userCode).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  expect(Buffer.from(one.deviceCode, 'base64url')).toHaveLength(32);
  expect([one.expiresInSeconds, one.intervalSeconds]).toEqual([900, 5]);
  expect(new Set([one.userCode, two.userCode, one.deviceCode, two.deviceCode]).size).toBe(4);
});

test('a user code is found however it is typed, with the program that asked for it', () => {
  const { codes, start } = begin();
  const { userCode } = start('a program');
  for (const typed of [
    userCode,
    userCode.toLowerCase(),
    userCode.replace('-', ''),
    ` ${userCode.replace('-', ' ')} `,
  ]) {
    expect(codes.find(typed, 'browser')).toMatchObject({ clientId: 'a program' });
  }
  expect(codes.find(userCode.slice(0, -1), 'browser')).toBe('unknown');
});

describe('a poll', () => {
  test('gives the token once, to the program it is for, and to nobody else', () => {
    const { codes, start, keyOf } = begin();
    const { deviceCode, userCode } = start();
    expect(codes.poll('guess', 'program')).toEqual({ error: 'invalid_grant' });
    expect(codes.poll(deviceCode, 'other')).toEqual({ error: 'invalid_grant' });
    expect(codes.approve(keyOf(userCode), 'token')).toBe(true);
    expect(codes.poll(deviceCode, 'other')).toEqual({ error: 'invalid_grant' });
    expect(codes.poll(deviceCode, 'program')).toEqual({ idToken: 'token' });
    expect(codes.poll(deviceCode, 'program')).toEqual({ error: 'invalid_grant' });
  });

  test('says that nobody has decided, and that it comes too fast, by five seconds more each time', () => {
    const { clock, codes, start } = begin();
    const { deviceCode } = start();
    const later = (seconds: number) => {
      clock.advance(seconds * 1000);
      return codes.poll(deviceCode, 'program');
    };
    const pending = { error: 'authorization_pending' };
    const slow = { error: 'slow_down' };
    expect([later(0), later(5), later(4), later(9), later(15), later(14)]).toEqual([
      pending,
      pending,
      slow,
      slow,
      pending,
      slow,
    ]);
  });

  test('of a token that is there is answered however fast it comes', () => {
    const { codes, start, keyOf } = begin();
    const { deviceCode, userCode } = start();
    codes.poll(deviceCode, 'program');
    codes.approve(keyOf(userCode), 'token');
    expect(codes.poll(deviceCode, 'program')).toEqual({ idToken: 'token' });
  });

  test('says once that it was refused', () => {
    const { codes, start, keyOf } = begin();
    const { deviceCode, userCode } = start();
    codes.deny(keyOf(userCode));
    expect(codes.poll(deviceCode, 'program')).toEqual({ error: 'access_denied' });
    expect(codes.poll(deviceCode, 'program')).toEqual({ error: 'invalid_grant' });
  });

  test('hears for a quarter of an hour more that the code has ended', () => {
    const { clock, codes, start } = begin();
    const { deviceCode } = start();
    clock.advance(minutes(15) - 1);
    expect(codes.poll(deviceCode, 'program')).toEqual({ error: 'authorization_pending' });
    clock.advance(1);
    expect(codes.poll(deviceCode, 'program')).toEqual({ error: 'expired_token' });
    clock.advance(minutes(15) - 1);
    start('other');
    expect(codes.poll(deviceCode, 'program')).toEqual({ error: 'expired_token' });
    clock.advance(1);
    start('other');
    expect(codes.poll(deviceCode, 'program')).toEqual({ error: 'invalid_grant' });
  });
});

test('what was decided is not decided again, and nothing after its end', () => {
  const { clock, codes, start, keyOf } = begin();
  const [first, second, third] = [start(), start(), start()];
  const [one, two, three] = [keyOf(first.userCode), keyOf(second.userCode), keyOf(third.userCode)];
  expect(codes.approve(one, 'first')).toBe(true);
  expect(codes.approve(one, 'again')).toBe(false);
  codes.deny(one);
  expect(codes.find(first.userCode, 'browser')).toBe('unknown');
  expect(codes.poll(first.deviceCode, 'program')).toEqual({ idToken: 'first' });
  codes.deny(two);
  expect(codes.approve(two, 'late')).toBe(false);
  expect(codes.approve('nothing', 'token')).toBe(false);
  codes.deny('nothing');
  clock.advance(minutes(15));
  expect(codes.find(third.userCode, 'browser')).toBe('unknown');
  expect(codes.approve(three, 'late')).toBe(false);
  expect(codes.poll(third.deviceCode, 'program')).toEqual({ error: 'expired_token' });
});

test('one program may wait for two hundred codes, all programs for two thousand, until they end', () => {
  const { clock, codes, start } = begin();
  for (let made = 0; made < 200; made += 1) start('one');
  expect(codes.start('one')).toBe('too-many');
  for (let made = 200; made < 2_000; made += 1) start(`program ${made % 9}`);
  expect(codes.start('another')).toBe('too-many');
  clock.advance(minutes(15));
  expect(codes.start('one')).not.toBe('too-many');
  expect(codes.start('another')).not.toBe('too-many');
});
