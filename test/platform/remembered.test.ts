// What the platform remembers of callers between requests. Each caller asks once before its rights change, so that every
// memory holds the old answer.

import { expect, test } from 'vitest';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { insertIdentity } from '../../src/local/iam/stored-identity.ts';
import { mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { githubToken } from '../../src/trust/ci-claims.ts';
import { builtInRoleId, dev, organization } from '../support/ids.ts';
import { startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';
import { audienceOf, createClient, send } from './registry-client.ts';

const hour = 3_600_000;

async function start() {
  const clock = new TestClock();
  const platform = await startTestPlatform({ clock });
  return { clock, platform };
}

const groups = async (platform: TestPlatform, token: string) => {
  const { status, body } = await platform.call(token, 'GET', '/iam/v1/groups');
  return status === 200 ? body.items.length : status;
};

test('a role that is taken away is gone at the next request, and one that is given is there', async () => {
  const { platform } = await start();
  const user = platform.user('kim@example.com', ['viewer', organization]);
  const token = await platform.token(user);
  const devToken = await platform.token(dev);
  expect(await groups(platform, token)).toBeGreaterThan(0);
  const bindings = await platform.call(devToken, 'GET', `/iam/v1/rolebindings?uidp.descendants_of=${organization}`);
  const { id } = bindings.body.items.find((item: { identity: string }) => item.identity === user);
  expect((await platform.call(devToken, 'DELETE', `/iam/v1/rolebindings/${id}`)).status).toBe(200);
  expect(await groups(platform, token)).toBe(0);
  platform.store.transact((tx) => bindRole(tx, { group: organization, identity: user, role: builtInRoleId('viewer') }));
  expect(await groups(platform, token)).toBeGreaterThan(0);
});

test('a role that loses a capability loses it for who holds it', async () => {
  const { platform } = await start();
  const devToken = await platform.token(dev);
  const role = await platform.call(devToken, 'POST', `/iam/v1/roles/${organization}`, {
    body: { name: 'looker', capabilities: ['groups.list', 'identity.list'] },
  });
  const user = platform.user('kim@example.com', [role.body.id, organization]);
  const token = await platform.token(user);
  expect(await groups(platform, token)).toBeGreaterThan(0);
  const update = await platform.call(devToken, 'PUT', `/iam/v1/roles/${role.body.id}`, {
    body: { name: 'looker', capabilities: ['identity.list'] },
  });
  expect(update.status).toBe(200);
  expect(await groups(platform, token)).toBe(0);
});

test('a token ends with its time, its identity, and the time of its identity', async () => {
  const { clock, platform } = await start();
  const devToken = await platform.token(dev);
  const make = (name: string) => {
    const id = `${organization}/${name.padStart(16, '0')}`;
    const relationship = { kind: 'claimMatch', claimMatch: { issuer: 'https://a.example', subject: name } } as const;
    platform.store.transact((tx) => {
      insertIdentity(tx, {
        id,
        name,
        description: '',
        relationship,
      });
      bindRole(tx, { group: organization, identity: id, role: builtInRoleId('viewer') });
    });
    return id;
  };
  const [gone, short, long] = [make('a1'), make('b2'), make('c3')];
  const tokens = {
    gone: await platform.token(gone),
    short: await platform.token(short),
    long: await platform.token(long),
  };
  for (const token of Object.values(tokens)) expect(await groups(platform, token)).toBeGreaterThan(0);

  expect((await platform.call(devToken, 'DELETE', `/iam/v1/identities/${gone}`)).status).toBe(200);
  expect(await groups(platform, tokens.gone)).toBe(401);
  platform.store.transact((tx) =>
    tx.run('UPDATE identities SET expires_at = ? WHERE id = ?', clock.now() + 1000, short),
  );
  expect(await groups(platform, tokens.short)).toBeGreaterThan(0);
  clock.advance(1000);
  expect([await groups(platform, tokens.short), (await groups(platform, tokens.long)) > 0]).toEqual([401, true]);
  clock.advance(hour);
  expect(await groups(platform, tokens.long)).toBe(401);
});

test('a token is worth nothing when its key is retired for good, or gone', async () => {
  const { clock, platform } = await start();
  const token = await platform.token(dev, { ttlSeconds: 48 * 3600 });
  const status = async () => (await platform.call(token, 'GET', '/iam/v1/groups')).status;
  expect(await status()).toBe(200);
  platform.store.transact((tx) => tx.run("UPDATE signing_keys SET retired_at = ? WHERE issuer = 'platform'", tx.now));
  expect(await status()).toBe(200);
  clock.advance(25 * hour);
  expect(await status()).toBe(401);
  clock.advance(-25 * hour);
  expect(await status()).toBe(200);
  platform.store.transact((tx) => tx.run("DELETE FROM signing_keys WHERE issuer = 'platform'"));
  expect(await status()).toBe(401);
});

test('a changed signature is not the remembered one', async () => {
  const { platform } = await start();
  const token = await platform.token(dev);
  expect(await groups(platform, token)).toBeGreaterThan(0);
  const at = token.length - 20;
  const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
  expect(await groups(platform, changed)).toBe(401);
  const narrowed = await platform.token(dev, { ceiling: new Map([[organization, new Set(['identity.list'])]]) });
  expect([await groups(platform, narrowed), await groups(platform, narrowed)]).toEqual([0, 0]);
});

test('a login is exchanged again until its rule changes or its key goes', async () => {
  const { platform } = await start();
  const id = `${organization}/00000000000000aa`;
  const issuer = 'https://token.actions.githubusercontent.com';
  const relationship = (ref: string) =>
    ({ kind: 'claimMatch', claimMatch: { issuer, subject: `repo:acme/app:ref:refs/heads/${ref}` } }) as const;
  platform.store.transact((tx) => {
    insertIdentity(tx, { id, name: 'ci', description: '', relationship: relationship('main') });
    bindRole(tx, { group: organization, identity: id, role: builtInRoleId('viewer') });
  });
  const login = await mintThirdPartyToken(platform.store, {
    ...githubToken({ repo: 'acme/app', ref: 'refs/heads/main' }),
    audience: platform.urls.issuer,
    ttlSeconds: 600,
    now: Date.parse('2026-03-27T13:55:00.785Z'),
  });
  const exchange = async () => {
    const path = `/sts/exchange?aud=${encodeURIComponent(platform.urls.api)}&identity=${id}`;
    return (await platform.call(login, 'POST', path)).status;
  };
  expect([await exchange(), await exchange()]).toEqual([200, 200]);
  const rule = (ref: string) =>
    platform.store.transact((tx) =>
      tx.run('UPDATE identities SET relationship = ? WHERE id = ?', JSON.stringify(relationship(ref).claimMatch), id),
    );
  rule('dev');
  expect(await exchange()).toBe(403);
  rule('main');
  expect(await exchange()).toBe(200);
  platform.store.transact((tx) => tx.run('DELETE FROM signing_keys WHERE issuer = ?', issuer));
  expect(await exchange()).not.toBe(200);
});

test('a registry token pulls until its identity, its role, its repository or its tag is gone', async () => {
  const { platform } = await start();
  await createClient(platform, dev).pushImage('example.com/app', 'latest', 'layer');
  const base = platform.urls.registry;
  const user = platform.user('kim@example.com', ['registry.pull', organization]);
  const access = await platform.token(user, { audience: audienceOf(platform) });
  const answer = await send(base, 'GET', '/token?scope=repository:example.com/app:pull', {
    headers: { authorization: `Basic ${Buffer.from(`_token:${access}`).toString('base64')}` },
  });
  const { token } = answer.json;
  const pull = async (reference = 'latest') =>
    (await send(base, 'GET', `/v2/example.com/app/manifests/${reference}`, { token })).status;
  expect([await pull(), await pull()]).toEqual([200, 200]);
  platform.store.transact((tx) =>
    tx.run('UPDATE role_bindings SET role = ? WHERE identity = ?', builtInRoleId('viewer'), user),
  );
  const asViewer = await pull();
  platform.store.transact((tx) => tx.run('DELETE FROM role_bindings WHERE identity = ?', user));
  expect([asViewer, await pull()]).toEqual([200, 403]);
  platform.store.transact((tx) =>
    bindRole(tx, { group: organization, identity: user, role: builtInRoleId('registry.pull') }),
  );
  expect(await pull()).toBe(200);
  platform.store.transact((tx) => tx.run("UPDATE repos SET name = 'other' WHERE name = 'app'"));
  expect(await pull()).toBe(404);
  platform.store.transact((tx) => tx.run("UPDATE repos SET name = 'app' WHERE name = 'other'"));
  expect(await pull()).toBe(200);
  const devToken = await platform.token(dev);
  platform.store.transact((tx) => tx.run('DELETE FROM identities WHERE id = ?', user));
  expect([await pull(), (await platform.call(devToken, 'GET', '/iam/v1/groups')).status]).toEqual([401, 200]);
});

test('a short list shows what was added, renamed and deleted since it was asked for', async () => {
  const { platform } = await start();
  const token = await platform.token(dev);
  const names = async () => {
    const { body } = await platform.call(token, 'GET', '/iam/v1/groups');
    return body.items.map(({ name }: { name: string }) => name).filter((name: string) => name.startsWith('list-'));
  };
  expect(await names()).toEqual([]);
  const made = await platform.call(token, 'POST', `/iam/v1/groups/${organization}`, { body: { name: 'list-one' } });
  expect([made.status, await names()]).toEqual([200, ['list-one']]);
  const path = `/iam/v1/groups/${made.body.id}`;
  expect((await platform.call(token, 'PUT', path, { body: { name: 'list-two' } })).status).toBe(200);
  expect(await names()).toEqual(['list-two']);
  expect((await platform.call(token, 'DELETE', path)).status).toBe(200);
  expect(await names()).toEqual([]);
});

test('the audit log names roles as they are now, and who acts as it is called now', async () => {
  const { platform } = await start();
  const devToken = await platform.token(dev);
  const role = await platform.call(devToken, 'POST', `/iam/v1/roles/${organization}`, {
    body: { name: 'maker', capabilities: ['identity.create'] },
  });
  const user = platform.user('kim@example.com', [role.body.id, organization]);
  const token = await platform.token(user);
  const create = async (name: string) => {
    const claimMatch = { issuer: 'https://a.example', subject: name };
    const made = await platform.call(token, 'POST', `/iam/v1/identities/${organization}`, {
      body: { name, claimMatch },
    });
    const record = platform.store.read((tx) =>
      tx.get("SELECT who, because FROM audit_records WHERE operation = 'iam.v1.Identities.Create' ORDER BY id DESC"),
    );
    return [made.status, record?.['who'], record?.['because']];
  };
  expect(await create('a')).toEqual([200, 'kim@example.com', `maker in ${organization}`]);
  await platform.call(devToken, 'PUT', `/iam/v1/roles/${role.body.id}`, {
    body: { name: 'builder', capabilities: ['identity.create'] },
  });
  platform.store.transact((tx) => tx.run("UPDATE identities SET email = 'sam@example.com' WHERE id = ?", user));
  expect(await create('b')).toEqual([200, 'sam@example.com', `builder in ${organization}`]);
});
