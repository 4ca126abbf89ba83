// Logging in and out, and what a login looks like, from the command line to the issuer and back.

import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { audiencesOf, decodeClaims } from '../../src/auth/jwt.ts';
import { authWorld } from '../support/auth-world.ts';
import { signInAs } from '../support/browser.ts';
import { demoOrganizations, personId } from '../support/ids.ts';
import { stubServer } from '../support/stub-server.ts';

const dev = personId('dev@example.com');
const organization = demoOrganizations.private;

async function identityFor(world: Awaited<ReturnType<typeof authWorld>>, repo: string, ref: string): Promise<string> {
  await world.login();
  const flags = [`--github-repo=${repo}`, `--github-ref=${ref}`, '--parent=example.com', '--role=registry.pull', '-y'];
  const made = await world.run(['iam', 'identities', 'create', 'github', 'my-app', ...flags, '-oid']);
  expect(made.code, made.err).toBe(0);
  return made.out.trim();
}

describe('auth login', () => {
  test('with an ID token says who it is; formats for people and scripts', async () => {
    const { run, person, platform } = await authWorld();
    const token = await person('dev@example.com');
    expect(await run(['auth', 'login', '--identity-token', token])).toMatchObject({
      code: 0,
      out: `Valid! Id: ${dev}\n`,
      err: expect.stringMatching(
        /^Successfully exchanged token\.\nLogged in as dev@example\.com on 127\.0\.0\.1:\d+\.\n$/,
      ),
    });
    expect((await run(['auth', 'login', '--identity-token', token, '-o', 'id'])).out).toBe(`${dev}\n`);
    expect((await run(['auth', 'login', '--identity-token', token, '-o', 'none'])).out).toBe('');
    const json = await run(['auth', 'login', '--identity-token', token, '-o', 'json']);
    expect(JSON.parse(json.out)).toEqual({
      valid: true,
      identity: dev,
      email: 'dev@example.com',
      tokens: [{ audience: platform.urls.api, expiry: '2026-03-27T14:55:00.000Z' }],
    });
    expect(json.out).not.toContain('eyJ');
    expect((await run(['auth', 'login', '--identity-token', token, '-o', 'table'])).out).toContain('dev@example.com');
  });

  test('takes the path of a file as well', async () => {
    const { run, person, folder } = await authWorld();
    const path = join(folder, 'token.jwt');
    writeFileSync(path, `${await person('guest@example.com')}\n`);
    const login = await run(['auth', 'login', '--identity-token', path]);
    expect(login).toMatchObject({ code: 0, out: `Valid! Id: ${personId('guest@example.com')}\n` });
  });

  test('takes the token from standard input, for every audience; an empty one is said', async () => {
    const { run, person, registry, platform } = await authWorld();
    const words = ['auth', 'login', '--identity-token', '-', '--audience', platform.urls.api, '--audience', registry];
    const login = await run(words, { stdin: `${await person('guest@example.com')}\n` });
    expect(login).toMatchObject({ code: 0, out: `Valid! Id: ${personId('guest@example.com')}\n` });
    const empty = await run(words, { stdin: '\n' });
    expect(empty).toMatchObject({ code: 2, out: '' });
    expect(empty.err).toContain('`--identity-token=-` found no token on standard input');
  });

  test('makes one token for each audience', async () => {
    const { run, person, registry, platform } = await authWorld();
    const flags = [`--audience=${platform.urls.api}`, `--audience=${registry}`];
    const login = await run(['auth', 'login', ...flags, '--identity-token', await person('dev@example.com')]);
    expect(login.code).toBe(0);
    const token = await run(['auth', 'token', '--audience', registry]);
    expect(audiencesOf(decodeClaims(token.out) ?? {})).toEqual([registry]);
    expect((await run(['auth', 'token'])).out).not.toBe(token.out);
  });

  test('with a browser: signs in, comes back, and no token is on a stream', async () => {
    const { run } = await authWorld();
    let visit: Promise<unknown> = Promise.resolve();
    const login = await run(['auth', 'login'], {
      tty: true,
      browser: (url) => {
        visit = signInAs(url, 'dev@example.com');
        return true;
      },
    });
    await visit;
    expect(login.code, login.err).toBe(0);
    expect(login.out).toBe(`Valid! Id: ${dev}\n`);
    expect(login.err).toContain('Opening browser to http://127.0.0.1:');
    expect(login.err).toContain('Successfully exchanged token.\n');
    expect(login.out + login.err).not.toContain('eyJ');
    expect((await run(['auth', 'status'])).code).toBe(0);
  });

  test('with whom is asked on a terminal when nothing says it, and how to be asked no more is told', async () => {
    const { run } = await authWorld();
    const env = { CHAINGUARD_DEFAULT_SOCIAL_LOGIN: '' };
    const browser = async (url: string) => {
      await signInAs(url, 'dev@example.com');
      return true;
    };
    const google = await run(['auth', 'login'], { env, tty: true, browser, answers: ['google'] });
    expect(google.code, google.err).toBe(0);
    expect(google.asked).toEqual(['How would you like to sign in?']);
    expect(google.host.opened[0]).toContain('connection=google-oauth2');
    expect(google.err).toContain('chainctl config set default.social-login google');
    const own = await run(['auth', 'login'], { env, tty: true, answers: ['organization', 'unknown.example'] });
    expect(own.code).not.toBe(0);
    expect(own.host.opened).toEqual([]);
    expect(own.err).toContain('unknown.example');
    // Nobody is asked who has said it, by flag or by configuration.
    const flag = await run(['auth', 'login', '--social-login=github'], { env, tty: true, browser, answers: [] });
    expect(flag.code, flag.err).toBe(0);
    const configured = await run(['auth', 'login'], { tty: true, browser, answers: [] });
    expect(configured.code, configured.err).toBe(0);
    expect(configured.host.opened[0]).toContain('connection=email');
  });

  test('the account to sign in with travels to the sign-in page', async () => {
    const { run } = await authWorld();
    const login = await run(['auth', 'login', '--social-login=github'], {
      tty: true,
      browser: async (url) => {
        await signInAs(url, undefined);
        return true;
      },
    });
    expect(login).toMatchObject({ code: 4, out: '' });
    expect(login.host.opened[0]).toContain('connection=github');
  });

  test('without a terminal, a display and a token it fails at once', async () => {
    const { run } = await authWorld();
    const login = await run(['auth', 'login']);
    expect(login).toMatchObject({ code: 4, out: '' });
    expect(login.err).toContain('login');
    expect(login.host.opened).toEqual([]);
  });

  test('somebody the platform does not know is told so', async () => {
    const { login } = await authWorld();
    const unknown = await login('stranger@elsewhere.example');
    expect(unknown.code).not.toBe(0);
    expect(unknown.out).toBe('');
    expect(unknown.err).toMatch(/^error: \[101\] unable to exchange tokens: /);
  });

  test('--refresh of a login that nothing can renew is an error, after the login', async () => {
    const { run, person } = await authWorld();
    const token = await person('dev@example.com');
    const done = await run(['auth', 'login', '--identity-token', token, '--refresh']);
    expect(done).toMatchObject({ code: 4, out: `Valid! Id: ${dev}\n` });
    expect(done.err).toContain('Cannot keep the token fresh: ');
    expect((await run(['auth', 'login', '--refresh-only', '--audience=other'])).err).toContain('there is no login for');
  });

  test('a headless login that nobody finishes is over in the end and is not remembered', async () => {
    const world = await authWorld();
    const { run, platform } = world;
    const login = run(['auth', 'login', '--headless']);
    // The code is in the address that only the person sees; the platform's log has the polls.
    const code = await vi.waitFor(() => {
      const poll = platform.log.find(({ path }) => path.startsWith('/sts/headless_sessions'));
      if (poll === undefined) throw new Error('no poll yet');
      return poll;
    });
    expect(code.status).toBe(404);
    const done = await login;
    expect(done).toMatchObject({ code: 1 });
    expect(done.err).toContain('Timed out waiting');
    const env = { CHAINGUARD_AUTH_MODE: '' };
    expect((await run(['config', 'view'], { env })).out).toContain('mode: browser');
  });

  describe('with an invitation', () => {
    const invite = async (world: Awaited<ReturnType<typeof authWorld>>, ...flags: string[]) => {
      await world.login();
      const made = await world.run(['iam', 'invites', 'create', 'example.com', '--role=viewer', '-ojson', ...flags]);
      expect(made.code, made.err).toBe(0);
      return JSON.parse(made.out) as { id: string; code: string };
    };
    const accept = async (world: Awaited<ReturnType<typeof authWorld>>, email: string, code: string) =>
      world.run(['auth', 'login', '--identity-token', await world.person(email), '--invite-code', code]);

    test('a new account joins; a code for one is used up', async () => {
      const world = await authWorld();
      const { code } = await invite(world, '--single-use');
      const done = await accept(world, 'new@example.net', code);
      expect(done, done.err).toMatchObject({ code: 0 });
      expect((await world.run(['iam', 'organizations', 'list', '-oid'])).out).toBe(`${organization}\n`);
      const again = await accept(world, 'late@example.net', code);
      expect(again).toMatchObject({ code: 4, out: '' });
      expect(again.err).toContain(
        'Cannot accept the invitation: the invite code is not known, or has been used or revoked',
      );
      expect(again.err).not.toContain(code);
    });

    test('expired, revoked, and for somebody else', async () => {
      const world = await authWorld();
      const expiring = await invite(world, '--ttl=1h');
      const personal = await invite(world, '--email=guest@example.com');
      const revoked = await invite(world);
      expect((await world.run(['iam', 'invites', 'delete', revoked.id, '-y'])).code).toBe(0);
      expect((await accept(world, 'x@example.net', revoked.code)).err).toContain('has been used or revoked');
      expect((await accept(world, 'x@example.net', personal.code)).err).toContain('for another e-mail address');
      expect((await accept(world, 'guest@example.com', personal.code)).code).toBe(0);
      world.clock.advance(3_600_001);
      expect((await accept(world, 'x@example.net', expiring.code)).err).toContain('the invite expired at');
    });

    test('in the browser: accepted there, and a bad code is no offer to register', async () => {
      const world = await authWorld();
      const { code } = await invite(world);
      const signIn = (url: string) => signInAs(url, 'browser@example.net').then(() => true);
      const bad = await world.run(['auth', 'login', '--invite-code=abc'], { tty: true, browser: signIn });
      expect(bad).toMatchObject({ code: 4, asked: [] });
      expect(bad.err).toContain('The login was refused: the invite code is not known');
      const good = await world.run(['auth', 'login', `--invite-code=${code}`], { tty: true, browser: signIn });
      expect(good, good.err).toMatchObject({ code: 0 });
      expect((await world.run(['iam', 'organizations', 'list', '-oid'])).out).toBe(`${organization}\n`);
    });
  });

  test('no account: asked on a terminal, an error with the way out in a script', async () => {
    const world = await authWorld();
    const browser = (url: string) => signInAs(url, 'fresh@example.net').then(() => true);
    const script = await world.run(['auth', 'login'], { browser, env: { DISPLAY: ':0' } });
    expect(script).toMatchObject({ code: 4, out: '' });
    expect(script.err).toContain('--invite-code');
    const person = await world.run(['auth', 'login'], { tty: true, browser, answers: [true, false] });
    expect(person, person.err).toMatchObject({ code: 0 });
    expect(person.asked[0]).toBe('No account was found for this login. Register now?');
  });

  describe('a new account', () => {
    const anyWay = { CHAINGUARD_DEFAULT_SOCIAL_LOGIN: '' };
    const asked = ['How would you like to sign in?', 'You belong to no organization yet. Create one now?'];

    test('owns an organization after one browser sign-in, and can use it at once', async () => {
      const world = await authWorld();
      const browser = (url: string) => signInAs(url, 'founder@example.net').then(() => true);
      const answers = ['I have no account yet: make one', true, 'a/b', 'my-org'];
      const login = await world.run(['auth', 'login'], { tty: true, browser, answers, env: anyWay });
      expect(login, login.err).toMatchObject({ code: 0, out: expect.stringMatching(/^Valid! Id: [0-9a-f]{40}\n$/) });
      expect(login.host.opened).toHaveLength(1);
      expect(login.asked.slice(0, 2)).toEqual(asked);
      expect(login.refused).toEqual([expect.stringContaining('This must')]);
      expect(login.err).toContain('Created the organization "my-org"');
      expect((await world.run(['iam', 'folders', 'create', 'inner', '--parent=my-org', '-y'])).code).toBe(0);
    });

    test('accepts an invitation with one browser sign-in, and is asked for no organization', async () => {
      const world = await authWorld();
      await world.login();
      const flags = ['--parent=example.com', '--role=viewer', '-o', 'json'];
      const { code } = JSON.parse((await world.run(['iam', 'invites', 'create', ...flags])).out);
      const browser = (url: string) => signInAs(url, 'invited@example.net').then(() => true);
      const answers = ['I was invited: accept the invitation', code];
      const login = await world.run(['auth', 'login'], { tty: true, browser, answers, env: anyWay });
      expect(login, login.err).toMatchObject({ code: 0, asked: [asked[0], 'What is the code?'] });
      expect(login.host.opened).toHaveLength(1);
      expect(login.err).toContain('viewer of example.com');
    });
  });

  test('--register makes one without asking, with one browser sign-in; --skip-browser opens none', async () => {
    const world = await authWorld();
    const browser = (url: string) => signInAs(url, 'newer@example.net').then(() => true);
    const made = await world.run(['auth', 'login', '--register'], { tty: true, browser, answers: [false] });
    expect(made, made.err).toMatchObject({ code: 0, asked: ['You belong to no organization yet. Create one now?'] });
    expect(made.host.opened).toHaveLength(1);
    expect(made.err).toContain('Later: `chainctl iam organizations create`');
    // Nobody types the code in, so it ends with its time.
    const { host, err } = await world.run(['auth', 'login', '--skip-browser'], { tty: true, answers: [] });
    expect(host.opened).toEqual([]);
    expect(err).toContain('/activate');
  });

  test('old and harmless flags are taken', async () => {
    const { run, person } = await authWorld();
    const flags = ['--create-group=false', '--validate=false', '--sts-http1-downgrade', '-v=0'];
    expect((await run(['auth', 'login', ...flags, '--identity-token', await person('dev@example.com')])).code).toBe(0);
  });
});

