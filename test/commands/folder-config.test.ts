import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/platform.ts';
import { type SignedIn, signedIn } from '../support/signed-in.ts';

/** Runs in a folder that brings a configuration along, with no address in the environment. */
function inFolderWith(world: SignedIn, config: string) {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'chainctl'));
  writeFileSync(join(folder, 'chainctl', 'config.yaml'), config);
  const unset = { CHAINGUARD_PLATFORM_API: '', CHAINGUARD_PLATFORM_ISSUER: '', CHAINGUARD_PLATFORM_AUDIENCE: '' };
  return world.run(['iam', 'organizations', 'list', '--output=json'], { cwd: folder, env: unset });
}

test('a folder may name a platform of its own', async () => {
  const world = await signedIn();
  const { api, issuer } = world.platform.urls;
  const run = await inFolderWith(world, `platform:\n  api: ${api}\n  issuer: ${issuer}\n`);
  expect(run.err).toBe('');
  expect(JSON.parse(run.out).items[0].name).toBe('example.com');
});

test('a folder cannot have the token of another platform sent to its addresses', async () => {
  const world = await signedIn();
  const { api } = world.platform.urls;
  for (const config of [
    `platform:\n  api: http://127.0.0.1:9\n  audience: ${api}\n`,
    `platform:\n  issuer: http://127.0.0.1:9\n  audience: ${api}\n`,
  ]) {
    const run = await inFolderWith(world, config);
    expect(run.code).toBe(1);
    expect(JSON.parse(run.err).reason).toBe('local.stray-token');
    expect(world.calls()).toEqual([]);
  }
});
