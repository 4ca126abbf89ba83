// Docker's configuration and the helper beside it, made from the command line in folders of the test's own.

import { lstatSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { audiencesOf, decodeClaims } from '../../src/auth/jwt.ts';
import { authWorld } from '../support/auth-world.ts';
import { signInAs } from '../support/browser.ts';
import { personId } from '../support/ids.ts';

const root = realpathSync(join(import.meta.dirname, '..', '..'));
const program = join(root, 'bin', 'chainctl.js');

/** A world where the program is installed as this repository is, with one writable folder on PATH. */
async function dockerWorld() {
  const world = await authWorld();
  const bin = join(world.folder, 'home-bin');
  mkdirSync(bin);
  const started = join(bin, 'chainctl');
  const { symlinkSync } = await import('node:fs');
  symlinkSync(program, started);
  const options = { program: started, env: { PATH: bin } };
  const path = join(world.folder, 'docker', 'config.json');
  return {
    ...world,
    bin,
    path,
    configure: (flags: readonly string[] = [], more: object = {}) =>
      world.run(['auth', 'configure-docker', ...flags], { ...options, ...more }),
    config: () => JSON.parse(readFileSync(path, 'utf8')),
  };
}

describe('auth configure-docker', () => {
  test('signs in to the registry, links the helper and names it for that registry only', async () => {
    const world = await dockerWorld();
    const token = await world.person('dev@example.com');
    const done = await world.configure(['--identity-token', token]);
    expect(done, done.err).toMatchObject({ code: 0, out: '' });
    expect(done.err).toBe(
      `Successfully exchanged token.\nValid! Id: ${personId('dev@example.com')}\nUpdated auth config for ${world.registry}\n`,
    );
    expect(world.config()).toEqual({ credHelpers: { [world.registry]: 'cgr' } });
    const link = join(world.bin, 'docker-credential-cgr');
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(realpathSync(link)).toBe(join(root, 'bin', 'docker-credential-cgr.js'));
    const kept = await world.run(['auth', 'token', `--audience=${world.registry}`]);
    expect(audiencesOf(decodeClaims(kept.out) ?? {})).toEqual([world.registry]);
  });

  test('keeps every other key, the layout and the permissions; again changes nothing', async () => {
    const world = await dockerWorld();
    mkdirSync(join(world.folder, 'docker'));
    const before = `{\n    "auths": { "ghcr.io": { "auth": "eDp5" } },\n    "credHelpers": {\n        "gcr.io": "gcloud"\n    },\n    "HttpHeaders": { "X": "y" }\n}`;
    writeFileSync(world.path, before, { mode: 0o640 });
    expect((await world.configure(['--identity-token', await world.person('dev@example.com')])).code).toBe(0);
    const after = readFileSync(world.path, 'utf8');
    expect(after).toBe(before.replace('"gcloud"\n', `"gcloud",\n        "${world.registry}": "cgr"\n`));
    expect(statSync(world.path).mode & 0o777).toBe(0o640);
    const inode = statSync(world.path).ino;
    expect((await world.configure()).code).toBe(0);
    expect(statSync(world.path).ino).toBe(inode);
  });

  test('after a browser login no second one is needed', async () => {
    const world = await dockerWorld();
    let visit: Promise<unknown> = Promise.resolve();
    await world.run(['auth', 'login'], {
      tty: true,
      browser: (url) => {
        visit = signInAs(url, 'dev@example.com');
        return true;
      },
    });
    await visit;
    const done = await world.configure();
    expect(done, done.err).toMatchObject({ code: 0, err: `Updated auth config for ${world.registry}\n` });
    expect(done.host.opened).toEqual([]);
  });

  test('after a login with a token file neither; a file that is no longer good is told', async () => {
    const world = await dockerWorld();
    const file = join(world.folder, 'token.jwt');
    writeFileSync(file, await world.person('dev@example.com'));
    await world.run(['auth', 'login', '--identity-token', file]);
    writeFileSync(file, await world.person('stranger@example.com'));
    const refused = await world.configure();
    expect(refused.code).not.toBe(0);
    expect(refused.err).toContain('account not found');
    expect(() => statSync(world.path)).toThrow();
    writeFileSync(file, await world.person('dev@example.com'));
    const done = await world.configure();
    expect(done, done.err).toMatchObject({ code: 0, err: `Updated auth config for ${world.registry}\n` });
    const token = await world.run(['auth', 'token', `--audience=${world.registry}`]);
    expect(decodeClaims(token.out)).toMatchObject({ sub: personId('dev@example.com'), aud: world.registry });
  });

  test('after a login with a piped token neither: it was for the registry as well', async () => {
    const world = await dockerWorld();
    const token = await world.person('dev@example.com');
    const login = await world.run(['auth', 'login', '--identity-token', '-', '-ojson'], { stdin: token });
    expect(login.code, login.err).toBe(0);
    // What was asked for.
    expect(JSON.parse(login.out).tokens).toMatchObject([{ audience: world.platform.urls.api }]);
    const done = await world.configure();
    expect(done, done.err).toMatchObject({ code: 0, err: `Updated auth config for ${world.registry}\n` });
  });

  test('after one that was for the API alone it says the command that finishes it, which does', async () => {
    const world = await dockerWorld();
    const token = await world.person('dev@example.com');
    await world.run(['auth', 'login', '--identity-token', token, `--audience=${world.platform.urls.api}`]);
    const refused = await world.configure();
    expect(refused).toMatchObject({ code: 4, out: '' });
    expect(() => statSync(world.path)).toThrow();
    const [, command = ''] = /run `chainctl (.*?)`, then this command again/.exec(refused.err) ?? [];
    const file = join(world.folder, 'token.jwt');
    writeFileSync(file, token);
    const login = await world.run(command.replace('FILE', file).split(' '));
    expect(login.code, login.err).toBe(0);
    expect((await world.configure()).code).toBe(0);
  });

  test('without any login: exit 4 and nothing changed', async () => {
    const world = await dockerWorld();
    const done = await world.configure();
    expect(done).toMatchObject({ code: 4, out: '' });
    expect(done.err).toContain('login');
    expect(() => statSync(world.path)).toThrow();
  });

  test('default.group has no meaning without --pull-token', async () => {
    const world = await dockerWorld();
    const token = await world.person('dev@example.com');
    const options = {
      program: join(world.bin, 'chainctl'),
      env: { PATH: world.bin, CHAINGUARD_DEFAULT_GROUP: 'nowhere' },
    };
    expect((await world.configure(['--identity-token', token], options)).code).toBe(0);
    const pull = await world.configure(['--pull-token', '--identity-token', token], options);
    expect(pull.err).toContain('No folder found for "nowhere"');
  });

  test('a Docker configuration that is not JSON is named and stays', async () => {
    const world = await dockerWorld();
    mkdirSync(join(world.folder, 'docker'));
    writeFileSync(world.path, 'not json');
    const done = await world.configure(['--identity-token', await world.person('dev@example.com')]);
    expect(done).toMatchObject({ code: 1, out: '' });
    expect(done.err).toContain('is not valid JSON');
    expect(readFileSync(world.path, 'utf8')).toBe('not json');
  });

  test('--save alone makes no sense', async () => {
    const { configure } = await dockerWorld();
    const done = await configure(['--save']);
    expect(done).toMatchObject({ code: 2, out: '' });
    expect(done.err).toContain('`--pull-token`');
  });
});