describe('assuming an identity', () => {
  test('with the token of its workflow; another branch is refused, naming the claim', async () => {
    const world = await authWorld();
    const identity = await identityFor(world, 'acme/app', 'refs/heads/main');
    const right = await world.workflow('acme/app', 'refs/heads/main');
    const good = await world.run(['auth', 'login', '--identity', identity, '--identity-token', right]);
    expect(good).toMatchObject({ code: 0, out: `Valid! Id: ${identity}\n` });
    const status = JSON.parse((await world.run(['auth', 'status', '-o', 'json'])).out);
    expect(status).toMatchObject({ valid: true, identity, capabilities: { 'example.com': 'registry.pull' } });

    const before = (await world.run(['auth', 'token'])).out;
    const wrong = await world.workflow('acme/app', 'refs/heads/feature');
    const bad = await world.run(['auth', 'login', '--identity', identity, '--identity-token', wrong]);
    expect(bad).toMatchObject({ code: 4, out: '' });
    expect(bad.err).toContain('token has invalid subject: "repo:acme/app:ref:refs/heads/feature"');
    expect(bad.err).toContain('acme/app|acme@');
    expect((await world.run(['auth', 'token'])).out).toBe(before);
  });

  test('in GitHub Actions the token of the job is found', async () => {
    const world = await authWorld();
    const identity = await identityFor(world, 'acme/app', 'refs/heads/main');
    const actions = await stubServer();
    const value = await world.workflow('acme/app', 'refs/heads/main');
    const query = `api-version=2&audience=${encodeURIComponent(world.platform.urls.issuer)}`;
    const env = {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${actions.url}/token?api-version=2`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'runner-secret',
      CI: 'true',
    };
    actions.expect(`GET /token?${query}`, { body: { value } });
    const login = await world.run(['auth', 'login', '--identity', identity, '-v=0'], { env });
    expect(login, login.err).toMatchObject({ code: 0, out: `Valid! Id: ${identity}\n` });
    expect(actions.requests[0]?.headers.authorization).toBe('bearer runner-secret');
    expect(login.err).not.toContain('runner-secret');
  });

  test('an id that is none is a usage error', async () => {
    const { run } = await authWorld();
    const login = await run(['auth', 'login', '--identity=my-app', '--identity-token=x.y.z']);
    expect(login).toMatchObject({ code: 2, out: '' });
    expect(login.err).toContain('`--identity`');
  });
});

describe('bad tokens, each with one sentence and nothing kept', () => {
  test.each([
    [
      'expired',
      async (world: Awaited<ReturnType<typeof authWorld>>) =>
        world.mint({ issuer: 'https://auth.chainguard.dev/', subject: 'x', claims: {} }, { ttlSeconds: -60 }),
    ],
    ['malformed', async () => 'aaa.bbb.ccc'],
    [
      'of an issuer nobody trusts',
      async (world: Awaited<ReturnType<typeof authWorld>>) =>
        world.mint({ issuer: 'https://nobody.example', subject: 'x', claims: {} }),
    ],
    [
      'for somebody else',
      async (world: Awaited<ReturnType<typeof authWorld>>) =>
        world.mint(
          { issuer: 'https://auth.chainguard.dev/', subject: 'x', claims: {} },
          { audience: 'https://other.example' },
        ),
    ],
  ] as const)('%s', async (_, make) => {
    const world = await authWorld();
    const login = await world.run(['auth', 'login', '--identity-token', await make(world)]);
    expect(login.code).not.toBe(0);
    expect(login.out).toBe('');
    expect(login.err.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
    expect(login.err).toMatch(/^error: /);
    expect((await world.run(['auth', 'token'])).code).toBe(4);
  });

  test('neither a token nor a file: the value is not repeated', async () => {
    const { run } = await authWorld();
    const login = await run(['auth', 'login', '--identity-token', 'hunter2']);
    expect(login).toMatchObject({ code: 2, out: '' });
    expect(login.err).not.toContain('hunter2');
  });
});

describe('auth token', () => {
  test('prints the bytes of the token and nothing else; a newline on a terminal', async () => {
    const { run, login, platform } = await authWorld();
    await login();
    const token = await run(['auth', 'token']);
    expect(token).toMatchObject({ code: 0, err: '' });
    expect(token.out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(decodeClaims(token.out)).toMatchObject({ aud: platform.urls.api, sub: dev });
    expect((await run(['auth', 'token'], { tty: true })).out).toBe(`${token.out}\n`);
  });

  test('without a login: exit 4, nothing on stdout, the word login on stderr', async () => {
    const { run } = await authWorld();
    const token = await run(['auth', 'token']);
    expect(token).toMatchObject({ code: 4, out: '' });
    expect(token.err).toContain('login');
    expect(token.host.stdin.reads).toBe(0);
  });

  test('for another audience it comes from the login there is; without one the hint names the audience', async () => {
    const { run, registry, person } = await authWorld();
    const missing = await run(['auth', 'token', `--audience=${registry}`]);
    expect(missing).toMatchObject({ code: 4, out: '' });
    expect(missing.err).toContain(`hint: run \`chainctl auth login --audience=${registry}\``);
    for (const status of [
      ['auth', 'status'],
      ['auth', 'status', '--quick'],
    ]) {
      expect((await run([...status, `--audience=${registry}`])).err).toContain(`auth login --audience=${registry}\``);
    }
    // A token that was given and kept nowhere is good for what it was given for, which is the registry too unless said.
    await run(['auth', 'login', '--identity-token', await person('dev@example.com')]);
    expect((await run(['auth', 'token', `--audience=${registry}`])).code).toBe(0);
    expect((await run(['auth', 'token', '--audience=libraries.cgr.dev'])).code).toBe(4);
    await run(['auth', 'logout', `--audience=${registry}`]);

    let visit: Promise<unknown> = Promise.resolve();
    const browser = (url: string) => {
      visit = signInAs(url, 'dev@example.com');
      return true;
    };
    await run(['auth', 'login'], { tty: true, browser });
    await visit;
    const token = await run(['auth', 'token', `--audience=${registry}`]);
    expect(token.code, token.err).toBe(0);
    expect(decodeClaims(token.out)).toMatchObject({ aud: registry, sub: dev });
    // Nor is a person asked for it on a terminal.
    const further = await run(['auth', 'token', '--audience', 'libraries.cgr.dev'], { tty: true });
    expect(further.code, further.err).toBe(0);
    expect(further.host.opened).toEqual([]);
    expect((await run(['auth', 'status', `--audience=${registry}`])).code).toBe(0);
    expect((await run(['auth', 'token'])).code).toBe(0);
  });

  test('after it expired it is not printed', async () => {
    const { run, login, clock } = await authWorld();
    await login();
    clock.advance(3_600_000);
    expect(await run(['auth', 'token'])).toMatchObject({ code: 4, out: '' });
  });

  test('can be narrowed to capabilities and places, and the login stays as it was', async () => {
    const { run, login } = await authWorld();
    await login();
    const whole = await run(['auth', 'token']);
    const token = await run(['auth', 'token', '--capabilities=groups.list,repo.list', '--scope=example.com']);
    expect(token, token.err).toMatchObject({ code: 0 });
    const { cap } = decodeClaims(token.out) ?? {};
    // The set `groups.list repo.list` of semantics 3.2.
    expect(cap).toEqual({ [organization]: 'AAAAAAAAADsEAAAAAAAACA==' });
    expect((await run(['auth', 'token'])).out).toBe(whole.out);
  });

  test('an unknown capability and an unknown place are said', async () => {
    const { run, login } = await authWorld();
    await login();
    const capability = await run(['auth', 'token', '--capabilities=groups.lst']);
    expect(capability).toMatchObject({ code: 2, out: '' });
    expect(capability.err).toContain('groups.list');
    const scope = await run(['auth', 'token', '--scope=nowhere']);
    expect(scope).toMatchObject({ code: 1, out: '' });
    expect(scope.err).toContain('No folder found for "nowhere"');
  });

  test('what it can be narrowed to needs no login', async () => {
    const { run } = await authWorld();
    const table = await run(['auth', 'token', 'capabilities']);
    expect(table).toMatchObject({ code: 0, err: '' });
    expect(table.out).toMatch(/RESOURCE +\| +ACTION/);
    expect(table.out).toMatch(/^ groups +\| create, delete, list, update *$/m);
    const { items } = JSON.parse((await run(['auth', 'token', 'capabilities', '-o', 'json'])).out);
    expect(items).toContainEqual({ resource: 'role_bindings', actions: ['create', 'delete', 'list', 'update'] });
  });
});

