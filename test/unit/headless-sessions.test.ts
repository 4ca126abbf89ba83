// Sign-ins that end on another device: what is read, once, for how long, and by whom.

import { expect, test } from 'vitest';
import { createHeadlessKey, openHeadless } from '../../src/api/headless.ts';
import { createHeadlessSessions } from '../../src/local/issuer/headless-sessions.ts';
import { TestClock } from '../support/platform.ts';

const minutes = (count: number) => count * 60_000;

function begin() {
  const clock = new TestClock();
  return { clock, sessions: createHeadlessSessions(clock), key: createHeadlessKey() };
}

const nobody = { code: 5, message: 'nobody has signed in with this code' };

test('a token is read once, by who made the code', () => {
  const { sessions, key } = begin();
  expect(() => sessions.read(key.code)).toThrow(expect.objectContaining(nobody));
  sessions.check(key.code);
  sessions.approve(key.code, 'token');
  expect(() => sessions.read(createHeadlessKey().code)).toThrow(expect.objectContaining(nobody));
  const session = sessions.read(key.code);
  expect(Buffer.from(session.encryptedIdtoken ?? '', 'base64').toString('latin1')).not.toContain('token');
  expect(openHeadless(key, session)).toBe('token');
  expect(() => sessions.read(key.code)).toThrow(expect.objectContaining(nobody));
});

test('a refusal is told each time', () => {
  const { sessions, key } = begin();
  sessions.deny(key.code);
  const cancelled = expect.objectContaining({ code: 7, message: 'the sign-in was cancelled' });
  expect(() => sessions.read(key.code)).toThrow(cancelled);
  expect(() => sessions.read(key.code)).toThrow(cancelled);
});

test.each(['approve', 'deny', 'read'] as const)('no second sign-in begins for a code after %s', (what) => {
  const { sessions, key } = begin();
  sessions.approve(key.code, 'token');
  if (what === 'deny') sessions.deny(key.code);
  if (what === 'read') sessions.read(key.code);
  expect(() => sessions.check(key.code)).toThrow('this sign-in is over: start a new one');
  sessions.check(createHeadlessKey().code);
});

test('a token is gone after ten minutes', () => {
  const { clock, sessions, key } = begin();
  const late = createHeadlessKey();
  sessions.approve(key.code, 'token');
  sessions.approve(late.code, 'token');
  clock.advance(minutes(10) - 1);
  sessions.read(key.code);
  clock.advance(1);
  expect(() => sessions.read(late.code)).toThrow(expect.objectContaining(nobody));
});

test('asking does not make it last longer', () => {
  const { clock, sessions, key } = begin();
  for (let count = 0; count < 600; count += 1) expect(() => sessions.read(key.code)).toThrow('nobody');
  const tooOften = expect.objectContaining({ code: 8, message: 'asked too often' });
  expect(() => sessions.read(key.code)).toThrow(tooOften);
  // Nor does a sign-in forget how often it was asked for.
  sessions.approve(key.code, 'token');
  expect(() => sessions.read(key.code)).toThrow(tooOften);
  clock.advance(minutes(10));
  expect(() => sessions.read(key.code)).toThrow(expect.objectContaining(nobody));
});

test('a thousand sessions are kept, the oldest goes first', () => {
  const { clock, sessions } = begin();
  const codes = Array.from({ length: 1001 }, () => Buffer.from(clock.randomBytes(32)).toString('base64url'));
  for (const code of codes) sessions.deny(code);
  const [first = '', second = ''] = codes;
  expect(() => sessions.read(second)).toThrow('cancelled');
  expect(() => sessions.read(first)).toThrow('nobody has signed in');
});

test.each([
  ['', 'invalid public key'],
  ['short', 'invalid public key'],
  ['A'.repeat(44), 'invalid public key'],
  [`${'A'.repeat(42)}=`, 'illegal base64'],
  [`${'A'.repeat(42)}\n`, 'illegal base64'],
])('%j is no code', (code, reason) => {
  const { sessions } = begin();
  const refused = expect.objectContaining({ code: 3, message: `the code is not good: ${reason}` });
  expect(() => sessions.check(code)).toThrow(refused);
  expect(() => sessions.read(code)).toThrow(refused);
});
