// Logins that something comes between: Ctrl-C, a signal, a second login, a network that goes away, a disk that is full, a
// browser that does not open. What was there before is there afterwards, or what was wanted; nothing in between.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { signInAs } from '../support/browser.ts';
import { cut, type Fault, type FaultyServer, silent, startFaultyServer } from '../support/faulty-server.ts';
import { dev, guest } from '../support/ids.ts';
import {
  claimsOf,
  createWorld,
  type Environment,
  expireToken,
  type Person,
  pause,
  type RunningPlatform,
  signIn,
  signInByBrowser,
  tokenFolder,
  until,
} from '../support/program.ts';
import { openTerminal } from '../support/terminal.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const world = createWorld();
let platform: RunningPlatform;
/** Stands between the programs and the issuer. */
let issuer: FaultyServer;
let running: ChildProcess[] = [];

beforeAll(async () => {
  platform = await world.startPlatform();
  issuer = await startFaultyServer(platform.issuer);
});

afterEach(() => {
  issuer.heal();
  for (const child of running) child.kill('SIGKILL');
  running = [];
});

interface Running {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  /** Exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** A program that goes on while the test does something else. */
function start(person: Person, program: string, args: readonly string[], env: Environment = {}, input = ''): Running {
  const child = spawn(program, args, {
    env: { ...person.env, ...env } as NodeJS.ProcessEnv,
    cwd: person.home,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.push(child);
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const ended = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? '')),
  );
  return { child, out: () => out, err: () => err, ended };
}

/** Everything below the cache: path, and content except of tokens. */
function cacheOf(person: Person): string[] {
  const folder = join(person.home, '.cache');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => lstatSync(join(folder, name)).isFile())
    .sort();
}

/** Signed in by browser, with the issuer behind the faulty one from now on, and a token that is over. */
async function expired(name: string, audience = platform.api): Promise<Person> {
  const person = world.person(name, platform);
  const login = await signInByBrowser(person, 'dev@example.com', audience);
  expect(login.code, login.err).toBe(0);
  const path = join(tokenFolder(person, audience), 'login.json');
  const record = JSON.parse(readFileSync(path, 'utf8'));
  // As if the login had been made there: a refresh goes nowhere else.
  writeFileSync(path, JSON.stringify({ ...record, issuer: issuer.url }));
  Object.assign(person.env, { CHAINGUARD_PLATFORM_ISSUER: issuer.url });
  expireToken(person, audience);
  return person;
}

/** Passes a request on to the platform at once, and its answer back a while later. */
function late(ms: number) {
  const seen = { requests: 0 };
  const fault: Fault = async (response, { method, path, headers, body }) => {
    const answer = await fetch(`${platform.issuer}${path}`, {
      method,
      headers: { authorization: headers.authorization ?? '', 'content-type': headers['content-type'] ?? '' },
      body,
    });
    const text = await answer.text();
    seen.requests += 1;
    await pause(ms);
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
  };
  return { seen, fault };
}

describe('a refresh under way', () => {
  test.each<[string, NodeJS.Signals, string, readonly string[]]>([
    ['a command', 'SIGINT', 'chainctl', ['auth', 'token']],
    ['a command', 'SIGTERM', 'chainctl', ['auth', 'token', '--capabilities=groups.list']],
    ['a companion', 'SIGTERM', 'chainctl', ['auth', 'login', '--refresh-only']],
    ['a companion of all', 'SIGINT', 'chainctl', ['auth', 'login', '--refresh-all']],
    ['the Docker helper', 'SIGINT', 'docker-credential-cgr', ['get']],
    ['the Docker helper', 'SIGTERM', 'docker-credential-cgr', ['get']],
    ['the Docker helper', 'SIGHUP', 'docker-credential-cgr', ['get']],
  ])('%s ends by %s only when what came in return is kept', async (_, signal, program, args) => {
    const audience = program === 'chainctl' ? platform.api : platform.registryHost;
    const person = await expired('interrupted', audience);
    const { seen, fault } = late(800);
    issuer.break('/sts/exchange_refresh_token', fault);
    const program_ = start(person, program, args, {}, audience);
    await until(() => seen.requests === 1, 'the refresh token is spent');
    program_.child.kill(signal);
    const code = await program_.ended;
    expect(args[0] === 'auth' && args[1] === 'login' ? [0, 130] : [130], program_.err()).toContain(code);
    expect(program_.out()).toBe('');
    issuer.heal();

    // The login lives: now, and after its next renewal.
    for (const when of ['at once', 'after another renewal']) {
      const token = await person.chainctl(['auth', 'token', `--audience=${audience}`]);
      expect([when, token.code, token.err]).toEqual([when, 0, '']);
      expireToken(person, audience);
    }
    expect(cacheOf(person).filter((name) => name.includes('.locks') || name.endsWith('.tmp'))).toEqual([]);
  });

  test('an issuer that says nothing does not hold up Ctrl-C for long, and a second one not at all', async () => {
    const person = await expired('impatient');
    issuer.break('/sts/', silent);
    const asked = () => issuer.requests.length > 0;
    for (const [signals, limitMs] of [
      [1, 6_000],
      [2, 1_500],
    ] as const) {
      issuer.heal();
      issuer.break('/sts/', silent);
      const program = start(person, 'chainctl', ['auth', 'token']);
      await until(asked, 'the issuer is asked');
      const since = performance.now();
      for (let sent = 0; sent < signals; sent += 1) {
        program.child.kill('SIGINT');
        await pause(100);
      }
      expect(await program.ended).toBe(130);
      expect(performance.now() - since).toBeLessThan(limitMs);
    }
    issuer.heal();
    expect((await person.chainctl(['auth', 'token'])).code, 'it was never spent').toBe(0);
  });
});