describe('auth status', () => {
  test('rows that scripts cut at the bar', async () => {
    const { run, login, platform } = await authWorld();
    await login();
    const status = await run(['auth', 'status']);
    expect(status).toMatchObject({ code: 0, err: '' });
    expect(status.out).toBe(
      [
        '  Valid        | True',
        `  Identity     | ${dev}`,
        '  Email        | dev@example.com',
        '  Capabilities | example.com: owner',
        '  Expiry       | 2026-03-27T14:55:00Z',
        `  Audience     | ${platform.urls.api}`,
        `  Context      | ${platform.urls.api}`,
        '',
      ].join('\n'),
    );
  });

  test('JSON with the keys clients read', async () => {
    const { run, login, platform } = await authWorld();
    await login('guest@example.com');
    const status = await run(['auth', 'status', '--output=json']);
    expect(JSON.parse(status.out)).toEqual({
      valid: true,
      identity: personId('guest@example.com'),
      email: 'guest@example.com',
      capabilities: { 'example.com': 'viewer' },
      expiry: '2026-03-27T14:55:00.000Z',
      audience: platform.urls.api,
      context: platform.urls.api,
    });
    expect((await run(['auth', 'status', '-o', 'terse'])).out).toBe('True\n');
  });

  test('without a login it says so and fails, in every format', async () => {
    const { run } = await authWorld();
    const text = await run(['auth', 'status']);
    expect(text.code).toBe(4);
    expect(text.out).toMatch(/^ {2}Valid +\| False\n/);
    expect(text.err).toContain('login');
    const json = await run(['auth', 'status', '-o', 'json']);
    expect(json.code).toBe(4);
    expect(JSON.parse(json.out)).toMatchObject({ valid: false, capabilities: {} });
  });

  test('--quick asks nobody', async () => {
    const { run, login, platform, clock } = await authWorld();
    await login();
    const asked = platform.log.length;
    const quick = await run(['auth', 'status', '--quick', '-o', 'json']);
    expect(JSON.parse(quick.out)).toMatchObject({ valid: true, identity: dev, email: 'dev@example.com' });
    clock.advance(3_600_001);
    expect((await run(['auth', 'status', '--quick'])).code).toBe(4);
    expect(platform.log.length).toBe(asked);
  });

  test('a token the platform no longer takes is not valid, though it looks good', async () => {
    const { run, login, platform } = await authWorld();
    await login('guest@example.com');
    platform.store.transact((tx) => tx.run('DELETE FROM identities WHERE id = ?', personId('guest@example.com')));
    expect((await run(['auth', 'status', '--quick'])).code).toBe(0);
    const status = await run(['auth', 'status', '-o', 'json']);
    expect(status.code).toBe(4);
    expect(JSON.parse(status.out).valid).toBe(false);
  });

  test('an issuer that is down is a failure of its own and no verdict', async () => {
    const { run, login } = await authWorld();
    await login();
    const status = await run(['auth', 'status', '--issuer=http://127.0.0.1:1']);
    expect(status).toMatchObject({ code: 1, out: '' });
    expect(status.err).toContain('Cannot reach http://127.0.0.1:1');
  });

  test('--audience asks about another login', async () => {
    const { run, person, registry, platform } = await authWorld();
    const api = [
      'auth',
      'login',
      `--audience=${platform.urls.api}`,
      '--identity-token',
      await person('dev@example.com'),
    ];
    await run(api);
    expect((await run(['auth', 'status', `--audience=${registry}`])).code).toBe(4);
    await run(['auth', 'login', `--audience=${registry}`, '--identity-token', await person('dev@example.com')]);
    const status = await run(['auth', 'status', `--audience=${registry}`, '-o', 'json']);
    expect(status.code, status.err).toBe(0);
    expect(JSON.parse(status.out)).toMatchObject({ valid: true, identity: dev, audience: registry });
  });

  test('logs in first when a flag says how', async () => {
    const { run, person } = await authWorld();
    const status = await run(['auth', 'status', '--identity-token', await person('dev@example.com')]);
    expect(status.code, status.err).toBe(0);
    expect(status.out).toContain('| True');
  });
});

