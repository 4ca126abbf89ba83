// Bad input, each with one clear sentence, its exit code, and nothing changed.

import { execFileSync } from 'node:child_process';
import { sign } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { newKeyPair } from '../../src/key-pairs.ts';
import { startAccessReviews } from '../support/access-reviews.ts';
import {
  claimsOf,
  createWorld,
  isExecutable,
  type Person,
  type Ran,
  type RunningPlatform,
  signIn,
  tokenFolder,
} from '../support/program.ts';

const world = createWorld();
let platform: RunningPlatform;
let dev: Person;

beforeAll(async () => {
  platform = await world.startPlatform();
  dev = world.person('dev', platform);
  await signIn(dev, platform);
});

/** Every file of a home with its mode and content. */
function filesOf(person: Person): string {
  return execFileSync(
    '/bin/sh',
    ['-c', 'find . -path ./run -prune -o \\( -type f -o -type l \\) -printf "%m %p %l\\n" -exec md5sum {} + | sort'],
    { cwd: person.home, encoding: 'utf8' },
  );
}

/** Every identity and role binding of the platform, asked for without the program. */
async function everything(): Promise<string> {
  const authorization = `Bearer ${readFileSync(join(tokenFolder(dev, platform.api), 'oidc-token'), 'utf8')}`;
  const lists = ['identities', 'rolebindings'].map(async (noun) => {
    const response = await fetch(`${platform.api}/iam/v1/${noun}`, { headers: { authorization } });
    expect(response.status).toBe(200);
    return (await response.text()).replaceAll(/"lastSeen":("[^"]*"|null)/g, '');
  });
  return (await Promise.all(lists)).join('\n');
}

/** One `error:` line, then at most what to do; nothing on standard output, no stack and no token. */
function expectSentence(ran: Ran, code: number, sentence: RegExp | string): void {
  const [first = '', ...others] = ran.err.trim().split('\n');
  if (typeof sentence === 'string') expect(first).toBe(`error: ${sentence}`);
  else expect(first.replace(/^error: /, '')).toMatch(sentence);
  expect(first.startsWith('error: '), ran.err).toBe(true);
  expect(first.endsWith('.'), first).toBe(false);
  // What a token said, or why the platform did not take it, stands indented below the sentence.
  expect(others.filter((line) => !/^(hint: | {2}(presented|The platform says))/.test(line))).toEqual([]);
  expect(ran.out).toBe('');
  expect(ran.err).not.toMatch(/node:internal|\.cjs:\d|eyJhbGciOi/);
  expect(ran.code, ran.err).toBe(code);
}

/** Runs it, and checks that neither the home nor the platform is any different afterwards. */
async function refused(person: Person, args: readonly string[], code: number, sentence: RegExp | string, stdin = '') {
  const before = [filesOf(person), await everything()];
  const ran = await person.chainctl(args, { stdin });
  expectSentence(ran, code, sentence);
  expect([filesOf(person), await everything()]).toEqual(before);
  return ran;
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token that is signed with a key nobody has heard of, or not at all. */
function forged(claims: Readonly<Record<string, unknown>>, { alg = 'RS256', kid = 'mine' } = {}): string {
  const { privateKey } = newKeyPair('rsa');
  const now = Math.floor(Date.now() / 1000);
  const signed = `${part({ alg, kid, typ: 'JWT' })}.${part({ iat: now, exp: now + 600, sub: 'me', ...claims })}`;
  return `${signed}.${alg === 'none' ? '' : sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
}

const localToken = (...args: readonly string[]) => dev.ok('local', 'token', '--data-dir', platform.dataDir, ...args);

describe('tokens that are no good', () => {
  const login = (token: string, code: number, sentence: RegExp | string) =>
    refused(dev, ['auth', 'login', '--identity-token', token], code, sentence);

  test('expired', async () => {
    await login(
      await localToken('--ttl=-1h'),
      4,
      /^\[101\] unable to exchange tokens: .*token is expired \(Token Expiry: /,
    );
  });

  test.each(['abc', 'two words', ' ', 'a.b', './no/such/file.jwt', '{"token":"x"}'])('%j is no token', async (text) => {
    await login(text, 2, /neither a token nor the path of a file that holds one$|names no file|`--identity-token`/);
  });

  test('"-" with nothing on standard input', async () => {
    await login('-', 2, '`--identity-token=-` found no token on standard input');
  });

  test.each(['aaa.bbb.ccc', 'eyJhbGciOiJSUzI1NiJ9.e30.', `${part({ alg: 'RS256' })}.${part([1])}.x`])(
    'something with two dots that is none: %s',
    async (text) => {
      await login(text, 4, /^\[101\] unable to exchange tokens: /);
    },
  );

  test('a file that is empty, a folder, and one of half a token', async () => {
    await login(dev.write('empty.jwt', ''), 1, /empty\.jwt" holds no token: it is empty$/);
    await login(dev.home, 2, /neither a token|folder/);
    const half = (await localToken()).slice(0, 300);
    await login(dev.write('half.jwt', half), 4, /^\[101\] unable to exchange tokens: /);
  });

  test('of an issuer that nobody here signs in with', async () => {
    for (const iss of ['http://127.0.0.1:1', 'https://issuer.invalid', 'file:///etc/passwd']) {
      await login(forged({ iss, aud: platform.issuer }), 1, /^\[101\] unable to exchange tokens: .*issuer/);
    }
  });

  test('that pretends to be of an issuer the platform trusts', async () => {
    const good = await localToken();
    const { iss, sub } = claimsOf(good);
    const refusal = /^\[101\] unable to exchange tokens: /;
    const [header = '', , signature] = good.split('.');
    const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
    for (const alg of ['RS256', 'none', 'HS256']) {
      await login(forged({ iss, sub, aud: platform.issuer }, { alg, kid }), 4, refusal);
    }
    await login(`${header}.${part({ ...claimsOf(good), sub: 'somebody-else' })}.${signature}`, 4, refusal);
    // With a key of another name it might be of the real issuer, which has to be asked and is not here.
    const strange = await dev.chainctl([
      'auth',
      'login',
      '--identity-token',
      forged({ iss, sub, aud: platform.issuer }),
    ]);
    expect(strange.code).not.toBe(0);
    expect(strange.err).toMatch(/^error: \[101\] unable to exchange tokens: .*$/m);
  });

  test('for somebody else', async () => {
    await login(
      await localToken('--audience=https://elsewhere.example.com'),
      4,
      /^\[101\] unable to exchange tokens: token has invalid audience: "https:\/\/elsewhere\.example\.com"/,
    );
  });

  test('of an account that there is none of', async () => {
    const token = await localToken('--issuer=https://ci.example.com', '--subject=stranger');
    await login(token, 1, /^\[101\] unable to exchange tokens: account not found/);
  });

  test('for an identity that there is none of, or that is no id', async () => {
    const token = await localToken();
    const id = `${'a'.repeat(40)}/${'b'.repeat(16)}`;
    const assume = (identity: string, code: number, sentence: RegExp) =>
      refused(dev, ['auth', 'login', '--identity', identity, '--identity-token', token], code, sentence);
    await assume(id, 4, /^\[101\] unable to exchange tokens: no identity/);
    await assume('my-app', 2, /^`--identity` must be the id of an identity, not "my-app"$/);
  });

  test('that the cache holds, but the platform did not sign', async () => {
    const other = world.person('tampered', platform);
    await signIn(other, platform);
    const path = join(tokenFolder(other, platform.api), 'oidc-token');
    const [header, payload] = readFileSync(path, 'utf8').split('.');
    writeFileSync(path, `${header}.${payload}.${'A'.repeat(342)}`);
    rmSync(join(tokenFolder(other, platform.api), 'login.json'));
    await refused(other, ['iam', 'organizations', 'list'], 4, /^Not authenticated: /);
  });
});

describe('names', () => {
  const rule = ['--identity-issuer=https://ci.example.com', '--subject=job', '--yes'];
  const place = '--parent=example.com';

  test('an organization that there is none of', async () => {
    const sentence = 'No folder found for "nobody"';
    await refused(dev, ['iam', 'organizations', 'describe', 'nobody'], 1, sentence);
    await refused(dev, ['iam', 'folders', 'list', 'nobody'], 1, sentence);
    await refused(dev, ['iam', 'identities', 'list', '--parent=nobody'], 1, sentence);
    await refused(dev, ['iam', 'identities', 'create', 'a', '--parent=nobody', ...rule], 1, sentence);
    await refused(dev, ['auth', 'pull-token', 'create', '--parent=nobody'], 1, sentence);
    await refused(dev, ['auth', 'configure-docker', '--pull-token', '--parent=nobody', '--save'], 1, sentence);
    const json = await dev.chainctl(['iam', 'identities', 'list', '--parent=nobody', '--output=json']);
    expect(json).toMatchObject({ code: 1, out: '' });
    expect(JSON.parse(json.err)).toMatchObject({ code: 4, message: sentence });
    const near = await dev.chainctl(['iam', 'identities', 'list', '--parent=exmaple.com']);
    expect(near.err).toContain('example.com');
  });

  test('an organization that exists and is not the caller’s: the same sentence', async () => {
    const guest = world.person('guest', platform);
    await signIn(guest, platform, 'guest@example.com');
    await refused(
      guest,
      ['iam', 'identities', 'create', 'a', place, ...rule],
      1,
      /permission|identity\.create|capabilit/i,
    );
    const stranger = world.person('stranger', platform);
    await refused(stranger, ['iam', 'organizations', 'list'], 4, /^Not authenticated: no login for /);
  });

  test('an identity and a role that there are none of', async () => {
    for (const verb of ['describe', 'delete']) {
      const yes = verb === 'delete' ? ['--yes'] : [];
      await refused(dev, ['iam', 'identities', verb, 'nowhere', ...yes], 1, 'No identity found for "nowhere"');
      const id = `${'a'.repeat(40)}/${'b'.repeat(16)}`;
      await refused(dev, ['iam', 'identities', verb, id, ...yes], 1, /not found|No identity/i);
    }
    await refused(
      dev,
      ['iam', 'identities', 'create', 'a', place, ...rule, '--role=nope'],
      1,
      'No role found for "nope"',
    );
  });

  test.each(['Upper', 'a/b', '', 'ä', 'a\nb'])('the name %j is none', async (name) => {
    await refused(dev, ['iam', 'identities', 'create', name, place, ...rule], 2, /`NAME`/);
  });
});

describe('regular expressions', () => {
  const create = ['iam', 'identities', 'create', 'pattern', '--parent=example.com', '--yes'];
  const issuer = '--identity-issuer=https://ci.example.com';

  test.each([
    [[issuer, '--subject-pattern=a(']],
    [[issuer, '--subject-pattern=(?=a)b']],
    [[issuer, '--subject-pattern=(a)\\1']],
    [['--identity-issuer-pattern=https://[', '--subject=a']],
    [[issuer, '--subject=a', '--audience-pattern=*']],
    [[issuer, '--subject=a', '--claim-pattern=ref:(']],
    [['--filename=FILE']],
  ])('%j', async (flags) => {
    const file = dev.write(
      'bad.yaml',
      'name: x\nclaim_match:\n  issuer: https://a.example.com\n  subject_pattern: "a("\n',
    );
    const given = flags.map((flag) => flag.replace('FILE', file));
    await refused(dev, [...create, ...given], 2, /is not a valid regular expression: /);
  });

  test('of GitHub and GitLab identities, and in an update', async () => {
    const place = ['--parent=example.com', '--yes'];
    await refused(
      ...([dev, ['iam', 'identities', 'create', 'github', 'x', '--github-repo=acme/(', ...place], 2] as const),
      /is not a valid regular expression: /,
    );
    await dev.ok('iam', 'identities', 'create', 'fine', ...place, issuer, '--subject=a');
    const update = ['iam', 'identities', 'update', 'fine', '--subject-pattern=[', '--yes'];
    await refused(dev, update, 2, /is not a valid regular expression: /);
  });
});

describe('words', () => {
  test.each<[readonly string[], RegExp]>([
    [['frobnicate'], /^Unknown command "frobnicate" for `chainctl`$/],
    [['iam', 'identities', 'creat', 'x'], /^Unknown command "creat" for `chainctl iam identities`$/],
    [['iam', 'organisations', 'list'], /^Unknown command "organisations" for `chainctl iam`$/],
    [['iam', 'identities', 'list', '--parnet=example.com'], /^Unknown flag `--parnet`/],
    [['iam', 'identities', 'list', '-Z'], /^Unknown flag `-Z`/],
    [['--frobnicate'], /^Unknown flag `--frobnicate`/],
    [['iam', 'identities', 'list', 'extra'], /^Unexpected argument "extra"/],
    [['iam', 'identities', 'list', '--output=toml'], /^`--output` must be one of .*not "toml"$/],
    [['iam', 'identities', 'list', '--parent'], /`--parent` needs a value/],
    [['iam', '--output'], /^`--output` needs a value$/],
    [['--log-level'], /^`--log-level` needs a value$/],
    [['iam', 'identities', 'describe'], /^`IDENTITY` is required when not running interactively$/],
    [['iam', 'identities', 'create', 'github', 'x'], /`--github-repo`/],
    [['auth', 'pull-token', 'create', '--ttl=9999h', '--parent=example.com'], /^`--ttl` must be at most 8760h/],
    [['auth', 'pull-token', 'create', '--ttl=soon', '--parent=example.com'], /^`--ttl` must be a duration/],
    [['config', 'set', 'no.such.key', '1'], /^"no\.such\.key" is not a valid property name$/],
    [['config', 'set', 'platform.api', 'not a url'], /^platform\.api must be an http or https address/],
    [['local', 'start', '--listen=nonsense'], /^`--listen` must be HOST:PORT/],
    [['local', 'token', 'github'], /^`--repo` and `--ref` are required/],
  ])('%j', async (args, sentence) => {
    await refused(dev, args, 2, sentence);
  });

  test('the nearest word is named', async () => {
    const hints = { creat: 'create', lst: 'list', descibe: 'describe' };
    for (const [typed, meant] of Object.entries(hints)) {
      const ran = await dev.chainctl(['iam', 'identities', typed]);
      expect(ran.err).toContain(`did you mean \`chainctl iam identities ${meant}\`?`);
    }
  });

  test('an answer that nobody gives, and one that is no', async () => {
    const name = 'asked';
    await dev.ok(
      ...['iam', 'identities', 'create', name, '--parent=example.com', '--yes'],
      ...['--identity-issuer=https://ci.example.com', '--subject=asked'],
    );
    const remove = ['iam', 'identities', 'delete', name];
    const before = await everything();
    const silent = await dev.chainctl(remove);
    expect(silent).toMatchObject({ code: 2, out: '' });
    expect(silent.err).toContain('error: `--yes` is required');
    const no = await dev.chainctl(remove, { stdin: 'n\n' });
    expect(no).toMatchObject({ code: 1, out: '' });
    expect(await everything()).toBe(before);
    expect(await dev.chainctl(remove, { stdin: 'y\n' })).toMatchObject({ code: 0, out: '' });
    expect(await everything()).not.toBe(before);
  });
});

