// docker-credential-cgr as Docker, skopeo and podman start it (protocols 7.2).

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { podmanPull, skopeo, skopeoPull } from '../support/clients.ts';
import {
  claimsOf,
  createWorld,
  expireToken,
  isExecutable,
  type Person,
  programPath,
  projectRoot,
  type RunningPlatform,
  runProcess,
  signIn,
  signInByBrowser,
  tokenFolder,
  until,
} from '../support/program.ts';

const world = createWorld();
const notFound = 'credentials not found in native keychain\n';
let platform: RunningPlatform;
let host: string;

beforeAll(async () => {
  platform = await world.startPlatform();
  host = platform.registryHost;
});

/** Somebody with a login for the registry that nothing can renew. */
async function signedIn(name: string): Promise<Person> {
  const person = world.person(name, platform);
  await signIn(person, platform, 'dev@example.com', [host]);
  return person;
}

/** Somebody whose login for the registry came from a browser, and so has a refresh token. */
async function signedInByBrowser(name: string): Promise<Person> {
  const person = world.person(name, platform);
  const login = await signInByBrowser(person, 'dev@example.com', host);
  expect(login.code, login.err).toBe(0);
  expect(existsSync(join(tokenFolder(person, host), 'refresh-token'))).toBe(true);
  return person;
}

const refreshes = () => platform.requests('/sts/exchange_refresh_token').length;

/** Starts this many helpers at once and waits for all. */
function atOnce(person: Person, count: number) {
  return Promise.all(Array.from({ length: count }, () => person.helper('get', host)));
}

