import { describe, expect, test } from 'vitest';
import { reportError, toCliError } from '../../src/cli/report.ts';
import { CliError, type ErrorKind } from '../../src/errors.ts';
import { type FakeHostOptions, fakeHost } from '../support/fake-host.ts';

function reported(error: unknown, options: FakeHostOptions = {}) {
  const host = fakeHost(options);
  const code = reportError(error, host);
  expect(host.stdout.text).toBe('');
  return { code, err: host.stderr.text };
}

const full = new CliError('not-found', 'No folder found for "x"', {
  code: 'not-found.folder',
  details: ['first', 'second'],
  hint: 'did you mean "y"?',
});

test('as text: what happened, what belongs to it, what to do', () => {
  expect(reported(full)).toEqual({
    code: 1,
    err: 'error: No folder found for "x"\n  first\n  second\nhint: did you mean "y"?\n',
  });
});

test('as JSON: one object on one line', () => {
  const { code, err } = reported(full, { argv: ['-o', 'json'] });
  expect(code).toBe(1);
  expect(err).toBe(
    '{"code":4,"reason":"not-found.folder","message":"No folder found for \\"x\\"","details":["first","second"],"hint":"did you mean \\"y\\"?"}\n',
  );
  expect(reported(new CliError('network', 'Down'), { argv: ['--output=json'] }).err).toBe(
    '{"code":8,"reason":"network","message":"Down"}\n',
  );
});

test('a number that scripts know is kept in both', () => {
  const error = new CliError('auth', 'unable to exchange tokens', { number: 101 });
  expect(reported(error).err).toBe('error: [101] unable to exchange tokens\n');
  expect(JSON.parse(reported(error, { argv: ['-ojson'] }).err)).toMatchObject({ code: 101 });
});

test.each([
  ['usage', 2],
  ['auth', 4],
  ['cancelled', 130],
  ['permission', 1],
  ['not-found', 1],
  ['conflict', 1],
  ['api', 1],
  ['network', 1],
  ['timeout', 1],
  ['local', 1],
  ['internal', 1],
] as const satisfies readonly (readonly [ErrorKind, number])[])('%s exits %i', (kind, code) => {
  expect(reported(new CliError(kind, 'It')).code).toBe(code);
});

test('an interruption and an answer of no are no errors to read about', () => {
  expect(reported(new CliError('cancelled', 'Interrupted'))).toEqual({ code: 130, err: 'Interrupted\n' });
  expect(reported(new CliError('cancelled', 'Nothing was changed', { code: 'cancelled.declined' }))).toEqual({
    code: 1,
    err: 'Nothing was changed\n',
  });
});

test('nothing from outside reaches the terminal as an order', () => {
  const evil = 'a\u001b[2J\u009b\r\nb';
  const error = new CliError('api', evil, { details: [evil], hint: evil });
  const expected = 'a\ufffd[2J\ufffd b';
  expect(reported(error).err).toBe(`error: ${expected}\n  ${expected}\nhint: ${expected}\n`);
  expect(reported(new CliError('cancelled', evil)).err).toBe(`${expected}\n`);
  const json = reported(error, { argv: ['-ojson'] }).err;
  expect(json).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  expect(JSON.parse(json)).toMatchObject({ message: evil, hint: evil });
});

describe('JSON is wanted', () => {
  test.each([
    [['-o', 'json']],
    [['-ojson']],
    [['-o=json']],
    [['--output', 'json']],
    [['--output=json']],
    [['list', '-yojson']],
    [['list', '-yo', 'json']],
    [['-o', 'table', '-o', 'json']],
  ])('by %j', (argv) => {
    expect(reported(full, { argv }).err).toMatch(/^\{/);
  });

  test.each([
    [[]],
    [['json']],
    [['-o']],
    [['-o', 'table']],
    [['-o', 'json', '-o', 'table']],
    [['--output=table', 'json']],
    [['--', '-o', 'json']],
    [['--format', 'json']],
    [['--outputs=json']],
  ])('not by %j', (argv) => {
    expect(reported(full, { argv }).err).toMatch(/^error: /);
  });
});

describe('the stack', () => {
  const cause = new Error('the cause');
  const error = new CliError('api', 'It failed', { cause });

  test.each([
    [['--log-level', 'debug'], {}],
    [['--log-level=debug'], {}],
    [['--log-level=DEBUG'], {}],
    [['-v=2'], {}],
    [['-v2'], {}],
    [['-v', '9'], {}],
    [['--v=2'], {}],
    [[], { CHAINGUARD_DEFAULT_LOG_LEVEL: 'debug' }],
    [[], { CHAINCTL_DEBUG: 'true' }],
  ])('is shown with %j and %j', (argv, env) => {
    const { err } = reported(error, { argv, env });
    expect(err).toMatch(/^error: It failed\ndebug: Error: the cause\n {4}at /);
  });

  test.each([
    [[], {}],
    [['-v=1'], {}],
    [['-v0'], {}],
    [['--log-level=info'], {}],
    [['debug'], {}],
    [['--', '-v=2'], {}],
    [[], { CHAINCTL_DEBUG: '' }],
    [[], { CHAINCTL_DEBUG: 'false' }],
  ])('is not shown with %j and %j', (argv, env) => {
    expect(reported(error, { argv, env }).err).toBe('error: It failed\n');
  });
});

describe('an error of any kind', () => {
  test('that nobody expected asks for a report and shows no stack', () => {
    const { code, err } = reported(new TypeError('x is not a function'));
    expect(code).toBe(1);
    expect(err).toBe(
      'error: Something went wrong inside chainctl: x is not a function\nhint: run it again with `--log-level debug` and report what it prints\n',
    );
    expect(reported('a text').err).toContain('a text');
    expect(reported(undefined).err).toContain('undefined');
  });

  test.each([
    ['ENOSPC', 'The disk is full: "/some/file"'],
    ['EACCES', 'Permission denied: "/some/file"'],
    ['EROFS', 'The file system is read-only: "/some/file"'],
    ['ENOENT', 'No such file or folder: "/some/file"'],
    ['EISDIR', 'A folder stands where a file should be: "/some/file"'],
  ])('of the file system is one sentence: %s', (code, message) => {
    const error = Object.assign(new Error('raw'), { code, path: '/some/file', syscall: 'open' });
    expect(toCliError(error)).toMatchObject({ kind: 'local', message, cause: error });
  });

  test('of a program that is not there names it', () => {
    const error = Object.assign(new Error('raw'), { code: 'ENOENT', path: 'editor', syscall: 'spawn editor' });
    expect(toCliError(error)).toMatchObject({ kind: 'local', message: 'No such program: "editor"' });
  });

  test('of an aborted wait is an interruption', () => {
    const controller = new AbortController();
    controller.abort();
    expect(toCliError(Object.assign(new Error('aborted'), { code: 'ABORT_ERR' }))).toMatchObject({ kind: 'cancelled' });
  });

  test('of our own stays what it is', () => {
    expect(toCliError(full)).toBe(full);
  });
});
