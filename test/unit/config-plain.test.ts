// The plain reader must agree with the YAML parser wherever it answers at all.

import { expect, test } from 'vitest';
import { isMap, isScalar, parseDocument, type YAMLMap } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import { readPlainYaml } from '../../src/config/plain-yaml.ts';
import { renderConfig } from '../../src/config/render.ts';
import { fakeHost } from '../support/fake-host.ts';

/** Names and texts as the parser sees them; undefined when it finds an error or something that is no key or scalar. */
function parsed(text: string): [string, string | undefined][] | undefined {
  const document = parseDocument(text, { logLevel: 'silent' });
  if (document.errors.length > 0) return undefined;
  const found: [string, string | undefined][] = [];
  const visit = (map: YAMLMap, prefix: string): boolean =>
    map.items.every(({ key, value }) => {
      const name = `${prefix}${isScalar(key) ? String(key.value) : '?'}`;
      if (isMap(value)) {
        found.push([name, undefined]);
        return visit(value, `${name}.`);
      }
      if (value !== null && !isScalar(value)) return false;
      const scalar = isScalar(value) && value.value !== null ? value : undefined;
      found.push([name, typeof scalar?.value === 'string' ? scalar.value : scalar?.source]);
      return true;
    });
  if (document.contents === null) return found;
  return isMap(document.contents) && visit(document.contents, '') ? found : undefined;
}

const plain = (text: string) => readPlainYaml(text)?.map(({ name, text: value }) => [name, value]);

test('what the program writes is plain', async () => {
  const host = fakeHost();
  const text = renderConfig(host, await loadConfig(host));
  expect(plain(text)).toEqual(parsed(text));
  expect(plain('# c\n\na:\n  b: 1 # c\n  "c": 2\n')).toBeUndefined();
  expect(plain('a:\n    b:\n        c: x y\n    d: "z # z"\ne: \'f\'\n')).toEqual([
    ['a', undefined],
    ['a.b', undefined],
    ['a.b.c', 'x y'],
    ['a.d', 'z # z'],
    ['e', 'f'],
  ]);
});

test.each([
  'a: b: c',
  'a: b:\n',
  'a: [1]',
  'a: {}',
  'a: &x 1',
  'a: *x',
  'a: |\n  text\n',
  'a: b\n  c\n',
  'a: b\n  c: d\n',
  'a:\n  b: 1\n c: 2\n',
  'a:\n- b\n',
  '---\na: 1\n',
  'a: 1\na: 2\n',
  'a:\n\tb: 1\n',
  'a: "x\\n"',
  'a: null\n',
  'a: ~\n',
  'a: !!str 1',
  'a\n',
  'a: b\r\n',
  ' a: 1\nb: 2\n',
  '? a\n: b\n',
  'a: "x" y\n',
  '%YAML 1.2\n---\na: 1\n',
])('left to the parser: %j', (text) => {
  expect(readPlainYaml(text)).toBeUndefined();
});

test('ten thousand random texts: where the plain reader answers, the parser agrees', () => {
  let state = 7;
  const next = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
  const words = [
    'a',
    'b',
    'key',
    'a-b',
    '1',
    '0x1f',
    'true',
    'yes',
    'null',
    'x y',
    'http://h:1/p',
    '#x',
    "'q r'",
    '"q: r"',
    '-',
    '- a',
  ];
  const pieces = [
    ':',
    ': ',
    ' ',
    '  ',
    '    ',
    '\n',
    '\n',
    '\n  ',
    '\n    ',
    ' # c',
    '\n# c\n',
    '\t',
    '[',
    '&a ',
    '|',
    '~',
    ',',
    '@',
    '`',
    '%',
  ];
  let answered = 0;
  for (let round = 0; round < 10_000; round += 1) {
    let text = '';
    for (let lines = next(5) + 1; lines > 0; lines -= 1) {
      text += ' '.repeat([0, 0, 2, 4, 3][next(5)] ?? 0) + (words[next(words.length)] ?? '');
      if (next(8) > 0) text += ':';
      if (next(3) > 0) text += ` ${words[next(words.length)]}`;
      if (next(6) === 0) text += pieces[next(pieces.length)];
      text += '\n';
    }
    const mine = plain(text);
    if (mine === undefined) continue;
    answered += 1;
    expect(mine, JSON.stringify(text)).toEqual(parsed(text));
  }
  expect(answered).toBeGreaterThan(500);
});