describe('Ctrl-C', () => {
  /** A browser that notes the address it was to open. */
  function browserOf(person: Person): Environment {
    const note = join(person.home, 'address');
    const script = `#!/bin/sh\nprintf %s "$1" > ${note}.part && mv ${note}.part ${note}\n`;
    return { BROWSER: person.write('browser', script, 0o700) };
  }

  const stages: readonly (readonly [
    string,
    readonly string[],
    (person: Person) => Environment,
    (program: Running, person: Person) => boolean,
  ])[] = [
    ['while the browser is waited for', [], browserOf, (program) => program.err().includes('Opening browser to')],
    [
      'while another device is waited for',
      ['--headless'],
      () => ({}),
      (program) => program.err().includes('Visit this URL'),
    ],
    [
      'while a code is waited for',
      ['--skip-browser'],
      browserOf,
      (program) => program.err().includes('Code will be valid for'),
    ],
    [
      'while the issuer is asked',
      ['--identity-token=token.jwt'],
      () => {
        issuer.break('/sts/', silent);
        return { CHAINGUARD_PLATFORM_ISSUER: issuer.url };
      },
      () => issuer.requests.length > 0,
    ],
    [
      'while an organization is looked up',
      ['--org-name=example.com'],
      (person) => {
        issuer.break('/orgcheck', silent);
        return { ...browserOf(person), CHAINGUARD_PLATFORM_ISSUER: issuer.url };
      },
      () => issuer.requests.length > 0,
    ],
  ];

  test.each(stages)('%s: exit 130, and nothing is written', async (_, flags, prepare, isThere) => {
    const person = world.person('person', platform);
    person.write('token.jwt', await person.ok('local', 'token', '--data-dir', platform.dataDir));
    const program = start(person, 'chainctl', ['auth', 'login', ...flags], prepare(person));
    await until(() => isThere(program, person), 'it is there');
    const since = performance.now();
    program.child.kill('SIGINT');
    expect(await program.ended, program.err()).toBe(130);
    expect(performance.now() - since).toBeLessThan(3_000);
    expect(program.out()).toBe('');
    expect(program.err()).toMatch(/(^|\n)Interrupted\n$/);
    expect(cacheOf(person)).toEqual([]);
    expect(existsSync(join(person.home, '.config'))).toBe(false);
  });

  test('while a second login of the same person is on its way, which it leaves alone', async () => {
    const person = world.person('twice', platform);
    const first = start(person, 'chainctl', ['auth', 'login'], browserOf(person));
    await until(() => existsSync(join(person.home, 'address')), 'the browser is opened');
    const address = person.read('address');
    const second = start(person, 'chainctl', ['auth', 'login', '--headless']);
    await until(() => second.err().includes('Visit this URL'), 'the second waits too');
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(130);
    await signInAs(address, 'dev@example.com');
    expect(await first.ended, first.err()).toBe(0);
    expect(claimsOf(await person.ok('auth', 'token')).sub).toBe(dev);
  });

  test('at the question with whom, on a terminal', async () => {
    const person = world.person('asked', platform);
    const screen = await openTerminal({ ...person.env, ...browserOf(person) }, person.home);
    screen.type('clear; chainctl auth login; echo "code $?"');
    screen.press('Enter');
    await screen.shows('How would you like to sign in?');
    screen.press('C-c');
    expect(await screen.shows(/code \d+/)).toContain('code 130');
    expect(cacheOf(person)).toEqual([]);
    expect(existsSync(join(person.home, 'address')), 'no browser was opened').toBe(false);
  });
});

test('two logins at once: both succeed, and what stays is one of them, whole', async () => {
  const person = world.person('both', platform);
  const emails = ['dev@example.com', 'guest@example.com'];
  const logins = emails.map((_, index) => {
    const note = join(person.home, `address-${index}`);
    const script = `#!/bin/sh\nprintf %s "$1" > ${note}.part && mv ${note}.part ${note}\n`;
    const browser = person.write(`browser-${index}`, script, 0o700);
    return { note, ...start(person, 'chainctl', ['auth', 'login'], { BROWSER: browser }) };
  });
  await until(() => logins.every(({ note }) => existsSync(note)), 'both browsers are open');
  await Promise.all(logins.map(({ note }, index) => signInAs(readFileSync(note, 'utf8'), emails[index])));
  for (const login of logins) expect(await login.ended, login.err()).toBe(0);
  const { sub } = claimsOf(await person.ok('auth', 'token'));
  expect([dev, guest]).toContain(sub);
  expireToken(person, platform.api);
  expect(claimsOf(await person.ok('auth', 'token')).sub, 'its refresh token is of the same login').toBe(sub);
});