describe('what Docker says and hears', () => {
  let person: Person;
  beforeAll(async () => {
    person = await signedIn('protocol');
  });

  test('get answers one line with the user name and the token that is kept', async () => {
    const token = readFileSync(join(tokenFolder(person, host), 'oidc-token'), 'utf8');
    for (const server of [host, `${host}\n`, `https://${host}`, `http://${host}/v2/`, `  ${host.toUpperCase()} `]) {
      const ran = await person.helper('get', server);
      expect(ran, server).toMatchObject({ code: 0, err: '' });
      expect(ran.out.endsWith('}\n') && ran.out.split('\n').length).toBe(2);
      expect(JSON.parse(ran.out)).toEqual({ ServerURL: server.trim(), Username: '_token', Secret: token });
    }
  });

  test.each([
    ['docker.io'],
    ['https://index.docker.io/v1/'],
    ['cgr.dev.example.com'],
    ['127.0.0.1'],
    ['127.0.0.1:1'],
    ['../../etc/passwd'],
    ['..'],
    ['a b'],
  ])('get for %s, which is not ours, is "not found" and nothing else', async (server) => {
    expect(await person.helper('get', server)).toMatchObject({ code: 1, out: notFound, err: '' });
  });

  test.each([
    ['get', '', 'no credentials server URL\n'],
    ['get', ' \n', 'no credentials server URL\n'],
    ['erase', '', 'no credentials server URL\n'],
    ['store', '{"ServerURL":"","Username":"a","Secret":"b"}', 'no credentials server URL\n'],
    ['store', '{"Username":"a","Secret":"b"}', 'no credentials server URL\n'],
    ['store', '{"ServerURL":"example.com","Username":"","Secret":"b"}', 'no credentials username\n'],
    ['frobnicate', '', 'docker-credential-cgr: unknown action: frobnicate\n'],
  ])('%s with %j fails with the sentence that clients know', async (action, input, sentence) => {
    expect(await person.helper(action, input)).toMatchObject({ code: 1, out: sentence, err: '' });
  });

  test('none and two actions get the usage', async () => {
    const usage = 'Usage: docker-credential-cgr <get|store|erase|list|version>\n';
    expect(await person.sh('docker-credential-cgr </dev/null')).toMatchObject({ code: 1, out: usage, err: '' });
    expect(await person.sh('docker-credential-cgr get get </dev/null')).toMatchObject({ code: 1, out: usage, err: '' });
    for (const flag of ['--help', '-h']) expect(await person.helper(flag)).toMatchObject({ code: 0, out: usage });
  });

  test('version', async () => {
    const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
    for (const word of ['version', '--version', '-v']) {
      expect(await person.helper(word)).toMatchObject({
        code: 0,
        out: `docker-credential-cgr (chainctl) ${version}\n`,
      });
    }
  });

  test('store of a login takes it and keeps nothing; of a pull token says where that belongs', async () => {
    const before = await person.sh('find . -type f -exec md5sum {} + | sort');
    const login = { ServerURL: host, Username: 'somebody', Secret: 'swordfish' };
    expect(await person.helper('store', JSON.stringify(login))).toMatchObject({ code: 0, out: '', err: '' });
    const pullToken = { ...login, Username: `${'a'.repeat(40)}/${'b'.repeat(16)}` };
    const refused = await person.helper('store', JSON.stringify(pullToken));
    expect(refused.code).toBe(1);
    expect(refused.out).toContain('--pull-token --save');
    expect(refused.out + refused.err).not.toContain('swordfish');
    expect((await person.sh('find . -type f -exec md5sum {} + | sort')).out).toBe(before.out);
  });

  test('list names the registries there are tokens for; erase takes one away', async () => {
    const other = await signedIn('list');
    expect(JSON.parse((await other.helper('list', 'unused')).out)).toEqual({ [`https://${host}`]: '_token' });
    expect(await other.helper('erase', `https://${host}/`)).toMatchObject({ code: 0, out: '', err: '' });
    expect(JSON.parse((await other.helper('list', 'unused')).out)).toEqual({});
    expect(await other.helper('erase', host), 'a second time').toMatchObject({ code: 0, out: '' });
    const after = await other.helper('get', host);
    expect(after).toMatchObject({ code: 1, out: notFound });
    expect(after.err).toContain(`no login for "${host}"`);
  });

  test.each(['docker-credential-cgr', 'docker-credential-cgr.exe'])(
    'a link of that name (%s) to chainctl itself is the helper',
    async (name) => {
      const folder = world.path('links');
      mkdirSync(folder);
      symlinkSync(programPath(), join(folder, name));
      const ran = await runProcess(join(folder, name), ['get'], person.env, { stdin: host });
      expect(ran).toMatchObject({ code: 0, err: '' });
      expect(JSON.parse(ran.out).Username).toBe('_token');
    },
  );

  test('an input that stays open, is closed or is a terminal’s end does not hang it', async () => {
    expect((await person.sh(`(printf ${host}; sleep 0.3) | docker-credential-cgr get`)).code).toBe(0);
    expect((await person.sh('docker-credential-cgr get <&-')).out).toBe('no credentials server URL\n');
    expect((await person.sh('docker-credential-cgr list <&-')).code).toBe(0);
  });

  test('nobody reading its answer is no crash', async () => {
    const ran = await person.sh(
      `printf ${host} | docker-credential-cgr get | true; printf ${host} | docker-credential-cgr get >/dev/full`,
    );
    expect(ran.err).not.toMatch(/at .*\.cjs|Error:/);
  });
});

