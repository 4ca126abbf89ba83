// Operations of registry.v1 and vulnerabilities.v1 that keep records: deployments, how far a sync is, entitlements,
// written advisories. Each needs its capability exactly where its scope field points.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { statusOf } from '../../src/local/registry/catalog/sync-statuses.ts';
import { demoFolders, demoOrganizations, dev, organization } from '../support/ids.ts';
import { startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';
import { createClient } from './registry-client.ts';

interface Rpc {
  readonly name: string;
  readonly capabilities: readonly string[];
  readonly event: object | null;
}

const { services } = JSON.parse(readFileSync(join(import.meta.dirname, '../../spec/api.json'), 'utf8')) as {
  services: { package: string; service: string; rpcs: Rpc[] }[];
};

/** A user with exactly these capabilities at a place. */
async function holder(platform: TestPlatform, capabilities: readonly string[], place = organization): Promise<string> {
  const id = `${place}/${'0123456789abcdef'.slice(0, 12)}${String(++roles).padStart(4, '0')}`;
  platform.store.transact((tx) =>
    tx.run(
      'INSERT INTO roles (id, parent, name, capabilities, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)',
      id,
      place,
      `role ${roles}`,
      JSON.stringify(capabilities),
      tx.now,
      tx.now,
    ),
  );
  return platform.token(platform.user(`user-${roles}@example.org`, [id, place]));
}
let roles = 0;

async function start(capabilities: readonly string[]) {
  const platform = await startTestPlatform();
  const token = await holder(platform, capabilities);
  const call = (method: string, path: string, body?: object) =>
    platform.call(token, method, path, body === undefined ? {} : { body });
  return { platform, call };
}

async function makeRepo(platform: TestPlatform, name: string, more: object = {}): Promise<string> {
  const token = await platform.token(dev);
  const made = await platform.call(token, 'POST', `/registry/v1/repos/${organization}`, { body: { name, ...more } });
  expect(made.status).toBe(200);
  return made.body.id;
}

test('a deployment is the charts of one repository', async () => {
  const { platform, call } = await start([
    'registry.deployments.create',
    'registry.deployments.update',
    'registry.deployments.list',
  ]);
  const repo = await makeRepo(platform, 'app');
  const path = `/registry/v1/repos/${repo}/deployment`;
  expect((await call('GET', path)).body).toMatchObject({ code: 5, message: `${repo} has no deployment` });
  expect((await call('PUT', path, { charts: [] })).status).toBe(404);
  const charts = [{ repo: 'https://charts.example.com', chart: 'app', source: 'https://git.example.com/app' }];
  expect((await call('POST', path, { charts: [{ chart: 'app' }] })).body.message).toBe('charts[0].repo is required');
  expect((await call('POST', path, { charts })).body).toEqual({ id: repo, charts });
  expect((await call('POST', path, { charts })).body.code).toBe(6);
  expect((await call('GET', path)).body).toEqual({ id: repo, charts });
  const other = [{ repo: 'oci://cgr.dev/example.com/charts/app' }];
  expect((await call('PUT', path, { charts: other })).body).toEqual({ id: repo, charts: other });
  // It goes with its repository.
  await platform.call(await platform.token(dev), 'DELETE', `/registry/v1/repos/${repo}`);
  expect(platform.store.read((tx) => tx.all('SELECT * FROM deployments'))).toEqual([]);
});

test('the status of a sync is that of the builds it waits for', async () => {
  const { platform, call } = await start(['repo.list']);
  const source = await makeRepo(platform, 'base');
  const plain = await makeRepo(platform, 'plain', { sync_config: { source } });
  const built = await makeRepo(platform, 'built', { sync_config: { source } });
  const status = async (repo: string) => (await call('GET', `/registry/v1/repos/${repo}:syncstatus`)).body;
  const nothing = { status: 'UNKNOWN', createTime: null };
  expect(await status(plain)).toEqual(nothing);
  const queuedAt = Date.parse('2026-03-27T13:00:00Z');
  const seen = platform.store.transact((tx) =>
    // In one transaction, because the platform's own builder takes what it finds waiting.
    (
      [
        [null, null, 'Unknown'],
        [1, null, 'Unknown'],
        [1, 2, 'Success'],
        [1, 2, 'Failure'],
      ] as const
    ).map(([started, completed, result]) => {
      tx.run('DELETE FROM builds');
      tx.run(
        `INSERT INTO builds (id, repo, base, tags, overlay, result, queued_at, started_at, completed_at)
         VALUES (?, ?, 'sha256:0', '[]', '{}', ?, ?, ?, ?)`,
        `${built}/0123456789abcdef`,
        built,
        result,
        queuedAt,
        started,
        completed,
      );
      return statusOf(tx, built).status;
    }),
  );
  expect(seen).toEqual(['QUEUED', 'IN_PROGRESS', 'UNKNOWN', 'FAILED']);
  const failed = { status: 'FAILED', createTime: '2026-03-27T13:00:00Z' };
  expect(await status(built)).toEqual(failed);
  const all = (await call('GET', `/registry/v1/syncstatuses?registry_id=${organization}`)).body.items;
  expect(all).toEqual(
    [
      { repoId: plain, repoStatus: nothing },
      { repoId: built, repoStatus: failed },
    ].sort((a, b) => (a.repoId < b.repoId ? -1 : 1)),
  );
});

test('the settings of an organization hold for all of its repositories', async () => {
  // The seeded versions of Node.js have ended by then, with a grace of six months.
  const platform = await startTestPlatform({ seed: 'demo', clock: new TestClock(Date.parse('2026-11-20T10:00:00Z')) });
  const token = await platform.token(dev);
  const setter = await holder(platform, ['registry.settings.list', 'registry.settings.update']);
  const path = `/registry/v1/settings/${organization}`;
  const put = async (body: object) => (await platform.call(setter, 'PUT', path, { body })).body;
  const nothing = { registryId: organization, uniqueTags: false, eolGracePeriod: false };
  // Owners see them; no built-in role may change them (roles.md).
  expect((await platform.call(token, 'GET', path)).body).toEqual(nothing);
  expect((await platform.call(token, 'PUT', path, { body: {} })).status).toBe(403);

  const client = createClient(platform, dev);
  const unique = async (name: string): Promise<string[]> =>
    (await client.request('GET', `/v2/example.com/${name}/tags/list`)).json.tags.filter((tag: string) =>
      /^next-[0-9]+$/.test(tag),
    );
  await client.pushImage('example.com/source', 'next', 'one');
  const named = async (name: string, parent = organization): Promise<string> =>
    (await platform.call(token, 'GET', `/registry/v1/repos?uidp.children_of=${parent}&name=${name}`)).body.items[0].id;
  await makeRepo(platform, 'follower', { sync_config: { source: await named('source') } });
  expect(await unique('follower')).toEqual([]);
  expect(await put({ uniqueTags: true })).toEqual({ ...nothing, uniqueTags: true });
  // What is there already has one, what comes gets one, and what is filled from nowhere has none.
  expect(await unique('follower')).toEqual(['next-20261120']);
  await client.pushImage('example.com/source', 'next', 'two');
  expect(await unique('follower')).toEqual(['next-20261120', 'next-202611201000']);
  expect(await unique('source')).toEqual([]);
  // Left out is off; nothing is taken away again.
  expect(await put({})).toEqual(nothing);
  await client.pushImage('example.com/source', 'next', 'three');
  expect(await unique('follower')).toHaveLength(2);

  const copy = await makeRepo(platform, 'copy', {
    sync_config: { source: await named('node', demoOrganizations.public) },
  });
  const latest = async () =>
    (await platform.call(token, 'GET', `/registry/v1/eoltags?uidp.children_of=${copy}&page_size=200`)).body.items.find(
      (tag: { name: string }) => tag.name === 'latest',
    ).tagStatus;
  expect(await latest()).toBe('TAG_INACTIVE');
  await put({ eolGracePeriod: true });
  expect(await latest()).toBe('TAG_IN_GRACE');

  const folder = await platform.call(setter, 'GET', `/registry/v1/settings/${demoFolders.engineering}`);
  expect([folder.status, folder.body.code]).toEqual([400, 3]);
});

test('an entitlement is given, counts, runs out and is taken away', async () => {
  const clock = new TestClock();
  const platform = await startTestPlatform({ clock });
  const capabilities = ['registry.entitlements.create', 'registry.entitlements.list', 'registry.entitlements.delete'];
  const token = await holder(platform, capabilities);
  const base = `/registry/v1/entitlements/${organization}`;
  const entitlement = {
    type: 'TRIAL',
    externalId: 'order 7',
    expirationTime: '2026-03-28T13:55:00Z',
    quota: { APPLICATION: { max: 3 } },
    tiers: ['BASE'],
  };
  const call = (method: string, path: string, body?: object) =>
    platform.call(token, method, path, body === undefined ? {} : { body });
  for (const wrong of [
    { expirationTime: '2020-01-01T00:00:00Z' },
    { quota: { NONE: { max: 1 } } },
    { quota: { BASE: { max: -1 } } },
    { tiers: ['UNKNOWN'] },
  ]) {
    expect((await call('POST', base, { ...entitlement, ...wrong })).body.code).toBe(3);
  }
  const made = (await call('POST', base, entitlement)).body;
  expect(made).toMatchObject({
    ...entitlement,
    id: expect.stringMatching(new RegExp(`^${organization}/[0-9a-f]{16}$`)),
    quota: { APPLICATION: { current: 0, max: 3 } },
    createTime: '2026-03-27T13:55:00.785Z',
  });
  expect((await call('GET', base)).body.items).toEqual([made]);
  expect((await call('GET', `${base}:effective`)).body).toMatchObject({ plan: 'CATALOG', activeTiers: ['BASE'] });
  clock.advance(24 * 60 * 60 * 1000);
  const late = await holder(platform, capabilities);
  expect((await platform.call(late, 'GET', `${base}:effective`)).body).toMatchObject({ plan: 'PLAN_UNSPECIFIED' });
  const remove = () => platform.call(late, 'DELETE', `/registry/v1/entitlements/${made.id}`);
  expect((await remove()).status).toBe(200);
  expect((await remove()).status).toBe(404);
});

test('advisories are written, listed, changed and deleted with their events', async () => {
  const { platform, call } = await start([
    'advisories.create',
    'advisories.list',
    'advisories.update',
    'advisories.delete',
  ]);
  const base = '/vulnerabilities/v1/advisories';
  const advisory = {
    artifactType: 'apk',
    artifactName: 'mine',
    aliases: ['CVE-2026-0001'],
    events: [{ detection: { manual: {} }, status: 'PENDING' }],
    // The platform's to say.
    id: 'x',
    createdAt: '2001-01-01T00:00:00Z',
  };
  expect((await call('POST', base, { parentId: organization })).body.code).toBe(3);
  const made = (await call('POST', base, { parentId: organization, advisory })).body;
  const now = '2026-03-27T13:55:00.785Z';
  expect(made).toMatchObject({ artifactName: 'mine', createdAt: now, updatedAt: now });
  expect(made.id).toMatch(new RegExp(`^${organization}/[0-9a-f]{16}$`));
  expect(made.events).toHaveLength(1);
  expect(made.events[0]).toMatchObject({ timestamp: now, detection: { manual: {} }, status: 'PENDING' });
  expect(made.events[0].id).toMatch(new RegExp(`^${made.id}/[0-9a-f]{16}$`));
  expect((await call('GET', `${base}?artifact_name=mine`)).body.items).toEqual([made]);
  // Somebody elsewhere sees nothing of it.
  const elsewhere = await holder(platform, ['advisories.list'], demoOrganizations.public);
  expect((await platform.call(elsewhere, 'GET', `${base}?artifact_name=mine`)).body.items ?? []).toEqual([]);

  const events = `${base}/${made.id}/events`;
  const fixed = (await call('POST', events, { advisoryEvent: { fixed: { fixedVersion: '2-r0' } } })).body;
  expect((await call('GET', events)).body).toEqual({ parentId: made.id, items: [made.events[0], fixed] });
  const path = `/vulnerabilities/v1/advisory_events/${fixed.id}`;
  const changed = (await call('PUT', path, { fixed: { fixedVersion: '2-r1' }, status: 'APPROVED' })).body;
  expect(changed).toMatchObject({ id: fixed.id, timestamp: now, fixed: { fixedVersion: '2-r1' }, status: 'APPROVED' });

  const replaced = (await call('PUT', `${base}/${made.id}`, { artifactName: 'other' })).body;
  expect(replaced).toMatchObject({ id: made.id, artifactName: 'other', createdAt: now, events: [{}, changed] });
  expect(replaced.aliases ?? []).toEqual([]);
  expect((await call('DELETE', `${base}/${made.id}`)).status).toBe(200);
  for (const gone of [
    () => call('DELETE', `${base}/${made.id}`),
    () => call('GET', events),
    () => call('PUT', path, {}),
    () => call('PUT', `${base}/${made.id}`, {}),
  ]) {
    expect((await gone()).status).toBe(404);
  }
});

test('each asks for its capability where its scope points, and none has an event', async () => {
  const { platform } = await start([]);
  const repo = await makeRepo(platform, 'app');
  const node = `${organization}/0123456789abcdef`;
  const requests: Record<string, [method: string, path: string, body?: object]> = {
    'registry.Registry.CreateDeployment': ['POST', `/registry/v1/repos/${repo}/deployment`, {}],
    'registry.Registry.UpdateDeployment': ['PUT', `/registry/v1/repos/${repo}/deployment`, {}],
    'registry.Registry.GetDeployment': ['GET', `/registry/v1/repos/${repo}/deployment`],
    'registry.Registry.GetSyncStatus': ['GET', `/registry/v1/repos/${repo}:syncstatus`],
    'registry.Registry.GetRegistrySettings': ['GET', `/registry/v1/settings/${organization}`],
    'registry.Registry.UpdateRegistrySettings': ['PUT', `/registry/v1/settings/${organization}`, {}],
    'registry.Registry.ListSyncStatuses': ['GET', `/registry/v1/syncstatuses?registry_id=${organization}`],
    'registry.Entitlements.CreateEntitlement': ['POST', `/registry/v1/entitlements/${organization}`, {}],
    'registry.Entitlements.DeleteEntitlement': ['DELETE', `/registry/v1/entitlements/${node}`],
    'vulnerabilities.v1.Advisories.Create': [
      'POST',
      '/vulnerabilities/v1/advisories',
      { parentId: organization, advisory: {} },
    ],
    'vulnerabilities.v1.Advisories.Update': ['PUT', `/vulnerabilities/v1/advisories/${node}`, {}],
    'vulnerabilities.v1.Advisories.Delete': ['DELETE', `/vulnerabilities/v1/advisories/${node}`],
    'vulnerabilities.v1.Advisories.CreateAdvisoryEvent': [
      'POST',
      `/vulnerabilities/v1/advisories/${node}/events`,
      { advisoryEvent: {} },
    ],
    'vulnerabilities.v1.Advisories.ListAdvisoryEvents': ['GET', `/vulnerabilities/v1/advisories/${node}/events`],
    'vulnerabilities.v1.Advisories.UpdateAdvisoryEvent': [
      'PUT',
      `/vulnerabilities/v1/advisory_events/${node}/0123456789abcdef`,
      {},
    ],
  };
  for (const [id, [method, path, body]] of Object.entries(requests)) {
    const [, module = '', service = '', name = ''] = /^(.*)\.(\w+)\.(\w+)$/.exec(id) ?? [];
    const found = services.find((one) => one.package === `chainguard.platform.${module}` && one.service === service);
    const rpc = found?.rpcs.find((one) => one.name === name);
    expect(rpc, id).toMatchObject({ event: null });
    const capabilities = rpc?.capabilities ?? [];
    const call = (token: string) => platform.call(token, method, path, body === undefined ? {} : { body });
    const before = platform.events().length;
    expect((await call(await holder(platform, ['groups.list']))).status, id).toBe(403);
    expect((await call(await holder(platform, capabilities, demoOrganizations.public))).status, id).toBe(404);
    // What it names may be missing, but the right to ask is there.
    expect([200, 404], id).toContain((await call(await holder(platform, capabilities))).status);
    expect(platform.events(), id).toHaveLength(before);
  }
});
