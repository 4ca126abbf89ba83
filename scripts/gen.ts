// Writes every generated file, or with --check says which is stale and exits 1.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generateDocs } from './gen-docs.ts';
import { generateIndex } from './gen-index.ts';
import { generateSchema } from './gen-schema.ts';

const root = join(__dirname, '..');
const checkOnly = process.argv.includes('--check');

async function main(): Promise<void> {
  const files = new Map<string, string>(await generateSchema());
  for (const [path, content] of await generateIndex()) files.set(path, content);
  for (const [path, content] of await generateDocs()) files.set(path, content);

  const stale: string[] = [];
  for (const [path, content] of files) {
    const target = join(root, path);
    let current: string | undefined;
    try {
      current = readFileSync(target, 'utf8');
    } catch {
      current = undefined;
    }
    if (current === content) continue;
    stale.push(path);
    if (checkOnly) continue;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
  // A page or a part of the index whose command has gone would be a dead end that nothing else reports.
  const left = [...below('docs/commands', '.md'), ...below('src/commands', '.gen.ts')].filter(
    (path) => !files.has(path),
  );
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

/** Paths of the files in a folder, and below, that end so. */
const below = (folder: string, ending: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith(ending));

void main();
