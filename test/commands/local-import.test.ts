// A copy of an organization answers as the original does, holds no secret, and tells what has changed since.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeTokens } from '../../src/auth/token-cache.ts';
import { fakeHost } from '../support/fake-host.ts';
import { builtInRoleId, demoFolders, organization, personId } from '../support/ids.ts';
import { startTestPlatform, TestClock, type TestPlatform, temporaryFolder } from '../support/platform.ts';
import { runCli } from '../support/run-cli.ts';

const { engineering, sandbox, platform: team } = demoFolders;
const github = 'https://token.actions.githubusercontent.com';

/** A platform with some of everything, and the folder of a stopped one to copy it into. */
async function world() {
  const clock = new TestClock();
  const source = await startTestPlatform({ clock });
  const token = await source.token(personId('dev@example.com'));
  const post = async (path: string, body: object) => {
    const answer = await source.call(token, 'POST', path, { body });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return answer.body;
  };
  const role = await post(`/iam/v1/roles/${engineering}`, {
    name: 'narrow',
    capabilities: ['groups.list', 'repo.list'],
  });
  const claimMatch = {
    issuer: github,
    subject: 'repo:acme/app:ref:refs/heads/main',
    claims: { actor: 'kim@example.com' },
  };
  const ci = await post(`/iam/v1/identities/${team}`, { name: 'ci', description: 'Of kim@example.com', claimMatch });
  const keys = {
    issuer: 'https://keys.example.com',
    subject: 'job',
    issuerKeys: JSON.stringify({ keys: [await publicKey()] }),
    expiration: new Date(clock.now() + 86_400_000).toISOString(),
  };
  const job = await post(`/iam/v1/identities/${organization}`, { name: 'job', static: keys });
  await post(`/iam/v1/rolebindings/${engineering}`, { identity: ci.id, role: role.id });
  await post(`/iam/v1/rolebindings/${sandbox}`, { identity: job.id, role: builtInRoleId('viewer') });
  const ann = source.user('ann@example.com', ['viewer', engineering], ['editor', sandbox]);
  const bob = source.user('bob@example.com', ['owner', organization]);
  const provider = await post(`/iam/v1/identityProviders/${organization}`, {
    name: 'sso',
    oidc: { issuer: 'https://idp.example.com', clientId: 'a', clientSecret: 'hunter2-secret' },
  });
  await post(`/iam/v1/account_associations/${engineering}`, {
    name: 'clouds',
    amazon: { account: '012345678901' },
  });
  const target = await startTestPlatform({ clock });
  await target.stop();
  const env = { XDG_CACHE_HOME: temporaryFolder(), XDG_CONFIG_HOME: temporaryFolder() };
  writeTokens(fakeHost({ env }), source.urls.api, { token, refreshToken: null });
  const run = (...words: string[]) => runCli(words, { env, now: clock.now() });
  const { api, issuer } = source.urls;
  expect((await run('config', 'contexts', 'create', 'prod', `--api=${api}`, `--issuer=${issuer}`)).code).toBe(0);
  const copy = (verb: string, ...more: string[]) =>
    run('local', verb, '--from=prod', '--parent=example.com', `--data-dir=${target.dataDir}`, ...more);
  const who = {
    dev: personId('dev@example.com'),
    guest: personId('guest@example.com'),
    ann,
    bob,
    ci: ci.id,
    job: job.id,
  };
  return { clock, source, target, copy, run, env, who, provider, post };
}

async function publicKey() {
  const { exportJWK, generateKeyPair } = await import('jose');
  const { publicKey: key } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(key)), kid: 'a', use: 'sig', alg: 'RS256' };
}

/** What the platform itself lets everybody do, each capability at each place. */
async function sweep(platform: TestPlatform, who: Readonly<Record<string, string>>) {
  const token = await platform.token(personId('dev@example.com'));
  const roles = (await platform.call(token, 'GET', '/iam/v1/roles')).body.items;
  const allowed: string[] = [];
  for (const [name, id] of Object.entries(who)) {
    const { body } = await platform.call(await platform.token(id), 'GET', '/auth/v1/ok');
    for (const { group, role } of body.capabilities ?? []) {
      const found = roles.find((one: { id: string; name: string }) =>
        role.id ? one.id === role.id : one.name === role.name,
      );
      for (const place of [organization, engineering, sandbox, team]) {
        if (place !== group.id && !place.startsWith(`${group.id}/`)) continue;
        for (const capability of found?.capabilities ?? []) allowed.push(`${name} ${capability} ${place}`);
      }
    }
  }
  return [...new Set(allowed)].sort();
}

