// Run as a process of its own by test/unit/lock.test.ts.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { withLock } from '../../src/lock.ts';

const [what, lock = '', folder = '', times = '1'] = process.argv.slice(2);

async function count(): Promise<void> {
  for (let i = 0; i < Number(times); i += 1) {
    await withLock(lock, {}, async () => {
      const before = Number(readFileSync(join(folder, 'count'), 'utf8'));
      await delay(3);
      writeFileSync(join(folder, 'count'), String(before + 1));
    });
  }
}

async function hold(): Promise<void> {
  await withLock(lock, {}, async () => {
    writeFileSync(join(folder, 'held'), String(process.pid));
    process.stdout.write('held\n');
    await delay(60_000);
  });
}

void (what === 'count' ? count() : hold());
