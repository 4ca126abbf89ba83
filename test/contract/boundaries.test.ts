// Who may import whom. Read from the sources, so a new import that breaks a rule names its file.

import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { expect, test } from 'vitest';
import type { Module } from '../../src/local/core/module.ts';
import { allMigrations, modules } from '../../src/local/modules.ts';
import { openStore } from '../../src/local/store/database.ts';

const root = join(import.meta.dirname, '..', '..', 'src');

interface Import {
  readonly from: string;
  readonly to: string;
  readonly lazy: boolean;
  readonly typeOnly: boolean;
}

function sources(): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
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

test('policies are read and decided without the platform, the command line or its configuration', () => {
  const broken = imports.filter(
    (one) => one.from.startsWith('enforce/') && /^(local|cli|commands|config|auth|docker)\//.test(one.to),
  );
  expect(imports.some((one) => one.from.startsWith('enforce/'))).toBe(true);
  expect(names(broken)).toEqual([]);
});

test('access is decided without input or output', () => {
  const broken = imports.filter(
    (one) =>
      one.from.startsWith('access/') && !/^(access\/|api\/uidp\.ts$|api\/schema\/types\/[\w-]+\.gen\.ts$)/.test(one.to),
  );
  expect(imports.some((one) => one.from.startsWith('access/'))).toBe(true);
  expect(names(broken)).toEqual([]);
});

test('organizations are compared and written without input or output', () => {
  const allowed =
    /^(organization\/|access\/|trust\/|api\/(uidp|identity-rules)\.ts$|api\/schema\/types\/|(errors|suggest)\.ts$|yaml$|node:crypto$)/;
  const broken = imports.filter((one) => one.from.startsWith('organization/') && !allowed.test(one.to));
  expect(imports.some((one) => one.from.startsWith('organization/'))).toBe(true);
  expect(names(broken)).toEqual([]);
});

test('whom to trust is decided without input or output', () => {
  const allowed =
    /^(trust\/|api\/schema\/types\/iam\.gen\.ts$|api\/(identity|github)-rules\.ts$|(quote|errors|loopback|json)\.ts$|re2js$|jose$|node:crypto$)/;
  const broken = imports.filter((one) => one.from.startsWith('trust/') && !allowed.test(one.to));
  expect(imports.some((one) => one.from.startsWith('trust/'))).toBe(true);
  expect(names(broken)).toEqual([]);
});

test('the schema imports nothing outside itself', () => {
  const broken = imports.filter((one) => one.from.startsWith('api/schema/') && !one.to.startsWith('api/schema/'));
  expect(names(broken)).toEqual([]);
});

test('local imports only itself, the wire side of api, what has no owner, the console, and packages', () => {
  const allowed =
    /^(local\/|attestations\/|trust\/|enforce\/policy\/|api\/(schema|wire)[/.]|console\/|api\/(uidp|capabilities|status|headless)\.ts$|(host|html|look|loopback|files|parallel|errors|version|key-pairs|json|quote|aws-signature)\.ts$)/;
  const broken = imports.filter(
    (one) =>
      one.from.startsWith('local/') && !allowed.test(one.to) && !isPackage(one.to) && !one.to.startsWith('node:'),
  );
  expect(names(broken)).toEqual([]);
});

/** What package.json names, by itself or with a path inside; a file of ours never is one. */
function isPackage(specifier: string): boolean {
  const { devDependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(root, '..', 'package.json'), 'utf8'),
  ) as Record<'devDependencies' | 'optionalDependencies', Record<string, string>>;
  const known = Object.keys({ ...devDependencies, ...optionalDependencies });
  return known.some((name) => specifier === name || specifier.startsWith(`${name}/`));
}

const moduleNames = modules.map(({ name }) => name as string);

/** The folder below `local/` that owns a file; '' for those that join everything. */
function folderOf(file: string): string {
  return /^local\/([a-z]+)\//.exec(file)?.[1] ?? '';
}

test('a module imports modules before it, and what all share imports no module', () => {
  const broken = imports.filter(({ from, to }) => {
    const [one, other] = [folderOf(from), folderOf(to)];
    if (!from.startsWith('local/') || one === '' || one === other || !moduleNames.includes(other)) return false;
    return moduleNames.indexOf(one) <= moduleNames.indexOf(other);
  });
  expect(names(broken)).toEqual([]);
});

