import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { operations } from '../../src/api/schema/operations.gen.ts';
import type { Module } from '../../src/local/core/module.ts';
import { modules } from '../../src/local/modules.ts';
import { demoFolders, dev, guest, organization } from '../support/ids.ts';
import { startTestPlatform, TestClock } from '../support/platform.ts';

describe('tokens', () => {
  test('are taken with and without the word Bearer', async () => {
    const platform = await startTestPlatform();
    const token = await platform.token(dev);
    for (const authorization of [`Bearer ${token}`, `bearer  ${token}`, token]) {
      const answer = await platform.call(undefined, 'GET', '/iam/v1/groups', { headers: { authorization } });
      expect(answer.status).toBe(200);
    }
  });

  test.each([
    ['none', undefined],
    ['nonsense', 'nonsense'],
    ['a JWT of nobody', `${btoa('{"alg":"none"}')}.${btoa('{}')}.`],
  ])('%s is 401 with the message in WWW-Authenticate', async (_, token) => {
    const platform = await startTestPlatform();
    const answer = await platform.call(token, 'GET', '/iam/v1/groups');
    expect([answer.status, answer.body.code, answer.body.details]).toEqual([401, 16, []]);
    expect(answer.headers.get('www-authenticate')).toBe(answer.body.message);
  });

  test('for another audience, expired, or changed by one character are refused', async () => {
    const clock = new TestClock();
    const platform = await startTestPlatform({ clock });
    const good = await platform.token(dev);
    const status = async (token: string) => (await platform.call(token, 'GET', '/iam/v1/groups')).status;
    for (const audience of ['cgr.dev', new URL(platform.urls.registry).host, `${platform.urls.api}.example`]) {
      expect(await status(await platform.token(dev, { audience })), audience).toBe(401);
    }
    const [head = '', payload = '', signature = ''] = good.split('.');
    expect(await status(`${head}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`)).toBe(401);
    expect(await status(good)).toBe(200);
    clock.advance(3600_000);
    expect(await status(good)).toBe(401);
  });

  test('are worth nothing once the account is gone, also after the same login has signed up again', async () => {
    const clock = new TestClock();
    const platform = await startTestPlatform({ clock });
    const user = platform.user('again@example.org', ['viewer', organization]);
    const old = await platform.token(user);
    const status = async (token: string) => (await platform.call(token, 'GET', '/iam/v1/groups')).status;
    expect(await status(old)).toBe(200);
    clock.advance(2000);
    expect((await platform.call(old, 'DELETE', `/auth/v1/delete/${user}`)).status).toBe(200);
    expect(await status(old)).toBe(401);
    expect(platform.user('again@example.org', ['viewer', organization])).toBe(user);
    expect(await status(old)).toBe(401);
    expect(await status(await platform.token(user))).toBe(200);
  });

  test('give no more than they were minted with', async () => {
    const platform = await startTestPlatform();
    const narrow = await platform.token(dev, { ceiling: new Map([[organization, new Set(['groups.list'])]]) });
    expect((await platform.call(narrow, 'GET', '/iam/v1/groups')).body.items.length).toBeGreaterThan(0);
    expect((await platform.call(narrow, 'GET', '/iam/v1/identities')).body).toEqual({ items: [] });
    const update = await platform.call(narrow, 'PUT', `/iam/v1/groups/${organization}`, {
      body: { name: 'example.com' },
    });
    expect([update.status, update.body.message]).toEqual([403, 'missing: groups.update']);
  });
});