describe('many at once', () => {
  test('two hundred on a good token: two hundred right answers, and nobody asks the issuer', async () => {
    const person = await signedInByBrowser('crowd');
    const token = readFileSync(join(tokenFolder(person, host), 'oidc-token'), 'utf8');
    const before = refreshes();
    const answers = await atOnce(person, 200);
    expect(answers.filter(({ code, err }) => code !== 0 || err !== '')).toEqual([]);
    expect(new Set(answers.map(({ out }) => JSON.parse(out).Secret))).toEqual(new Set([token]));
    expect(refreshes()).toBe(before);
  });

  test('two hundred on an expired token: one refresh at the issuer, two hundred right answers', async () => {
    const person = await signedInByBrowser('many');
    const folder = tokenFolder(person, host);
    const refreshToken = readFileSync(join(folder, 'refresh-token'), 'utf8');
    expireToken(person, host);
    const before = refreshes();

    const answers = await atOnce(person, 200);

    expect(answers.filter(({ code, err }) => code !== 0 || err !== '')).toEqual([]);
    const tokens = new Set(answers.map(({ out }) => JSON.parse(out).Secret));
    expect(tokens.size).toBe(1);
    expect(refreshes()).toBe(before + 1);
    const [token = ''] = tokens;
    expect(claimsOf(token).exp * 1000).toBeGreaterThan(Date.now() + 60_000);
    expect(readFileSync(join(folder, 'oidc-token'), 'utf8')).toBe(token);
    expect(readFileSync(join(folder, 'refresh-token'), 'utf8'), 'rotated').not.toBe(refreshToken);
    // The registry takes it, so it is not merely text.
    person.write('.docker/config.json', JSON.stringify({ credHelpers: { [host]: 'cgr' } }));
    expect(await skopeoPull(person, `${host}/example.com/app:latest`)).toMatchObject({ code: 0 });
    // Nothing of the locks is left but their folder.
    expect((await person.sh('find .cache/chainguard/.locks -mindepth 1')).out).toBe('');
  });

  test('fifty on an expired token while the platform is killed: each ends with one of the two answers, and soon', async () => {
    const other = await world.startPlatform();
    const person = world.person('outage', other);
    expect((await signInByBrowser(person, 'dev@example.com', other.registryHost)).code).toBe(0);
    expireToken(person, other.registryHost);
    const folder = tokenFolder(person, other.registryHost);
    const before = readFileSync(join(folder, 'oidc-token'), 'utf8');
    const many = Promise.all(Array.from({ length: 50 }, () => person.helper('get', other.registryHost)));
    await until(() => existsSync(join(person.home, '.cache/chainguard/.locks')), 'the first of them is at it');
    await other.end('SIGKILL');
    const answers = await many;
    const token = readFileSync(join(folder, 'oidc-token'), 'utf8');
    for (const { code, out, err, ms } of answers) {
      // Whoever came in time has the one new token; the others say why they have none.
      if (code === 0) expect(JSON.parse(out).Secret).toBe(token);
      else expect([code, out]).toEqual([1, notFound]);
      expect(err).toMatch(code === 0 ? /^$/ : /^docker-credential-cgr: [^\n]+\n$/);
      expect(ms).toBeLessThan(50_000);
    }
    if (answers.every(({ code }) => code !== 0)) expect(token).toBe(before);
    expect((await person.sh('find .cache/chainguard/.locks -mindepth 1')).out).toBe('');
  });

  test('a holder that was killed does not keep the others waiting', async () => {
    const person = await signedInByBrowser('killed');
    expireToken(person, host);
    const before = refreshes();
    // Killed at moments spread over its life: before, while and after it holds the lock.
    const ran = await person.sh(
      `for ms in 05 10 15 20; do (printf ${host} | timeout -s KILL 0.$ms docker-credential-cgr get >/dev/null 2>&1); done; printf ${host} | docker-credential-cgr get`,
      { timeoutMs: 40_000 },
    );
    expect(ran.ms).toBeLessThan(15_000);
    // A helper killed between the issuer's rotation and its own write takes the new refresh token along: the next one then
    // replays the old one, which ends the login. What must not happen is waiting, or an answer that is neither.
    if (ran.code === 0) expect(refreshes()).toBeGreaterThan(before);
    else expect(ran.out.trim()).toBe('credentials not found in native keychain');
  });
});

