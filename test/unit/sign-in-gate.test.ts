// Who sees the sign-in page, and how often a code may be tried: each visitor's tries are their own.

import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { createDeviceCodes } from '../../src/local/issuer/device-codes.ts';
import { createSignInGate } from '../../src/local/issuer/sign-in/gate.ts';
import { TestClock } from '../support/platform.ts';

const code = 'A'.repeat(22);
const minutes = (count: number) => count * 60_000;
const from = (remoteAddress: string | undefined, cookie?: string) =>
  ({ headers: cookie === undefined ? {} : { cookie }, socket: { remoteAddress } }) as IncomingMessage;

function begin(given: string | undefined = code, isSecure = false) {
  const clock = new TestClock();
  const gate = createSignInGate(given, clock, isSecure);
  const cookie = (): string => {
    const answer = gate.open(code, 'somebody');
    return answer.kind === 'open' ? answer.cookie : answer.kind;
  };
  return { clock, gate, cookie, pair: () => cookie().split(';')[0] ?? '' };
}

test('it opens for the browser that has shown the code, and for no other', () => {
  const { gate, pair } = begin();
  const [mine, other] = [pair(), pair()];
  expect(mine).not.toBe(other);
  expect(gate.isOpenFor(from('127.0.0.1'))).toBe(false);
  for (const good of [mine, `a=b; ${mine}`, `${mine}; a=b`, `a=b;${other}`]) {
    expect(gate.isOpenFor(from('127.0.0.1', good)), good).toBe(true);
  }
  const [name = '', value = ''] = mine.split('=');
  for (const bad of [`${name}=`, name, `${name}=${value}x`, `x${name}=${value}`, `${name}=${code}`, `other=${value}`]) {
    expect(gate.isOpenFor(from('127.0.0.1', bad)), bad).toBe(false);
  }
});

test('the cookie is for this server only, out of reach of scripts, and encrypted where the page is', () => {
  expect(begin().cookie()).toMatch(/^chainctl-sign-in-code=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
  expect(begin(code, true).cookie()).toMatch(/; SameSite=Lax; Secure$/);
});

test('no other code opens it', () => {
  const { gate } = begin();
  for (const wrong of ['', 'a'.repeat(22), code.slice(1), `${code}A`, `x${code}`]) {
    expect(gate.open(wrong, 'somebody'), wrong).toEqual({ kind: 'wrong' });
  }
  expect(gate.open(` ${code}\n`, 'somebody').kind).toBe('open');
});

test('without a code everybody may see the page, and none opens it', () => {
  const clock = new TestClock();
  const gate = createSignInGate(undefined, clock, false);
  expect(gate.isOpenFor(from('127.0.0.1'))).toBe(true);
});

test('a thousand browsers are remembered, the oldest goes first', () => {
  const { gate, pair } = begin();
  const [first, second] = [pair(), pair()];
  for (let count = 2; count < 1_001; count += 1) pair();
  expect([first, second].map((cookie) => gate.isOpenFor(from('127.0.0.1', cookie)))).toEqual([false, true]);
});

test('a visitor is a browser that has shown the code, otherwise an address', () => {
  const { gate, pair } = begin();
  const [mine, other] = [pair(), pair()];
  const who = (address: string | undefined, cookie?: string) => gate.visitorOf(from(address, cookie));
  expect(who('127.0.0.1', mine)).toBe(who('127.0.0.2', mine));
  expect(who('127.0.0.1', mine)).not.toBe(who('127.0.0.1', other));
  expect(who('127.0.0.1', `${mine}x`)).toBe('127.0.0.1');
  expect(who('127.0.0.1')).not.toBe(who('127.0.0.2'));
  expect(who(undefined)).toBe('');
});

describe('wrong tries', () => {
  test('of the sign-in code are fifty in ten minutes for each visitor, the right one among them', () => {
    const { clock, gate } = begin();
    for (let tries = 0; tries < 50; tries += 1) {
      expect(gate.open('wrong', 'one')).toEqual({ kind: 'wrong' });
      clock.advance(1_000);
    }
    expect(gate.open(code, 'one')).toEqual({ kind: 'too-many' });
    expect(gate.open('wrong', 'other')).toEqual({ kind: 'wrong' });
    expect(gate.open(code, 'other').kind).toBe('open');
    // The first of the fifty is ten minutes old, the second is not.
    clock.advance(minutes(10) - 50_000 - 1);
    expect(gate.open(code, 'one')).toEqual({ kind: 'too-many' });
    clock.advance(1);
    expect(gate.open('wrong', 'one')).toEqual({ kind: 'wrong' });
    expect(gate.open(code, 'one')).toEqual({ kind: 'too-many' });
  });

  test('of user codes are a hundred in ten minutes for each visitor, the right one among them', () => {
    const clock = new TestClock();
    const codes = createDeviceCodes(clock);
    const started = codes.start('program');
    const right = started === 'too-many' ? '' : started.userCode;
    for (let tries = 0; tries < 100; tries += 1) expect(codes.find('AAAA-AAAA', 'one')).toBe('unknown');
    expect(codes.find(right, 'one')).toBe('too-many');
    expect(codes.find(right, 'other')).toMatchObject({ clientId: 'program' });
    clock.advance(minutes(10) - 1);
    expect(codes.find(right, 'one')).toBe('too-many');
    clock.advance(1);
    expect(codes.find(right, 'one')).toMatchObject({ clientId: 'program' });
  });

  test('of a thousand visitors are remembered, whoever tried last the longest', () => {
    const { gate } = begin();
    for (let tries = 0; tries < 50; tries += 1) gate.open('wrong', 'one');
    gate.open('wrong', 'two');
    for (let other = 0; other < 998; other += 1) gate.open('wrong', `other ${other}`);
    expect(gate.open(code, 'one').kind).toBe('too-many');
    gate.open('wrong', 'two');
    gate.open('wrong', 'the one too many');
    expect(gate.open(code, 'one').kind).toBe('open');
  });
});
