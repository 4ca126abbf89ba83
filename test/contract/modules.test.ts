// The modules of the platform: what each declares holds for what it loads, and nobody else's files are loaded for it.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createOperationTables } from '../../src/local/api/operation-tables.ts';
import type { Module } from '../../src/local/core/module.ts';
import { createRouter } from '../../src/local/http/router.ts';
import { modules } from '../../src/local/modules.ts';
import { startTestPlatform } from '../support/platform.ts';

const local = join(import.meta.dirname, '..', '..', 'src', 'local');
const all: readonly Module[] = modules as readonly Module[];

test('each handler is found by its id, and by no other prefix', async () => {
  const tables = all.flatMap(({ operations = [] }) => operations);
  const { find } = createOperationTables(tables, []);
  const loads = new Set(tables.map(({ load }) => load.toString()));
  expect(loads.size).toBeGreaterThan(5);
  const seen = new Map<string, unknown>();
  for (const { load } of tables) {
    for (const [id, handler] of Object.entries((await load()).handlers)) {
      expect(await find(id), id).toEqual({ kind: 'handler', handler });
      expect(seen.get(id) ?? handler, id).toBe(handler);
      seen.set(id, handler);
    }
  }
});

test('two modules with one prefix, one operation or one path are refused', () => {
  const load = async () => ({ handlers: {} });
  const one = { prefix: 'iam.v1.', load };
  expect(() => createOperationTables([one, one], [])).toThrow('two modules have iam.v1.');
  const prepared = { ids: ['auth.v1.Auth.Register'], load: async () => ({}) };
  expect(() => createOperationTables([], [prepared, prepared])).toThrow('two modules have auth.v1.Auth.Register');
  const route = { prefix: '/v2', load: () => Promise.reject(new Error('not asked for')) };
  expect(() => createRouter([route, route])).toThrow('two modules answer /v2');
});

test('names are unique and are folders', () => {
  const names = all.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const folders = new Set(readdirSync(local));
  expect(names.filter((name) => !folders.has(name))).toEqual([]);
});

test('a platform of some modules answers for those, and for the rest as if nobody had written them', async () => {
  const platform = await startTestPlatform({ modules: ['scim'] });
  const status = async (path: string) => (await platform.call(undefined, 'GET', path)).status;
  expect(await status('/.well-known/openid-configuration')).toBe(200);
  expect(await status('/v2/')).toBe(404);
  expect(await status('/console')).toBe(404);
  expect(await status('/scim/v2/')).toBe(404);
  const whole = await startTestPlatform();
  expect((await whole.call(undefined, 'GET', '/v2/')).status).toBe(401);
  expect((await whole.call(undefined, 'GET', '/console')).status).toBe(200);
});

test('adding a module takes its folder and its lines in modules.ts', () => {
  const naming = readdirSync(local, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && /from '[./]*console\//.test(readFileSync(join(local, file), 'utf8')),
  );
  expect(naming).toEqual(['modules.ts']);
});
