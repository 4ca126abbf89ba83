// `chainctl local` as its users run it.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { skopeoPull } from '../support/clients.ts';
import {
  createWorld,
  type Person,
  pause,
  processesUsing,
  type RunningPlatform,
  signIn,
  until,
} from '../support/program.ts';

const world = createWorld();
const detached: Person[] = [];

// Detached platforms are nobody's children.
afterAll(async () => {
  for (const person of detached) await person.chainctl(['local', 'stop']);
});

const keys = ['api', 'issuer', 'registry', 'console', 'dataDir', 'pid'];

describe('in the background', () => {
  test('start, status, env, stop: the life of one in its usual folder', async () => {
    const person = world.person('background');
    detached.push(person);
    const folder = join(person.home, '.local', 'share', 'chainctl', 'local');

    const nothing = await person.chainctl(['local', 'status']);
    expect(nothing).toMatchObject({ code: 1, out: `Not running (${folder})\n` });
    expect(await person.chainctl(['local', 'stop'])).toMatchObject({
      code: 0,
      out: '',
      err: `No platform is running in "${folder}".\n`,
    });
    expect((await person.chainctl(['local', 'env'])).code).toBe(1);
    expect(existsSync(folder), 'asking made nothing').toBe(false);

    const started = await person.chainctl(['local', 'start', '--detach', '--output=json']);
    expect(started, started.err).toMatchObject({ code: 0, err: '' });
    const info = JSON.parse(started.out);
    expect(Object.keys(info)).toEqual(keys);
    expect(info.dataDir).toBe(folder);
    for (const name of ['api', 'issuer', 'registry']) expect(info[name]).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(new URL(info.console).origin).toBe(info.api);
    expect(started.out).toMatch(/^\{[^ \n]*\}\n$/);
    expect(process.kill(info.pid, 0)).toBe(true);
    // It answers when the command returns, and the folder is private.
    expect((await fetch(`${info.issuer}/.well-known/openid-configuration`)).status).toBe(200);
    expect(statSync(folder).mode & 0o777).toBe(0o700);

    // Once more is the same one.
    const again = await person.chainctl(['local', 'start', '--detach', '--output=json']);
    expect(again.code).toBe(0);
    expect(JSON.parse(again.out)).toEqual(info);
    const here = await person.chainctl(['local', 'start', '--output=json'], { timeoutMs: 10_000 });
    expect(here.code).toBe(0);
    expect(JSON.parse(here.out)).toEqual(info);
    expect(here.err).toContain('already running');

    const status = JSON.parse(await person.ok('local', 'status', '--output=json'));
    expect(status).toEqual({ running: true, answers: true, ...info });

    expect(await person.chainctl(['local', 'stop'])).toMatchObject({ code: 0, out: '' });
    expect(() => process.kill(info.pid, 0)).toThrow();
    expect((await person.chainctl(['local', 'status', '--output=json'])).code).toBe(1);

    // The port is remembered, because tokens and identities name it.
    const later = JSON.parse(await person.ok('local', 'start', '--detach', '--output=json'));
    expect(later).toEqual({ ...info, pid: later.pid });
    expect(later.pid).not.toBe(info.pid);

    const refused = await person.chainctl(['local', 'reset', '--yes']);
    expect(refused).toMatchObject({ code: 1, out: '' });
    await person.ok('local', 'stop');
    await person.ok('local', 'reset', '--yes');
    expect(existsSync(folder)).toBe(false);
  });

  test('five at once on one folder: one platform, five times its address', async () => {
    const person = world.person('five');
    detached.push(person);
    const starts = await Promise.all(
      Array.from({ length: 5 }, () => person.chainctl(['local', 'start', '--detach', '--output=json', '--seed=empty'])),
    );
    expect(starts.filter(({ code }) => code !== 0).map(({ err }) => err)).toEqual([]);
    expect(new Set(starts.map(({ out }) => out)).size).toBe(1);
    const { pid, dataDir } = JSON.parse(starts[0]?.out ?? '');
    await until(() => processesUsing(`--data-dir\0${dataDir}`).length === 1, 'only one is left');
    expect(processesUsing(`--data-dir\0${dataDir}`)).toEqual([pid]);
    await person.ok('local', 'stop');
  });

  test('it outlives the terminal that started it, and its log tells of requests', async () => {
    const person = world.person('orphan');
    detached.push(person);
    const ran = await person.sh('setsid sh -c "chainctl local start --detach --output=json" | cat');
    const info = JSON.parse(ran.out);
    await fetch(`${info.api}/iam/v1/groups`);
    await until(
      () => readFileSync(join(info.dataDir, 'platform.log'), 'utf8').includes('/iam/v1/groups'),
      'it is logged',
    );
    const log = readFileSync(join(info.dataDir, 'platform.log'), 'utf8');
    expect(log).toMatch(/^\d\d:\d\d:\d\d 401 GET {4}\/iam\/v1\/groups .*ms$/m);
    expect(log).not.toMatch(/\u001b/);
    await person.ok('local', 'stop');
  });
});

