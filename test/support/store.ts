import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { iamModule } from '../../src/local/iam/module.ts';
import { seedDemo } from '../../src/local/iam/seed.ts';
import { openStore, type Store } from '../../src/local/store/database.ts';
import { migrations } from '../../src/local/store/schema.ts';
import { TestClock } from './platform.ts';

/** The store of a platform that does not run: every table, built-in roles, the demo's organizations and people. */
export async function testStore(
  clock = new TestClock(),
): Promise<{ readonly store: Store; readonly clock: TestClock }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'chainctl-store-'));
  const store = openStore(join(dataDir, 'platform.db'), migrations, clock);
  onTestFinished(() => {
    store.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  await iamModule.seed?.({ store, clock, dataDir, scenario: 'empty' });
  store.transact(seedDemo);
  return { store, clock };
}