test('a copy answers everything as the original does, and a second one takes its place', async () => {
  const { clock, source, target, copy, who } = await world();
  const before = await sweep(source, who);
  expect(before.length).toBeGreaterThan(300);
  const first = await copy('import', '--yes', '-ojson');
  expect(first).toMatchObject({ code: 0 });
  expect(JSON.parse(first.out)).toMatchObject({ name: 'example.com', folders: 3, roles: 1, identities: 2, people: 4 });
  expect((await copy('import', '--yes')).code).toBe(0);
  expect(await copy('diff')).toMatchObject({ code: 0 });
  const again = await startTestPlatform({ clock, dataDir: target.dataDir });
  expect(await sweep(again, who)).toEqual(before);
});

test('only lists are asked, and neither secrets nor keys are copied', async () => {
  const { source, target, copy } = await world();
  const seen = source.log.length;
  expect((await copy('import', '--yes')).code).toBe(0);
  const asked = source.log.slice(seen).flatMap(({ operation }) => operation ?? []);
  expect(asked.filter((id) => !/\.List$|\.Validate$/.test(id))).toEqual([]);
  const stored = readFileSync(join(target.dataDir, 'platform.db'), 'latin1');
  expect(stored).toContain('https://idp.example.com');
  expect(stored).not.toContain('hunter2');
  expect(stored).not.toContain('"kid":"a"');
});

test('with pseudonyms nobody is named, and the same person is the same', async () => {
  const { clock, target, copy } = await world();
  expect((await copy('import', '--people=pseudonyms', '--yes')).code).toBe(0);
  const again = await startTestPlatform({ clock, dataDir: target.dataDir });
  const { items } = (
    await again.call(
      await again.token(personId('dev@example.com')),
      'GET',
      `/iam/v1/rolebindings?uidp.descendants_of=${organization}`,
    )
  ).body;
  // The seeded developer of the target is there without a role now.
  expect(items ?? []).toEqual([]);
  await again.stop();
  const stored = readFileSync(join(target.dataDir, 'platform.db'), 'latin1');
  for (const name of ['ann@', 'bob@', 'kim@']) expect(stored).not.toContain(name);
  expect(stored).toMatch(/person-[0-9a-f]{10}@example\.com/);
  expect(await copy('diff')).toMatchObject({ code: 0 });
});

test('what has changed since is told', async () => {
  const { source, copy, post } = await world();
  await copy('import', '--yes');
  await post(`/iam/v1/groups/${engineering}`, { name: 'later', description: '' });
  const ci = (
    await source.call(await source.token(personId('dev@example.com')), 'GET', '/iam/v1/identities?name=ci')
  ).body.items.find(({ name }: { name: string }) => name === 'ci');
  await source.call(await source.token(personId('dev@example.com')), 'PUT', `/iam/v1/identities/${ci.id}`, {
    body: { ...ci, description: 'Another' },
  });
  const answer = await copy('diff', '-ojson');
  expect(answer.code).toBe(3);
  expect(JSON.parse(answer.out).items).toEqual([
    { where: 'only-there', what: 'folder', name: 'engineering/later', details: [] },
    {
      where: 'both',
      what: 'identity',
      name: 'ci in engineering/platform',
      details: ['description: "Another" → "Of kim@example.com"'],
    },
  ]);
});

test('what the caller cannot see is said', async () => {
  const { source, copy, env } = await world();
  const someone = source.user('sam@example.com', ['registry.pull', organization]);
  writeTokens(fakeHost({ env }), source.urls.api, { token: await source.token(someone), refreshToken: null });
  const { code, err } = await copy('import', '--yes');
  expect(code).toBe(0);
  expect(err).toContain('does not see all role bindings of "example.com"');
});

test('a running platform, a folder without one and an unknown context are refused', async () => {
  const { clock, target, copy, run } = await world();
  expect((await copy('diff', '--from=nowhere')).code).toBe(2);
  expect(
    await run('local', 'import', '--from=prod', '--parent=example.com', `--data-dir=${temporaryFolder()}`, '--yes'),
  ).toMatchObject({ code: 1 });
  const running = await startTestPlatform({ clock, dataDir: target.dataDir });
  const refused = await copy('import', '--yes');
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('is running');
  expect(await copy('diff')).toMatchObject({ code: 3 });
  await running.stop();
});
