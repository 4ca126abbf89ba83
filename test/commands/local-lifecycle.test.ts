// `chainctl local` as its users run it: the built program, processes that end and do not, folders that stay or go.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { loadDriver } from '../../src/local/store/database.ts';
import { claimsOf, createWorld, type Person, processesUsing, until } from '../support/program.ts';

// Each command is a process, and some tests run a dozen of them.
vi.setConfig({ testTimeout: 120_000 });

const world = createWorld();
const started: Person[] = [];

afterEach(async () => {
  for (const person of started.splice(0)) await person.chainctl(['local', 'stop']);
});

/** Somebody with a home of their own, whose platform is stopped after the test. */
function somebody(): Person {
  const person = world.person('somebody');
  started.push(person);
  return person;
}

const folderOf = (person: Person) => join(person.home, '.local', 'share', 'chainctl', 'local');
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('local start --detach', () => {
  test('returns once it answers, prints exactly where, and stays', async () => {
    const person = somebody();
    const ran = await person.chainctl(['local', 'start', '--detach', '--seed=empty', '-o', 'json']);
    expect(ran.code, ran.err).toBe(0);
    expect(ran.err).toBe('');
    expect(ran.out.split('\n')).toHaveLength(2);
    const info = JSON.parse(ran.out);
    expect(Object.keys(info)).toEqual(['api', 'issuer', 'registry', 'console', 'dataDir', 'pid']);
    expect(info.dataDir).toBe(folderOf(person));
    expect(info.api).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const discovery = await fetch(`${info.issuer}/.well-known/openid-configuration`);
    expect(((await discovery.json()) as { issuer: string }).issuer).toBe(info.issuer);
    expect(isAlive(info.pid)).toBe(true);
    expect(statSync(info.dataDir).mode & 0o777).toBe(0o700);
    expect(statSync(join(info.dataDir, 'platform.log')).mode & 0o777).toBe(0o600);
  });

  test('registers a context, by its address of now; a reset takes it away', async () => {
    const person = somebody();
    const list = async () =>
      JSON.parse(await person.ok('config', 'contexts', 'list', '-ojson')).items as {
        readonly name: string;
        readonly selected: boolean;
        readonly values: Readonly<Record<string, string>>;
        readonly dataDir?: string;
      }[];
    const start = async (...words: string[]) =>
      JSON.parse(await person.ok('local', 'start', '--detach', '--seed=empty', '-ojson', ...words)) as { api: string };
    const first = await start();
    const elsewhere = join(person.home, 'my platform');
    try {
      const second = await start('--data-dir', elsewhere);
      expect(await list()).toMatchObject([
        { name: 'production', selected: true },
        { name: 'local', selected: false, dataDir: folderOf(person), values: { 'platform.api': first.api } },
        { name: 'my-platform', dataDir: elsewhere, values: { 'platform.api': second.api } },
      ]);
    } finally {
      await person.chainctl(['local', 'stop', '--data-dir', elsewhere]);
    }
    await person.ok('config', 'contexts', 'use', 'local');
    await person.ok('local', 'stop');
    const again = await start('--listen=127.0.0.1:0');
    expect((await list())[1]?.values['platform.api']).toBe(again.api);
    await person.ok('local', 'stop');
    await person.ok('local', 'reset', '-y');
    await person.ok('local', 'reset', '-y', '--data-dir', elsewhere);
    expect((await list()).map(({ name, selected }) => [name, selected])).toEqual([['production', true]]);
  });

  test('starts also where the configuration is broken, and leaves that as it is', async () => {
    const person = somebody();
    person.write('.config/chainctl/config.yaml', 'default: [\n');
    const ran = await person.chainctl(['local', 'start', '--detach', '--seed=empty']);
    expect(ran.code).toBe(0);
    expect(ran.err).toContain('warning: the context of this platform is not kept: ');
    expect(person.read('.config/chainctl/config.yaml')).toBe('default: [\n');
  });

  test('whoever has no login is told of a platform that runs and was not meant', async () => {
    const person = somebody();
    await person.ok('local', 'start', '--detach', '--seed=empty');
    const list = ['iam', 'organizations', 'list'];
    const away = await person.chainctl(list);
    expect(away).toMatchObject({ code: 4, out: '' });
    expect(away.err).toMatch(
      /hint: run `chainctl auth login`; a local platform runs at http:\/\/127\.0\.0\.1:\d+, and this command went to production: `chainctl config contexts use local`\n$/,
    );
    const there = await person.chainctl([...list, '--context=local']);
    expect(there.err).toMatch(/hint: run `chainctl auth login`\n$/);
  });

  test('twice on one folder: the same answer, exit 0, one process; in the foreground too', async () => {
    const person = somebody();
    const first = await person.chainctl(['local', 'start', '--detach', '--seed=empty', '-o', 'json']);
    const second = await person.chainctl(['local', 'start', '--detach', '--output=json']);
    expect(second).toMatchObject({ code: 0, out: first.out });
    expect(second.err).toContain('already running');
    const foreground = await person.chainctl(['local', 'start']);
    expect(foreground.code).toBe(0);
    expect(foreground.out).toContain(JSON.parse(first.out).api);
    expect(foreground.err).toContain('already running');
  });

  test('a new folder is filled also where few files may be open at once', async () => {
    const person = somebody();
    const ran = await person.sh('ulimit -n 100 && chainctl local start --detach -o json');
    expect(ran.code, ran.err + ran.out).toBe(0);
    // It is filled behind the first answer.
    const folder = join(folderOf(person), 'blobs', 'sha256');
    const count = () => (existsSync(folder) ? readdirSync(folder).length : 0);
    await expect.poll(count, { timeout: 60_000 }).toBeGreaterThan(100);
  });

  test('three at once make one platform', async () => {
    const person = somebody();
    const runs = await Promise.all(
      [1, 2, 3].map(() => person.chainctl(['local', 'start', '--detach', '--seed=empty', '-o', 'json'])),
    );
    expect(runs.map((ran) => [ran.code, ran.err.replace(/A platform is already.*\n/, '')])).toEqual(
      runs.map(() => [0, '']),
    );
    expect(new Set(runs.map((ran) => ran.out)).size).toBe(1);
    // The slower ones have gone, so that none of them takes over when this one is stopped.
    expect(processesUsing(folderOf(person))).toEqual([JSON.parse(runs[0]?.out ?? '').pid]);
  });

  test('an address that is taken: the reason, from the log of the process that died', async () => {
    const person = somebody();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const ran = await person.chainctl(['local', 'start', '--detach', '--seed=empty', `--listen=127.0.0.1:${port}`]);
    server.close();
    expect(ran).toMatchObject({ code: 1, out: '' });
    expect(ran.err).toContain('error: The platform did not start');
    expect(ran.err).toContain(`Cannot listen on 127.0.0.1:${port}: another program is listening there`);
    expect((await person.chainctl(['local', 'status'])).code).toBe(1);
  });

  test('goes by the audiences and host names it is given, in the background too', async () => {
    const person = somebody();
    const words = ['--audience=https://console-api.enforce.dev', '--host-alias=console-api.enforce.dev'];
    const ran = await person.chainctl(['local', 'start', '--detach', '--seed=demo', '-o', 'json', ...words]);
    expect([ran.code, ran.err]).toEqual([0, '']);
    const script = [
      'eval "$(chainctl local env)"',
      'login() { chainctl auth login --identity-token "$(chainctl local token)" --audience "$1" >/dev/null; }',
      'login https://console-api.enforce.dev',
      'curl -s -o /dev/null -w "%{http_code} " -H "Host: console-api.enforce.dev" ' +
        '-H "Authorization: Bearer $(chainctl auth token --audience https://console-api.enforce.dev)" ' +
        '$CHAINGUARD_PLATFORM_API/iam/v1/groups',
    ].join('; ');
    expect(await person.sh(script)).toMatchObject({ code: 0, out: '200 ' });
    const again = await person.chainctl(['local', 'start', '--detach', ...words]);
    expect(again.err).toContain('warning: `--audience` and `--host-alias` say how a platform starts');
    const wrong = await person.chainctl(['local', 'start', '--host-alias=a:80']);
    expect(wrong.code).toBe(2);
    expect(wrong.err).toContain('`--host-alias` must be a host name without a port');
  });

  test('listens where it is told', async () => {
    const person = somebody();
    const ran = await person.chainctl(['local', 'start', '--detach', '--seed=empty', '--listen=[::1]:0', '-o', 'json']);
    // Machines without IPv6 say so; everywhere else it works.
    if (ran.code !== 0) expect(ran.err).toContain('this machine does not have that address');
    else expect(JSON.parse(ran.out).api).toMatch(/^http:\/\/\[::1\]:\d+$/);
  });

  test('more than loopback is a warning, nonsense is a usage error', async () => {
    const person = somebody();
    const ran = await person.chainctl(['local', 'start', '--detach', '--seed=empty', '--listen=0.0.0.0:0']);
    expect(ran.code, ran.err).toBe(0);
    expect(ran.err).toMatch(/^warning: listening on 0\.0\.0\.0 /);
    for (const address of ['nowhere', '127.0.0.1:99999', '1.2.3.4']) {
      expect((await person.chainctl(['local', 'start', `--listen=${address}`])).code, address).toBe(2);
    }
  });

  test('a folder that cannot be made, and state that is none, are said in one sentence', async () => {
    const person = somebody();
    const file = person.write('file', 'x');
    const blocked = await person.chainctl(['local', 'start', '--data-dir', join(file, 'sub')]);
    expect(blocked).toMatchObject({ code: 1, out: '' });
    expect(blocked.err).toMatch(/^error: Cannot write /);
    const folder = join(person.home, 'corrupt');
    mkdirSync(folder);
    writeFileSync(join(folder, 'platform.db'), 'this is no database, whatever its name says'.repeat(100));
    const corrupt = await person.chainctl(['local', 'start', '--data-dir', folder]);
    expect(corrupt).toMatchObject({ code: 1, out: '' });
    expect(corrupt.err).toContain('cannot be used');
    expect(corrupt.err).not.toContain('inside chainctl');
  });
});

