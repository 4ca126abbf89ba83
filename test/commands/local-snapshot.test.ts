// Snapshots of a platform that runs, and going back to one.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/platform.ts';
import { runCli } from '../support/run-cli.ts';
import { signedIn } from '../support/signed-in.ts';

test('a snapshot of a running platform is gone back to, blobs included', async () => {
  const { platform, run } = await signedIn();
  const { dataDir } = platform;
  const local = (...words: string[]) => runCli(['local', 'snapshot', ...words, `--data-dir=${dataDir}`]);
  expect((await local('list', '-ojson')).out).toBe('{"items":[]}\n');
  const blob = join(dataDir, 'blobs', 'sha256', 'ab', 'cd');
  mkdirSync(join(blob, '..'), { recursive: true });
  writeFileSync(blob, 'kept');
  expect((await local('save', 'before')).code).toBe(0);
  expect((await local('diff', 'before')).code).toBe(0);

  await run(['iam', 'folders', 'create', 'fresh', '--parent=example.com', '--yes']);
  const diff = await local('diff', 'before', '-ojson');
  expect(diff.code).toBe(3);
  expect(JSON.parse(diff.out).items).toContainEqual({ table: 'groups', added: 1, removed: 0 });

  const refused = await local('load', 'before', '--yes');
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('is running');
  await platform.stop();
  expect((await local('load', 'nope', '--yes')).err).toContain('there are before');
  expect((await local('load', 'before', '--yes')).code).toBe(0);
  expect(existsSync(blob)).toBe(true);
  expect((await local('diff', 'before')).code).toBe(0);
  expect((await local('delete', 'before', '--yes')).code).toBe(0);
  expect((await local('list', '-oid')).out).toBe('');
});

test('what a killed process left is no snapshot, and saving again takes its place', async () => {
  const { platform } = await signedIn();
  const { dataDir } = platform;
  const local = (...words: string[]) => runCli(['local', 'snapshot', ...words, `--data-dir=${dataDir}`]);
  mkdirSync(join(dataDir, 'snapshots', 'half.new', 'blobs'), { recursive: true });
  expect((await local('list', '-oid')).out).toBe('');
  expect((await local('save', 'half')).code).toBe(0);
  expect((await local('list', '-oid')).out).toBe('half\n');
});

test('a folder without a platform and a name that leaves the folder are refused', async () => {
  const dataDir = temporaryFolder();
  expect(await runCli(['local', 'snapshot', 'save', 'a', `--data-dir=${dataDir}`])).toMatchObject({ code: 1 });
  expect(await runCli(['local', 'snapshot', 'save', '../a', `--data-dir=${dataDir}`])).toMatchObject({ code: 2 });
});
