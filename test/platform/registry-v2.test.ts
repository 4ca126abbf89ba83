// registry.v2 and events.v2: repositories, tags, what is in images, and subscriptions, over the records of v1.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { demoFolders, demoOrganizations, dev, guest, organization } from '../support/ids.ts';
import { callsOf, startTestPlatform, TestClock } from '../support/platform.ts';
import { createClient, digestOf } from './registry-client.ts';

const { sandbox } = demoFolders;
const now = '2026-03-27T13:55:00.785Z';
const later = '2026-03-27T13:55:01.785Z';

async function start(seed: 'people' | 'demo' = 'people') {
  const clock = new TestClock();
  const platform = await startTestPlatform({ clock, seed });
  const token = await platform.token(dev);
  return { clock, platform, token, ...callsOf(() => ({ platform, token })) };
}

interface Rpc {
  readonly name: string;
  readonly http: readonly { readonly method: string; readonly path: string }[];
  readonly capabilities: readonly string[];
  readonly unscoped: boolean;
}

describe('what is published about who may do what', () => {
  const read = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, '../../spec', name), 'utf8'));
  const api: {
    services: { package: string; service: string; rpcs: Rpc[] }[];
    role_bundles: Record<string, string[]>;
  } = read('api.json');
  const roles: { name: string; bundles: string[] }[] = read('roles.json');
  const viewer = new Set(roles.find(({ name }) => name === 'viewer')?.bundles.flatMap((one) => api.role_bundles[one]));
  const scoped = api.services
    .filter((service) => /^chainguard\.platform\.(?:registry|events)\.v2(?:beta1)?$/.test(service.package))
    // Overlays of their own are not served (registry-contents.test.ts).
    .filter(({ service }) => !service.startsWith('Overlay'))
    .flatMap((service) => service.rpcs.map((rpc) => ({ id: `${service.package}.${service.service}.${rpc.name}`, rpc })))
    .filter(({ rpc }) => !rpc.unscoped);

  test('holds for a viewer, a stranger and nobody', async () => {
    const { platform } = await start();
    const tokens = [
      await platform.token(guest),
      await platform.token(platform.user('stranger@example.org')),
      undefined,
    ];
    expect(scoped.length).toBeGreaterThan(20);
    for (const { id, rpc } of scoped) {
      const [{ method = '', path = '' } = {}] = rpc.http;
      // Nothing is there: who is told so has been let through, or holds nothing.
      const at = path.replace(/\{[^}]*\}/, sandbox).replace('{digest}', `sha256:${'0'.repeat(64)}`);
      const answers = [];
      for (const token of tokens) {
        answers.push(
          await platform.call(token, method, at, method === 'GET' || method === 'DELETE' ? {} : { body: {} }),
        );
      }
      const [seen, hidden, anonymous] = answers;
      const missing = rpc.capabilities.filter((capability) => !viewer.has(capability));
      const denied = { status: 403, message: `missing: ${missing.join(', ')}` };
      const told = { status: seen?.status, message: seen?.body.message };
      if (missing.length > 0) expect({ id, ...told }).toEqual({ id, ...denied });
      else expect({ id, status: told.status }).toEqual({ id, status: 404 });
      expect({ id, status: hidden?.status, message: hidden?.body.message }).toEqual({
        id,
        status: 404,
        message: `${sandbox} not found`,
      });
      expect({ id, status: anonymous?.status }).toEqual({ id, status: 401 });
    }
    expect(platform.events()).toEqual([]);
  });
});

