import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findPlatform } from '../../src/local/platform-file.ts';
import { isFolderLocked } from '../../src/local/store/folder-lock.ts';
import { organization } from '../support/ids.ts';
import { startTestPlatform, temporaryFolder } from '../support/platform.ts';
import { startPlatformChild } from '../support/platform-child.ts';

test('kill -9 amid writes keeps every acknowledged one, and its event, and frees the folder', async () => {
  const dataDir = temporaryFolder();
  const addresses = new Set<string>();
  const acknowledged: string[] = [];

  for (const [round, enough] of [1, 7, 20].entries()) {
    const running = await startPlatformChild(dataDir);
    const { api, token } = running;
    addresses.add(api);
    const before = acknowledged.length;
    const write = async (writer: number): Promise<void> => {
      for (let count = 0; running.child.signalCode === null; count += 1) {
        const name = `folder-${round}-${writer}-${count}`;
        const response = await fetch(`${api}/iam/v1/groups/${organization}`, {
          method: 'POST',
          headers: { authorization: token },
          body: JSON.stringify({ name }),
          // Node 20's fetch sometimes does not notice that the other side is gone.
          signal: AbortSignal.timeout(5000),
        });
        await response.arrayBuffer();
        if (response.ok) acknowledged.push(name);
        // The other writers' requests are on their way.
        if (acknowledged.length - before >= enough) void running.kill();
      }
    };
    await Promise.allSettled([0, 1, 2, 3].map(write));
    await running.kill();
    expect(acknowledged.length - before).toBeGreaterThanOrEqual(enough);
    expect(isFolderLocked(dataDir)).toBe(false);
    // Its platform.json is still there, and is not believed.
    expect(existsSync(join(dataDir, 'platform.json'))).toBe(true);
    expect(findPlatform(dataDir)).toBeUndefined();
  }

  expect(addresses.size).toBe(1);
  const platform = await startTestPlatform({ dataDir });
  const names = (sql: string) => platform.store.read((tx) => tx.all(sql).map((row) => String(row['name'])));
  const folders = names('SELECT name FROM groups');
  const events = names("SELECT json_extract(body, '$.name') AS name FROM outbox");
  expect(folders).toEqual(expect.arrayContaining(acknowledged));
  expect(new Set(events)).toEqual(new Set(folders.filter((name) => name.startsWith('folder-'))));
  expect(platform.store.read((tx) => tx.get('PRAGMA integrity_check'))).toEqual({ integrity_check: 'ok' });
}, 60_000);

test('a platform of another process is found, and a second start on its folder refused', async () => {
  const dataDir = temporaryFolder();
  const { child, api } = await startPlatformChild(dataDir);
  expect(findPlatform(dataDir)).toMatchObject({ api, dataDir, pid: child.pid });
  await expect(startTestPlatform({ dataDir })).rejects.toThrow(/already running/);
});