describe('local start in the foreground', () => {
  test('logs one line for each request on stderr, and Ctrl-C ends it well', async () => {
    const person = somebody();
    const child = spawn(join(world.root, 'bin', 'chainctl'), ['local', 'start', '--seed=empty'], {
      env: person.env,
      stdio: 'pipe',
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      err += chunk;
    });
    await until(() => out.includes('Ctrl-C'), 'the platform says where it is');
    const api = /API +(\S+)/.exec(out)?.[1] ?? '';
    expect(out).toContain('eval "$(chainctl local env)"');
    expect(err).toBe('');
    await fetch(`${api}/iam/v1/groups?secret=1`);
    await until(() => err !== '', 'the request is logged');
    expect(err).toMatch(/^\d\d:\d\d:\d\d 401 GET {4}\/iam\/v1\/groups [^\n]*\d ms\n$/);
    expect(err).not.toContain('secret');
    const end = new Promise<number | null>((resolve) => {
      child.once('exit', resolve);
    });
    child.kill('SIGINT');
    expect(await end).toBe(0);
    expect(err).toContain('Stopping the platform.');
    expect(existsSync(join(folderOf(person), 'platform.json'))).toBe(false);
    expect((await person.chainctl(['local', 'status'])).code).toBe(1);
  });
});

