// A data folder of the first builds opens with everything in it. test/fixtures/founding-folder.sql is one, made by
// scripts/make-founding-folder.mjs.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDriver } from '../../src/local/store/database.ts';
import { demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform, temporaryFolder } from '../support/platform.ts';

const sql = readFileSync(join(import.meta.dirname, '..', 'fixtures', 'founding-folder.sql'), 'utf8');

test('a folder of the founding schema opens with everything in it', async () => {
  const dataDir = temporaryFolder();
  const Database = loadDriver();
  const before = new Database(join(dataDir, 'platform.db'));
  before.exec(sql);
  const tables = (before.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as { name: string }[])
    .map(({ name }) => name)
    // What the platform writes at each start: its port, and migrations that are newer.
    .filter((name) => !['meta', 'migrations', 'event_cursor'].includes(name) && !name.startsWith('sqlite_'));
  const columns = new Map(
    tables.map((table) => [
      table,
      (before.prepare(`SELECT name FROM pragma_table_info('${table}')`).all() as { name: string }[])
        .map(({ name }) => name)
        .join(', '),
    ]),
  );
  const kept = new Map(
    tables.map((table) => [table, before.prepare(`SELECT ${columns.get(table)} FROM ${table}`).all()]),
  );
  before.close();
  expect(kept.get('groups')?.length).toBe(5);
  expect(kept.get('manifests')?.length).toBeGreaterThan(5);

  const platform = await startTestPlatform({ dataDir, seed: 'demo' });
  platform.store.read((tx) => {
    for (const table of tables) {
      const rows = tx.all(`SELECT ${columns.get(table)} FROM ${table}`);
      // New rows may come with a new build; each old one is still there.
      expect(rows.map(plain), table).toEqual(expect.arrayContaining((kept.get(table) ?? []).map(plain)));
    }
  });
  const token = await platform.token(personId('dev@example.com'));
  const groups = await platform.call(token, 'GET', '/iam/v1/groups');
  const ids = groups.body.items.map(({ id }: { id: string }) => id);
  expect([groups.status, ids]).toEqual([200, expect.arrayContaining([demoOrganizations.private])]);
});

/** Built-in roles follow the build, so their capabilities and times are its own. */
function plain(row: unknown): object {
  const {
    capabilities: _capabilities,
    updated_at: _updated,
    description: _description,
    ...rest
  } = row as Record<string, unknown>;
  return rest;
}