describe('real clients through it', () => {
  test('skopeo and podman, by credHelpers with host and port', async () => {
    const person = world.person('clients', platform);
    await signIn(person, platform);
    const anonymous = await skopeoPull(person, `${host}/example.com/app:latest`);
    expect(anonymous.code, 'before').not.toBe(0);
    await person.ok('auth', 'configure-docker');
    const config = JSON.parse(person.read('.docker/config.json'));
    expect(config).toEqual({ credHelpers: { [host]: 'cgr' } });

    expect(await skopeoPull(person, `${host}/example.com/app:latest`)).toMatchObject({ code: 0 });
    expect(await podmanPull(person, `${host}/example.com/app:latest`)).toMatchObject({ code: 0 });
    // Anonymous pulls of what is public do not break because a helper is there that has no token.
    await person.ok('auth', 'logout');
    expect(await skopeoPull(person, `${host}/chainguard/static:latest`), 'public').toMatchObject({ code: 0 });
    expect((await skopeoPull(person, `${host}/example.com/app:latest`)).code, 'private').not.toBe(0);
  });

  // Pulling needs a daemon, reading a manifest does not. `manifest inspect` of Docker 28 refuses OCI media types, so the
  // image is stored in Docker's own format first.
  const hasDocker = spawnSync('docker', ['--version']).error === undefined;
  test.skipIf(!hasDocker)('docker itself, which asks the helper for what it reads without a daemon', async () => {
    const person = await signedIn('docker');
    const image = `${host}/example.com/for-docker:latest`;
    const words = ['manifest', 'inspect', '--insecure', image];
    person.write('.docker/config.json', JSON.stringify({ credHelpers: { [host]: 'cgr' } }));
    const copy = ['copy', '--quiet', '--format=v2s2', '--src-tls-verify=false', '--dest-tls-verify=false'];
    const stored = await skopeo(person, [...copy, `docker://${host}/example.com/app:latest`, `docker://${image}`]);
    expect(stored.code, stored.err).toBe(0);
    const inspected = await runProcess('docker', words, person.env, { cwd: person.home });
    expect(inspected.code, inspected.err).toBe(0);
    expect(JSON.parse(inspected.out).layers.length).toBeGreaterThan(0);
    person.write('.docker/config.json', '{}');
    const stranger = await runProcess('docker', words, person.env, { cwd: person.home });
    expect(stranger.code).not.toBe(0);
  });

  test('buildah, by the same configuration', async () => {
    const person = await signedIn('builder');
    person.write('.docker/config.json', JSON.stringify({ credHelpers: { [host]: 'cgr' } }));
    const policy = person.write('policy.json', '{"default":[{"type":"insecureAcceptAnything"}]}');
    const storage = [
      '--storage-driver',
      'vfs',
      '--root',
      join(person.home, 'storage'),
      '--runroot',
      join(person.home, 'run', 's'),
    ];
    const words = [
      'pull',
      '--quiet',
      '--tls-verify=false',
      `--signature-policy=${policy}`,
      `${host}/example.com/app:latest`,
    ];
    const pulled = await runProcess('buildah', [...storage, ...words], person.env, { cwd: person.home });
    expect(pulled.code, pulled.err).toBe(0);
  });

  test('a pull token that is saved in the configuration needs no helper and no login', async () => {
    const person = world.person('saver', platform);
    await signIn(person, platform, 'dev@example.com', [platform.api, host]);
    await person.ok('auth', 'pull-token', 'create', '--parent=example.com', '--name=saved', '--save', '--ttl=1h');
    await person.ok('auth', 'logout');
    expect(await skopeoPull(person, `${host}/example.com/app:latest`)).toMatchObject({ code: 0 });
    expect((await podmanPull(person, `${host}/example.com/app:latest`)).code).toBe(0);
  });

  // What moves the clock is loaded through NODE_OPTIONS, which an executable does not obey.
  test.skipIf(isExecutable).each([3_600_000, -3_600_000])(
    'a clock that is %i ms off: one renewal at most, and the pull works',
    async (shift) => {
      const person = await signedInByBrowser(`clock${shift}`);
      person.write('.docker/config.json', JSON.stringify({ credHelpers: { [host]: 'cgr' } }));
      const preload = join(projectRoot, 'test', 'support', 'shifted-clock.cjs');
      const env = { NODE_OPTIONS: `--require=${preload}`, CLOCK_SHIFT_MS: String(shift) };
      const before = refreshes();
      const pulled = await skopeoPull(person, `${host}/example.com/app:latest`, { env });
      expect(pulled.code, pulled.err).toBe(0);
      expect(refreshes() - before).toBeLessThanOrEqual(1);
    },
  );

  test('DOCKER_CONFIG moves the configuration, for us and for them', async () => {
    const person = world.person('docker-config', platform);
    const folder = join(person.home, 'elsewhere');
    const env = { DOCKER_CONFIG: folder };
    await signIn(person, platform);
    expect((await person.chainctl(['auth', 'configure-docker'], { env })).code).toBe(0);
    expect(existsSync(join(person.home, '.docker'))).toBe(false);
    expect(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))).toEqual({ credHelpers: { [host]: 'cgr' } });
    expect(await skopeoPull(person, `${host}/example.com/app:latest`, { env })).toMatchObject({ code: 0 });
    expect((await skopeoPull(person, `${host}/example.com/app:latest`)).code, 'without it').not.toBe(0);
  });

  test('a login for each of two platforms: each gets its own', async () => {
    const other = await world.startPlatform();
    const person = await signedIn('two');
    const there: Person = { ...world.person('unused', other), home: person.home, env: { ...person.env, ...other.env } };
    const jwt = await there.ok('local', 'token', '--data-dir', other.dataDir);
    const login = await person.chainctl(
      ['auth', 'login', '--identity-token', jwt, `--audience=${other.registryHost}`],
      { env: other.env },
    );
    expect(login.code, login.err).toBe(0);
    const [mine, theirs] = await Promise.all(
      [host, other.registryHost].map(async (one) => claimsOf(JSON.parse((await person.helper('get', one)).out).Secret)),
    );
    expect(mine.iss).toBe(platform.issuer);
    expect(theirs.iss).toBe(other.issuer);
    await other.end();
  });
});

