// What RFC 9110 allows in `WWW-Authenticate`, with the examples of its section 11.6.1 and of RFC 7235.

import { expect, test } from 'vitest';
import { challengesIn } from '../../src/api/challenges.ts';

const read = (header: string | readonly string[] | undefined) =>
  challengesIn(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test.each([
  [undefined, []],
  ['', []],
  ['Basic', [['basic', {}]]],
  ['Basic realm="simple"', [['basic', { realm: 'simple' }]]],
  ['Basic realm="simple", charset=UTF-8', [['basic', { realm: 'simple', charset: 'UTF-8' }]]],
  [
    'Bearer realm="https://a.example/token",service="hub", Basic realm="Example"',
    [
      ['bearer', { realm: 'https://a.example/token', service: 'hub' }],
      ['basic', { realm: 'Example' }],
    ],
  ],
  [
    ['Basic realm="Example"', 'Bearer realm="https://a.example/token"'],
    [
      ['basic', { realm: 'Example' }],
      ['bearer', { realm: 'https://a.example/token' }],
    ],
  ],
  [
    'Newauth realm="apps", type=1,\t title="Login to \\"apps\\"", Basic realm="simple"',
    [
      ['newauth', { realm: 'apps', type: '1', title: 'Login to "apps"' }],
      ['basic', { realm: 'simple' }],
    ],
  ],
  [
    'Negotiate, NTLM, Basic realm="x"',
    [
      ['negotiate', {}],
      ['ntlm', {}],
      ['basic', { realm: 'x' }],
    ],
  ],
  [
    'Negotiate YII=, , ,Basic realm="a, Bearer realm=b"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'a, Bearer realm=b' }],
    ],
  ],
  ['BEARER Realm = "x" , Scope="a b"', [['bearer', { realm: 'x', scope: 'a b' }]]],
  ['Bearer realm="first",realm="second"', [['bearer', { realm: 'first' }]]],
  // What is none is left out, and what follows it is read.
  ['realm="x"', []],
  ['"", Basic realm="x"', [['basic', { realm: 'x' }]]],
])('%j', (header, expected) => {
  expect(read(header)).toEqual(expected);
});

test('a header of any text is read to its end', () => {
  for (const text of ['Bearer realm="'.repeat(5000), '\\"'.repeat(5000), '='.repeat(10_000), 'a'.repeat(100_000)]) {
    expect(read(`${text}, Basic realm="x"`).length).toBeGreaterThan(0);
  }
});
