// Refresh tokens in a real Secret Service: gnome-keyring on a session bus of the test's own, without a display.

import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { signInAs } from '../support/browser.ts';
import { startTestPlatform, type TestPlatform, temporaryFolder } from '../support/platform.ts';
import { programPath, until } from '../support/program.ts';

const machineClock = { now: () => Date.now(), randomBytes: (count: number) => randomBytes(count) };

interface Desktop {
  readonly env: Record<string, string>;
  /** What the keyring holds, as another program sees it. */
  secrets(): string;
  /** Locks it. Whoever wants something from then on waits for a prompt; its process id is in the file that this names. */
  lock(): string;
}

/** A session bus with an unlocked keyring, in folders of its own. Ends with the test. */
async function desktop(): Promise<Desktop> {
  const home = temporaryFolder();
  const runtime = join(home, 'run');
  mkdirSync(runtime, { mode: 0o700 });
  // In place of the window that asks for the password: somebody who thinks about it.
  const prompter = join(home, 'prompter');
  const asker = join(home, 'ask');
  writeFileSync(asker, `#!/bin/sh\necho $$ > ${prompter}.part && mv ${prompter}.part ${prompter}\nexec sleep 60\n`, {
    mode: 0o755,
  });
  const services = join(runtime, 'dbus-1', 'services');
  mkdirSync(services, { recursive: true });
  writeFileSync(
    join(services, 'org.gnome.keyring.SystemPrompter.service'),
    `[D-BUS Service]\nName=org.gnome.keyring.SystemPrompter\nExec=${asker}\n`,
  );
  const base = { PATH: process.env['PATH'] ?? '', HOME: home, XDG_RUNTIME_DIR: runtime };
  const script =
    'printf "test\\n" | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; ' +
    'echo "$DBUS_SESSION_BUS_ADDRESS"; exec sleep 600';
  const session = spawn('dbus-run-session', ['--', 'sh', '-c', script], {
    env: base,
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  onTestFinished(() => {
    if (session.pid !== undefined) process.kill(-session.pid, 'SIGTERM');
  });
  const address = await new Promise<string>((resolve, reject) => {
    session.once('error', reject);
    session.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text.trim()));
  });
  const env = { ...base, DBUS_SESSION_BUS_ADDRESS: address };
  const call = (...words: string[]) =>
    execFileSync('dbus-send', ['--session', '--print-reply', '--dest=org.freedesktop.secrets', ...words], {
      env,
      encoding: 'utf8',
    });
  return {
    env,
    lock: () => {
      call(
        '/org/freedesktop/secrets',
        'org.freedesktop.Secret.Service.Lock',
        'array:objpath:/org/freedesktop/secrets/collection/login',
      );
      return prompter;
    },
    secrets: () =>
      call(
        '/org/freedesktop/secrets',
        'org.freedesktop.Secret.Service.SearchItems',
        'dict:string:string:service,chainctl',
      ),
  };
}

