// Who may import whom. Read from the sources, so a new import that breaks a rule names its file.

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..', 'src');

interface Import {
  readonly from: string;
  readonly to: string;
  readonly lazy: boolean;
  readonly typeOnly: boolean;
}

function sources(): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split('\\').join('/'));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8').replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
  const found: Import[] = [];
  const resolve = (to: string) => (to.startsWith('.') ? posix.normalize(posix.join(posix.dirname(file), to)) : to);
  for (const [, keyword, names, to] of text.matchAll(/^(import|export)\s+([^'"`;]*?\s+from\s+)?['"]([^'"]+)['"]/gm)) {
    const typeOnly = /^type\s/.test(names ?? '');
    if (keyword && to) found.push({ from: file, to: resolve(to), lazy: false, typeOnly });
  }
  for (const [, to] of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) {
    if (to) found.push({ from: file, to: resolve(to), lazy: true, typeOnly: false });
  }
  return found;
}

const imports = sources().flatMap(importsOf);
const names = (broken: readonly Import[]) => broken.map((one) => `${one.from} → ${one.to}`);

test('the sources were read', () => {
  expect(imports.length).toBeGreaterThan(100);
  expect(imports.some((one) => one.from === 'cli/pipeline.ts' && one.to === 'cli/arguments.ts')).toBe(true);
});

test('api imports neither local nor cli nor commands', () => {
  const broken = imports.filter(
    (one) => one.from.startsWith('api/') && /^(local|cli|commands|auth|docker)\//.test(one.to),
  );
  expect(names(broken)).toEqual([]);
});

test('attestations are read without input or output', () => {
  const broken = imports.filter(
    (one) =>
      one.from.startsWith('attestations/') && !/^(attestations\/|packageurl-js$|node:string_decoder$)/.test(one.to),
  );
  expect(names(broken)).toEqual([]);
});

test('the schema imports nothing outside itself', () => {
  const broken = imports.filter((one) => one.from.startsWith('api/schema/') && !one.to.startsWith('api/schema/'));
  expect(names(broken)).toEqual([]);
});

test('local imports only itself, the wire side of api, host and packages', () => {
  const allowed =
    /^(local\/|api\/(schema|wire)|api\/(uidp|capabilities|status)\.ts|host\.ts|loopback\.ts|files\.ts|parallel\.ts|errors\.ts|version\.ts|[a-z@])/;
  const broken = imports.filter(
    (one) =>
      one.from.startsWith('local/') && (!allowed.test(one.to) || /^(cli|commands|auth|docker|config)\//.test(one.to)),
  );
  expect(names(broken)).toEqual([]);
});

test('only commands/local loads the platform, and lazily', () => {
  const users = imports.filter((one) => !one.from.startsWith('local/') && one.to.startsWith('local/') && !one.typeOnly);
  expect(names(users.filter((one) => !one.from.startsWith('commands/local/')))).toEqual([]);
  expect(names(users.filter((one) => !one.lazy))).toEqual([]);
});

test('only the platform loads the tables of all packages, or those of v2', () => {
  const tables = /^api\/schema\/(?:(?:operations|messages)\.gen|(?:operations|messages)\/.*-v2(?:beta1)?\.gen)\.ts$/;
  const users = imports.filter((one) => tables.test(one.to) && !one.typeOnly && !one.from.startsWith('api/schema/'));
  expect(users.length).toBeGreaterThan(0);
  expect(names(users.filter((one) => !one.from.startsWith('local/') && !one.from.startsWith('commands/api/')))).toEqual(
    [],
  );
});

test('a command never imports another command', () => {
  const commands = new Set(
    sources().filter(
      (file) =>
        file.startsWith('commands/') && /export default defineCommand/.test(readFileSync(join(root, file), 'utf8')),
    ),
  );
  const broken = imports.filter((one) => commands.has(one.from) && commands.has(one.to));
  expect(names(broken)).toEqual([]);
});

test('auth, config and docker stand below the commands', () => {
  const broken = imports.filter(
    (one) => /^(auth|config|docker)\//.test(one.from) && /^(commands|cli|local)\//.test(one.to),
  );
  expect(names(broken)).toEqual([]);
});

test('only the entries and the real host touch process', () => {
  const allowed = new Set([
    'cli/main.ts',
    'cli/real-host.ts',
    'credential-helper.ts',
    'version.ts',
    'cli/prompts/terminal.ts',
    // Process ids are what a lock between processes and a temporary file's name are made of.
    'auth/lock.ts',
    // Whose files may be believed depends on the user this process runs as.
    'auth/cache-files.ts',
    'files.ts',
  ]);
  const broken = sources().filter((file) => {
    if (allowed.has(file) || file.startsWith('local/')) return false;
    const text = readFileSync(join(root, file), 'utf8').replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
    return /\bprocess\.(?!versions|getBuiltinModule)/.test(text);
  });
  expect(broken).toEqual([]);
});
