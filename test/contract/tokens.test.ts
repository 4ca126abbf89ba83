// A token that somebody wrote into a file while trying things is easily committed with the rest.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const notOurs = new Set(['.git', '.e2e', 'coverage', 'node_modules']);
const signedToken = /eyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{40,}/;

function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (notOurs.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

test('no file of the project holds a signed token', () => {
  const files = [...filesBelow(root)];
  expect(files).toContain(join(root, 'README.md'));
  expect(files.filter((file) => signedToken.test(readFileSync(file, 'latin1')))).toEqual([]);
});
