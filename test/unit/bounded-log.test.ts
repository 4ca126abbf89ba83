// The log of a platform in the background: bounded, and no line is lost that the bound leaves room for.

import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { boundLog } from '../../src/commands/local/bounded-log.ts';

function logFile(name = 'platform.log') {
  const folder = mkdtempSync(join(tmpdir(), 'chainctl-log-'));
  const path = join(folder, name);
  // As the process that starts it in the background opens it.
  const descriptor = openSync(path, 'a', 0o600);
  onTestFinished(() => {
    closeSync(descriptor);
    rmSync(folder, { recursive: true });
  });
  return { path, descriptor, lines: (of: string) => readFileSync(of, 'utf8').split('\n').filter(Boolean).map(Number) };
}

test('what has grown beyond the bound becomes the old log, and the next lines begin anew', () => {
  const { path, descriptor, lines } = logFile();
  const noted = boundLog(path, descriptor, 1_000);
  for (let line = 1; line <= 1_000; line += 1) noted(writeSync(descriptor, `${line}\n`));
  expect(statSync(path).size).toBeLessThanOrEqual(1_000);
  expect(statSync(`${path}.old`).size).toBeLessThanOrEqual(1_010);
  const kept = [...lines(`${path}.old`), ...lines(path)];
  expect(kept.at(-1)).toBe(1_000);
  expect(kept).toEqual(kept.map((_, at) => (kept[0] ?? 0) + at));
});

test('what was in it before counts', () => {
  const { path, descriptor, lines } = logFile();
  writeSync(descriptor, '7'.repeat(990));
  const noted = boundLog(path, descriptor, 1_000);
  noted(writeSync(descriptor, '\n1\n'));
  expect(existsSync(`${path}.old`)).toBe(false);
  noted(writeSync(descriptor, '12345678\n'));
  expect(lines(`${path}.old`).slice(1)).toEqual([1, 12345678]);
  expect(statSync(path).size).toBe(0);
});

test('any other output is left alone', () => {
  const { path, descriptor } = logFile();
  const other = logFile();
  for (const noted of [boundLog(other.path, descriptor, 10), boundLog(join(path, 'none'), descriptor, 10)]) {
    noted(writeSync(descriptor, 'a line that is longer than ten\n'));
  }
  expect(statSync(path).size).toBe(62);
  expect([existsSync(`${path}.old`), existsSync(`${other.path}.old`)]).toEqual([false, false]);
});
