// The modules of the platform: what each declares holds for what it loads, and nobody else's files are loaded for it.

import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { schema } from '../../src/api/schema/messages.gen.ts';
import { operations } from '../../src/api/schema/operations.gen.ts';
import type { Operation } from '../../src/api/schema/types.ts';
import { createWire } from '../../src/api/wire.ts';
import { createOperationTables } from '../../src/local/api/operation-tables.ts';
import type { Module } from '../../src/local/core/module.ts';
import { createRouter } from '../../src/local/http/router.ts';
import { allMigrations, eventFacts, modules } from '../../src/local/modules.ts';
import { toEvent } from '../../src/local/outbox/outbox.ts';
import { openStore } from '../../src/local/store/database.ts';
import { founding } from '../../src/local/store/founding/founding.ts';
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

test('each message that raises an event says what of it may be stored, by names that it has', async () => {
  const facts = eventFacts();
  const { find } = createOperationTables(
    all.flatMap(({ operations = [] }) => operations),
    [],
  );
  const missing: string[] = [];
  for (const operation of Object.values<Operation>(operations)) {
    if (operation.event === null || (await find(operation.id)) === undefined) continue;
    const message = operation.response === 'google.protobuf.Empty' ? operation.request : operation.response;
    if (facts[message.replace(/\.v2(?:beta1)?(?=\.)/, '')] === undefined) missing.push(message);
  }
  expect(missing).toEqual([]);
  const names = new Set(Object.values(schema.messages).flatMap(({ fields }) => fields.map(({ json }) => json)));
  const unknown = Object.values(facts).flatMap(({ fields }) =>
    fields.flatMap((field) => field.split('.')).filter((name) => !names.has(name)),
  );
  expect(unknown).toEqual([]);
});

test('a field that is not listed is not stored, however deep it lies', () => {
  const telling = { wire: createWire(schema), facts: eventFacts() };
  const provider = { id: 'a', name: 'p', oidc: { issuer: 'https://i.example', clientId: 'c', clientSecret: 'hush' } };
  const event = toEvent(telling, operations['iam.v1.IdentityProviders.Create'], {}, provider);
  expect(event?.body).toEqual({ id: 'a', name: 'p', oidc: { issuer: 'https://i.example', clientId: 'c' } });
  const narrow = { 'chainguard.platform.iam.Group': { fields: ['id'], place: () => ({ subject: '', group: '' }) } };
  const group = toEvent({ ...telling, facts: narrow }, operations['iam.v1.Groups.Create'], {}, { id: 'g', name: 'n' });
  expect(group?.body).toEqual({ id: 'g' });
  expect(() => toEvent({ ...telling, facts: {} }, operations['iam.v1.Groups.Create'], {}, {})).toThrow(
    'no module says',
  );
});

test('migrations of every module are applied, after the founding schema, which is frozen', () => {
  const migrations = allMigrations();
  const frozen = createHash('sha256').update(JSON.stringify(founding)).digest('hex');
  expect(frozen).toBe('26e479706088957bb2761bca27f38d581413b29a9e88c16c41c936c2f81c7cde');
  const later = all.flatMap(({ migrations = [] }) => migrations);
  expect(later.length).toBeGreaterThan(0);
  expect(migrations).toEqual([...founding, ...later]);
  const store = openStore(':memory:', migrations, { now: () => 0, randomBytes });
  const applied = store.read((tx) => tx.all('SELECT name FROM migrations')).map(({ name }) => name);
  store.close();
  expect(applied.sort()).toEqual(migrations.map(({ name }) => name).sort());
  expect(new Set(applied).size).toBe(applied.length);
  for (const { name, migrations = [] } of all) {
    // The first was named before modules were.
    const named = migrations.map((migration) => migration.name).filter((one) => one !== '016-pulls');
    expect(named.filter((one) => !new RegExp(`^${name}[-/]`).test(one))).toEqual([]);
  }
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
  expect((await whole.call(undefined, 'GET', '/console')).status).toBe(303);
});

test('adding a module takes its folder and its lines in modules.ts', () => {
  const naming = readdirSync(local, { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      file.endsWith('.ts') &&
      !file.startsWith('console/') &&
      /from '[./]*console\//.test(readFileSync(join(local, file), 'utf8')),
  );
  expect(naming).toEqual(['modules.ts']);
});
