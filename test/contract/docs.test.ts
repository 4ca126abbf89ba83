// Documentation that people paste from: its commands exist, its links lead somewhere, and every error reason is explained.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { loadCommands } from '../../scripts/gen-index.ts';
import { parseArguments } from '../../src/cli/arguments.ts';
import { find } from '../../src/cli/program.ts';
import { shellWords } from '../support/shell-words.ts';

const root = join(import.meta.dirname, '../..');
const definitions = new Map((await loadCommands()).map(({ definition }) => [definition.path.join(' '), definition]));

const markdownBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
const pages = ['README.md', 'CONTRIBUTING.md', ...markdownBelow('docs')];
// Generated pages take their commands from definitions, whose examples are tested as such; the design pages quote others.
const written = pages.filter((page) => !/^docs\/(commands|design)\//.test(page));

/** Returns the chainctl commands in the fenced blocks and code spans of a page, continued lines joined. */
function commandsIn(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  const blocks = [...text.matchAll(/^```(?:sh|yaml|bash)\n([\s\S]*?)^```/gm)].map(([, block]) => block ?? '');
  const lines = blocks.flatMap((block) => block.replace(/\\\n\s*/g, ' ').split('\n'));
  const spans = [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`(chainctl [^`]+)`/g)].map(
    ([, span]) => span ?? '',
  );
  return [...lines, ...spans].flatMap((line) =>
    [...line.matchAll(/(?:^|[\s(|"])chainctl ((?:"[^"]*"|'[^']*'|[^|)#>&;"'])*)/g)].map(([, words]) =>
      (words ?? '').trim(),
    ),
  );
}

const pasted = written.flatMap((page) => commandsIn(page).map((text) => [page, text] as const));

test('documentation shows commands', () => {
  expect(pasted.length).toBeGreaterThan(100);
});

test.each(pasted)('%s: chainctl %s', async (_, text) => {
  // A placeholder for any command ends what can be checked.
  if (/^(…|<|\[|COMMAND)/.test(text)) return;
  const words = shellWords(text.replace(/ (…|\.\.\.).*$/, ''));
  const found = await find(words.filter((word) => !word.startsWith('-')));
  expect(found.path.length === 0 && !text.startsWith('-'), `no command in "${text}"`).toBe(false);
  const definition = definitions.get(found.path.join(' '));
  if (definition === undefined) {
    expect(words.slice(found.path.length).filter((word) => !word.startsWith('-'))).toEqual([]);
    return;
  }
  const flagsBefore = words.slice(0, words.indexOf(found.path[0] ?? ''));
  const rest = words.slice(flagsBefore.length + found.path.length);
  expect(() => parseArguments(definition, [...flagsBefore, ...rest])).not.toThrow();
});

test.each(pages.map((page) => [page]))('links of %s lead to files', (page) => {
  const text = readFileSync(join(root, page), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
  const targets = [...text.replace(/`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? '');
  const dead = targets
    .filter((target) => !/^[a-z]+:/.test(target) && !target.startsWith('#'))
    .filter((target) => !existsSync(join(root, dirname(page), target.replace(/#.*$/, ''))));
  expect(dead).toEqual([]);
});

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (entry.name.endsWith('.ts')) yield path;
  }
}

test('docs/troubleshooting.md explains every error reason, and no other', () => {
  const inCode = new Map<string, string>();
  for (const file of sources(join(root, 'src'))) {
    for (const [, reason] of readFileSync(file, 'utf8').matchAll(/\bcode: '([a-z-]+\.[a-z-]+)'/g)) {
      if (reason !== undefined) inCode.set(reason, relative(root, file));
    }
  }
  const page = readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8');
  const explained = [...page.matchAll(/^### ([a-z.-]+)$/gm)].map(([, reason]) => reason ?? '');
  const missing = [...inCode]
    .filter(([reason]) => !explained.includes(reason))
    .map(([reason, file]) => `${reason} (${file})`);
  expect(inCode.size).toBeGreaterThan(80);
  expect(missing, 'add a section to docs/troubleshooting.md').toEqual([]);
  expect(
    explained.filter((reason) => !inCode.has(reason)),
    'no code has these reasons any more',
  ).toEqual([]);
});