describe('env', () => {
  test('lines for eval, a way back, and nothing of the home is touched', async () => {
    const platform = await world.startPlatform({ flags: ['--seed=empty'] });
    const person = world.person('env');
    person.write('.config/chainctl/config.yaml', 'platform:\n  api: https://mine.example.com\n');
    const before = await person.sh('find . -printf "%p %m %T@\\n" | sort');
    const ran = await person.chainctl(['local', 'env', '--data-dir', platform.dataDir]);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out.split('\n').slice(0, -1)).toEqual([
      `export CHAINGUARD_PLATFORM_API=${platform.api}`,
      `export CHAINGUARD_PLATFORM_AUDIENCE=${platform.api}`,
      `export CHAINGUARD_PLATFORM_ISSUER=${platform.issuer}`,
      `export CHAINGUARD_PLATFORM_CONSOLE=${platform.api}/console`,
      `export CHAINGUARD_PLATFORM_REGISTRY=${platform.registry}`,
      'export CHAINGUARD_DEFAULT_SOCIAL_LOGIN=email',
      `export CHAINGUARD_CONSOLE_API=${platform.api}`,
      `export CHAINCTL_GITHUB_API=${platform.api}/simulated/github`,
    ]);
    const evaluated = await person.sh(
      `eval "$(chainctl local env --data-dir ${platform.dataDir})"; chainctl config view | grep ' api:'; eval "$(chainctl local env --unset)"; chainctl config view | grep ' api:'`,
    );
    expect(evaluated.out.split('\n').map((line) => line.trim())).toEqual([
      `api: ${platform.api}`,
      'api: https://mine.example.com',
      '',
    ]);
    expect((await person.sh('find . -printf "%p %m %T@\\n" | sort')).out).toBe(before.out);
  });

  test('a folder with blanks and quotes in its name', async () => {
    const dataDir = join(world.path('odd'), `it's a "folder" $HOME`);
    mkdirSync(dataDir, { recursive: true });
    const platform = await world.startPlatform({ dataDir, flags: ['--seed=empty'] });
    expect(platform.dataDir).toBe(dataDir);
    const person = world.person('odd');
    expect((await person.chainctl(['local', 'status', '--data-dir', dataDir])).code).toBe(0);
    expect(await platform.end('SIGINT')).toBe(0);
  });
});

