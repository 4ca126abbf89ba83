// One attack each, against the programs as they are installed: the attacker has what an attacker would have, and
// the person's login must come out whole. The finer cases of each are beside the code they attack.

import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac, createPublicKey, sign } from 'node:crypto';
import { lstatSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { decodeJwt, decodeProtectedHeader, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { newKeyPair } from '../../src/key-pairs.ts';
import { dev } from '../support/ids.ts';
import { startLoopbackIssuer } from '../support/loopback-issuer.ts';
import { createWorld, type Person, pause, type RunningPlatform, tokenFolder } from '../support/program.ts';

const world = createWorld();
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
async function waitingLogin(...flags: string[]) {
  const person = world.person('victim', platform);
  const note = join(person.home, 'address');
  const browser = person.write(
    'browser',
    `#!/bin/sh\nprintf %s "$1" > ${note}.part && mv ${note}.part ${note}\n`,
    0o700,
  );
  const child = spawn('chainctl', ['auth', 'login', ...flags], {
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

  test('comes through while others dribble bytes at the port, and they hold nothing up', async () => {
    const { seen, ended, redirect, person } = await waitingLogin();
    const own = await signedIn().then((one) => one.ok('auth', 'token'));
    const head = `GET ${redirect.pathname}${redirect.search} HTTP/1.1\r\nHost: localhost:${redirect.port}\r\n`;
    const starts = [
      'G',
      'GET /callback?token=',
      head,
      `POST /callback HTTP/1.1\r\nHost: localhost:${redirect.port}\r\nContent-Length: 9999\r\n\r\n`,
    ];
    const sockets = Array.from({ length: 200 }, (_, index) => {
      const socket = connect(Number(redirect.port), '127.0.0.1');
      socket.on('error', () => {});
      socket.write(starts[index % starts.length] ?? '');
      return socket;
    });
    const drip = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write('x');
    }, 50);
    try {
      await pause(500);
      const good = new URL(redirect);
      good.searchParams.set('token', own);
      const start = performance.now();
      expect((await ask(good.href)).status).toBe(308);
      await ask(`http://localhost:${redirect.port}/`);
      expect(await ended, seen.err).toBe(0);
      expect(performance.now() - start).toBeLessThan(10_000);
      expect(await person.ok('auth', 'token')).toBe(own);
    } finally {
      clearInterval(drip);
      for (const socket of sockets) socket.destroy();
    }
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

describe('a token that plays with its header', () => {
  const encode = (value: unknown) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

  /** Neither taken as a login nor traded for one. */
  async function expectRefused(token: string, why: string): Promise<void> {
    const authorization = `Bearer ${token}`;
    const api = await ask(`${platform.api}/iam/v1/groups`, { authorization });
    expect([why, api.status]).toEqual([why, 401]);
    const exchanged = await ask(`${platform.issuer}/sts/exchange?aud=${platform.api}`, { authorization }, 'POST');
    expect([why, exchanged.status >= 400 && exchanged.status < 500]).toEqual([why, true]);
    expect(exchanged.text).not.toContain('"token"');
  }

  test('the public key as a shared secret (HS256 for RS256)', async () => {
    const person = await signedIn();
    const good = await person.ok('auth', 'token');
    const { keys } = JSON.parse((await ask(`${platform.issuer}/.well-known/jwks.json`)).text);
    const [jwk] = keys;
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const pem = key.export({ format: 'pem', type: 'spki' });
    const secrets: Record<string, string | Buffer> = {
      spki: pem,
      'spki without the last newline': String(pem).trim(),
      pkcs1: key.export({ format: 'pem', type: 'pkcs1' }),
      der: key.export({ format: 'der', type: 'spki' }),
      jwk: JSON.stringify(jwk),
      modulus: Buffer.from(jwk.n, 'base64url'),
      nothing: '',
    };
    const payload = good.split('.')[1];
    for (const [name, secret] of Object.entries(secrets)) {
      for (const bits of ['256', '384', '512']) {
        const signed = `${encode({ alg: `HS${bits}`, kid: jwk.kid, typ: 'JWT' })}.${payload}`;
        const signature = createHmac(`sha${bits}`, secret).update(signed).digest('base64url');
        await expectRefused(`${signed}.${signature}`, `HS${bits} with ${name}`);
      }
    }
  });

  test('keys that it brings along or says where to fetch', async () => {
    const person = await signedIn();
    const good = await person.ok('auth', 'token');
    const { kid = '' } = decodeProtectedHeader(good);
    const trap = await startLoopbackIssuer(() => Date.now());
    const own = await trap.addKey('RS256', { kid: 'of the attacker' });
    const url = `${trap.url}/keys`;
    const headers: Record<string, unknown>[] = [
      { jwk: own.publicJwk },
      { jku: url },
      { x5u: url },
      { jku: url, x5u: url, jwk: own.publicJwk },
      { x5c: ['MIIB'] },
    ];
    for (const header of headers) {
      for (const name of [kid, 'of the attacker', undefined]) {
        const protectedHeader = { alg: 'RS256', ...(name === undefined ? {} : { kid: name }), ...header };
        const token = await new SignJWT(decodeJwt(good)).setProtectedHeader(protectedHeader).sign(own.privateKey);
        await expectRefused(token, JSON.stringify([Object.keys(header), name]));
      }
    }
    expect(trap.requests).toEqual([]);
  });

  test('a key id that is a path, a query or no text', async () => {
    const person = await signedIn();
    const [, payload] = (await person.ok('auth', 'token')).split('.');
    const { privateKey } = newKeyPair('rsa');
    for (const kid of [
      '../../../../../../dev/null',
      'file:///etc/passwd',
      "x' OR '1'='1",
      "x' UNION SELECT private_jwk FROM signing_keys --",
      '',
      '\0',
      'k'.repeat(10_000),
      7,
      null,
      { $ne: '' },
      ['a'],
    ]) {
      const signed = `${encode({ alg: 'RS256', kid })}.${payload}`;
      const signature = sign('sha256', Buffer.from(signed), privateKey).toString('base64url');
      await expectRefused(`${signed}.${signature}`, JSON.stringify(kid).slice(0, 80));
    }
    expect((await ask(`${platform.issuer}/.well-known/jwks.json`)).status, 'afterwards').toBe(200);
  });
});

describe('a token of an issuer that an identity names', () => {
  async function robotOf(issuer: string): Promise<string> {
    const owner = await signedIn();
    return owner.ok(
      ...['iam', 'identities', 'create', `robot-${Date.now()}`, '--parent=example.com', `--identity-issuer=${issuer}`],
      ...['--subject=robot', '--role=viewer', '-y', '-oid'],
    );
  }
  const exchange = (token: string, identity: string) =>
    ask(
      `${platform.issuer}/sts/exchange?${new URLSearchParams({ aud: platform.api, identity })}`,
      { authorization: `Bearer ${token}` },
      'POST',
    );

  test('is good from its time on and not for longer than an hour of ours, whatever it says', async () => {
    const issuer = await startLoopbackIssuer(() => Date.now());
    const key = await issuer.addKey('RS256');
    const identity = await robotOf(issuer.url);
    const now = Math.floor(Date.now() / 1000);
    const given = async (claims: Record<string, unknown>) =>
      exchange(await issuer.sign(key, { aud: platform.issuer, ...claims }), identity);
    const lasting = await given({ exp: 99_999_999_999 });
    expect(lasting.status, lasting.text).toBe(200);
    const { exp = 0 } = decodeJwt(JSON.parse(lasting.text).token);
    expect(exp).toBeLessThanOrEqual(now + 3600 + 60);
    for (const claims of [
      { nbf: now + 3600 },
      { nbf: 'later' },
      { exp: now - 3600 },
      { exp: 'later' },
      { exp: null },
    ]) {
      const refused = await given(claims);
      expect([claims, refused.status]).toEqual([claims, 403]);
    }
  });

  test('is refused under a name that only resembles the issuer’s, and nobody is asked', async () => {
    const issuer = await startLoopbackIssuer(() => Date.now());
    const key = await issuer.addKey('RS256');
    const identity = await robotOf(issuer.url);
    const { port } = new URL(issuer.url);
    for (const iss of [
      `${issuer.url}/`,
      `${issuer.url}//`,
      `${issuer.url}/.`,
      `${issuer.url}?`,
      `${issuer.url}#`,
      issuer.url.toUpperCase(),
      ` ${issuer.url}`,
      `${issuer.url}\n`,
      `http://localhost:${port}`,
      `http://127.1:${port}`,
      `http://x@127.0.0.1:${port}`,
      `${issuer.url}/../`,
    ]) {
      const refused = await exchange(await issuer.sign(key, { aud: platform.issuer, iss }), identity);
      expect([iss, refused.status]).toEqual([iss, 403]);
    }
    expect(issuer.requests).toEqual([]);
  });

  test('is refused when it asks for what nobody here understands (crit)', async () => {
    const issuer = await startLoopbackIssuer(() => Date.now());
    const key = await issuer.addKey('RS256');
    const identity = await robotOf(issuer.url);
    const make = async (header: Record<string, unknown>, crit: Record<string, boolean>) =>
      new SignJWT({ iss: issuer.url, sub: 'robot', aud: platform.issuer })
        .setIssuedAt()
        .setExpirationTime('1h')
        .setProtectedHeader({ alg: 'RS256', kid: String(key.kid), ...header })
        .sign(key.privateKey, { crit });
    const good = await exchange(await make({}, {}), identity);
    expect(good.status, good.text).toBe(200);
    const header = { crit: ['urn:example:only-once'], 'urn:example:only-once': true };
    const refused = await exchange(await make(header, { 'urn:example:only-once': true }), identity);
    expect(refused.status, refused.text).toBe(403);
  });
});

test('a program that asks for a code with PKCE gets no token in the address, and no code is ever exchanged', async () => {
  const redirect = 'http://localhost:9/callback?token=true&error=true';
  for (const asked of [
    {
      response_type: 'code',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    },
    { code_challenge: 'plain-text-for-a-challenge-that-is-long-enough', code_challenge_method: 'plain' },
    { response_type: 'code id_token' },
  ]) {
    const answer = await ask(
      `${platform.issuer}/oauth?${new URLSearchParams({ exit: 'redirect', redirect, ...asked })}`,
    );
    expect(answer.status).toBe(303);
    const told = new URL(String(answer.headers.location)).searchParams;
    expect([told.get('token'), told.get('status_code')]).toEqual([null, '400']);
  }
  // As standard clients ask, whose parameter has another name.
  const standard = new URLSearchParams({ response_type: 'code', client_id: 'x', redirect_uri: redirect });
  expect((await ask(`${platform.issuer}/oauth?${standard}`)).status).toBe(400);
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  for (const proof of [{}, { code_verifier: 'x' }, { code_verifier: 'x', code_challenge_method: 'plain' }]) {
    const form = new URLSearchParams({ grant_type: 'authorization_code', code: 'x', client_id: 'auth0', ...proof });
    const answer = await ask(`${platform.issuer}/oauth/token`, type, 'POST', form.toString());
    expect([answer.status, answer.text]).toEqual([400, '{"error":"unsupported_grant_type"}']);
  }
  const discovery = JSON.parse((await ask(`${platform.issuer}/.well-known/openid-configuration`)).text);
  expect(discovery.response_types_supported).toEqual(['id_token']);
  expect(discovery.grant_types_supported).not.toContain('authorization_code');
});

describe('an answer without end', () => {
  const megabyte = 1024 * 1024;

  /** An issuer that answers this path with a chunk, again and again, for as long as somebody takes it. */
  async function endlessIssuer(path: string, packed: boolean) {
    const issuer = await startLoopbackIssuer(() => Date.now());
    const chunk = packed ? gzipSync(Buffer.alloc(16 * megabyte, ' ')) : Buffer.alloc(64 * 1024, ' ');
    const sent = { bytes: 0 };
    issuer.answers.set(path, (response) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        ...(packed ? { 'content-encoding': 'gzip' } : {}),
      });
      const more = () => {
        while (!response.destroyed) {
          sent.bytes += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
      };
      more();
    });
    return { issuer, sent };
  }

  test.each([false, true])('from the token exchange (packed: %s)', async (packed) => {
    const { issuer, sent } = await endlessIssuer('/sts/exchange', packed);
    const person = world.person('victim', platform);
    const file = person.write('token', await idToken(person), 0o600);
    const ran = await person.chainctl(['auth', 'login', `--issuer=${issuer.url}`, '--identity-token', file]);
    expect([ran.code, ran.err.split('\n')[0]]).toEqual([
      1,
      `error: The answer of ${new URL(issuer.url).host} is larger than 1048576 bytes`,
    ]);
    expect(sent.bytes).toBeLessThan(32 * megabyte);
  });

  test.each([
    ['/.well-known/openid-configuration', false],
    ['/.well-known/openid-configuration', true],
    ['/keys', false],
    ['/keys', true],
  ])('from %s, asked for the keys of a login (packed: %s)', async (path, packed) => {
    const { issuer, sent } = await endlessIssuer(path, packed);
    const { seen, ended, redirect } = await waitingLogin(`--issuer=${issuer.url}`);
    const key = await issuer.addKey('RS256');
    const good = new URL(redirect);
    good.searchParams.set('token', await issuer.sign(key, { aud: platform.api }));
    expect((await ask(good.href)).status).toBe(308);
    await ask(`http://localhost:${redirect.port}/`);
    expect(await ended, seen.err).toBe(1);
    expect(seen.err).toContain('is larger than 1048576 bytes');
    expect(sent.bytes).toBeLessThan(32 * megabyte);
  });
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