describe('local status, env, token and stop', () => {
  test('one that is not running is told with the command that starts it, in the same folder', async () => {
    const person = somebody();
    const usual = await person.chainctl(['local', 'status']);
    expect(usual.err).toBe('error: The platform is not running\nhint: start it with `chainctl local start --detach`\n');
    const folder = join(person.home, 'else where');
    const other = await person.chainctl(['local', 'status', '--data-dir', folder]);
    expect(other.err).toContain(`hint: start it with \`chainctl local start --data-dir '${folder}' --detach\`\n`);
  });

  test.each([
    ['sh', 'eval "$(chainctl local env 2>/dev/null)" && echo on', 1],
    ['sh', 'set -e; eval "$(chainctl local env 2>/dev/null)"; echo on', 1],
    ['bash', 'set -e; eval "$(chainctl local env 2>/dev/null)"; echo on', 1],
    ['fish', 'chainctl local env --shell fish 2>/dev/null | source; and echo on', 1],
  ])('with nothing to point at a shell stops: %s: %s', async (shell, script, code) => {
    const person = somebody();
    person.write('script', script);
    expect(await person.sh(`${shell} script`)).toMatchObject({ code, out: '' });
    expect((await person.chainctl(['local', 'env', '--shell=powershell'])).out).toBe(
      "throw 'No platform is running'\n",
    );
    expect((await person.chainctl(['local', 'env', '-ojson'])).out).toBe('');
  });

  test('before, while and after', async () => {
    const person = somebody();
    const before = await person.chainctl(['local', 'status', '-o', 'json']);
    expect(before.code).toBe(1);
    expect(JSON.parse(before.out)).toEqual({ running: false, answers: false, dataDir: folderOf(person) });
    for (const [verb, out] of [
      ['env', 'false\n'],
      ['token', ''],
    ] as const) {
      const ran = await person.chainctl(['local', verb]);
      expect(ran, verb).toMatchObject({ code: 1, out });
      expect(ran.err).toContain('chainctl local start');
    }
    expect(existsSync(folderOf(person))).toBe(false);

    const info = JSON.parse(await person.ok('local', 'start', '--detach', '-o', 'json'));
    const status = await person.chainctl(['local', 'status', '--output=json']);
    expect(status.code).toBe(0);
    expect(JSON.parse(status.out)).toEqual({ running: true, answers: true, ...info });

    // One shell line: the platform is selected, somebody signs in, and their organization is seen.
    const story = await person.sh(
      'eval "$(chainctl local env)" && chainctl auth login --identity-token "$(chainctl local token)" -o none && chainctl iam organizations list -o table',
    );
    expect(story.code, story.err).toBe(0);
    expect(story.out).toContain('| example.com |');
    const fish = await person.sh(
      `fish -c 'chainctl local env --shell fish | source; and chainctl auth status -o json; chainctl local env --unset --shell fish | source; env'`,
    );
    expect(fish.err).toBe('');
    expect(JSON.parse(fish.out.split('\n')[0] ?? '').valid).toBe(true);
    expect(fish.out).not.toContain('CHAINGUARD_');
    const unset = await person.sh('eval "$(chainctl local env)"; eval "$(chainctl local env --unset)"; env');
    expect(unset.out).not.toContain('CHAINGUARD_');

    expect(await person.chainctl(['local', 'stop'])).toMatchObject({ code: 0, out: '' });
    expect(isAlive(info.pid)).toBe(false);
    expect((await person.chainctl(['local', 'status'])).code).toBe(1);
    expect(await person.chainctl(['local', 'stop'])).toMatchObject({ code: 0, out: '' });
    // Tokens can be made while it is stopped, for the address it will have again.
    expect(claimsOf(await person.ok('local', 'token')).aud).toBe(info.issuer);
    expect(JSON.parse(await person.ok('local', 'start', '--detach', '-o', 'json')).api).toBe(info.api);
  });

  test('a platform that was killed is not running, and starts again with what it held', async () => {
    const person = somebody();
    const info = JSON.parse(await person.ok('local', 'start', '--detach', '--seed=empty', '-o', 'json'));
    const token = await person.ok('local', 'token');
    process.kill(info.pid, 'SIGKILL');
    await until(() => !isAlive(info.pid), 'it is gone');
    expect((await person.chainctl(['local', 'status'])).code).toBe(1);
    const again = JSON.parse(await person.ok('local', 'start', '--detach', '-o', 'json'));
    expect(again).toEqual({ ...info, pid: again.pid });
    expect(claimsOf(token).aud).toBe(again.issuer);
  });

  test('one that does not listen to SIGTERM is killed, and that is said', async () => {
    const person = somebody();
    const info = JSON.parse(await person.ok('local', 'start', '--detach', '--seed=empty', '-o', 'json'));
    process.kill(info.pid, 'SIGSTOP');
    const status = await person.chainctl(['local', 'status', '-o', 'json']);
    expect(status.code).toBe(1);
    expect(JSON.parse(status.out)).toMatchObject({ running: true, answers: false });
    const stop = await person.chainctl(['local', 'stop']);
    expect(stop.code, stop.err).toBe(0);
    expect(stop.err).toContain(`process ${info.pid} is killed`);
    expect(isAlive(info.pid)).toBe(false);
  });
});

