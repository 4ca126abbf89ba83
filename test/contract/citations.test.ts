// A comment that cites a fact by section is only worth something where the section can be read.

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const pages = ['outputs', 'protocols', 'roles', 'script-contracts', 'semantics'];
const citation = new RegExp(
  `\\b(${pages.join('|')})(?:\\.md)? (\\d+(?:\\.\\d+)*(?:(?:, | and )\\d+(?:\\.\\d+)*)*)`,
  'g',
);

/** Returns the numbers of the sections of `page`: of headings (`## 3`, `### 3.5`) and of table rows (`| 3.5 |`). */
function sectionsOf(page: string): Set<string> {
  const found = new Set<string>();
  for (const line of readFileSync(join(root, 'docs/design', `${page}.md`), 'utf8').split('\n')) {
    const section = /^(?:#{2,3} |\| )(\d+(?:\.\d+)*)\.? /.exec(line)?.[1];
    if (section !== undefined) found.add(section);
  }
  return found;
}

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.(ts|mjs|cjs)$/.test(entry.name)) yield path;
  }
}

test('every section that a comment cites is in docs/design', () => {
  const known = new Map(pages.map((page) => [page, sectionsOf(page)]));
  const cited: string[] = [];
  const missing: string[] = [];
  for (const file of ['src', 'test', 'scripts', 'bin'].flatMap((folder) => [...sources(join(root, folder))])) {
    for (const [, page, sections] of readFileSync(file, 'utf8').matchAll(citation)) {
      if (page === undefined || sections === undefined) continue;
      for (const section of sections.split(/, | and /)) {
        cited.push(section);
        if (known.get(page)?.has(section) !== true) missing.push(`${relative(root, file)}: ${page} ${section}`);
      }
    }
  }
  expect(cited.length).toBeGreaterThan(100);
  expect(missing).toEqual([]);
});
