import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CliError } from '../../src/errors.ts';
import { readTextIfExists, removeFile, replaceFile, toFileError } from '../../src/files.ts';
import { fakeHost } from '../support/fake-host.ts';

const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);

function failure(run: () => unknown): CliError {
  try {
    run();
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('replaceFile', () => {
  test('makes the folder 0700 and the file 0600, and leaves nothing else', () => {
    const path = join(fakeHost().cwd, 'a', 'b');
    replaceFile(path, 'text');
    expect(readFileSync(path, 'utf8')).toBe('text');
    expect(mode(path)).toBe('600');
    expect(mode(join(path, '..'))).toBe('700');
    expect(readdirSync(join(path, '..'))).toEqual(['b']);
  });

  test('keeps the mode the file had when asked, and only then', () => {
    const path = join(fakeHost().cwd, 'file');
    writeFileSync(path, 'old');
    chmodSync(path, 0o640);
    replaceFile(path, 'kept', { keepMode: true });
    expect(mode(path)).toBe('640');
    replaceFile(path, 'set', { mode: 0o604 });
    expect(mode(path)).toBe('604');
  });

  test('writes through a chain of symbolic links, even one that ends nowhere yet', () => {
    const { cwd } = fakeHost();
    mkdirSync(join(cwd, 'real'));
    symlinkSync(join('real', 'target'), join(cwd, 'second'));
    symlinkSync('second', join(cwd, 'first'));
    for (const text of ['one', 'two']) {
      replaceFile(join(cwd, 'first'), text, { followSymlink: true });
      expect(lstatSync(join(cwd, 'first')).isSymbolicLink()).toBe(true);
      expect(lstatSync(join(cwd, 'real', 'target')).isFile()).toBe(true);
      expect(readFileSync(join(cwd, 'real', 'target'), 'utf8')).toBe(text);
    }
    replaceFile(join(cwd, 'first'), 'three');
    expect(lstatSync(join(cwd, 'first')).isFile()).toBe(true);
    expect(readFileSync(join(cwd, 'real', 'target'), 'utf8')).toBe('two');
  });

  test('links in a circle are one clear sentence', () => {
    const { cwd } = fakeHost();
    symlinkSync('b', join(cwd, 'a'));
    symlinkSync('a', join(cwd, 'b'));
    const error = failure(() => replaceFile(join(cwd, 'a'), 'x', { followSymlink: true }));
    expect(error.message).toBe(`Cannot write "${join(cwd, 'a')}": its symbolic links go round in a circle`);
  });

  test('a folder in its place, and a file in its path', () => {
    const { cwd } = fakeHost();
    mkdirSync(join(cwd, 'folder'));
    writeFileSync(join(cwd, 'file'), '');
    expect(failure(() => replaceFile(join(cwd, 'folder'), 'x'))).toMatchObject({
      kind: 'local',
      code: 'local.cannot-write',
      message: `Cannot write "${join(cwd, 'folder')}": it is a folder`,
    });
    expect(failure(() => replaceFile(join(cwd, 'file', 'x'), 'x')).message).toContain('a part of its path is a file');
    expect(readdirSync(cwd).sort()).toEqual(['file', 'folder']);
  });

  test('a pipe or a device is refused, also behind a link, and stays what it is', () => {
    const { cwd } = fakeHost();
    const pipe = join(cwd, 'pipe');
    execFileSync('mkfifo', [pipe]);
    symlinkSync('pipe', join(cwd, 'link'));
    for (const [name, followSymlink] of [
      ['pipe', false],
      ['link', true],
    ] as const) {
      expect(failure(() => replaceFile(join(cwd, name), 'text', { followSymlink })).message).toBe(
        `Cannot write "${join(cwd, name)}": it is a device, a pipe or a socket`,
      );
    }
    expect(lstatSync(pipe).isFIFO()).toBe(true);
    expect(readdirSync(cwd).sort()).toEqual(['link', 'pipe']);
  });

  test('a full disk is said as such', () => {
    const file = openSync('/dev/full', 'w');
    const error = failure(() => {
      try {
        writeSync(file, 'x');
      } catch (cause) {
        throw toFileError(cause, 'write', '/home/me/config.yaml');
      }
    });
    expect(error.message).toBe('Cannot write "/home/me/config.yaml": the disk is full');
    expect(error.hint).toContain('nothing was changed');
  });
});

describe('readTextIfExists and removeFile', () => {
  test('nothing there is an answer, a folder is an error', () => {
    const { cwd } = fakeHost();
    expect(readTextIfExists(join(cwd, 'none'))).toBeUndefined();
    expect(failure(() => readTextIfExists(cwd)).message).toBe(`Cannot read "${cwd}": it is a folder`);
    expect(removeFile(join(cwd, 'none'))).toBe(false);
    writeFileSync(join(cwd, 'some'), 'x');
    expect(removeFile(join(cwd, 'some'))).toBe(true);
    expect(readdirSync(cwd)).toEqual([]);
  });
});