test('the pages of the console know a caller interface, and neither the platform nor the command line', () => {
  const allowed =
    /^(console\/|access\/|npm\/npm-registry\.ts$|api\/schema\/types(\/|\.gen\.ts$)|api\/(uidp|(identity|github|gitlab|aws|advisory)-rules|claim-patterns)\.ts$|attestations\/|trust\/|(look|pull-tokens|shell-word)\.ts$)/;
  const broken = imports.filter(
    (one) =>
      one.from.startsWith('console/') && !allowed.test(one.to) && !isPackage(one.to) && !one.to.startsWith('node:'),
  );
  expect(imports.some((one) => one.from.startsWith('console/pages/'))).toBe(true);
  expect(names(broken)).toEqual([]);
  // Only the two that serve it load it: the platform, and one command.
  const users = imports.filter((one) => one.to.startsWith('console/') && !one.from.startsWith('console/'));
  expect(names(users.filter((one) => !/^(local\/console|commands\/console)\//.test(one.from)))).toEqual([]);
  // A page of a person's session sends nothing by itself.
  const network = imports.filter(
    (one) => one.from.startsWith('console/') && /^node:(http|net|tls|dns|child_process)/.test(one.to),
  );
  expect(names(network.filter(({ typeOnly }) => !typeOnly))).toEqual([]);
});

test('handlers import no HTTP, and the HTTP server holds no SQL', () => {
  const handlerFiles =
    /^local\/(iam|advisories|registry\/(catalog|charts|entitlements|v2)|events\/(v2\/|subscriptions))/;
  const broken = imports.filter((one) => handlerFiles.test(one.from) && /^local\/http\//.test(one.to));
  expect(names(broken)).toEqual([]);
  const withSql = sources().filter(
    (file) => file.startsWith('local/http/') && /\btx\.(run|get|all)\(/.test(readFileSync(join(root, file), 'utf8')),
  );
  expect(withSql).toEqual([]);
});

/** Groups of files that import each other in a circle, each sorted. */
function circles(): string[][] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of imports) targets.set(from, [...(targets.get(from) ?? []), to]);
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): number => {
    const mine = order.size;
    order.set(file, mine);
    let lowest = mine;
    open.push(file);
    for (const to of targets.get(file) ?? []) {
      if (!order.has(to)) lowest = Math.min(lowest, visit(to));
      else if (open.includes(to)) lowest = Math.min(lowest, low.get(to) ?? order.get(to) ?? mine);
    }
    low.set(file, lowest);
    if (lowest === mine) {
      const group = open.splice(open.indexOf(file));
      if (group.length > 1) found.push(group.sort());
    }
    return lowest;
  };
  for (const file of sources()) if (!order.has(file)) visit(file);
  return found;
}

test('no files import each other in a circle, types included', () => {
  const found = circles().map((group) => group.join(' '));
  expect(found).toEqual([]);
});

test('SQL names the tables of its own module, and views of others only to read them', () => {
  const owners = new Map<string, string>([
    ['meta', 'store'],
    ['migrations', 'store'],
    ['signing_keys', 'keys'],
    ['outbox', 'outbox'],
    ['refresh_tokens', 'sessions'],
    ['revoked_families', 'sessions'],
  ]);
  for (const { name, tables = [], views = [] } of modules as readonly Module[]) {
    for (const table of [...tables, ...views]) {
      expect(owners.get(table), `${table} of ${name}`).toBeUndefined();
      owners.set(table, name);
    }
  }
  const views = new Set((modules as readonly Module[]).flatMap(({ views: own = [] }) => own));
  const store = openStore(':memory:', allMigrations(), { now: () => 0, randomBytes });
  const made = store.read((tx) =>
    tx.all("SELECT name, type, sql FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"),
  );
  store.close();
  expect(made.map((row) => String(row['name'])).filter((name) => !owners.has(name))).toEqual([]);
  expect(made.flatMap(({ name, type }) => (type === 'view' ? [String(name)] : [])).sort()).toEqual([...views].sort());

  const foreign = new Set<string>();
  const look = (text: string, owner: string): void => {
    for (const [, write, table = ''] of text.matchAll(/\b(FROM|JOIN|INTO|UPDATE|DELETE FROM)\s+([a-z_]+)\b/g)) {
      const other = owners.get(table);
      if (other === undefined || other === owner) continue;
      // A view is what its module shows to everybody, to be read.
      if (!views.has(table) || !/^(FROM|JOIN)$/.test(write ?? '')) foreign.add(`${owner}: ${table} of ${other}`);
    }
  };
  for (const { name, sql } of made) if (views.has(String(name))) look(String(sql), owners.get(String(name)) ?? '');
  for (const file of sources()) {
    const folder = folderOf(file);
    if (folder === '' || /migrations\.ts$|store\/founding\//.test(file)) continue;
    look(readFileSync(join(root, file), 'utf8').replace(/^\s*(\/\/|\*|\/\*).*$/gm, ''), folder);
  }
  expect([...foreign].sort()).toEqual([]);
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

test('tests take the ids of the demo from test/support/ids.ts', () => {
  const tests = join(root, '..', 'test');
  const files = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'));
  expect(files.length).toBeGreaterThan(100);
  const broken = files.filter((file) =>
    /import \{[^}]*\b(builtInRoleId|demo\w+|personId|people|developerIssuer)\b[^}]*\} from '[./]*src\/local/.test(
      readFileSync(join(tests, file), 'utf8'),
    ),
  );
  expect(broken).toEqual([]);
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
    'node/entry.ts',
    'real-browser.ts',
    'real-host.ts',
    'real-output.ts',
    'real-pager.ts',
    'real-terminal.ts',
    'credential-helper.ts',
    'credential-helper-rest.ts',
    'docker/helper-request.ts',
    'version.ts',
    'cli/prompts/hooks.ts',
    'cli/prompts/terminal.ts',
    // Process ids are what a lock between processes and a temporary file's name are made of.
    'lock.ts',
    // Bun's fetch reads the variables of proxies from the process itself, so they are hidden there while it is called.
    'api/fetch-client.ts',
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
