import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { iamModule } from '../../src/local/iam/module.ts';
import { seedDemo } from '../../src/local/iam/seed.ts';
import { subRule } from '../../src/local/iam/stored-provider.ts';
import { allMigrations } from '../../src/local/modules.ts';
import { openStore, type SqlValue, type Store } from '../../src/local/store/database.ts';
import { quickFolder, TestClock } from './platform.ts';

/** Makes identities, roles and bindings straight in a store, each with just what a test needs. */
export function standIns(store: Store) {
  let made = 0;
  const next = (): string => {
    made += 1;
    return String(made);
  };
  const standIn = {
    /** An account that somebody signs in to; `home` is the organization whose provider made it. */
    account(row: Readonly<Record<string, SqlValue>> = {}): string {
      const id = next().padStart(40, 'a');
      insert('identities', {
        ...{ id, kind: 'claimMatch', relationship: '{}', issuer: 'https://i.example.com', subject: id },
        ...{ created_at: 0, updated_at: 0 },
        ...row,
      });
      return id;
    },
    role(capabilities: readonly string[], parent: string | null = null): string {
      const id = parent === null ? next().padStart(40, 'b') : `${parent}/${next().padStart(16, 'b')}`;
      insert('roles', {
        ...{ id, parent, name: `role ${id.slice(-4)}`, capabilities: JSON.stringify(capabilities) },
        ...{ created_at: 0, updated_at: 0 },
      });
      return id;
    },
    bind(identity: string, role: string, group: string): void {
      store.transact((tx) => bindRole(tx, { identity, role, group }));
    },
    /** An account that holds exactly this at a place. */
    holder(capabilities: readonly string[], group: string): string {
      const identity = standIn.account();
      standIn.bind(identity, standIn.role(capabilities), group);
      return identity;
    },
    provider(parent: string, row: Readonly<Record<string, SqlValue>> = {}): string {
      const id = `${parent}/${next().padStart(16, 'c')}`;
      insert('identity_providers', {
        ...{ id, parent, name: 'provider', issuer: 'https://i.example.com', client_id: 'client', client_secret: '' },
        ...{ correlation_rule: subRule, created_at: 0, updated_at: 0 },
        ...row,
      });
      return id;
    },
    /** What a provider knows of a person over SCIM. */
    directoryUser(provider: string, row: Readonly<Record<string, SqlValue>> = {}): string {
      const id = `directory ${next()}`;
      insert('scim_users', {
        ...{ id, identity_provider: provider, user_name: id, active: 1, resource: '{}', version: 1 },
        ...{ created_at: 0, updated_at: 0 },
        ...row,
      });
      return id;
    },
    insert,
  };
  function insert(table: string, row: Readonly<Record<string, SqlValue>>): void {
    const columns = Object.keys(row);
    const marks = columns.map(() => '?').join(', ');
    store.transact((tx) =>
      tx.run(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`, ...Object.values(row)),
    );
  }
  return standIn;
}

/** The store of a platform that does not run: every table, built-in roles, the demo's organizations and people. */
export async function testStore(
  clock = new TestClock(),
): Promise<{ readonly store: Store; readonly clock: TestClock }> {
  const { content, drawn } = await templateOf(clock.now());
  const copy = join(quickFolder(), 'platform.db');
  writeFileSync(copy, content);
  // Else the next ids that are made would be those of the template.
  clock.randomBytes(drawn);
  const store = openStore(copy, allMigrations(), clock);
  onTestFinished(() => store.close());
  return { store, clock };
}

/** A store that was made and filled once: that takes as long as a dozen tests that ask it. */
interface Template {
  readonly content: Buffer;
  /** Bytes that were drawn for it, each draw counted up to its next 32. */
  readonly drawn: number;
}

/** By the time they were made at. */
const templates = new Map<number, Promise<Template>>();

function templateOf(now: number): Promise<Template> {
  const template = templates.get(now) ?? makeTemplate(now);
  templates.set(now, template);
  return template;
}

async function makeTemplate(now: number): Promise<Template> {
  const source = new TestClock(now);
  let drawn = 0;
  const clock = {
    now: () => now,
    randomBytes(count: number) {
      drawn += Math.ceil(count / 32) * 32;
      return source.randomBytes(count);
    },
  };
  const dataDir = quickFolder();
  const path = join(dataDir, 'platform.db');
  const store = openStore(path, allMigrations(), clock);
  await iamModule.seed?.({ store, clock, dataDir, scenario: 'empty' });
  store.transact(seedDemo);
  store.close();
  return { content: readFileSync(path), drawn };
}
