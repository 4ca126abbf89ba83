// One attack each (issue 4), against the programs as they are installed: the attacker has what an attacker would have, and
// the person's login must come out whole. The finer cases of each are beside the code they attack.

import { type ChildProcess, spawn } from 'node:child_process';
import { lstatSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { personId } from '../../src/local/seed/demo.ts';
import { startLoopbackIssuer } from '../support/loopback-issuer.ts';
import { createWorld, type Person, type RunningPlatform, tokenFolder } from '../support/program.ts';

const world = createWorld();
const dev = personId('dev@example.com');
let platform: RunningPlatform;
let children: ChildProcess[] = [];

beforeAll(async () => {
  platform = await world.startPlatform();
});

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
});

const idToken = (person: Person, email = 'dev@example.com') =>
  person.ok('local', 'token', '--data-dir', platform.dataDir, '--email', email);

async function signedIn(): Promise<Person> {
  const person = world.person('victim', platform);
  await person.ok('auth', 'login', '--identity-token', person.write('me.jwt', await idToken(person), 0o600));
  return person;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** As any program on this machine, or a page in its browser, could ask. */
function ask(url: string, headers: Record<string, string> = {}, method = 'GET', body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    outgoing.once('error', reject).end(body);
  });
}

/** `auth login` in a browser that only notes the address it was to open. */
async function waitingLogin() {
  const person = world.person('victim', platform);
  const note = join(person.home, 'address');
  const browser = person.write(
    'browser',
    `#!/bin/sh\nprintf %s "$1" > ${note}.part && mv ${note}.part ${note}\n`,
    0o700,
  );
  const child = spawn('chainctl', ['auth', 'login'], {
    env: { ...person.env, BROWSER: browser, DISPLAY: ':99' } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const seen = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    seen.err += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let address = '';
  await expect
    .poll(
      () => {
        try {
          address = person.read('address');
        } catch {
          // Not yet.
        }
        return address;
      },
      { timeout: 20_000, interval: 50, message: 'the browser was started' },
    )
    .not.toBe('');
  const redirect = new URL(new URL(address).searchParams.get('redirect') ?? '');
  return { person, seen, ended, redirect, isRunning: () => child.exitCode === null };
}

/** What an attacker has: a good token of their own. */
async function tokenOfAttacker(): Promise<string> {
  const attacker = world.person('attacker', platform);
  const token = attacker.write('me.jwt', await idToken(attacker, 'guest@example.com'), 0o600);
  await attacker.ok('auth', 'login', '--identity-token', token);
  return attacker.ok('auth', 'token');
}

describe('the answer of the browser', () => {
  test('without or with a foreign state, and from another site, logs nobody in as the attacker', async () => {
    const { person, seen, ended, redirect, isRunning } = await waitingLogin();
    const token = await tokenOfAttacker();
    const at = `http://localhost:${redirect.port}`;
    for (const query of [`token=${token}`, `token=${token}&state=`, `token=${token}&state=${'A'.repeat(43)}`]) {
      expect((await ask(`${at}/callback?${query}`)).status).toBe(400);
    }
    // A page elsewhere: an image, a form, a fetch. It cannot know the state.
    const site = { origin: 'https://evil.example', referer: 'https://evil.example/', 'sec-fetch-site': 'cross-site' };
    expect((await ask(`${at}/callback?token=${token}`, site)).status).toBe(400);
    expect((await ask(`${at}/callback?token=${token}`, site, 'POST', `token=${token}`)).status).toBe(405);
    const preflight = await ask(`${at}/callback`, { ...site, 'access-control-request-method': 'GET' }, 'OPTIONS');
    expect(preflight.status).toBe(405);
    expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
    // A name of the attacker's that now points here (DNS rebinding).
    for (const host of [`evil.example:${redirect.port}`, `127.0.0.1.evil.example:${redirect.port}`, 'localhost']) {
      const rebound = await ask(`${at}${redirect.pathname}${redirect.search}&token=${token}`, { host });
      expect([host, rebound.status]).toEqual([host, 403]);
    }
    expect(isRunning()).toBe(true);
    expect(seen.err).toContain('Ignored an answer that did not belong to this login; still waiting');
    expect(seen.err + seen.out).not.toContain(token);

    // The real answer still counts.
    const own = await signedIn().then((one) => one.ok('auth', 'token'));
    const good = new URL(redirect);
    good.searchParams.set('token', own);
    expect((await ask(good.href)).status).toBe(308);
    await ask(`${at}/`);
    expect(await ended, seen.err).toBe(0);
    expect(seen.out).toBe(`Valid! Id: ${dev}\n`);
    expect(await person.ok('auth', 'token')).toBe(own);
  });

  test('listens on loopback only, and is gone once the login is over', async () => {
    const { redirect, ended, seen } = await waitingLogin();
    const refusal = new URL(redirect);
    refusal.searchParams.delete('token');
    refusal.searchParams.set('error', 'the person said no');
    await ask(refusal.href);
    expect(await ended).toBe(4);
    expect(seen.err).toContain('error: The login was refused: the person said no');
    await expect(ask(redirect.href)).rejects.toThrow();
  });
});

test('names of other sites get nothing of the platform (DNS rebinding)', async () => {
  const person = await signedIn();
  const authorization = `Bearer ${await person.ok('auth', 'token')}`;
  const { port } = new URL(platform.api);
  for (const path of [
    '/iam/v1/groups',
    '/v2/',
    '/oauth',
    '/console',
    '/.well-known/openid-configuration',
    '/sts/exchange',
  ]) {
    const answer = await ask(`${platform.api}${path}`, { host: `evil.example:${port}`, authorization });
    expect([path, answer.status]).toEqual([path, 421]);
    expect(answer.text).not.toContain('example.com');
  }
});

test('a `redirect` to another machine gets no token, and no page that leads there', async () => {
  for (const redirect of [
    'https://evil.example/callback',
    'http://127.0.0.1.evil.example/',
    'http://localhost@evil.example/',
    'http://localhost:1@evil.example/',
    '//evil.example/',
    'http:\\\\evil.example\\',
    'javascript:alert(1)',
    'http://[::ffff:192.0.2.1]/',
    'http://127.0.0.1\n.evil.example/',
  ]) {
    const answer = await ask(`${platform.issuer}/oauth?${new URLSearchParams({ redirect, exit: 'redirect' })}`);
    expect([redirect, answer.status, answer.headers['location']]).toEqual([redirect, 400, undefined]);
    expect(answer.text).not.toMatch(/href="[^"]*evil/);
    expect(answer.text).not.toMatch(/name="state"/);
  }
});

test('an invite code that was for one is of no use to a second', async () => {
  const owner = await signedIn();
  const made = await owner.ok('iam', 'invites', 'create', 'example.com', '--role=viewer', '--single-use', '-ojson');
  const { code } = JSON.parse(made);
  for (const [email, exit] of [
    ['first@example.org', 0],
    ['second@example.org', 4],
    ['first@example.org', 4],
  ] as const) {
    const person = world.person('invited', platform);
    const token = person.write('me.jwt', await idToken(person, email), 0o600);
    const joined = await person.chainctl(['auth', 'login', '--identity-token', token, `--invite-code=${code}`]);
    expect([email, joined.code === 0, joined.err]).toEqual([email, exit === 0, expect.any(String)]);
    expect(joined.err).not.toContain(code);
  }
});

test('a refresh token that was used ends the whole family, also for who has the newest', async () => {
  // By the platform's own page, as a browser without scripts.
  const redirect = 'http://localhost:9/callback?token=true&error=true';
  const query = new URLSearchParams({
    redirect,
    exit: 'redirect',
    create_refresh_token: 'true',
    audience: platform.api,
  });
  const page = await ask(`${platform.issuer}/oauth?${query}`);
  const state = /name="state" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
  const cookie = String(page.headers['set-cookie']).split(';')[0] ?? '';
  const form = new URLSearchParams({ state, email: 'dev@example.com' }).toString();
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const done = await ask(`${platform.issuer}/oauth/sign-in`, { cookie, ...type }, 'POST', form);
  const stolen = new URL(String(done.headers.location)).searchParams.get('refresh_token') ?? '';
  expect(stolen).not.toBe('');
  // The form itself cannot be sent twice either.
  expect(
    (await ask(`${platform.issuer}/oauth/sign-in`, { cookie, ...type }, 'POST', form)).status,
  ).toBeGreaterThanOrEqual(400);

  const renew = (token: string) =>
    ask(
      `${platform.issuer}/sts/exchange_refresh_token?aud=${platform.api}`,
      { authorization: `Bearer ${token}` },
      'POST',
    );
  const first = await renew(stolen);
  expect(first.status).toBe(200);
  const newest = JSON.parse(first.text).refreshToken.token;
  expect((await renew(stolen)).status).toBe(401);
  expect((await renew(newest)).status).toBe(401);
});

test('tokens of `alg: none`, of another key and for another audience open nothing', async () => {
  const person = await signedIn();
  const good = await person.ok('auth', 'token');
  const { kid = '' } = decodeProtectedHeader(good);
  const claims = decodeJwt(good);
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const { privateKey } = await generateKeyPair('RS256');
  const audience = ['--audience', platform.registryHost];
  await person.ok('auth', 'login', '--identity-token', join(person.home, 'me.jwt'), ...audience);
  const registry = await person.ok('auth', 'token', ...audience);
  const forged = [
    `${encode({ alg: 'none', kid })}.${encode(claims)}.`,
    `${encode({ alg: 'None', kid })}.${encode(claims)}.${good.split('.')[2]}`,
    `${encode({ alg: 'HS256', kid })}.${encode(claims)}.${good.split('.')[2]}`,
    await new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey),
    registry,
  ];
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  expect((await ask(`${platform.api}/iam/v1/groups`, bearer(good))).status).toBe(200);
  for (const token of forged) {
    expect((await ask(`${platform.api}/iam/v1/groups`, bearer(token))).status).toBe(401);
    const exchanged = await ask(`${platform.issuer}/sts/exchange?aud=${platform.api}`, bearer(token), 'POST');
    expect(exchanged.status).toBeGreaterThanOrEqual(400);
  }
  // Nor does the command line keep one that an issuer hands it.
  const kept = await person.chainctl([
    'auth',
    'login',
    '--identity-token',
    person.write('forged', forged[3] ?? '', 0o600),
  ]);
  expect(kept.code).toBe(4);
  expect(kept.err).not.toContain(forged[3]);
});

