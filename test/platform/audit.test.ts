// What the audit log has, who may read it, and what never enters it.

import { expect, test } from 'vitest';
import { mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { githubToken } from '../../src/trust/ci-claims.ts';
import { demoFolders, demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform, TestClock } from '../support/platform.ts';

const organization = demoOrganizations.private;
const { engineering, sandbox } = demoFolders;
const dev = personId('dev@example.com');

interface Record {
  readonly operation: string;
  readonly who: string;
  readonly place: string;
  readonly outcome: string;
  readonly because: string;
  readonly times: number;
}

async function world() {
  const clock = new TestClock();
  const platform = await startTestPlatform({ clock });
  const owner = await platform.token(dev);
  const log = async (query = '', token = owner, group = organization) => {
    const answer = await platform.call(token, 'GET', `/local/v1/audit?group=${group}${query}`);
    return { status: answer.status, items: (answer.body.items ?? []) as Record[], body: answer.body };
  };
  return { clock, platform, owner, log };
}

test('calls: who by name, what, where, and by which role or for what it was refused', async () => {
  const { platform, owner, log } = await world();
  const viewer = await platform.token(platform.user('viewer@example.com', ['viewer', organization]));
  const stranger = await platform.token(platform.user('stranger@example.com'));
  await platform.call(owner, 'POST', `/iam/v1/groups/${engineering}`, { body: { name: 'made' } });
  await platform.call(viewer, 'POST', `/iam/v1/groups/${engineering}`, { body: { name: 'not-made' } });
  await platform.call(stranger, 'POST', `/iam/v1/groups/${engineering}`, { body: { name: 'not-made' } });
  await platform.call(owner, 'POST', `/iam/v1/groups/${engineering}`, { body: { name: 'made' } });
  const { items } = await log('&after=0');
  const seen = items.map(({ operation, who, place, outcome, because }) => [operation, who, place, outcome, because]);
  const of = (who: string, outcome: string, because: string) => [
    ...['iam.v1.Groups.Create', who, engineering],
    ...[outcome, because],
  ];
  expect(seen).toEqual(
    expect.arrayContaining([
      of('dev@example.com', 'done', `owner in ${organization}`),
      of('viewer@example.com', 'refused', 'missing: groups.create'),
      of('stranger@example.com', 'refused', 'holds nothing there'),
      of('dev@example.com', 'failed', 'already exists'),
    ]),
  );
  const refused = await log('&refused=true');
  expect(refused.items.map(({ who }) => who).sort()).toEqual(['stranger@example.com', 'viewer@example.com']);
});

test('reads that are alike are one record, and a change has one exactly when it was made', async () => {
  const { platform, owner, log } = await world();
  for (let n = 0; n < 5; n += 1) {
    await platform.call(owner, 'GET', `/iam/v1/groups?uidp.descendants_of=${engineering}`);
  }
  const reads = (await log()).items.filter(({ operation }) => operation === 'iam.v1.Groups.List');
  expect(reads).toEqual([expect.objectContaining({ times: 5, place: engineering, outcome: 'done' })]);
  await platform.call(owner, 'POST', `/iam/v1/groups/${sandbox}`, { body: { name: 'kept' } });
  // On disk with the change: nothing was flushed for it.
  const rows = platform.store.read((tx) =>
    tx.all("SELECT * FROM audit_records WHERE operation = 'iam.v1.Groups.Create'"),
  );
  expect(rows).toHaveLength(1);
});

test('exchanges and sign-ins are there, and no token ever is', async () => {
  const { clock, platform, owner, log } = await world();
  const made = await platform.call(owner, 'POST', `/iam/v1/identities/${organization}`, {
    body: {
      name: 'ci',
      claimMatch: {
        issuer: 'https://token.actions.githubusercontent.com',
        subject: 'repo:acme/app:ref:refs/heads/main',
      },
    },
  });
  const exchange = async (ref: string) => {
    const token = await mintThirdPartyToken(platform.store, {
      ...githubToken({ repo: 'acme/app', ref, form: 'names' }),
      audience: platform.urls.issuer,
      now: clock.now(),
    });
    const query = new URLSearchParams({ aud: platform.urls.api, identity: made.body.id });
    const answer = await platform.call(token, 'POST', `/sts/exchange?${query}`);
    return [token, answer.body.token as string | undefined];
  };
  const tokens = [...(await exchange('refs/heads/main')), ...(await exchange('refs/heads/dev'))];
  const { items } = await log('&after=0');
  const github = 'https://token.actions.githubusercontent.com';
  expect(items.filter(({ operation }) => operation === 'exchange')).toEqual([
    expect.objectContaining({
      who: `ci (${github} repo:acme/app:ref:refs/heads/main)`,
      outcome: 'done',
      place: made.body.id,
    }),
    expect.objectContaining({
      who: `${github} repo:acme/app:ref:refs/heads/dev`,
      outcome: 'refused',
      because: expect.stringContaining('token has invalid subject'),
    }),
  ]);
  const all = JSON.stringify(platform.store.read((tx) => tx.all('SELECT * FROM audit_records')));
  for (const token of tokens) {
    for (const part of token?.split('.') ?? []) expect(all).not.toContain(part);
  }
});

test('only who may give roles at a place reads what happened there', async () => {
  const { platform, owner, log } = await world();
  const editor = await platform.token(platform.user('editor@example.com', ['editor', organization]));
  const ofFolder = await platform.token(platform.user('lead@example.com', ['owner', engineering]));
  await platform.call(owner, 'POST', `/iam/v1/groups/${engineering}`, { body: { name: 'inside' } });
  await platform.call(owner, 'POST', `/iam/v1/groups/${sandbox}`, { body: { name: 'outside' } });
  expect((await log('', editor)).status).toBe(403);
  expect((await log('', ofFolder)).status).toBe(404);
  const seen = await log('', ofFolder, engineering);
  expect(seen.status).toBe(200);
  expect(new Set(seen.items.map(({ place }) => place))).toEqual(new Set([engineering]));
  expect((await platform.call(undefined, 'GET', `/local/v1/audit?group=${organization}`)).status).toBe(401);
});

test('pages, times and nonsense', async () => {
  const { clock, platform, owner, log } = await world();
  for (const name of ['one', 'two', 'three']) {
    await platform.call(owner, 'POST', `/iam/v1/groups/${sandbox}`, { body: { name } });
    clock.advance(60_000);
  }
  const first = await log('&page_size=2');
  const rest = await log(`&page_size=2&page_token=${first.body.nextPageToken}`);
  expect([first.items.length, rest.items.length, rest.body.nextPageToken]).toEqual([2, 1, '']);
  const since = new Date(clock.now() - 90_000).toISOString();
  expect((await log(`&since=${since}`)).items).toHaveLength(1);
  for (const query of ['&since=yesterday', '&after=x', '&page_token=-1', '&page_size=-1']) {
    expect((await log(query)).status, query).toBe(400);
  }
});

test('the log has an end in time and in size', async () => {
  const { clock, platform, owner, log } = await world();
  await platform.call(owner, 'POST', `/iam/v1/groups/${sandbox}`, { body: { name: 'old' } });
  clock.advance(31 * 24 * 60 * 60 * 1000);
  const { maxRecords, pruneRecords } = await import('../../src/local/audit/recorder.ts');
  await pruneRecords(platform.store);
  expect((await log('', await platform.token(dev))).items.filter(({ operation }) => /Create/.test(operation))).toEqual(
    [],
  );
  platform.store.transact((tx) => {
    tx.run(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       INSERT INTO audit_records (at, kind, operation, who, place, outcome, because, times)
       SELECT ?, 'call', 'x', 'y', ?, 'done', '', 1 FROM n`,
      maxRecords + 50,
      tx.now,
      sandbox,
    );
  });
  await pruneRecords(platform.store);
  const count = platform.store.read((tx) => tx.get('SELECT count(*) AS n FROM audit_records'));
  expect(count?.['n']).toBe(maxRecords);
});
