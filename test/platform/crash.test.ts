// Ten writers and ten readers at once, the process killed in the middle: what was acknowledged is there, and what belongs
// together is there together or not at all.

import { expect, test } from 'vitest';
import { mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { builtInRoleId, demoFolders, dev } from '../support/ids.ts';
import { startTestPlatform, temporaryFolder } from '../support/platform.ts';
import { startPlatformChild } from '../support/platform-child.ts';

const { engineering } = demoFolders;
const loginIssuer = 'https://login.example';
const viewer = builtInRoleId('viewer');
const owner = builtInRoleId('owner');
const writers = 10;
const readers = 10;
const loginsPerWriter = 60;

interface Prepared {
  readonly api: string;
  readonly code: string;
  /** Tokens of people without account, by writer. */
  readonly logins: readonly (readonly { readonly subject: string; readonly bearer: string }[])[];
}

/** A platform that has stopped again, and what other processes need to call it. Their clock is the real one. */
async function prepare(dataDir: string, round: number): Promise<Prepared> {
  const platform = await startTestPlatform({ dataDir });
  const now = Date.now();
  const invite = await platform.call(await platform.token(dev), 'POST', `/iam/v1/group_invites/${engineering}`, {
    body: { role: viewer, ttl: '315360000s' },
  });
  const logins = [];
  for (let writer = 0; writer < writers; writer += 1) {
    const own = [];
    for (let count = 0; count < loginsPerWriter; count += 1) {
      const subject = `${round}-${writer}-${count}`;
      const audience = platform.urls.issuer;
      own.push({
        subject,
        bearer: await mintThirdPartyToken(platform.store, { issuer: loginIssuer, subject, audience, now }),
      });
    }
    logins.push(own);
  }
  await platform.stop();
  return { api: platform.urls.api, code: invite.body.code, logins };
}

test('no acknowledged write is lost and nothing is half made, however the process ends', async () => {
  const dataDir = temporaryFolder();
  const acknowledged = { users: new Set<string>(), identities: new Set<string>(), organizations: new Set<string>() };
  let reads = 0;

  for (const [round, enough] of [15, 60].entries()) {
    const { api, code, logins } = await prepare(dataDir, round);
    const { child, token, kill, ...running } = await startPlatformChild(dataDir);
    expect(running.api).toBe(api);
    let writes = 0;

    const send = async (method: string, path: string, bearer: string, body?: object): Promise<unknown> => {
      const response = await fetch(`${api}${path}`, {
        method,
        headers: { authorization: `Bearer ${bearer}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // Node 20's fetch sometimes does not notice that the other side is gone.
        signal: AbortSignal.timeout(5000),
      });
      const answer = await response.json();
      expect([path, response.status, answer]).toEqual([path, 200, expect.anything()]);
      return answer;
    };
    const acknowledge = (kind: keyof typeof acknowledged, id: string): void => {
      acknowledged[kind].add(id);
      writes += 1;
      // Everybody else's request is on its way.
      if (writes === enough) void kill();
    };

    const write = async (writer: number): Promise<void> => {
      for (const [count, { subject, bearer }] of (logins[writer] ?? []).entries()) {
        if (child.signalCode !== null) return;
        const name = `w-${round}-${writer}-${count}`;
        if (count % 3 === 0) {
          const made = await send('POST', `/iam/v1/identities/${engineering}`, token, {
            name,
            claimMatch: { issuer: 'https://issuer.example', subject },
          });
          acknowledge('identities', (made as { id: string }).id);
        } else if (count % 3 === 1) {
          const made = await send('POST', '/iam/v1/groups', token, { name });
          acknowledge('organizations', (made as { id: string }).id);
        } else {
          const made = await send('POST', '/auth/v1/register', bearer, { code });
          acknowledge('users', (made as { identity: string }).identity);
        }
      }
    };
    const paths = ['groups', 'identities', 'rolebindings', 'roles', 'group_invites'];
    const read = async (reader: number): Promise<void> => {
      while (child.signalCode === null) {
        const path = paths[reader % paths.length] ?? '';
        const { items } = (await send('GET', `/iam/v1/${path}`, token)) as { items: { id: string }[] };
        const ids = items.map(({ id }) => id);
        // A whole answer, in order, as of one moment.
        expect(ids).toEqual([...ids].sort());
        expect(new Set(ids).size).toBe(ids.length);
        reads += 1;
      }
    };

    const outcomes = await Promise.allSettled([
      ...Array.from({ length: writers }, (_, writer) => write(writer)),
      ...Array.from({ length: readers }, (_, reader) => read(reader)),
    ]);
    await kill();
    // Connections may end; wrong answers may not.
    const wrong = outcomes.filter(({ status, reason }: PromiseSettledResult<void> & { reason?: unknown }) => {
      return status === 'rejected' && !(reason instanceof TypeError) && (reason as Error).name !== 'TimeoutError';
    });
    expect(wrong).toEqual([]);
    expect(writes).toBeGreaterThanOrEqual(enough);
  }
  expect(reads).toBeGreaterThan(20);

  const platform = await startTestPlatform({ dataDir });
  const ids = (sql: string, ...values: string[]) =>
    platform.store.read((tx) => tx.all(sql, ...values).map((row) => String(row['id'])));
  expect(ids('SELECT id FROM identities WHERE parent = ?', engineering)).toEqual(
    expect.arrayContaining([...acknowledged.identities]),
  );
  expect(ids('SELECT id FROM groups WHERE parent IS NULL')).toEqual(
    expect.arrayContaining([...acknowledged.organizations]),
  );
  expect(ids('SELECT id FROM identities WHERE issuer = ?', loginIssuer)).toEqual(
    expect.arrayContaining([...acknowledged.users]),
  );
  // Whoever registered, acknowledged or not, is in the group it was invited to, and every organization has its owner.
  expect(
    ids(
      'SELECT id FROM identities u WHERE issuer = ? AND NOT EXISTS (SELECT 1 FROM role_bindings WHERE identity = u.id AND group_id = ? AND role = ?)',
      loginIssuer,
      engineering,
      viewer,
    ),
  ).toEqual([]);
  expect(
    ids(
      "SELECT id FROM groups g WHERE parent IS NULL AND name LIKE 'w-%' AND NOT EXISTS (SELECT 1 FROM role_bindings WHERE group_id = g.id AND role = ?)",
      owner,
    ),
  ).toEqual([]);
  const count = (sql: string, ...values: string[]) =>
    Number(platform.store.read((tx) => tx.get(`SELECT COUNT(*) AS n FROM ${sql}`, ...values))?.['n']);
  const event = (type: string) => count('outbox WHERE type = ?', `dev.chainguard.api.${type}.v1`);
  expect(event('auth.registered')).toBe(count('identities WHERE issuer = ?', loginIssuer));
  expect(event('iam.group.created')).toBe(count("groups WHERE name LIKE 'w-%'"));
  expect(event('iam.identity.created')).toBe(count('identities WHERE parent = ?', engineering));
  expect(platform.store.read((tx) => [tx.get('PRAGMA integrity_check'), tx.all('PRAGMA foreign_key_check')])).toEqual([
    { integrity_check: 'ok' },
    [],
  ]);
}, 120_000);