describe('when there is no good token', () => {
  test('expired and nothing to renew it with: not found, and one line that says what to do', async () => {
    const person = world.person('expired', platform);
    const jwt = await person.ok('local', 'token', '--data-dir', platform.dataDir);
    // Given literally, so that there is no file to read it from again.
    const login = await person.chainctl(['auth', 'login', '--identity-token', jwt, `--audience=${host}`]);
    expect(login.code, login.err).toBe(0);
    expireToken(person, host);
    const before = platform.log();
    const ran = await person.helper('get', host);
    expect(ran).toMatchObject({ code: 1, out: notFound });
    expect(ran.err).toBe(
      `docker-credential-cgr: Not authenticated: the login for "${host}" has expired; run \`chainctl auth login --audience=${host}\`\n`,
    );
    expect(platform.log(), 'nobody was asked').toBe(before);
  });

  test('an identity is assumed again from the path its token came from', async () => {
    const owner = await signedIn('owner');
    await signIn(owner, platform);
    const id = await owner.ok(
      ...['iam', 'identities', 'create', 'github', 'again', '--github-repo=acme/again', '--github-ref=refs/heads/main'],
      ...['--role=registry.pull', '--parent=example.com', '--yes', '--output=id'],
    );
    const ci = world.person('ci', platform);
    const mint = async () =>
      ci.ok(
        ...['local', 'token', 'github', '--data-dir', platform.dataDir],
        '--repo=acme/again',
        '--ref=refs/heads/main',
      );
    const path = ci.write('token.jwt', await mint());
    await ci.ok('auth', 'configure-docker', '--identity', id, '--identity-token', path);
    const first = JSON.parse((await ci.helper('get', host)).out).Secret;
    expect(claimsOf(first).sub).toBe(id);

    expireToken(ci, host);
    writeFileSync(path, await mint());
    const again = await ci.helper('get', host);
    expect(again, again.err).toMatchObject({ code: 0, err: '' });
    const second = JSON.parse(again.out).Secret;
    expect(claimsOf(second).sub).toBe(id);
    expect(claimsOf(second).exp * 1000).toBeGreaterThan(Date.now());
    expect(await skopeoPull(ci, `${host}/example.com/app:latest`)).toMatchObject({ code: 0 });
    // The token itself is written down nowhere.
    expect((await ci.sh(`grep -rlF "$(cat token.jwt)" . | grep -v token.jwt`)).out).toBe('');

    expireToken(ci, host);
    rmSync(path);
    const gone = await ci.helper('get', host);
    expect(gone).toMatchObject({ code: 1, out: notFound });
    expect(gone.err).toContain('has expired');

    writeFileSync(path, await mint());
    await owner.ok('iam', 'identities', 'delete', id, '--yes');
    const refused = await ci.helper('get', host);
    expect(refused).toMatchObject({ code: 1, out: notFound });
    expect(refused.err.trim().split('\n')).toHaveLength(1);
  });

  test('a platform that is gone: not found, and the reason', async () => {
    const other = await world.startPlatform({ flags: ['--seed=demo'] });
    const person = world.person('gone', other);
    expect((await signInByBrowser(person, 'dev@example.com', other.registryHost)).code).toBe(0);
    expireToken(person, other.registryHost);
    await other.end();
    const ran = await person.helper('get', other.registryHost);
    expect(ran).toMatchObject({ code: 1, out: notFound });
    expect(ran.err).toContain('nothing is listening there');
    expect(ran.err.trim().split('\n')).toHaveLength(1);
    expect(existsSync(join(tokenFolder(person, other.registryHost), 'refresh-token')), 'kept for later').toBe(true);
  });

  test('a corrupt cache: not found, one line, no stack, nothing removed', async () => {
    const person = await signedIn('corrupt');
    const path = join(tokenFolder(person, host), 'oidc-token');
    for (const rubbish of ['', 'rubbish', 'a.b.c', `${'A'.repeat(5000)}.e30.x`, '\0\xff']) {
      writeFileSync(path, rubbish, 'latin1');
      const ran = await person.helper('get', host);
      expect(ran, JSON.stringify(rubbish)).toMatchObject({ code: 1, out: notFound });
      expect(ran.err.trim().split('\n')).toHaveLength(1);
      expect(readFileSync(path, 'latin1')).toBe(rubbish);
    }
    writeFileSync(path, 'x');
    chmodSync(path, 0o644);
    const readable = await person.helper('get', host);
    expect(readable).toMatchObject({ code: 1, out: notFound });
    expect(readable.err).toContain('chmod 600');
  });
});