interface Person {
  readonly cache: string;
  /** Runs the built program; with `signIn` a browser does what the person would. */
  run(argv: readonly string[], options?: { signIn?: boolean; env?: Record<string, string> }): Promise<Ran>;
  refreshFiles(): string[];
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function person(platform: TestPlatform, session: Record<string, string>): Person {
  const folder = temporaryFolder();
  const cache = join(folder, 'cache');
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  // Hands the address over and is done, as a browser that is running already does.
  const asked = join(folder, 'asked');
  writeFileSync(
    join(bin, 'browser'),
    `#!/bin/sh\nprintf '%s' "$1" > '${asked}.part' && mv '${asked}.part' '${asked}'\n`,
    {
      mode: 0o755,
    },
  );
  const env = {
    ...session,
    BROWSER: join(bin, 'browser'),
    XDG_CACHE_HOME: cache,
    XDG_CONFIG_HOME: join(folder, 'config'),
    CHAINGUARD_PLATFORM_API: platform.urls.api,
    CHAINGUARD_PLATFORM_ISSUER: platform.urls.issuer,
    CHAINGUARD_PLATFORM_REGISTRY: platform.urls.registry,
  };
  return {
    cache,
    run(argv, options = {}) {
      return new Promise((resolve, reject) => {
        const child = spawn(programPath(), argv, {
          env: { ...env, ...options.env },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        let [out, err] = ['', ''];
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          out += text;
        });
        child.stderr.setEncoding('utf8').on('data', (text: string) => {
          err += text;
        });
        const watch = setInterval(() => {
          if (options.signIn !== true || !existsSync(asked)) return;
          clearInterval(watch);
          const address = readFileSync(asked, 'utf8');
          rmSync(asked);
          signInAs(address, 'dev@example.com').catch(reject);
        }, 20);
        child.once('error', reject);
        child.once('close', (code) => {
          clearInterval(watch);
          resolve({ code: code ?? 1, out, err });
        });
      });
    },
    refreshFiles: () => filesBelow(cache).filter((path) => path.endsWith('/refresh-token')),
  };
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

/** Makes the token that is kept look old, so that the next use renews it. */
function age(cache: string): void {
  for (const path of filesBelow(cache).filter((one) => one.endsWith('/oidc-token'))) {
    const [head, body = '', signature] = readFileSync(path, 'utf8').split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    const old = Buffer.from(JSON.stringify({ ...claims, exp: 1 })).toString('base64url');
    writeFileSync(path, `${head}.${old}.${signature}`);
  }
}

const isKept = (session: Desktop) => /\/org\/freedesktop\/secrets\/collection\/\w+\/\d+/.test(session.secrets());

test('the refresh token goes into the keychain, renews from there and goes with the login', async () => {
  const session = await desktop();
  const platform = await startTestPlatform({ clock: machineClock });
  const me = person(platform, session.env);
  const done = await me.run(['auth', 'login'], { signIn: true });
  expect(done, done.err).toMatchObject({ code: 0 });
  expect(done.err).not.toContain('warning');
  // Said once: with the login, and not with each renewal.
  expect(done.err.match(/sign in with `chainctl auth login --share-login`/g)).toHaveLength(1);
  expect(me.refreshFiles()).toEqual([]);
  expect(isKept(session)).toBe(true);

  age(me.cache);
  const status = await me.run(['auth', 'status', '-o', 'json']);
  expect(status, status.err).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(status.out).refresh_token_store).toBe('keychain');
  // Rotated, and the new one kept there too: once more.
  age(me.cache);
  expect((await me.run(['auth', 'token'])).code).toBe(0);
  expect(me.refreshFiles()).toEqual([]);

  expect((await me.run(['auth', 'logout'])).code).toBe(0);
  expect(isKept(session)).toBe(false);
  expect((await me.run(['auth', 'token'])).code).toBe(4);

  // Also one for several audiences together, and one whose token another tool has damaged.
  const { api, registry } = platform.urls;
  const together = `${api},${new URL(registry).host}`;
  const joint = await me.run(['auth', 'login', `--audience=${together}`], { signIn: true });
  expect(joint, joint.err).toMatchObject({ code: 0 });
  expect(isKept(session)).toBe(true);
  for (const path of filesBelow(me.cache).filter((one) => one.endsWith('/oidc-token'))) writeFileSync(path, 'rubbish');
  expect((await me.run(['auth', 'logout'])).code).toBe(0);
  expect(isKept(session)).toBe(false);
}, 60_000);

test('a shared login lies where the SDK looks for it, keychain or not, and stays there through renewals', async () => {
  const session = await desktop();
  const platform = await startTestPlatform({ clock: machineClock });
  const me = person(platform, session.env);
  // One in the keychain from before.
  expect((await me.run(['auth', 'login'], { signIn: true })).code).toBe(0);
  expect([me.refreshFiles().length, isKept(session)]).toEqual([0, true]);

  const shared = await me.run(['auth', 'login', '--share-login'], { signIn: true });
  expect(shared, shared.err).toMatchObject({ code: 0 });
  expect(shared.err).not.toMatch(/keychain|share-login/);
  expect(isKept(session)).toBe(false);
  // The SDK's layout: folder of the audience with `/` as `-`, the raw token without a newline, 0600.
  const path = join(me.cache, 'chainguard', platform.urls.api.replaceAll('/', '-'), 'refresh-token');
  expect(me.refreshFiles()).toEqual([path]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const token = readFileSync(path, 'utf8');
  expect(JSON.parse(Buffer.from(token, 'base64').toString()).exp).toBeGreaterThan(Date.now() / 1000);

  const status = await me.run(['auth', 'status']);
  expect(status.out).toMatch(/Refresh +\| token in a file that only you can read, for programs of the SDK too\n/);
  // Renewed by chainctl it stays there, although `auto` would take the keychain.
  age(me.cache);
  expect((await me.run(['auth', 'token'])).code).toBe(0);
  expect([me.refreshFiles(), isKept(session)]).toEqual([[path], false]);
  const rotated = readFileSync(path, 'utf8');
  expect(rotated).not.toBe(token);
  // Spent by a program of the SDK, which writes the next one there, it is still a login of chainctl.
  const answer = await fetch(`${platform.urls.issuer}/sts/exchange_refresh_token?aud=${platform.urls.api}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${rotated}` },
  });
  const pair = (await answer.json()) as { token: { token: string }; refreshToken: { token: string } };
  writeFileSync(path, pair.refreshToken.token);
  writeFileSync(join(path, '..', 'oidc-token'), pair.token.token);
  age(me.cache);
  expect((await me.run(['auth', 'token'])).code).toBe(0);
  expect([me.refreshFiles(), isKept(session)]).toEqual([[path], false]);

  // The next login without the flag goes back.
  expect((await me.run(['auth', 'login'], { signIn: true })).code).toBe(0);
  expect([me.refreshFiles().length, isKept(session)]).toEqual([0, true]);
}, 60_000);