describe('authorization', () => {
  const sandbox = demoFolders.sandbox;
  const identity = { name: 'x', claimMatch: { issuer: 'https://issuer.example', subject: 's' } };
  const unknown = '0123456789abcdef';
  const calls = [
    ['groups create', 'POST', `/iam/v1/groups/${sandbox}`, { name: 'x' }],
    ['groups update', 'PUT', `/iam/v1/groups/${sandbox}`, { name: 'x' }],
    ['groups delete', 'DELETE', `/iam/v1/groups/${sandbox}`, undefined],
    ['identities create', 'POST', `/iam/v1/identities/${sandbox}`, identity],
    ['identities update', 'PUT', `/iam/v1/identities/${sandbox}/${unknown}`, identity],
    ['identities delete', 'DELETE', `/iam/v1/identities/${sandbox}/${unknown}`, undefined],
    ['roles create', 'POST', `/iam/v1/roles/${sandbox}`, { name: 'x', capabilities: ['groups.list'] }],
    ['roles update', 'PUT', `/iam/v1/roles/${sandbox}/${unknown}`, { name: 'x' }],
    ['roles delete', 'DELETE', `/iam/v1/roles/${sandbox}/${unknown}`, undefined],
    ['role bindings create', 'POST', `/iam/v1/rolebindings/${sandbox}`, { identity: guest, role: 'f'.repeat(40) }],
    ['role bindings update', 'PUT', `/iam/v1/rolebindings/${sandbox}/${unknown}`, {}],
    ['role bindings delete', 'DELETE', `/iam/v1/rolebindings/${sandbox}/${unknown}`, undefined],
  ] as const;

  test('whoever may see but not do is told what is missing; whoever may not see is told nothing', async () => {
    const platform = await startTestPlatform();
    const viewer = await platform.token(guest);
    const stranger = await platform.token(platform.user('stranger@example.org'));
    for (const [name, method, path, body] of calls) {
      const [noun = '', verb = ''] = [name.slice(0, name.lastIndexOf(' ')), name.slice(name.lastIndexOf(' ') + 1)];
      const capability = `${{ groups: 'groups', identities: 'identity', roles: 'roles' }[noun] ?? 'role_bindings'}.${verb}`;
      const denied = await platform.call(viewer, method, path, { body });
      expect([name, denied.status, denied.body]).toEqual([
        name,
        403,
        { code: 7, message: `missing: ${capability}`, details: [] },
      ]);
      const hidden = await platform.call(stranger, method, path, { body });
      const target = path.replace(/^\/iam\/v1\/[a-z]+\//, '');
      expect([name, hidden.status, hidden.body]).toEqual([
        name,
        404,
        { code: 5, message: `${target} not found`, details: [] },
      ]);
    }
    expect(platform.events()).toEqual([]);
  });
});

describe('routing', () => {
  test('unknown paths, wrong methods and what is not there yet answer as the gateway does', async () => {
    const platform = await startTestPlatform();
    const token = await platform.token(dev);
    const answers = [
      await platform.call(token, 'GET', '/iam/v9/groups'),
      await platform.call(token, 'PATCH', '/iam/v1/groups'),
      await platform.call(undefined, 'GET', `/sts/headless_sessions?code=${'A'.repeat(43)}`),
    ];
    expect(answers.map(({ status, body }) => [status, body])).toEqual([
      [404, { code: 5, message: 'Not Found', details: [] }],
      [501, { code: 12, message: 'Method Not Allowed', details: [] }],
      [404, expect.objectContaining({ code: 5 })],
    ]);
  });

  test('of the packages iam and auth nothing but the certificate authority answers 501', async () => {
    const platform = await startTestPlatform();
    const token = await platform.token(dev);
    const unimplemented: string[] = [];
    for (const operation of Object.values(operations)) {
      if (!/^iam\.|^auth\.v1\.|^events\.v1\.Identities\./.test(operation.id)) continue;
      const [binding] = operation.bindings;
      const path = binding?.path.replace(/\{[^}]*\}/g, `${organization}/${'0'.repeat(16)}`) ?? '';
      const body = binding?.method === 'GET' || binding?.method === 'DELETE' ? {} : { body: '[' };
      const answer = await platform.call(token, binding?.method ?? '', path, body);
      if (answer.status !== 501) continue;
      expect(answer.body.message).toContain(operation.id);
      unimplemented.push(operation.id);
    }
    // No certificate authority is built in, so there is nothing that its records could configure.
    expect(unimplemented.filter((id) => !id.startsWith('iam.v1.SigstoreService.'))).toEqual([]);
  });

  test('every operation of the SDK that is not here answers 501 with its name, by REST as by gRPC', async () => {
    const { unserved } = JSON.parse(readFileSync(join(import.meta.dirname, '../../spec/api.json'), 'utf8')) as {
      unserved: { package: string; service: string; name: string; http: { method: string; path: string }[] }[];
    };
    const platform = await startTestPlatform();
    const token = await platform.token(dev);
    const routes = unserved.flatMap(({ service, name, http }) =>
      http.map(({ method, path }) => ({ method, path, id: `${service}.${name}` })),
    );
    const seen: { path: string; status: number; code: number; named: string }[] = [];
    for (const { method, path, id } of routes) {
      // A variable may keep a literal: {name=orgs/**}.
      const full = path.replace(/\{[^}=]*(?:=([^}]*?))?\}/g, (_, pattern = '*') => pattern.replace(/\*+/g, 'x'));
      const answer = await platform.call(token, method, full, method === 'GET' ? {} : { body: '{}' });
      seen.push({ path: full, status: answer.status, code: answer.body.code, named: answer.body.message });
      expect(seen.at(-1), id).toMatchObject({ status: 501, code: 12 });
    }
    // Two may share a path, so by name one by one for those whose path is its own.
    const byPath = (path: string) => seen.find((each) => each.path === path)?.named;
    expect(routes.length).toBeGreaterThan(0);
    for (const [index, { id }] of routes.entries()) {
      const { path } = seen[index] ?? { path: '' };
      if (seen.filter((each) => each.path === path).length > 1) continue;
      expect(byPath(path)).toMatch(new RegExp(`^[a-z0-9]+\\.v[0-9a-z]+\\.${id} is not implemented by this platform$`));
    }
  });

  test('every handler belongs to an operation of the table', async () => {
    const tables = modules.flatMap((module: Module) => module.operations ?? []);
    const loaded = await Promise.all(tables.map(({ load }) => load()));
    const ids = loaded.flatMap(({ handlers }) => Object.keys(handlers));
    expect(Object.keys(operations)).toEqual(expect.arrayContaining(ids));
  });

  test('an escaped slash acts as a slash', async () => {
    const platform = await startTestPlatform();
    const path = encodeURIComponent(demoFolders.platform);
    const answer = await platform.call(await platform.token(dev), 'PUT', `/iam/v1/groups/${path}`, {
      body: { name: 'platform' },
    });
    expect([answer.status, answer.body.id]).toEqual([200, demoFolders.platform]);
  });
});

