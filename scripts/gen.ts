// Writes every generated file, or with --check says which is stale and exits 1.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generateConsole } from './gen-console.ts';
import { generateIndex } from './gen-index.ts';
import { generateNeeds } from './gen-needs.ts';
import { generateSchema } from './gen-schema.ts';

const root = join(__dirname, '..');
const checkOnly = process.argv.includes('--check');

async function main(): Promise<void> {
  const files = new Map<string, string>();
  const stale: string[] = [];
  const keep = (made: ReadonlyMap<string, string>) => {
    for (const [path, content] of made) {
      files.set(path, content);
      if (isFresh(path, content)) continue;
      stale.push(path);
      if (!checkOnly) write(path, content);
    }
  };
  keep(await generateSchema());
  keep(await generateConsole());
  keep(await generateIndex());
  keep(await generateNeeds());
  // Loaded now: both walk the index that was just written.
  keep(await (await import('./gen-docs.ts')).generateDocs());
  keep(await (await import('./gen-man.ts')).generateMan());

  // A page or a part of the index whose command has gone would be a dead end that nothing else reports.
  const left = [
    ...below('docs/commands', '.md'),
    ...below('src/commands', '.gen.ts'),
    ...below('share/man', '.1'),
  ].filter((path) => !files.has(path));
  stale.push(...left);
  if (!checkOnly) for (const path of left) rmSync(join(root, path));
  if (checkOnly && stale.length > 0) {
    console.error(`stale: ${stale.join(', ')}\nrun \`npm run gen\` and commit what it writes`);
    process.exitCode = 1;
  } else {
    console.log(
      checkOnly
        ? `${files.size} generated files are fresh`
        : `${stale.length} of ${files.size} generated files written`,
    );
  }
}

function isFresh(path: string, content: string): boolean {
  try {
    return readFileSync(join(root, path), 'utf8') === content;
  } catch {
    return false;
  }
}

function write(path: string, content: string): void {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
}

/** Paths of the files in a folder, and below, that end so. */
const below = (folder: string, ending: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith(ending));

void main();