test('while a keychain asks to be unlocked, the lock on the login stays alive; a no is told', async () => {
  const session = await desktop();
  const platform = await startTestPlatform({ clock: machineClock });
  const me = person(platform, session.env);
  expect((await me.run(['auth', 'login'], { signIn: true })).code).toBe(0);
  age(me.cache);
  const prompter = session.lock();
  const asked = me.run(['auth', 'token']);
  await until(() => existsSync(prompter), 'the keyring asks for its password');
  const [entry = ''] = filesBelow(join(me.cache, 'chainguard', '.locks'));
  const heldSince = statSync(entry).mtimeMs;
  await until(() => statSync(entry).mtimeMs > heldSince, 'the holder has shown that it lives');
  process.kill(Number(readFileSync(prompter, 'utf8')), 'SIGTERM');
  const refused = await asked;
  expect(refused).toMatchObject({ code: 4, out: '' });
  expect(refused.err).toContain('The keychain does not give the refresh token that it holds: ');
  expect(refused.err).toContain('prompt was dismissed');
  expect(filesBelow(join(me.cache, 'chainguard', '.locks'))).toEqual([]);
}, 60_000);

test('changing the setting moves the token at the next renewal and loses nothing', async () => {
  const session = await desktop();
  const platform = await startTestPlatform({ clock: machineClock });
  const me = person(platform, session.env);
  expect((await me.run(['auth', 'login'], { signIn: true })).code).toBe(0);

  const toFile = { env: { CHAINGUARD_AUTH_TOKEN_STORE: 'file' } };
  age(me.cache);
  expect((await me.run(['auth', 'token'], toFile)).code).toBe(0);
  expect([me.refreshFiles().length, isKept(session)]).toEqual([1, false]);

  age(me.cache);
  expect((await me.run(['auth', 'token'])).code).toBe(0);
  expect([me.refreshFiles().length, isKept(session)]).toEqual([0, true]);

  age(me.cache);
  expect((await me.run(['auth', 'token'])).code).toBe(0);
}, 60_000);

test('without a keychain: a private file and one warning, or an error where only the keychain will do', async () => {
  const platform = await startTestPlatform({ clock: machineClock });
  const me = person(platform, { PATH: process.env['PATH'] ?? '', HOME: temporaryFolder() });
  const first = await me.run(['auth', 'login'], { signIn: true });
  expect(first, first.err).toMatchObject({ code: 0 });
  expect(first.err.match(/warning: /g)).toHaveLength(1);
  expect(first.err).toContain('There is no keychain (there is no session bus)');
  const [path = ''] = me.refreshFiles();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  age(me.cache);
  expect((await me.run(['auth', 'token'])).err).toBe('');

  const other = person(platform, { PATH: process.env['PATH'] ?? '', HOME: temporaryFolder() });
  const strict = { CHAINGUARD_AUTH_TOKEN_STORE: 'keychain' };
  const refused = await other.run(['auth', 'login'], { signIn: true, env: strict });
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('The keychain cannot be used: there is no session bus');
  expect(filesBelow(other.cache).filter((file) => file.endsWith('-token'))).toEqual([]);
}, 60_000);