describe('files that are damaged', () => {
  const put = (person: Person, content: string) => person.write('.config/chainctl/config.yaml', content);

  test.each([
    ['an unclosed list', 'default: [unclosed'],
    ['a list', '- a\n- b\n'],
    ['a tab', 'default:\n\tgroup: a\n'],
    ['bytes', '\0\u0001\u0002'],
    ['the same key twice', 'default:\n  group: a\ndefault:\n  group: b\n'],
  ])('a configuration that is %s is named with its line, and not overwritten', async (_, content) => {
    const person = world.person('corrupt-config', platform);
    await signIn(person, platform);
    const path = put(person, content);
    for (const args of [
      ['iam', 'organizations', 'list'],
      ['config', 'view'],
      ['config', 'set', 'default.group', 'a'],
    ]) {
      const ran = await refused(person, args, 1, /^"[^"]+config\.yaml" is not valid YAML: line \d+: /);
      expect(ran.err).toContain('hint: repair it with `chainctl config edit`');
    }
    expect(readFileSync(path, 'utf8')).toBe(content);
    // What needs no configuration still works.
    expect(await person.chainctl(['version'])).toMatchObject({ code: 0 });
    expect(await person.chainctl(['local', 'status', '--data-dir', platform.dataDir])).toMatchObject({ code: 0 });
  });

  test('a configuration file given by name that is not there is told, and the defaults apply', async () => {
    const ran = await dev.chainctl(['--config=nowhere.yaml', 'iam', 'organizations', 'list']);
    expect(ran.code).toBe(0);
    expect(ran.err).toMatch(/^warning: "[^"]+nowhere\.yaml" does not exist, so defaults apply\n$/);
  });

  test.each(['', 'rubbish', 'a.b.c', `${part({})}.${part({ exp: 'soon' })}.x`, '\0'])(
    'a token cache that holds %j is a login that is not there',
    async (rubbish) => {
      const person = world.person('corrupt-cache', platform);
      await signIn(person, platform);
      writeFileSync(join(tokenFolder(person, platform.api), 'oidc-token'), rubbish);
      for (const args of [
        ['iam', 'organizations', 'list'],
        ['auth', 'token'],
      ]) {
        await refused(person, args, 4, /^Not authenticated: (no login for|the token kept for|the login for) "http/);
      }
      await signIn(person, platform);
      expect(await person.chainctl(['iam', 'organizations', 'list'])).toMatchObject({ code: 0 });
    },
  );

  test('a token cache that others could have written is not believed', async () => {
    const person = world.person('unsafe-cache', platform);
    await signIn(person, platform);
    const path = join(tokenFolder(person, platform.api), 'oidc-token');
    const list = ['iam', 'organizations', 'list'];
    await person.sh(`chmod 644 '${path}'`);
    await refused(person, list, 1, /can be read by others$/);
    await person.sh(`chmod 600 '${path}'; mv '${path}' elsewhere; ln -s "$PWD/elsewhere" '${path}'`);
    await refused(person, list, 1, /is not a plain file$/);
  });

  test.each([
    ['half a document', '{"auths": {'],
    ['a list', '[]'],
    ['helpers that are none', '{"credHelpers": []}'],
    ['a comment', '{ // mine\n}'],
  ])('a Docker configuration that is %s is named and left alone, and nobody logs in for it', async (_, content) => {
    const person = world.person('corrupt-docker', platform);
    await signIn(person, platform);
    person.write('.docker/config.json', content);
    await refused(person, ['auth', 'configure-docker'], 1, /config\.json" .*so nothing was changed$/);
    const save = ['auth', 'configure-docker', '--pull-token', '--save', '--parent=example.com'];
    await refused(person, save, 1, /config\.json" .*so nothing was changed$/);
  });

  test('a platform’s state that is no database', async () => {
    const person = world.person('corrupt-state');
    const folder = join(person.home, 'state');
    person.write('state/platform.db', 'this is not a database, and long enough to be looked at as one '.repeat(20));
    const ran = await person.chainctl(['local', 'start', '--data-dir', folder]);
    expectSentence(ran, 1, /^The state in "[^"]+" cannot be used: file is not a database$/);
  });
});

/** Runs a script with the home mounted anew; whatever it mounts is seen by nobody else and ends with it. */
function mounted(person: Person, mount: string, script: string): Promise<Ran> {
  const quoted = `${mount} || { echo "cannot mount here: $?" >&2; exit 99; }\n${script}`.replaceAll("'", "'\\''");
  return person.sh(`unshare -m sh -c '${quoted}'`, { timeoutMs: 100_000 });
}

describe('a home that cannot be written', () => {
  const readOnly =
    'mount --bind "$HOME" "$HOME" && mount -o remount,ro,bind "$HOME" && cd "$HOME" && ! touch x 2>/dev/null';

  test.each<[string, readonly string[], number, RegExp]>([
    [
      'login',
      ['auth', 'login', '--identity-token', 'dev@example.com.jwt'],
      1,
      /^Cannot write .*the file system is read-only$/,
    ],
    ['logout', ['auth', 'logout'], 1, /^Cannot (write|remove) .*the file system is read-only$/],
    ['Docker', ['auth', 'configure-docker'], 1, /^Cannot write .*the file system is read-only$/],
    ['config set', ['config', 'set', 'default.group', 'a'], 1, /^Cannot write .*the file system is read-only$/],
    ['config reset', ['config', 'reset', '--yes'], 1, /^Cannot (write|remove) .*the file system is read-only$/],
    ['start', ['local', 'start'], 1, /^Cannot write .*the file system is read-only$/],
    ['start --detach', ['local', 'start', '--detach'], 1, /^Cannot write .*the file system is read-only$/],
  ])('%s', async (_, args, code, sentence) => {
    const person = world.person('read-only', platform);
    await signIn(person, platform);
    person.write('.config/chainctl/config.yaml', 'default:\n  group: example.com\n');
    const before = filesOf(person);
    expectSentence(await mounted(person, readOnly, `chainctl ${args.join(' ')}`), code, sentence);
    expect(filesOf(person)).toBe(before);
  });

  test('what only reads works; without a login it says so', async () => {
    const person = world.person('read-only', platform);
    const list = 'chainctl iam organizations list -o id';
    expectSentence(await mounted(person, readOnly, list), 4, /^Not authenticated: no login for /);
    await signIn(person, platform);
    expect(await mounted(person, readOnly, list)).toMatchObject({ code: 0, err: '' });
  });
});

describe('a full disk', () => {
  // A home of its own on a disk of one megabyte, and then nothing left of it.
  const full = [
    'mkdir "$HOME.disk" && mount -t tmpfs -o size=1m,mode=700 tmpfs "$HOME.disk" && cp -a "$HOME/." "$HOME.disk/"',
    'export HOME="$HOME.disk" && cd "$HOME" && { dd if=/dev/zero of=fill bs=1k 2>/dev/null; ! echo x > more; } 2>/dev/null',
  ].join(' && ');
  const look = 'find . -type f ! -name fill ! -name more -exec md5sum {} + | sort';

  test.each<[string, readonly string[], RegExp]>([
    ['login', ['auth', 'login', '--identity-token', 'dev@example.com.jwt'], /^Cannot write .*the disk is full$/],
    [
      'a first login',
      ['auth', 'login', '--audience=other', '--identity-token', 'dev@example.com.jwt'],
      /^Cannot write .*the disk is full$/,
    ],
    ['Docker', ['auth', 'configure-docker'], /^Cannot write .*the disk is full$/],
    [
      'a pull token for Docker',
      ['auth', 'configure-docker', '--pull-token', '--save', '--parent=example.com'],
      /the disk is full/,
    ],
    ['config set', ['config', 'set', 'default.group', 'a'], /^Cannot write .*the disk is full$/],
    ['start', ['local', 'start', '--data-dir', 'platform'], /^Cannot write .*the disk is full$/],
    ['start --detach', ['local', 'start', '--data-dir', 'platform', '--detach'], /^Cannot write .*the disk is full$/],
  ])('%s', async (_, args, sentence) => {
    const person = world.person('full', platform);
    await signIn(person, platform);
    person.write('.config/chainctl/config.yaml', 'default:\n  group: example.com\n');
    person.write('.docker/config.json', '{"auths":{"registry.example.com":{"auth":"YTpi"}}}');
    const before = await everything();
    const ran = await mounted(
      person,
      full,
      `${look} > ../before; chainctl ${args.join(' ')}; code=$?; ${look} > ../after; grep -v " ./platform/" ../after | diff ../before - >&2; exit $code`,
    );
    expectSentence(ran, 1, sentence);
    expect(await everything()).toBe(before);
  });

  test('clusters install applies nothing where no agent could be kept', async () => {
    const person = world.person('full-cluster', platform);
    await signIn(person, platform);
    const cluster = await startAccessReviews(true);
    try {
      const command = `KUBECONFIG="${cluster.config}" chainctl clusters install --group=engineering 2>&1 >/dev/null | grep -v ^Applying >&2`;
      const ran = await mounted(person, full, command);
      expect(ran.err).toMatch(/^error: Cannot write .*agents.*the disk is full$/m);
      expect(cluster.reviews()).toBeGreaterThan(0);
      expect(cluster.written).toEqual([]);
    } finally {
      cluster.stop();
    }
  });

  test('output that cannot be written is an error, not a silence and not a stack', async () => {
    for (const command of [
      'version',
      '--help',
      'iam organizations list',
      'iam identities list -o json',
      'auth token',
    ]) {
      const ran = await dev.sh(`chainctl ${command} > /dev/full`);
      expect(ran.code, command).toBe(1);
      expect(ran.err, command).toMatch(/The output could not be written: the disk is full/);
      expect(ran.err, command).not.toMatch(/\.cjs:\d|node:/);
    }
  });

  test('under a running platform: refused in one sentence, everything acknowledged stays, and it goes on afterwards', async () => {
    const person = world.person('full-platform');
    const create = (name: string) =>
      `chainctl iam identities create ${name} --parent=example.com --identity-issuer=https://ci.example.com --subject=${name} --yes -o id`;
    const ran = await mounted(
      person,
      'mkdir disk && mount -t tmpfs -o size=12m,mode=700 tmpfs disk',
      [
        'chainctl local start --data-dir disk/platform >start.out 2>start.err &',
        'pid=$!; until [ -s disk/platform/platform.json ]; do sleep 0.1; done',
        'eval "$(chainctl local env --data-dir disk/platform)"',
        'chainctl local token --data-dir disk/platform > dev.jwt; chainctl auth login --identity-token dev.jwt 2>/dev/null',
        'dd if=/dev/zero of=disk/fill bs=1k 2>/dev/null',
        `: > made; i=0; while [ $i -lt 40 ]; do i=$((i+1)); id=$(chainctl iam identities create "n$i" --parent=example.com --identity-issuer=https://ci.example.com --subject="n$i" --description="$(head -c 400 /dev/zero | tr '\\0' x)" --yes -o id 2>refusal) || break; echo "$id" >> made; done`,
        'echo "refused: $(cat refusal)"',
        'chainctl iam identities list -o id | sort > listed; sort made | diff - listed && echo "all acknowledged are there"',
        'rm disk/fill',
        `${create('afterwards')} >/dev/null && echo "goes on"`,
        'kill -9 $pid; wait $pid; chainctl local start --data-dir disk/platform >start.out 2>start.err & pid=$!',
        'until [ -s disk/platform/platform.json ] && chainctl local status --data-dir disk/platform >/dev/null 2>&1; do sleep 0.1; done',
        'echo "$(chainctl iam identities list -o id | wc -l) after a restart, $(wc -l < made) before"',
        'kill $pid; wait $pid',
      ].join('\n'),
    );
    expect(ran.err).not.toContain('cannot mount here');
    expect(ran.out).toMatch(/^refused: error: .*(disk|space).*$/im);
    expect(ran.out.match(/^refused: error: /gm)).toHaveLength(1);
    expect(ran.out).toContain('all acknowledged are there');
    expect(ran.out).toContain('goes on');
    const [, after, before] = /^(\d+) after a restart, (\d+) before$/m.exec(ran.out) ?? [];
    expect(Number(after)).toBe(Number(before) + 1);
  });

  test('content that fills it is refused, and what is there can still be pulled and deleted', async () => {
    const person = world.person('full-registry');
    // Pushes until the registry says no, then does everything else that has to go on.
    person.write(
      'fill.mjs',
      `import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
const [, , registry, api] = process.argv;
const token = (name) => 'Bearer ' + readFileSync(name, 'utf8');
const send = async (method, path, body, authorization = token('registry.jwt')) => {
  const answer = await fetch(new URL(path, registry), { method, body, headers: { authorization } });
  return { status: answer.status, location: answer.headers.get('location'), bytes: Buffer.from(await answer.arrayBuffer()) };
};
const digestOf = (bytes) => 'sha256:' + createHash('sha256').update(bytes).digest('hex');
const base = '/v2/example.com/full';
const kept = [];
let refused;
while (kept.length < 100 && refused === undefined) {
  const bytes = randomBytes(1 << 20);
  const { location } = await send('POST', base + '/blobs/uploads/');
  const put = await send('PUT', location + '?digest=' + digestOf(bytes), bytes);
  if (put.status === 201) kept.push(bytes);
  else refused = put;
}
console.log('refused', refused.status, JSON.parse(refused.bytes).errors[0].message);
let same = 0;
for (let round = 0; round < 20; round++) {
  for (const bytes of kept) {
    const got = await send('GET', base + '/blobs/' + digestOf(bytes));
    if (got.status === 200 && got.bytes.equals(bytes)) same++;
  }
}
console.log('pulled', same === 20 * kept.length && kept.length > 3);
console.log('deleted', (await send('DELETE', base + '/blobs/' + digestOf(kept[0]))).status);
const authorization = token('api.jwt');
const repos = JSON.parse((await send('GET', api + '/registry/v1/repos?name=full', undefined, authorization)).bytes).items;
console.log('removed', (await send('DELETE', api + '/registry/v1/repos/' + repos[0].id, undefined, authorization)).status);
`,
    );
    const ran = await mounted(
      person,
      'mkdir disk && mount -t tmpfs -o size=24m,mode=700 tmpfs disk',
      [
        'chainctl local start --data-dir disk/platform >start.out 2>start.err &',
        'pid=$!; until [ -s disk/platform/platform.json ]; do sleep 0.1; done',
        'eval "$(chainctl local env --data-dir disk/platform)"; host=$(basename "$CHAINGUARD_PLATFORM_REGISTRY")',
        'chainctl local token --data-dir disk/platform > dev.jwt',
        'chainctl auth login --identity-token dev.jwt --audience "$CHAINGUARD_PLATFORM_API" --audience "$host" >/dev/null 2>&1',
        '(umask 077; chainctl auth token --audience "$host" > registry.jwt; chainctl auth token > api.jwt)',
        `${JSON.stringify(process.execPath)} fill.mjs "$CHAINGUARD_PLATFORM_REGISTRY" "$CHAINGUARD_PLATFORM_API"`,
        'kill $pid; wait $pid',
      ].join('\n'),
    );
    expect(ran.err).not.toContain('cannot mount here');
    expect(ran.out).toBe(
      'refused 507 the platform cannot write: its disk is full\npulled true\ndeleted 202\nremoved 200\n',
    );
  });
});

test('a folder where a file should be, and the other way round', async () => {
  const person = world.person('folders', platform);
  mkdirSync(join(person.home, '.docker', 'config.json'), { recursive: true });
  await signIn(person, platform);
  await refused(person, ['auth', 'configure-docker'], 1, /config\.json": it is a folder$/);
  const other = world.person('files', platform);
  other.write('.cache', 'a file');
  const jwt = await localToken();
  await refused(other, ['auth', 'login', '--identity-token', jwt], 1, /a part of its path is a file$/);
  symlinkSync('loop', join(person.home, 'loop'));
  await refused(person, ['--config=loop', 'iam', 'organizations', 'list'], 1, /loop/);
});

test('a place where nothing can be made', async () => {
  const person = world.person('nowhere', platform);
  const jwt = await localToken();
  // Node's own recursive mkdir never comes back from here.
  const start = await person.chainctl(['local', 'start', '--data-dir', '/proc/nowhere/deep'], { timeoutMs: 20_000 });
  expectSentence(start, 1, /^Cannot write "\/proc\/nowhere/);
  const login = await person.chainctl(['auth', 'login', '--identity-token', jwt], {
    env: { XDG_CACHE_HOME: '/proc/nowhere' },
  });
  expectSentence(login, 1, /^Cannot write "\/proc\/nowhere/);
});

test('a working folder that somebody has removed', async () => {
  const gone = (script: string) => dev.sh(`mkdir gone; cd gone; rmdir ../gone; ${script}`);
  if (isExecutable) {
    // Bun looks for its folder before it runs any of our code (docs/release.md).
    for (const words of ['version', 'iam organizations list', '__docker-credential-cgr get']) {
      expect(await gone(`chainctl ${words}`)).toEqual(
        expect.objectContaining({
          code: 1,
          out: '',
          err: "error: The current working directory was deleted, so that command didn't work. Please cd into a different directory and try again.\n",
        }),
      );
    }
    return;
  }
  expect(await gone('chainctl iam organizations list -o id')).toMatchObject({ code: 0, err: '' });
  expect(await gone('chainctl version >/dev/null; chainctl --help >/dev/null')).toMatchObject({ code: 0, err: '' });
  expect(await gone('printf docker.io | docker-credential-cgr get')).toMatchObject({
    code: 1,
    out: 'credentials not found in native keychain\n',
    err: '',
  });
  expect((await gone('chainctl iam identities create -f some.yaml --parent=example.com -y')).err).toMatch(
    /^error: .*does not exist$/m,
  );
});