describe('local reset', () => {
  test('refuses while it runs, asks, and removes everything the platform made and nothing else', async () => {
    const person = somebody();
    const folder = folderOf(person);
    await person.ok('local', 'start', '--detach', '-o', 'json');
    const running = await person.chainctl(['local', 'reset', '--yes']);
    expect(running).toMatchObject({ code: 1, out: '' });
    expect(running.err).toContain('chainctl local stop');
    await person.ok('local', 'stop');
    person.write('.local/share/chainctl/local/notes.txt', 'mine');
    const silent = await person.chainctl(['local', 'reset']);
    expect(silent.code).toBe(2);
    expect((await person.chainctl(['local', 'reset'], { stdin: 'n\n' })).code).toBe(1);
    expect(existsSync(join(folder, 'platform.db'))).toBe(true);
    expect((await person.chainctl(['local', 'reset'], { stdin: 'y\n' })).code).toBe(0);
    expect(readdirSync(folder)).toEqual(['notes.txt']);
    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('mine');
    expect(await person.chainctl(['local', 'reset', '-y'])).toMatchObject({ code: 0, out: '' });
  });

  test('a folder of its own is removed with it', async () => {
    const person = somebody();
    await person.ok('local', 'start', '--detach', '--seed=empty');
    await person.ok('local', 'stop');
    await person.ok('local', 'reset', '--yes');
    expect(existsSync(folderOf(person))).toBe(false);
  });
});