describe.each(['v2', 'v2beta1'])('repositories in %s', (version) => {
  const repos = `/registry/${version}/repos`;

  test('are made, read, changed and deleted', async () => {
    const { clock, platform, call, ok, refusal } = await start();
    const made = await ok('POST', `${repos}/${organization}`, {
      name: 'web/front',
      catalogTier: 'CATALOG_TIER_FIPS',
      bundles: ['fips'],
      aliases: ['front:latest'],
      activeTags: ['1.2'],
      description: 'The front',
    });
    expect(made).toEqual({
      uid: expect.stringMatching(new RegExp(`^${organization}/[0-9a-f]{16}$`)),
      name: 'web/front',
      description: 'The front',
      catalogTier: 'CATALOG_TIER_FIPS',
      bundles: ['fips'],
      aliases: ['front:latest'],
      activeTags: ['1.2'],
      sync_config: null,
      customOverlay: null,
      createTime: now,
      updateTime: now,
    });
    const path = `${repos}/${made.uid}`;
    expect(await ok('GET', path)).toEqual(made);
    expect((await ok('GET', `/registry/v1/repos?id=${made.uid}`)).items).toMatchObject([{ catalogTier: 'FIPS' }]);
    expect((await refusal('POST', `${repos}/${organization}`, { name: 'web/front' }))[0]).toBe(409);
    clock.advance(1000);
    expect(await ok('PATCH', path, { description: '' })).toEqual({ ...made, description: '', updateTime: later });
    const replaced = await ok('PATCH', `${path}?update_mask=*`, { name: 'front' });
    expect(replaced).toMatchObject({
      name: 'front',
      catalogTier: 'CATALOG_TIER_UNSPECIFIED',
      bundles: [],
      aliases: [],
    });
    expect(await refusal('PATCH', path, { name: 'Front' })).toEqual([
      400,
      expect.stringMatching(/^Invalid argument: name: must match/),
    ]);
    expect(await ok('DELETE', path)).toEqual({});
    expect((await call('GET', path)).status).toBe(404);
    expect(platform.events().map(({ type, subject }) => [type.split('.').at(-2), subject])).toEqual(
      ['created', 'updated', 'updated', 'deleted'].map((what) => [what, made.uid]),
    );
  });

  test('come in pages, by name, and keep the readme that only v1 shows', async () => {
    const { ok } = await start();
    for (const name of ['a', 'b', 'c']) {
      await ok('POST', `/registry/v1/repos/${organization}`, { name, readme: `# ${name}\n` });
    }
    const page = await ok('GET', `${repos}?page_size=2&order_by=name`);
    expect(page).toMatchObject({ repos: [{ name: 'a' }, { name: 'b' }], totalCount: '3' });
    const rest = await ok('GET', `${repos}?page_size=2&order_by=name&page_token=${page.nextPageToken}`);
    expect(rest).toMatchObject({ repos: [{ name: 'c' }], nextPageToken: '' });
    const [{ uid }] = (await ok('GET', `${repos}?name=b`)).repos;
    await ok('PATCH', `${repos}/${uid}`, { description: 'x' });
    expect(await ok('GET', `${repos}/${uid}/readme`)).toEqual({ uid, content: '# b\n' });
  });

  test('a readme is written by whoever has the internal capability for it', async () => {
    const { platform, token, ok } = await start();
    const { uid } = await ok('POST', `${repos}/${organization}`, { name: 'app', description: 'kept' });
    const write = (who: string) =>
      platform.call(who, 'PATCH', `${repos}/${uid}/readme`, { body: { content: '# New\n' } });
    expect((await write(token)).body.message).toBe('missing: repo.internal.admin');
    const capabilities = JSON.stringify(['repo.list', 'repo.update', 'repo.internal.admin']);
    platform.store.transact((tx) =>
      tx.run(
        "INSERT INTO roles (id, parent, name, capabilities, created_at, updated_at) VALUES (?, ?, 'admin', ?, 0, 0)",
        `${organization}/0123456789abcdef`,
        organization,
        capabilities,
      ),
    );
    const admin = platform.user('admin@example.com', [`${organization}/0123456789abcdef`, organization]);
    expect((await write(await platform.token(admin))).body).toEqual({ uid, content: '# New\n' });
    expect(platform.events().at(-1)).toEqual({
      type: 'dev.chainguard.api.platform.registry.repo.updated.v1',
      subject: uid,
    });
    expect(await ok('GET', `${repos}/${uid}`)).toMatchObject({ description: 'kept' });
  });

  test('are filled for two weeks from a source that may be given by name', async () => {
    const { clock, platform, ok, refusal } = await start('demo');
    const [source] = (await ok('GET', `${repos}?uidp.children_of=${demoOrganizations.public}`)).repos;
    const references = [
      source.uid,
      source.name,
      `chainguard/${source.name}`,
      `cgr.dev/chainguard/${source.name}:latest`,
      `cgr.dev/chainguard/${source.name}@sha256:${'0'.repeat(64)}`,
    ];
    for (const [index, reference] of references.entries()) {
      const made = await ok('POST', `${repos}/${organization}`, {
        name: `copy-${index}`,
        sync_config: { source: reference, uniqueTags: true },
      });
      expect(made.sync_config).toEqual({
        source: source.uid,
        uniqueTags: false,
        expirationTime: '2026-04-10T13:55:00.785Z',
        google: '',
        amazon: '',
        azure: '',
        apkoOverlay: '',
        gracePeriod: false,
      });
      expect(
        Number((await ok('GET', `/registry/${version}/tags?uidp.children_of=${made.uid}`)).totalCount),
      ).toBeGreaterThan(0);
    }
    const [copy] = (await ok('GET', `${repos}?name=copy-0`)).repos;
    clock.advance(1000);
    const changed = await ok('PATCH', `${repos}/${copy.uid}`, { sync_config: { google: 'eu.gcr.io/x' } });
    expect(changed.sync_config).toEqual({ ...copy.sync_config, google: 'eu.gcr.io/x' });
    expect(source.catalogTier).toBe('CATALOG_TIER_BASE');
    expect(copy).toMatchObject({ catalogTier: source.catalogTier, activeTags: source.activeTags });
    const inherited = { catalogTier: 'CATALOG_TIER_FIPS' };
    expect(await refusal('PATCH', `${repos}/${copy.uid}`, inherited)).toEqual([
      400,
      'Invalid argument: catalog_tier: cannot be changed: the repository has it from its source',
    ]);
    // What says nothing of them changes none of them.
    const whole = { name: copy.name, sync_config: copy.sync_config };
    expect(await ok('PATCH', `${repos}/${copy.uid}?update_mask=*`, whole)).toMatchObject({
      catalogTier: source.catalogTier,
    });
    expect(await refusal('PATCH', `${repos}/${copy.uid}`, { sync_config: { source: 'chainguard/nothing' } })).toEqual([
      404,
      'sync_config.source: "chainguard/nothing" not found',
    ]);
    expect((await ok('PATCH', `${repos}/${copy.uid}?update_mask=sync_config`, {})).sync_config).toBeNull();
    // A public source is everybody's to read, also by its id.
    const stranger = await platform.token(platform.user('stranger@example.org'));
    expect((await platform.call(stranger, 'GET', `${repos}/${source.uid}`)).body.name).toBe(source.name);
    expect((await platform.call(stranger, 'GET', `${repos}/${copy.uid}`)).status).toBe(404);
  });

  test('overlays are those of v1, with other names for accounts', async () => {
    const { ok } = await start();
    const customOverlay = {
      contents: { packages: ['curl'] },
      environment: { TZ: 'UTC' },
      accounts: {
        runAs: 'app',
        users: [{ username: 'app', uid: 1000, gid: 1000 }],
        groups: [{ groupname: 'app', gid: 1000, members: ['app'] }],
      },
    };
    const { uid, ...made } = await ok('POST', `${repos}/${organization}`, { name: 'custom', customOverlay });
    expect(made.customOverlay).toMatchObject(customOverlay);
    const [v1] = (await ok('GET', `/registry/v1/repos?id=${uid}`)).items;
    expect(v1.customOverlay.accounts).toMatchObject({
      users: [{ userName: 'app', uid: 1000 }],
      groups: [{ groupName: 'app', members: ['app'] }],
    });
    const more = { customOverlay: { environment: { TZ: 'CET' } } };
    expect((await ok('PATCH', `${repos}/${uid}`, more)).customOverlay).toMatchObject({
      ...customOverlay,
      environment: { TZ: 'CET' },
    });
  });

  test('an overlay that stays as it is, however v1 wrote it, builds nothing', async () => {
    const { clock, platform, ok } = await start('demo');
    const customOverlay = { accounts: { users: [{ userName: 'app', uid: 1000 }] }, environment: { TZ: 'UTC' } };
    const [{ uid: source }] = (await ok('GET', `${repos}?uidp.children_of=${demoOrganizations.public}`)).repos;
    const { id: uid } = await ok('POST', `/registry/v1/repos/${organization}`, {
      name: 'custom',
      customOverlay,
      sync_config: { source },
    });
    const builds = () => platform.store.read((tx) => tx.all('SELECT id, queued_at FROM builds ORDER BY id'));
    const queued = builds();
    expect(queued).not.toEqual([]);
    clock.advance(1000);
    await ok('PATCH', `${repos}/${uid}`, { description: 'x' });
    expect(builds()).toEqual(queued);
  });

  test('are for whoever holds the capability', async () => {
    const { platform, ok } = await start();
    const { uid } = await ok('POST', `${repos}/${organization}`, { name: 'app' });
    const viewer = await platform.token(guest);
    const denied = await platform.call(viewer, 'PATCH', `${repos}/${uid}`, { body: { description: 'x' } });
    expect([denied.status, denied.body.message]).toEqual([403, 'missing: repo.update']);
    expect(denied.body.details).toEqual([
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: 'PERMISSION_DENIED',
        domain: 'registry.chainguard.dev',
      },
    ]);
    expect((await platform.call(viewer, 'GET', `${repos}/${uid}`)).status).toBe(200);
  });
});

