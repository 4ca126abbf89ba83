// `.npmrc` of a project made from the command line, read by the real npm.

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { audiencesOf, decodeClaims } from '../../src/auth/jwt.ts';
import { authWorld } from '../support/auth-world.ts';

async function npmWorld() {
  const world = await authWorld();
  const cwd = join(world.folder, 'project');
  mkdirSync(cwd);
  const path = join(cwd, '.npmrc');
  return {
    ...world,
    cwd,
    path,
    configure: (flags: readonly string[] = [], more: object = {}) =>
      world.run(['auth', 'configure-npm', ...flags], { cwd, ...more }),
    content: () => readFileSync(path, 'utf8'),
    identities: () => world.platform.store.read((tx) => tx.all('SELECT id FROM identities WHERE parent IS NOT NULL')),
  };
}

describe('auth configure-npm', () => {
  test('writes a bearer of this login for the registry of this platform, readable by nobody else', async () => {
    const world = await npmWorld();
    const login = ['--identity-token', await world.person('dev@example.com')];
    writeFileSync(world.path, 'save-exact=true\n', { mode: 0o644 });
    const done = await world.configure(login);
    expect(done, done.err).toMatchObject({ code: 0, out: '' });
    expect(done.err).toContain(`Updated "${world.path}" to install from http://${world.registry}/javascript/`);
    const [, token = ''] = /:_authToken=(\S+)\n$/.exec(world.content()) ?? [];
    expect(world.content()).toBe(
      `save-exact=true\nregistry=http://${world.registry}/javascript/\n//${world.registry}/javascript/:_authToken=${token}\n`,
    );
    expect(audiencesOf(decodeClaims(token) ?? {})).toEqual([world.registry]);
    expect(done.err).not.toContain(token);
    expect(statSync(world.path).mode & 0o777).toBe(0o600);
  });

  test('npm itself sends what was written, to that registry only', async () => {
    const world = await npmWorld();
    const seen: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      seen.push(`${request.url} ${request.headers.authorization}`);
      response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    // A registry under another name; the login for it is of this platform, as its audience.
    const env = { CHAINGUARD_PLATFORM_REGISTRY: `http://127.0.0.1:${port}` };
    const token = await world.person('dev@example.com');
    const done = await world.configure(['--identity-token', token], { env });
    expect(done, done.err).toMatchObject({ code: 0 });
    const { execFile } = await import('node:child_process');
    await new Promise<void>((resolve) => {
      const npm = { cwd: world.cwd, env: { PATH: process.env['PATH'], HOME: world.folder, NO_UPDATE_NOTIFIER: '1' } };
      execFile('npm', ['view', 'left-pad', '--fetch-retries=0'], npm, () => resolve());
    });
    const [, written = ''] = /:_authToken=(\S+)/.exec(world.content()) ?? [];
    expect(seen).toContain(`/javascript/left-pad Bearer ${written}`);
  });

  test('with --pull-token a Basic credential of a new identity that may pull JavaScript packages', async () => {
    const world = await npmWorld();
    await world.login();
    const done = await world.configure(['--pull-token', '--ttl=24h', '--host-scope']);
    expect(done, done.err).toMatchObject({ code: 0, out: '' });
    const [, encoded = ''] = new RegExp(`//${world.registry}/:_auth=(\\S+)`).exec(world.content()) ?? [];
    const [id = '', token = ''] = Buffer.from(encoded, 'base64').toString().split(':');
    expect(world.identities()).toEqual([{ id }]);
    const { iat, exp } = decodeClaims(token) ?? {};
    expect(Number(exp) - Number(iat)).toBe(24 * 3600);
    expect(done.err).toContain(`Created the pull token ${id}`);
    expect(done.err).not.toContain(token);
  });

  test('a pull token that cannot be written is taken back', async () => {
    const world = await npmWorld();
    await world.login();
    mkdirSync(join(world.cwd, 'gone'));
    symlinkSync(join(world.cwd, 'gone', 'x', 'y'), world.path);
    writeFileSync(join(world.cwd, 'gone', 'x'), '');
    const done = await world.configure(['--pull-token']);
    expect(done.code).toBe(1);
    expect(world.identities()).toEqual([]);
  });

  test('a link within the folder is followed and the file it leads to is named', async () => {
    const world = await npmWorld();
    mkdirSync(join(world.cwd, 'config'));
    symlinkSync(join('config', 'npmrc'), world.path);
    const done = await world.configure(['--identity-token', await world.person('dev@example.com')]);
    expect(done.code, done.err).toBe(0);
    const real = join(realpathSync(world.cwd), 'config', 'npmrc');
    expect(done.err).toContain(`Updated "${real}"`);
    expect(readFileSync(real, 'utf8')).toContain('_authToken=');
    expect(lstatSync(world.path).isSymbolicLink()).toBe(true);
  });

  test.each([
    ['a file', (folder: string) => join(folder, 'profile')],
    ['nothing yet', (folder: string) => join(folder, 'none')],
    ['a folder with a name like this one’s', (folder: string) => join(folder, 'project-2', '.npmrc')],
  ])('a link out of the folder, to %s, is not followed, and no token is made', async (_what, place) => {
    const world = await npmWorld();
    await world.login();
    const target = place(world.folder);
    mkdirSync(join(world.folder, 'project-2'));
    writeFileSync(join(world.folder, 'profile'), 'export A=1\n', { mode: 0o644 });
    symlinkSync(target, world.path);
    for (const flags of [[], ['--pull-token']]) {
      const refused = await world.configure(flags);
      expect(refused).toMatchObject({ code: 1, out: '' });
      expect(refused.err).toContain(`"${world.path}" is a link to "${target}", outside of this folder`);
    }
    expect(readFileSync(join(world.folder, 'profile'), 'utf8')).toBe('export A=1\n');
    expect(statSync(join(world.folder, 'profile')).mode & 0o777).toBe(0o644);
    expect(existsSync(join(world.folder, 'none'))).toBe(false);
    expect(world.identities()).toEqual([]);
  });

  test('a pipe in its place is named, and not waited for', async () => {
    const world = await npmWorld();
    await world.login();
    execFileSync('mkfifo', [world.path]);
    const ran = await world.configure(['--pull-token', '--parent=example.com']);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(`"${world.path}" is not a plain file`);
    expect(await world.identities()).toEqual([]);
  });

  test('says so when Git has the file or would take it', async () => {
    const world = await npmWorld();
    await world.run([
      'auth',
      'login',
      '--audience',
      world.registry,
      '--identity-token',
      await world.person('dev@example.com'),
    ]);
    const git = (...args: string[]) => execFileSync('git', args, { cwd: world.cwd, stdio: 'ignore' });
    git('init');
    expect((await world.configure()).err).toContain('Git does not ignore it');
    git('add', '-f', '.npmrc');
    expect((await world.configure()).err).toContain('is tracked by Git');
    git('rm', '--cached', '.npmrc');
    writeFileSync(join(world.cwd, '.gitignore'), '.npmrc\n');
    expect((await world.configure()).err).not.toContain('Git');
  });

  test('without a login and without a terminal it changes nothing', async () => {
    const world = await npmWorld();
    const done = await world.configure([], { env: { CI: 'true' } });
    expect(done.code).toBe(4);
    expect(existsSync(world.path)).toBe(false);
  });
});
