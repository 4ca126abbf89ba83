// Texts that people review as output. `npm run golden` writes them; without it a difference fails the test.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect } from 'vitest';

const root = join(import.meta.dirname, 'files');
const isUpdate = process.env['UPDATE_GOLDEN'] === '1';

/** Compares a text with its file below `files`, or writes the file. */
export function expectGolden(name: string, text: string): void {
  const path = join(root, name);
  if (isUpdate) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  expect(existsSync(path), `${name} is there; run \`npm run golden\` and review what it writes`).toBe(true);
  expect(text, name).toBe(readFileSync(path, 'utf8'));
}

/** A file that no test compares any more says something about nothing. */
export function expectNoOthers(folder: string, names: readonly string[]): void {
  const known = new Set(names);
  const stale = filesBelow(join(root, folder)).filter((name) => !known.has(name));
  if (isUpdate) for (const name of stale) rmSync(join(root, name));
  else expect(stale).toEqual([]);
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split('\\').join('/'));
}