describe.each(['v2', 'v2beta1'])('tags and images in %s', (version) => {
  const tags = `/registry/${version}/tags`;

  test('tags are made, moved, listed and deleted', async () => {
    const { platform, clock, call, ok, refusal } = await start();
    const client = createClient(platform, dev);
    const one = await client.pushImage('example.com/app', 'latest', 'one');
    const two = await client.pushImage('example.com/app', '1.0.0-r0', 'two');
    const [{ uid: repo }] = (await ok('GET', `/registry/${version}/repos?name=app`)).repos;
    const made = await ok('POST', `${tags}/${repo}`, { name: 'stable', digest: one, bundles: ['base'] });
    expect(made).toEqual({
      uid: expect.stringMatching(new RegExp(`^${repo}/[0-9a-f]{16}$`)),
      name: 'stable',
      digest: one,
      updateTime: now,
      deprecated: false,
      bundles: ['base'],
    });
    clock.advance(1000);
    // There already: it moves.
    const moved = await ok('POST', `${tags}/${repo}`, { name: 'stable', digest: two, deprecated: true });
    expect(moved).toEqual({ ...made, digest: two, deprecated: true, bundles: [], updateTime: later });
    expect(await ok('GET', `${tags}/${made.uid}`)).toEqual(moved);
    const names = async (query: string) =>
      (await ok('GET', `${tags}?uidp.children_of=${repo}&${query}`)).tags.map(({ name }: { name: string }) => name);
    expect(await names('order_by=name')).toEqual(['latest', 'stable']);
    expect(await names('include_epochs=true&order_by=name')).toEqual(['1.0.0-r0', 'latest', 'stable']);
    expect(await names(`digest=${two}`)).toEqual(['stable']);
    expect(await names(`updated_since=${now}`)).toEqual(['stable']);
    expect(await names('page_size=1&order_by=updated_at%20desc')).toEqual(['stable']);
    expect(await refusal('POST', `${tags}/${repo}`, { name: 'x', digest: digestOf('none') })).toEqual([
      404,
      expect.stringContaining('not found'),
    ]);
    expect(await refusal('POST', `${tags}/${repo}`, { name: 'x', digest: 'x' })).toEqual([
      400,
      'Invalid argument: digest: "x" is not a digest',
    ]);
    const declared = await ok('POST', `${tags}/${repo}`, { name: 'declared' });
    expect(declared).toMatchObject({ name: 'declared', digest: '' });
    const filled = await ok('POST', `${tags}/${repo}`, { name: 'declared', digest: two });
    expect(filled).toMatchObject({ uid: declared.uid, digest: two });
    expect(await ok('DELETE', `${tags}/${made.uid}`)).toEqual({});
    expect((await call('GET', `${tags}/${made.uid}`)).status).toBe(404);
    const [row] = platform.store.read((tx) =>
      tx.all("SELECT subject, group_id FROM outbox WHERE type LIKE '%.tag.deleted.%'"),
    );
    expect(row).toEqual({ subject: made.uid, group_id: organization });
  });

  test('images say for which architectures they are and how large', async () => {
    const { ok } = await start('demo');
    const [source] = (await ok('GET', `/registry/${version}/repos?uidp.children_of=${demoOrganizations.public}`)).repos;
    const [tag] = (await ok('GET', `${tags}?uidp.children_of=${source.uid}&name=latest`)).tags;
    const digest = `/registry/${version}/repos/${source.uid}/digests/${tag.digest}`;
    const { architectures } = await ok('GET', `${digest}/architectures`);
    expect([...architectures].sort()).toEqual(['amd64', 'arm64']);
    const size = await ok('GET', `${digest}/size`);
    expect(size).toEqual({ size: expect.stringMatching(/^[1-9][0-9]*$/), architecture: 'amd64' });
    expect((await ok('GET', `${digest}/size?architecture=arm64`)).architecture).toBe('arm64');
  });
});

