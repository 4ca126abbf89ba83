// `iam roles suggest` around this program as it is built: what it suggests is proved by a second run.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const program = join(import.meta.dirname, '../../bin/chainctl.js');
let folder: string;
let env: NodeJS.ProcessEnv;

function chainctl(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], { env, encoding: 'utf8' });
  return { code: status, out: stdout, err: stderr };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chainctl-suggest-'));
  env = { PATH: process.env['PATH'], HOME: folder, XDG_DATA_HOME: join(folder, 'data') };
  expect(chainctl('local', 'start', '--detach').code).toBe(0);
  env['CHAINCTL_CONTEXT'] = 'local';
  const token = chainctl('local', 'token').out;
  expect(chainctl('auth', 'login', `--identity-token=${token}`).err).not.toContain('error');
}, 120_000);

afterAll(() => {
  chainctl('local', 'stop');
  rmSync(folder, { recursive: true, force: true });
});

const suggest = (...words: string[]) =>
  chainctl('iam', 'roles', 'suggest', '--output=json', '--', process.execPath, program, ...words);

test('a change in a folder, and nothing of it stays', { timeout: 120_000 }, () => {
  const { code, out, err } = suggest('iam', 'folders', 'create', 'made-here', '--parent=engineering', '--yes');
  expect([code, err]).toEqual([0, expect.stringContaining('made-here')]);
  const { items } = JSON.parse(out);
  expect(items).toEqual([
    expect.objectContaining({ location: 'example.com/engineering', capabilities: ['groups.create', 'groups.list'] }),
  ]);
  expect(chainctl('iam', 'folders', 'list', '--output=json').out).not.toContain('made-here');
  const left = readdirSync(join(folder, 'data', 'chainctl', 'local')).filter((name) => name.startsWith('rehearsal-'));
  expect(left).toEqual([]);
});

test('a command that fails is told apart, and another platform is refused', { timeout: 120_000 }, () => {
  expect(suggest('iam', 'folders', 'delete', 'nowhere', '--yes')).toMatchObject({ code: 1, out: '' });
  env['CHAINCTL_CONTEXT'] = undefined;
  const elsewhere = suggest('iam', 'folders', 'list');
  expect(elsewhere).toMatchObject({ code: 1, out: '' });
  expect(elsewhere.err).toContain('Roles are suggested on the local platform only');
});