describe('in the foreground', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends it well', async (signal) => {
    const platform = await world.startPlatform({ flags: ['--seed=empty'] });
    expect(existsSync(join(platform.dataDir, 'platform.json'))).toBe(true);
    expect(await platform.end(signal)).toBe(0);
    expect(platform.log()).toContain('Stopping the platform.');
    expect(existsSync(join(platform.dataDir, 'platform.json'))).toBe(false);
    const log = statSync(join(platform.dataDir, 'platform.db-wal'), { throwIfNoEntry: false });
    expect(log?.size ?? 0, 'the database alone is the whole state').toBe(0);
  });

  test('while it still starts, too: nothing is served and it can start again', async () => {
    const person = world.person('early');
    const dataDir = join(person.home, 'data');
    for (const delay of [40, 120, 250, 500]) {
      const child = spawn('chainctl', ['local', 'start', '--data-dir', dataDir], { env: person.env, stdio: 'ignore' });
      await pause(delay);
      child.kill('SIGINT');
      await new Promise((resolve) => child.once('exit', resolve));
      expect((await person.chainctl(['local', 'status', '--data-dir', dataDir])).code).toBe(1);
    }
    const platform = await world.startPlatform({ dataDir });
    const dev = world.person('dev', platform);
    await signIn(dev, platform);
    expect(await skopeoPull(dev, `${platform.registryHost}/chainguard/static:latest`)).toMatchObject({ code: 0 });
    await platform.end();
  });

  test('nobody reading its log does not stop it', async () => {
    const person = world.person('deaf');
    const dataDir = join(person.home, 'data');
    const child = spawn('sh', ['-c', `chainctl local start --seed=empty --data-dir "${dataDir}" 2>&1 | head -n 3`], {
      env: person.env,
      stdio: 'ignore',
    });
    await until(() => existsSync(join(dataDir, 'platform.json')), 'it started');
    const { api } = JSON.parse(readFileSync(join(dataDir, 'platform.json'), 'utf8'));
    for (let count = 0; count < 20; count += 1) expect((await fetch(`${api}/iam/v1/groups`)).status).toBe(401);
    await person.ok('local', 'stop', '--data-dir', dataDir);
    await new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(undefined)));
  });

  test('an address that everybody reaches is warned of; a loopback one is not', async () => {
    const open = await world.startPlatform({ flags: ['--seed=empty', '--listen=0.0.0.0:0'] });
    expect(open.log()).toMatch(/^warning: listening on 0\.0\.0\.0 lets everyone who reaches this machine/m);
    expect(open.api).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await open.end();
    for (const address of ['127.0.0.1:0', '[::1]:0', 'localhost:0', ':0']) {
      const closed = await world.startPlatform({ flags: ['--seed=empty', `--listen=${address}`] });
      expect(closed.log()).not.toContain('warning');
      expect((await fetch(`${closed.issuer}/.well-known/openid-configuration`)).status, address).toBe(200);
      await closed.end();
    }
  });

  test('a chosen port is used, kept in mind, and refused when somebody else has it', async () => {
    const first = await world.startPlatform({ flags: ['--seed=empty'] });
    const { port } = new URL(first.api);
    const person = world.person('port');
    const taken = await person.chainctl(['local', 'start', '--data-dir', 'other', `--listen=127.0.0.1:${port}`]);
    expect(taken).toMatchObject({ code: 1, out: '' });
    expect(taken.err).toMatch(/^error: Cannot listen on 127\.0\.0\.1:\d+: another program is listening there$/m);
    await first.end();
    const again = await world.startPlatform({ dataDir: first.dataDir });
    expect(again.api).toBe(first.api);
    await again.end();
  });

  test('--seed empty holds nothing but the built-in roles', async () => {
    const platform = await world.startPlatform({ flags: ['--seed=empty'] });
    const person = world.person('empty', platform);
    const catalog = await fetch(`${platform.registry}/v2/chainguard/static/tags/list`);
    expect(catalog.status).not.toBe(200);
    const token = await person.ok('local', 'token', '--data-dir', platform.dataDir);
    const login = await person.chainctl(['auth', 'login', '--identity-token', token]);
    expect(login).toMatchObject({ code: 1, out: '' });
    expect(login.err).toContain('account not found');
    await platform.end();
  });

  test('guest@example.com is a viewer: sees, and may not change', async () => {
    const platform = await world.startPlatform();
    const guest = world.person('guest', platform);
    await signIn(guest, platform, 'guest@example.com');
    expect(JSON.parse(await guest.ok('iam', 'organizations', 'list', '--output=json')).items[0].name).toBe(
      'example.com',
    );
    expect((await guest.ok('auth', 'status')).replaceAll(/ +/g, ' ')).toContain('Capabilities | example.com: viewer');
    const create = await guest.chainctl([
      ...['iam', 'identities', 'create', 'x', '--parent=example.com', '--yes'],
      ...['--identity-issuer=https://ci.example.com', '--subject=x'],
    ]);
    expect(create).toMatchObject({ code: 1, out: '' });
    await platform.end();
  });
});