describe.each(['v2', 'v2beta1'])('subscriptions in %s', (version) => {
  const subscriptions = `/events/${version}/subscriptions`;

  test('are made, read, listed and deleted; the sink is https', async () => {
    const { platform, call, ok, refusal } = await start();
    const made = await ok('POST', `${subscriptions}/${sandbox}`, { sink: 'https://hooks.example.com/cg' });
    expect(made).toEqual({
      uid: expect.stringMatching(new RegExp(`^${sandbox}/[0-9a-f]{16}$`)),
      sink: 'https://hooks.example.com/cg',
    });
    expect(await ok('GET', `${subscriptions}/${made.uid}`)).toEqual(made);
    expect(await ok('GET', subscriptions)).toEqual({
      subscriptions: [made],
      nextPageToken: '',
      totalCount: '1',
      skipped: 0,
    });
    expect((await ok('GET', `/events/v1/subscriptions?id=${made.uid}`)).items).toMatchObject([{ sink: made.sink }]);
    expect(await refusal('POST', `${subscriptions}/${sandbox}`, { sink: 'http://127.0.0.1:9/x' })).toEqual([
      400,
      'Invalid argument: sink: "http://127.0.0.1:9/x" is not an https URL',
    ]);
    expect(await refusal('POST', `${subscriptions}/${sandbox}`, {})).toEqual([
      400,
      'Invalid argument: sink: is required',
    ]);
    const denied = await platform.call(await platform.token(guest), 'DELETE', `${subscriptions}/${made.uid}`);
    expect(denied.body.message).toBe('missing: subscriptions.delete');
    expect(await ok('DELETE', `${subscriptions}/${made.uid}`)).toEqual({});
    expect((await call('GET', `${subscriptions}/${made.uid}`)).status).toBe(404);
    expect(platform.events().map(({ type }) => type)).toEqual([
      'dev.chainguard.api.events.subscription.created.v1',
      'dev.chainguard.api.events.subscription.deleted.v1',
    ]);
  });
});