test('an issuer that redirects is not followed, by the platform or by the command line', async () => {
  const trap = await startLoopbackIssuer(() => Date.now());
  const issuer = await startLoopbackIssuer(() => Date.now());
  const person = await signedIn();
  const made = await person.ok(
    ...['iam', 'identities', 'create', 'robot', '--parent=example.com', `--identity-issuer=${issuer.url}`],
    ...['--subject=robot', '--role=viewer', '-y', '-oid'],
  );
  const token = await issuer.sign(await issuer.addKey('RS256'), { aud: platform.issuer });
  issuer.answers.set('/.well-known/openid-configuration', (response) =>
    response.writeHead(302, { location: `${trap.url}/.well-known/openid-configuration` }).end(),
  );
  const robot = world.person('robot', platform);
  const file = robot.write('token', token, 0o600);
  const refused = await robot.chainctl(['auth', 'login', `--identity=${made}`, '--identity-token', file]);
  expect(refused.code).toBe(4);
  expect(refused.err).toContain('answers with a redirect, which is not followed');

  issuer.answers.set(`/sts/exchange`, (response) => response.writeHead(307, { location: `${trap.url}/sts` }).end());
  const sent = await robot.chainctl(['auth', 'login', `--issuer=${issuer.url}`, '--identity-token', file]);
  expect(sent.code).not.toBe(0);
  expect(trap.requests).toEqual([]);
});

test('a cache folder that is a link, or open to others, is refused with the way out, and nothing is written through it', async () => {
  const person = await signedIn();
  const folder = tokenFolder(person, platform.api);
  const elsewhere = join(person.home, 'elsewhere');
  renameSync(folder, elsewhere);
  symlinkSync(elsewhere, folder);
  const read = await person.chainctl(['auth', 'token']);
  expect(read.code).not.toBe(0);
  expect(read.out).toBe('');
  expect(read.err).toContain('is not a plain folder');
  const written = await person.chainctl(['auth', 'login', '--identity-token', join(person.home, 'me.jwt')]);
  expect(written.code).not.toBe(0);
  expect(lstatSync(folder).isSymbolicLink()).toBe(true);

  rmSync(folder);
  mkdirSync(folder, { mode: 0o777 });
  await person.sh(`chmod 777 '${folder}'; cp elsewhere/* '${folder}/'; chmod 644 '${folder}'/*`);
  const open = await person.chainctl(['iam', 'organizations', 'list']);
  expect(open.code).not.toBe(0);
  expect(open.err).toMatch(/is open to others|can be read by others/);
  expect(open.err).toContain('hint: ');
});