test('a companion of all survives the loss of the network, and ends when it is told to', async () => {
  const person = await expired('companion');
  issuer.break('/sts/', cut);
  const companion = start(person, 'chainctl', ['auth', 'login', '--refresh-all']);
  await until(() => companion.err().includes('trying again'), 'it has noticed');
  const attempts = issuer.requests.length;
  await until(() => issuer.requests.length > attempts, 'it has tried again');
  expect(companion.err().match(/trying again/g), 'said once').toHaveLength(1);
  issuer.heal();
  await until(() => companion.err().includes('Renewed the token'), 'it is renewed', 30_000);
  companion.child.kill('SIGTERM');
  expect([0, 130]).toContain(await companion.ended);
  expect(companion.err()).not.toContain('error:');
  expect(cacheOf(person).filter((name) => name.includes('.locks'))).toEqual([]);
  expect((await person.chainctl(['auth', 'token'])).code).toBe(0);
});

test('a token for several audiences together is kept fresh too, and goes with everything else', async () => {
  const person = await expired('together', `${platform.api},${platform.registryHost}`);
  const companion = start(person, 'chainctl', ['auth', 'login', '--refresh-all']);
  await until(() => companion.err().includes('Renewed the token'), 'it is renewed');
  companion.child.kill('SIGTERM');
  await companion.ended;
  await person.ok('auth', 'logout');
  expect(cacheOf(person)).toEqual([]);
});

describe('a disk that is full, and a folder that cannot be written', () => {
  /** Runs a script in a place of its own where `.cache` is a small disk with the person's cache on it. */
  const onSmallDisk = (person: Person, script: string) =>
    person.sh(
      `cp -a .cache saved && unshare -m sh -c 'mount -t tmpfs -o size=96k tmpfs .cache && cp -a saved/. .cache/ && ${script}; cp -a .cache/. saved/' && rm -rf .cache && mv saved .cache`,
    );

  test('the refresh token is not spent for what could not be kept', async () => {
    const person = await expired('full', platform.registryHost);
    const fill = 'cat /dev/zero > .cache/fill 2>/dev/null';
    const get = `printf ${platform.registryHost} | docker-credential-cgr get`;
    const ran = await onSmallDisk(
      person,
      `${fill}; ${get} > full.out 2> full.err; rm .cache/fill; ${get} > /dev/null; echo $? > free.code`,
    );
    expect(ran.err).toBe('');
    expect(person.read('full.out')).toBe('credentials not found in native keychain\n');
    expect(person.read('full.err')).toMatch(/^docker-credential-cgr: Cannot write ".*": the disk is full; .*\n$/);
    expect(person.read('free.code'), 'once there is room').toBe('0\n');
    expect(issuer.requests.filter(({ path }) => path.startsWith('/sts/'))).toHaveLength(1);
  });

  test('also when only the folder of the tokens is read-only', async () => {
    const person = await expired('fixed', platform.registryHost);
    const folder = `.cache/chainguard/${platform.registryHost}`;
    const ran = await person.sh(
      `unshare -m sh -c 'mount --bind ${folder} ${folder} && mount -o remount,ro,bind ${folder} && printf ${platform.registryHost} | docker-credential-cgr get'`,
    );
    expect(ran).toMatchObject({ code: 1, out: 'credentials not found in native keychain\n' });
    expect(ran.err).toContain('the file system is read-only');
    expect(issuer.requests).toEqual([]);
    expect((await person.helper('get', platform.registryHost)).code, 'afterwards').toBe(0);
  });

  test('a new login says what is wrong and leaves the old one', async () => {
    const person = world.person('small', platform);
    await signIn(person, platform);
    const before = person.read(`.cache/chainguard/${platform.api.replaceAll('/', '-')}/oidc-token`);
    const login = 'chainctl auth login --identity-token dev@example.com.jwt';
    const ran = await onSmallDisk(
      person,
      `cat /dev/zero > .cache/fill 2>/dev/null; ${login} 2> login.err; rm .cache/fill`,
    );
    expect(ran.err).toBe('');
    expect(person.read('login.err')).toMatch(/^error: Cannot write ".*": the disk is full\nhint: free some space/);
    expect(await person.ok('auth', 'token')).toBe(before);
  });
});

test.each(['/bin/false', '/no/such/browser', 'a browser that finds none'])(
  'a browser that cannot be opened (%s): a code for another device instead, saying so',
  async (program) => {
    const person = world.person('blind', platform);
    // As xdg-open ends where there is none.
    const script = person.write('none', '#!/bin/sh\nsleep 0.3\necho "no browser" >&2\nexit 3\n', 0o700);
    const login = start(person, 'chainctl', ['auth', 'login'], { BROWSER: program.startsWith('/') ? program : script });
    await until(() => login.err().includes('Code will be valid for'), 'a code is shown');
    expect(login.err()).toMatch(/^Cannot open a browser here; switching to a code for another device\n/);
    login.child.kill('SIGINT');
    expect(await login.ended).toBe(130);
  },
);
