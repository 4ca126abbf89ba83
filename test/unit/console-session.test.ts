// What the console remembers of a login: forms that are done once, secrets that are shown once, answers of a few seconds.

import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { Session } from '../../src/console/session.ts';

const newSession = () =>
  new Session(
    { call: () => expect.fail('nothing is asked'), beside: async () => ({}), renew: async () => {} },
    (count) => randomBytes(count),
  );

test('a form is done once, whether it is sent again meanwhile or later, and all are led to the same place', async () => {
  const session = newSession();
  let done = 0;
  const work = async () => ({ to: `/made/${++done}` });
  const send = (form = 'form', address = '/create') => session.once(form, address, work);
  expect(await Promise.all([send(), send()])).toEqual([{ to: '/made/1' }, { to: '/made/1' }]);
  expect(await send()).toEqual({ to: '/made/1' });
  // Another form, or the same one of another address, is another thing to do.
  expect(await send('other')).toEqual({ to: '/made/2' });
  expect(await send('form', '/delete')).toEqual({ to: '/made/3' });
});

test('a form that was refused may be sent again', async () => {
  const session = newSession();
  await expect(session.once('form', '/', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await session.once('form', '/', async () => ({ to: '/there' }))).toEqual({ to: '/there' });
});

test('what is kept is given once, to who names it', () => {
  const session = newSession();
  const [one, two] = [session.put('secret'), session.put('other')];
  expect([one, session.newFormId()]).toEqual([
    expect.stringMatching(/^[\w-]{22}$/),
    expect.stringMatching(/^[\w-]{22}$/),
  ]);
  expect(session.take('guess')).toBeUndefined();
  expect([session.take(one), session.take(one), session.take(two)]).toEqual(['secret', undefined, 'other']);
  // Each login has its own.
  expect(newSession().take(session.put('mine'))).toBeUndefined();
});

test('five hundred are kept at most, the oldest goes first', () => {
  const session = newSession();
  const [first, second] = [session.put(1), session.put(2)];
  for (let count = 2; count < 501; count += 1) session.put(count);
  expect([session.take(first), session.take(second)]).toEqual([undefined, 2]);
});

test('an answer is asked for again after five seconds, after a change, and when it failed', async () => {
  const session = newSession();
  let asked = 0;
  const ask = (now: number, key = 'groups') => session.cached(key, now, async () => ++asked);
  expect([await ask(0), await ask(4999), await ask(5000)]).toEqual([1, 1, 2]);
  expect(await ask(5000, 'roles')).toBe(3);
  session.forgetAnswers();
  expect(await ask(5001)).toBe(4);
  const failing = () => session.cached('x', 0, () => Promise.reject(new Error('away')));
  await expect(failing()).rejects.toThrow('away');
  expect(await session.cached('x', 0, async () => 'there')).toBe('there');
});