test('kill -9 at any moment: every acknowledged identity is there afterwards, and no half of one', async () => {
  const dataDir = world.path('killed');
  let platform: RunningPlatform = await world.startPlatform({ dataDir });
  const dev = world.person('dev', platform);
  await signIn(dev, platform);
  const { api } = platform;
  const organization = await dev.ok('iam', 'organizations', 'list', '--output=id');
  const token = await dev.ok('auth', 'token');
  const acknowledged = new Set<string>();

  for (let round = 0; round < 4; round += 1) {
    let running = true;
    // Straight to the API, eight at a time: what has been answered has been written.
    const workers = Array.from({ length: 8 }, async (_, worker) => {
      for (let count = 0; running; count += 1) {
        try {
          const response = await fetch(`${api}/iam/v1/identities/${organization}`, {
            method: 'POST',
            headers: { authorization: `Bearer ${token}` },
            body: JSON.stringify({
              name: `r${round} w${worker} n${count}`,
              claimMatch: { issuer: 'https://ci.example.com', subject: 'x' },
            }),
          });
          const { id } = (await response.json()) as { id: string };
          if (response.status === 200) acknowledged.add(id);
        } catch {
          // It was killed.
          return;
        }
      }
    });
    const enough = acknowledged.size + 20 + round * 17;
    await until(() => acknowledged.size >= enough, 'some are made');
    expect(await platform.end('SIGKILL')).toBe(137);
    running = false;
    await Promise.all(workers);
    platform = await world.startPlatform({ dataDir });
    expect(platform.api, 'the same address').toBe(api);
    const { items } = JSON.parse(await dev.ok('iam', 'identities', 'list', '--output=json'));
    const ids = new Set(items.map(({ id }: { id: string }) => id));
    expect([...acknowledged].filter((id) => !ids.has(id))).toEqual([]);
    // At most what was under way when it died was written without being answered.
    expect(ids.size - acknowledged.size).toBeLessThanOrEqual(8 * (round + 1));
  }
  // The command line as well, and a login survives the restart.
  const id = await dev.ok(
    ...['iam', 'identities', 'create', 'last', '--parent=example.com', '--yes', '--output=id'],
    ...['--identity-issuer=https://ci.example.com', '--subject=x'],
  );
  await platform.end('SIGKILL');
  platform = await world.startPlatform({ dataDir });
  expect(JSON.parse(await dev.ok('iam', 'identities', 'describe', id)).name).toBe('last');
  await platform.end();
});

describe('token', () => {
  test('the developer, a workflow, a pipeline and anybody else, as their issuers would sign them', async () => {
    const platform = await world.startPlatform();
    const person = world.person('minter', platform);
    const claims = async (...args: readonly string[]) => {
      const ran = await person.chainctl(['local', 'token', ...args, '--data-dir', platform.dataDir]);
      expect(ran, ran.err).toMatchObject({ code: 0, err: '' });
      expect(ran.out, 'the bytes and nothing else').toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
      return JSON.parse(Buffer.from(ran.out.split('.')[1] ?? '', 'base64url').toString('utf8'));
    };
    expect(await claims()).toMatchObject({ email: 'dev@example.com', aud: platform.issuer });
    expect(await claims('github', '--repo=acme/app', '--ref=refs/heads/main')).toMatchObject({
      iss: 'https://token.actions.githubusercontent.com',
      sub: expect.stringMatching(/^repo:acme@\d+\/app@\d+:ref:refs\/heads\/main$/),
    });
    expect(await claims('gitlab', '--project-path=acme/app', '--ref=main')).toMatchObject({
      iss: 'https://gitlab.com',
      sub: 'project_path:acme/app:ref_type:branch:ref:main',
    });
    const custom = await claims(
      ...['--issuer=https://ci.example.com', '--subject=job', '--audience=a', '--audience=b'],
      ...['--claim', 'branch=main', '--claim', 'text=a=b', '--ttl=10m'],
    );
    expect(custom).toMatchObject({
      iss: 'https://ci.example.com',
      sub: 'job',
      aud: ['a', 'b'],
      branch: 'main',
      text: 'a=b',
    });
    expect(custom.exp - custom.iat).toBe(600);
    // Also while nobody serves the folder.
    await platform.end();
    expect(await claims('--email=guest@example.com')).toMatchObject({
      email: 'guest@example.com',
      aud: platform.issuer,
    });
  });
});
