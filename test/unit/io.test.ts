import { describe, expect, test } from 'vitest';
import { createIo, type IoOptions, printable, printableJson, printableLines } from '../../src/cli/io.ts';
import { cut, displayWidth } from '../../src/cli/width.ts';
import { type FakeHostOptions, fakeHost } from '../support/fake-host.ts';

function ioOn(host: FakeHostOptions, options: Partial<IoOptions> = {}) {
  const fake = fakeHost(host);
  return { host: fake, io: createIo(fake, { forceColor: false, silent: () => false, assumeYes: false, ...options }) };
}

describe('color', () => {
  test.each([
    ['a terminal', { tty: true }, {}, true],
    ['a pipe', {}, {}, false],
    ['a terminal with NO_COLOR', { tty: true, env: { NO_COLOR: '1' } }, {}, false],
    ['a terminal with an empty NO_COLOR', { tty: true, env: { NO_COLOR: '' } }, {}, true],
    ['a dumb terminal', { tty: true, env: { TERM: 'dumb' } }, {}, false],
    ['a pipe with --force-color', {}, { forceColor: true }, true],
    ['NO_COLOR with --force-color', { env: { NO_COLOR: '1' } }, { forceColor: true }, true],
  ])('on %s', (_name, host, options, colored) => {
    const { io } = ioOn(host, options);
    expect(io.outStyle.red('x')).toBe(colored ? '\u001b[31mx\u001b[39m' : 'x');
    expect(io.errStyle.bold('x')).toBe(colored ? '\u001b[1mx\u001b[22m' : 'x');
  });
});

describe('questions', () => {
  test.each([
    ['a terminal', { tty: true }, {}, true, false],
    ['a pipe', {}, {}, false, false],
    ['--yes', { tty: true }, { assumeYes: true }, false, false],
    ['CI on a terminal', { tty: true, env: { CI: 'true' } }, {}, false, false],
    ['CI with a pipe', { env: { CI: 'true' } }, {}, false, false],
    ['CI=false', { tty: true, env: { CI: 'false' } }, {}, true, false],
    ['CI=0', { tty: true, env: { CI: '0' } }, {}, true, false],
    ['an empty CI', { tty: true, env: { CI: '' } }, {}, true, false],
    ['a dumb terminal', { tty: true, env: { TERM: 'dumb' } }, {}, true, true],
    ['a screen reader', { tty: true, env: { ACCESSIBLE: '1' } }, {}, true, true],
  ])('with %s', (_name, host, options, interactive, plain) => {
    expect(ioOn(host, options).io).toMatchObject({ interactive, plain });
  });
});

describe('remarks and warnings', () => {
  test('go to stderr, foreign escapes neutralized, our colors kept', () => {
    const { host, io } = ioOn({ tty: true });
    io.note(`${io.errStyle.green('ok')} \u001b[2Jname\u009b\u0007\nsecond\tline`);
    io.warn('be\rware');
    expect(host.stdout.text).toBe('');
    expect(host.stderr.text).toBe(
      '\u001b[32mok\u001b[39m \ufffd[2Jname\ufffd\ufffd\nsecond\tline\n\u001b[33mwarning:\u001b[39m be\ufffdware\n',
    );
  });

  test('carry no color into a pipe, foreign ones included', () => {
    const { host, io } = ioOn({});
    io.note(`${io.errStyle.green('ok')} \u001b[31mred\u001b[0m`);
    expect(host.stderr.text).toBe('ok red\n');
  });

  test('remarks can be silenced, warnings cannot', () => {
    const { host, io } = ioOn({}, { silent: () => true });
    io.note('remark');
    io.warn('warning');
    expect(host.stderr.text).toBe('warning: warning\n');
  });
});

test('printable text is one line that no terminal obeys', () => {
  expect(printable('a\r\nb\tc')).toBe('a b c');
  expect(printable('\u0000\u001b\u007f\u0085\u009b\u202e\u2066')).toBe('\ufffd'.repeat(7));
  expect(printable('grüße 漢字 👩‍👩‍👧 \u00a0')).toBe('grüße 漢字 👩‍👩‍👧 \u00a0');
  expect(printableLines('a\r\nb\tc\rd\u001b[1m')).toBe('a\nb\tc\ufffdd\ufffd[1m');
});

test('the first and the last of each range of characters that a terminal obeys, and none beside them', () => {
  const text = (...codes: readonly number[]) => String.fromCodePoint(...codes);
  for (const [from, to] of [
    [0x00, 0x08],
    [0x0b, 0x0c],
    [0x0e, 0x1f],
    [0x7f, 0x9f],
    [0x202a, 0x202e],
    [0x2066, 0x2069],
  ] as const) {
    for (const make of [printable, printableLines]) expect(make(text(from, to))).toBe('\ufffd\ufffd');
    expect(printableJson(text(from, to))).toMatch(/^"(\\[a-z0-9]{1,5}){2}"$/);
  }
  const harmless = text(0x20, 0x7e, 0xa0, 0x2029, 0x202f, 0x2065, 0x206a);
  expect([printable(harmless), printableLines(harmless)]).toEqual([harmless, harmless]);
  expect(printableJson(harmless)).toBe(JSON.stringify(harmless));
});

test('printable JSON means the same', () => {
  const value = { a: 'x\u009b\u202e\u007f\n', b: [1, null, 'ü'] };
  expect(printableJson(value)).toBe('{"a":"x\\u009b\\u202e\\u007f\\n","b":[1,null,"ü"]}');
  expect(JSON.parse(printableJson(value, 2))).toEqual(value);
  expect(printableJson(value, 2)).toBe(
    JSON.stringify(value, undefined, 2).replace('\u009b\u202e\u007f', '\\u009b\\u202e\\u007f'),
  );
});

describe('width', () => {
  test.each([
    ['', 0],
    ['abc', 3],
    ['漢字', 4],
    ['e\u0301', 1],
    ['👩‍👩‍👧', 2],
    ['\u001b[31mred\u001b[39m', 3],
  ])('of %j', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  test.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 5, 'abcd…'],
    ['漢字漢字', 5, '漢字…'],
    ['漢字漢字', 6, '漢字…'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
    ['abc', 1, '…'],
  ])('%j cut to %i columns', (text, columns, expected) => {
    expect(cut(text, columns)).toBe(expected);
    expect(displayWidth(cut(text, columns))).toBeLessThanOrEqual(columns);
  });
});