describe('strange homes', () => {
  test('a read-only home: a good token is served; an expired one is not renewed and not spent', async () => {
    const person = await signedInByBrowser('read-only');
    const readOnly = (script: string) =>
      person.sh(
        `unshare -m sh -c 'mount --bind . . && mount -o remount,ro,bind . && cd "$HOME" && ! touch x 2>/dev/null && ${script}'`,
      );
    const good = await readOnly(`printf ${host} | docker-credential-cgr get`);
    expect(good.code, good.err).toBe(0);
    expect(JSON.parse(good.out).Username).toBe('_token');

    expireToken(person, host);
    const before = refreshes();
    const expired = await readOnly(`printf ${host} | docker-credential-cgr get`);
    expect(expired).toMatchObject({ code: 1, out: notFound });
    expect(expired.err).toContain('the file system is read-only');
    expect(refreshes()).toBe(before);
    expect((await person.helper('get', host)).code, 'afterwards').toBe(0);
  });

  test('a HOME that is a file, a circle of links or nowhere: not found, and one sentence', async () => {
    const person = await signedIn('odd-home');
    const file = person.write('a-file', '');
    const circle = join(person.home, 'circle');
    symlinkSync(circle, circle);
    for (const [home, sentence] of [
      [file, /Cannot read ".*": a part of its path is a file; move that file away or choose another place$/],
      [circle, /Cannot read ".*": its symbolic links go round in a circle; remove the link$/],
      [join(person.home, 'nowhere'), /Not authenticated: no login for /],
    ] as const) {
      const ran = await person.helper('get', host, { env: { HOME: home } });
      expect(ran, home).toMatchObject({ code: 1, out: notFound });
      expect(ran.err.trimEnd()).toMatch(sentence);
      expect(ran.err.trim().split('\n')).toHaveLength(1);
    }
  });

  test('no HOME: the home of the password file, or XDG_CACHE_HOME', async () => {
    const person = await signedIn('homeless');
    const env = { HOME: undefined, XDG_CACHE_HOME: join(person.home, '.cache') };
    expect((await person.helper('get', host, { env })).code).toBe(0);
    const empty = await person.helper('get', host, { env: { ...env, HOME: '' } });
    expect(empty.code, empty.err).toBe(0);
    // A user that the password file does not know has no home at all.
    const nobody = (script: string) => person.sh(`unshare --map-user=54321 env -u HOME sh -c '${script}'`);
    const helper = await nobody(`printf ${host} | docker-credential-cgr get`);
    expect(helper).toMatchObject({ code: 1, out: notFound });
    expect(helper.err).toBe('docker-credential-cgr: There is no home folder; set HOME\n');
    expect(await nobody('chainctl iam organizations list')).toMatchObject({
      code: 1,
      out: '',
      err: 'error: There is no home folder\nhint: set HOME\n',
    });
  });
});
