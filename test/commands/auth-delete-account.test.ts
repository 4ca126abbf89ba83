import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listAudiences } from '../../src/auth/token-cache.ts';
import { type AuthWorld, authWorld } from '../support/auth-world.ts';
import { personId } from '../support/ids.ts';

/** Somebody without roles, so that nothing depends on the account. */
async function stranger(world: AuthWorld, email = 'stranger@example.net'): Promise<string> {
  const answer = await fetch(`${world.platform.urls.issuer}/auth/v1/register`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.person(email)}`, 'content-type': 'application/json' },
    body: '{}',
  });
  const { identity } = (await answer.json()) as { identity: string };
  expect((await world.login(email)).code).toBe(0);
  return identity;
}

const exists = (world: AuthWorld, id: string) =>
  world.platform.store.read((tx) => tx.get('SELECT 1 FROM identities WHERE id = ?', id)) !== undefined;

describe('auth delete-account', () => {
  test('asks, and a no keeps the account and the login', async () => {
    const world = await authWorld();
    const id = await stranger(world);
    const done = await world.run(['auth', 'delete-account'], { tty: true, answers: [false] });
    expect(done.code).not.toBe(0);
    expect(done.asked).toEqual([
      `On ${world.platform.urls.api}, as stranger@example.net:\nThis deletes your account "stranger@example.net" (${id}) for good. Do you want to continue?`,
    ]);
    expect(exists(world, id)).toBe(true);
  });

  test('a yes removes the account and every token on this machine', async () => {
    const world = await authWorld();
    const id = await stranger(world);
    const done = await world.run(['auth', 'delete-account', '-y']);
    expect(done, done.err).toMatchObject({ code: 0, out: '' });
    expect(exists(world, id)).toBe(false);
    expect(existsSync(join(world.folder, 'cache', 'chainguard'))).toBe(true);
    const env = { XDG_CACHE_HOME: join(world.folder, 'cache') };
    expect(listAudiences({ platform: 'linux', env, home: () => world.folder })).toEqual([]);
    expect((await world.run(['auth', 'status', '-o', 'json'])).out).toContain('"valid":false');
  });

  test('without a terminal and without --yes it refuses', async () => {
    const world = await authWorld();
    const id = await stranger(world);
    expect((await world.run(['auth', 'delete-account'])).code).not.toBe(0);
    expect(exists(world, id)).toBe(true);
  });

  test('the only owner of an organization keeps the account and the login', async () => {
    const world = await authWorld();
    await world.login();
    const done = await world.run(['auth', 'delete-account', '-y']);
    expect(done.code).toBe(1);
    expect(exists(world, personId('dev@example.com'))).toBe(true);
    expect((await world.run(['auth', 'status'])).code).toBe(0);
  });
});