test.each([
  ['cut short', (text: string) => text.slice(0, 40)],
  ['empty', () => ''],
  ['without its process', (text: string) => text.replace('"pid"', '"id"')],
  ['with a group of processes', (text: string) => text.replace(/"pid": \d+/, '"pid": -1')],
])('a platform.json that is %s is named, and stop ends the platform all the same', async (_, damage) => {
  const person = somebody();
  await person.ok('local', 'start', '--detach', '--seed=empty');
  const path = join(folderOf(person), 'platform.json');
  const { pid } = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, damage(readFileSync(path, 'utf8')));
  for (const verb of ['env', 'status']) {
    const ran = await person.chainctl(['local', verb]);
    expect(ran).toMatchObject({ code: 1, out: '' });
    expect(ran.err).toMatch(
      /^error: "[^"]+platform\.json" is damaged, so the platform cannot be found\nhint: .*local stop/,
    );
  }
  await person.ok('local', 'stop');
  expect(isAlive(pid)).toBe(false);
  await person.ok('local', 'start', '--detach', '--seed=empty');
});

test('the state of a newer version is refused in one sentence', async () => {
  const person = somebody();
  await person.ok('local', 'start', '--detach', '--seed=empty');
  await person.ok('local', 'stop');
  const handle = new (loadDriver())(join(folderOf(person), 'platform.db'));
  handle.exec("INSERT INTO migrations (name) VALUES ('999-from-the-future')");
  handle.close();
  for (const words of [['start'], ['token']]) {
    const ran = await person.chainctl(['local', ...words]);
    expect(ran).toMatchObject({ code: 1, out: '' });
    expect(ran.err).toMatch(
      /^error: The state in "[^"]+" was written by a newer chainctl and was left as it is\nhint: /,
    );
  }
});

test('a seed that a folder does not have is told', async () => {
  const person = somebody();
  await person.ok('local', 'start', '--detach', '--seed=empty');
  await person.ok('local', 'stop');
  await person.ok('local', 'start', '--detach', '--seed=demo');
  expect(readFileSync(join(folderOf(person), 'platform.log'), 'utf8')).toContain('was filled with "empty"');
});