describe('auth logout', () => {
  test('forgets everything, or one audience', async () => {
    const { run, person, registry, platform, folder } = await authWorld();
    const flags = [`--audience=${platform.urls.api}`, `--audience=${registry}`];
    const both = ['auth', 'login', ...flags, '--identity-token', await person('dev@example.com')];
    await run(both);
    expect(await run(['auth', 'logout', `--audience=${registry}`, '--output=none'])).toMatchObject({
      code: 0,
      out: '',
    });
    expect((await run(['auth', 'token', `--audience=${registry}`])).code).toBe(4);
    expect((await run(['auth', 'token'])).code).toBe(0);
    await run(both);
    expect(await run(['auth', 'logout'])).toMatchObject({ code: 0, out: '', err: 'Logged out.\n' });
    const left = readdirSync(join(folder, 'cache'), { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
  });

  test('nothing to forget is fine', async () => {
    const { run, folder } = await authWorld();
    expect(await run(['auth', 'logout'])).toMatchObject({ code: 0, out: '', err: 'There was no login.\n' });
    expect(existsSync(join(folder, 'config'))).toBe(false);
  });
});

test('a broken token cache is said once and touched by nobody', async () => {
  const { run, login, folder, platform } = await authWorld();
  await login();
  const path = join(folder, 'cache', 'chainguard', platform.urls.api.replaceAll('/', '-'), 'oidc-token');
  writeFileSync(path, 'not a token');
  const token = await run(['auth', 'token']);
  expect(token).toMatchObject({ code: 4, out: '' });
});

test('a job that is refused is told what it presented, and how to find out why', async () => {
  const world = await authWorld();
  await world.login();
  const made = await world.run([
    ...['iam', 'identities', 'create', 'github', 'my-app', '--github-repo=acme/app', '--github-ref=refs/heads/main'],
    ...['--parent=example.com', '--yes', '-oid'],
  ]);
  const id = made.out.trim();
  const token = await world.workflow('acme/app', 'refs/heads/dev');
  const refused = await world.run(['auth', 'login', '--identity', id, '--identity-token', token]);
  expect(refused.code).toBe(4);
  expect(refused.err).toContain('  presented issuer    "https://token.actions.githubusercontent.com"\n');
  expect(refused.err).toContain('  presented subject   "repo:acme/app:ref:refs/heads/dev"\n');
  expect(refused.err).toContain(`  presented audience  "${world.platform.urls.issuer}"\n`);
  expect(refused.err).not.toContain(token.split('.')[2]);
  const line = `chainctl iam identities test ${id} --github=acme/app --subject-form=names --ref=refs/heads/dev`;
  expect(refused.err).toContain(`hint: see why with \`${line}\``);
  const why = await world.run(line.split(' ').slice(1));
  expect([why.code, why.err]).toEqual([1, 'error: "my-app" does not admit it: subject differs\n']);
});