describe('bodies', () => {
  test.each([
    ['not JSON', '{"name":', 'The request body is not valid JSON'],
    ['of the wrong shape', '[]', undefined],
    ['a name that is a number', '{"name":7}', undefined],
    ['not UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 'the request body is not UTF-8'],
    [
      'a text that SQLite would end early',
      '{"name":"a","description":"before\\u0000behind"}',
      'a text holds the character U+0000, which cannot be kept',
    ],
  ])('%s are 400', async (_, body, message) => {
    const platform = await startTestPlatform();
    const response = await fetch(`${platform.urls.api}/iam/v1/groups/${organization}`, {
      method: 'POST',
      headers: { authorization: await platform.token(dev) },
      body,
    });
    const status = (await response.json()) as { code: number; message: string };
    expect([response.status, status.code]).toEqual([400, 3]);
    if (message !== undefined) expect(status.message).toBe(message);
  });

  test('over a mebibyte are refused, announced or not', async () => {
    const platform = await startTestPlatform();
    const token = await platform.token(dev);
    const big = 'x'.repeat(1024 * 1024 + 1);
    const announced = await platform.call(token, 'POST', `/iam/v1/groups/${organization}`, { body: big });
    expect([announced.status, announced.body.message]).toEqual([400, 'the request body is larger than 1048576 bytes']);
    const chunked = await fetch(`${platform.urls.api}/iam/v1/groups/${organization}`, {
      method: 'POST',
      headers: { authorization: token },
      body: new Blob([big]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(chunked.status).toBe(400);
  });

  test('unknown names are ignored, both spellings are read', async () => {
    const platform = await startTestPlatform();
    const answer = await platform.call(await platform.token(dev), 'POST', `/iam/v1/identities/${organization}`, {
      body: { name: 'x', color: 'red', claim_match: { issuer: 'https://issuer.example', subject_pattern: '.*' } },
    });
    expect(answer.body.claimMatch).toMatchObject({ issuer: 'https://issuer.example', subjectPattern: '.*' });
  });
});

describe('who am I', () => {
  test('says what the token says and what it is worth', async () => {
    const platform = await startTestPlatform();
    const answer = await platform.call(await platform.token(dev), 'GET', '/auth/v1/ok');
    expect(answer.body).toEqual({
      issuer: platform.urls.issuer,
      subject: dev,
      audience: [platform.urls.api],
      expiry: '2026-03-27T14:55:00Z',
      issuedAt: '2026-03-27T13:55:00Z',
      capabilities: [
        {
          group: expect.objectContaining({ id: organization, name: 'example.com', verified: true }),
          role: expect.objectContaining({ name: 'owner', description: 'Owner Role (built-in)' }),
          capabilities: [],
        },
      ],
      email: 'dev@example.com',
      profile: { name: 'Dev Example', picture: '', givenName: '', familyName: '' },
    });
  });

  test('lists several roles one by one, and bare names when no role fits', async () => {
    const platform = await startTestPlatform();
    const user = platform.user('two@example.org', ['registry.pull', organization], ['apk.pull', organization]);
    const both = await platform.call(await platform.token(user), 'GET', '/auth/v1/ok');
    expect(both.body.capabilities.map(({ role }: { role: { name: string } }) => role.name).sort()).toEqual([
      'apk.pull',
      'registry.pull',
    ]);
    expect(both.body.profile).toBeNull();
    const ceiling = new Map([[organization, new Set(['repo.list', 'groups.list'])]]);
    const narrow = await platform.call(await platform.token(user, { ceiling }), 'GET', '/auth/v1/ok');
    expect(narrow.body.capabilities).toEqual([
      { group: expect.objectContaining({ id: organization }), role: null, capabilities: ['groups.list', 'repo.list'] },
    ]);
  });

  test('a user can delete itself and nobody else', async () => {
    const platform = await startTestPlatform();
    const user = platform.user('leaver@example.org', ['viewer', organization]);
    const token = await platform.token(user);
    expect((await platform.call(token, 'DELETE', `/auth/v1/delete/${guest}`)).status).toBe(403);
    expect((await platform.call(token, 'DELETE', `/auth/v1/delete/${user}`)).body).toEqual({});
    expect((await platform.call(token, 'GET', '/auth/v1/ok')).status).toBe(401);
  });
});
