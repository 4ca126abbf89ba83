// Writes test/fixtures/founding-folder.sql: the store of a demo platform as an older build of chainctl made it, cut down to
// one repository. The test that older folders open reads it.
//
// Usage: node scripts/make-founding-folder.mjs --build=FOLDER of a checkout of commit 396ce0c that is built

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const build = process.argv.find((word) => word.startsWith('--build='))?.slice('--build='.length);
if (build === undefined) {
  console.error('make-founding-folder: say which build writes the folder: --build=FOLDER');
  process.exit(2);
}
const { DatabaseSync } = createRequire(import.meta.url)('@photostructure/sqlite');
const folder = mkdtempSync(join(tmpdir(), 'chainctl-founding-'));
const chainctl = (...args) =>
  execFileSync(process.execPath, [join(build, 'bin/chainctl.js'), ...args], { env: { PATH: '', HOME: folder } });

try {
  const dataDir = join(folder, 'platform');
  chainctl('local', 'start', '--detach', `--data-dir=${dataDir}`);
  chainctl('local', 'stop', `--data-dir=${dataDir}`);
  const store = new DatabaseSync(join(dataDir, 'platform.db'));
  store.exec('PRAGMA foreign_keys = OFF');
  store.exec(`
    CREATE TEMP TABLE kept AS SELECT id FROM repos ORDER BY id LIMIT 1;
    DELETE FROM tag_history WHERE repo NOT IN kept;
    DELETE FROM tags WHERE repo NOT IN kept;
    DELETE FROM manifest_blobs WHERE repo NOT IN kept;
    DELETE FROM manifests WHERE repo NOT IN kept;
    DELETE FROM repo_blobs WHERE repo NOT IN kept;
    DELETE FROM repos WHERE id NOT IN kept;
    DELETE FROM blobs WHERE digest NOT IN (SELECT digest FROM repo_blobs);
    DELETE FROM entitlement_images;
    DROP TABLE kept;`);
  const lines = [];
  const objects = store
    .prepare("SELECT name, type, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type = 'table' DESC, rowid")
    .all();
  for (const { name, sql } of objects) if (!name.startsWith('sqlite_')) lines.push(`${sql};`);
  for (const { name, type } of objects) {
    if (type !== 'table' || name.startsWith('sqlite_')) continue;
    const rows = store.prepare(`SELECT * FROM ${name}`).all();
    for (const row of rows) lines.push(`INSERT INTO ${name} VALUES (${Object.values(row).map(literal).join(', ')});`);
  }
  store.close();
  const target = fileURLToPath(new URL('../test/fixtures/founding-folder.sql', import.meta.url));
  writeFileSync(target, `${lines.join('\n')}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function literal(value) {
  if (value === null) return 'NULL';
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`;
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);
}
