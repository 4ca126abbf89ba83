// What the program does when the platform is down, slow, broken or not a platform.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  answer,
  cut,
  drip,
  type Fault,
  type FaultyServer,
  flood,
  half,
  redirect,
  silent,
  startFaultyServer,
} from '../support/faulty-server.ts';
import { demoOrganizations } from '../support/ids.ts';
import {
  createWorld,
  type Environment,
  expireToken,
  type Person,
  projectRoot,
  type Ran,
  type RunningPlatform,
  signIn,
  signInByBrowser,
  tokenFolder,
} from '../support/program.ts';

const world = createWorld();
let platform: RunningPlatform;
let person: Person;
/** Stands between the program and the API. */
let api: FaultyServer;
/** Stands between the program and the issuer. */
let issuer: FaultyServer;
/** Where nobody may ever be sent. */
let elsewhere: FaultyServer;
let jwt: string;
/** A login at an issuer that never answers, by the clock on the wall. */
let slowest: Promise<Ran>;

const list = ['iam', 'organizations', 'list', '--output=json'];
const create = [
  ...['iam', 'identities', 'create', 'never', '--parent=example.com', '--yes', '--output=json'],
  ...['--identity-issuer=https://ci.example.com', '--subject=never'],
];
const groups = '/iam/v1/groups';
const identities = '/iam/v1/identities';

beforeAll(async () => {
  platform = await world.startPlatform();
  api = await startFaultyServer(platform.api);
  issuer = await startFaultyServer(platform.issuer);
  elsewhere = await startFaultyServer(platform.api);
  person = world.person('person', platform);
  await signIn(person, platform);
  Object.assign(person.env, { CHAINGUARD_PLATFORM_API: api.url, CHAINGUARD_PLATFORM_ISSUER: issuer.url });
  jwt = await person.ok('local', 'token', '--data-dir', platform.dataDir, `--audience=${platform.issuer}`);

  const nobody = await startFaultyServer(platform.issuer);
  nobody.break('/', silent);
  const patient = world.person('patient', platform);
  slowest = patient.chainctl(['auth', 'login', '--identity-token', jwt], {
    env: { CHAINGUARD_PLATFORM_ISSUER: nobody.url },
    timeoutMs: 100_000,
  });
});

afterEach(() => {
  expect(elsewhere.requests).toEqual([]);
  api.heal();
  issuer.heal();
});

const fastClock: Environment = { NODE_OPTIONS: `--require=${join(projectRoot, 'test', 'support', 'fast-clock.cjs')}` };
/** The pauses between attempts as well. */
const impatient: Environment = { ...fastClock, FAST_CLOCK_FROM: '200' };

/** One sentence (and what to do), nothing on standard output, no stack, no token. */
function expectOneSentence(ran: Ran, code: number, sentence: RegExp): void {
  expect(ran.out).toBe('');
  const lines = ran.err.trim().split('\n');
  const error = lines.filter((line) => !/trying again in \d+ s$/.test(line));
  const text = error[0]?.startsWith('{') ? JSON.parse(error[0]).message : error[0]?.replace(/^error: /, '');
  expect(text).toMatch(sentence);
  expect(error.slice(1).filter((line) => !line.startsWith('hint: '))).toEqual([]);
  expect(ran.err).not.toMatch(/eyJ|node:internal|\.cjs/);
  expect(ran.code, ran.err).toBe(code);
}

async function identityNames(): Promise<string[]> {
  const direct = await person.chainctl(['iam', 'identities', 'list', '--output=json'], { env: platform.env });
  return JSON.parse(direct.out).items.map(({ name }: { name: string }) => name);
}

const page = '<html><head><title>Log in</title></head><body>Welcome to the hotel</body></html>';

test('through a healthy one everything works, so what follows is the fault’s doing', async () => {
  const ran = await person.chainctl(list);
  expect(ran).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(ran.out).items[0].name).toBe('example.com');
  expect(api.requests.length).toBeGreaterThan(0);
});

describe('the API', () => {
  test('down', async () => {
    const ran = await person.chainctl(list, { env: { CHAINGUARD_PLATFORM_API: 'http://127.0.0.1:1' } });
    expectOneSentence(ran, 1, /^Cannot reach http:\/\/127\.0\.0\.1:1: nothing is listening there$/);
    expect(ran.ms).toBeLessThan(5_000);
    const unknown = await person.chainctl(['iam', 'organizations', 'list'], {
      env: { CHAINGUARD_PLATFORM_API: 'http://no-such-host.invalid' },
    });
    expectOneSentence(unknown, 1, /^Cannot reach http:\/\/no-such-host\.invalid: /);
  });

  const reads: readonly (readonly [string, Fault, RegExp, number])[] = [
    ['500 without a word', answer(500, ''), /^http:\/\/127\.0\.0\.1:\d+ answered 500$/, 1],
    ['500 with a reason', answer(500, { code: 13, message: 'the disk fell off.' }), /^The disk fell off$/, 1],
    ['503, again and again', answer(503, page), /^http:\/\/127\.0\.0\.1:\d+ answered 503$/, 4],
    ['502, again and again', answer(502, page), /^http:\/\/127\.0\.0\.1:\d+ answered 502$/, 4],
    ['a page instead of JSON', answer(200, page), /did not answer like the Chainguard API$/, 1],
    ['half a document', half('{"items":[{"id":"aaaa', false), /did not answer like the Chainguard API$/, 1],
    ['JSON that is none of its messages', answer(200, [1, 2, 3]), /did not answer like the Chainguard API$/, 1],
    ['items that are no list', answer(200, { items: 'none' }), /did not answer like the Chainguard API$/, 1],
    ['an empty answer', answer(200, ''), /did not answer like the Chainguard API$/, 1],
    ['half a document and a cut', half('{"items":[{"id":"aaaa', true), /the connection was cut$/, 4],
    ['a cut connection', cut, /^Cannot reach http:\/\/127\.0\.0\.1:\d+: the connection was cut$/, 4],
    ['404 of a server that is no API', answer(404, page), /answered 404/, 1],
    ['403 with a page', answer(403, page), /answered 403/, 1],
  ];
  test.each(reads)('%s: a list fails with one sentence', async (_, fault, sentence, attempts) => {
    api.break(groups, fault);
    const ran = await person.chainctl(list, { env: impatient });
    expectOneSentence(ran, 1, sentence);
    expect(api.requests.filter(({ path }) => path.startsWith(groups))).toHaveLength(attempts);
  });

  test.each([301, 302, 303, 307, 308])('a redirect (%i) is not followed', async (status) => {
    api.break(groups, redirect(status, `${elsewhere.url}${groups}`));
    expectOneSentence(
      await person.chainctl(list),
      1,
      /answers with a redirect to http:\/\/127\.0\.0\.1:\d+, which is not followed$/,
    );
    expect(elsewhere.requests, 'the token went nowhere else').toEqual([]);
  });

  test('an answer without end is given up', async () => {
    api.break(groups, flood(400 * 1024 * 1024));
    const ran = await person.chainctl(list);
    expectOneSentence(ran, 1, /^The answer of 127\.0\.0\.1:\d+ is larger than \d+ bytes$/);
  });

  test('a failure told without end is given up, by a list that is read as it comes as well', async () => {
    api.break('/iam/v1/identities', drip(500));
    const ran = await person.chainctl(['iam', 'identities', 'list', '--output=json']);
    expectOneSentence(ran, 1, /^http:\/\/127\.0\.0\.1:\d+ answered 500$/);
  });

  test('a large answer within reason is read', async () => {
    api.break(groups, flood(20 * 1024 * 1024), 1);
    const ran = await person.chainctl(list);
    expect(ran).toMatchObject({ code: 0, err: '' });
  });

  test.each([
    ['silent', silent],
    ['dripping', drip()],
  ])('%s: one wait of a minute, not several', async (_, fault) => {
    api.break(groups, fault);
    const ran = await person.chainctl(list, { env: fastClock });
    expectOneSentence(ran, 1, /^http:\/\/127\.0\.0\.1:\d+ did not answer within 60 s$/);
    expect(ran.ms).toBeLessThan(10_000);
    expect(api.requests.filter(({ path }) => path.startsWith(groups))).toHaveLength(1);
  });

  test('429 with Retry-After is waited for as long as it says, and then it works', async () => {
    api.break(groups, answer(429, { code: 8, message: 'slow down' }, { 'retry-after': '2' }), 1);
    const ran = await person.chainctl(list);
    // Scripts decode both streams together (script-contracts 1.1).
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(ran.out).items[0].name).toBe('example.com');
    const [first, second] = api.requests;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(1_950);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeLessThan(5_000);
  });

  test('a person is told why nothing happens', async () => {
    api.break(groups, answer(429, { code: 8, message: 'slow down' }, { 'retry-after': '1' }), 1);
    const ran = await person.chainctl(['iam', 'organizations', 'list']);
    expect(ran.err).toMatch(/^127\.0\.0\.1:\d+ answered 429; trying again in 1 s\n$/);
  });

  test('429 with a date is understood; one that asks for an hour is not waited for; nor one without end', async () => {
    const soon = new Date(Date.now() + 3_000).toUTCString();
    api.break(groups, answer(429, {}, { 'retry-after': soon }), 1);
    expect(await person.chainctl(list)).toMatchObject({ code: 0 });
    api.heal();
    api.break(groups, answer(429, {}, { 'retry-after': '3600' }));
    const hour = await person.chainctl(list);
    expectOneSentence(hour, 1, /asks to slow down$/);
    expect(hour.ms).toBeLessThan(5_000);
    expect(api.requests).toHaveLength(1);
    api.heal();
    api.break(groups, answer(429, {}, { 'retry-after': '0' }));
    expectOneSentence(await person.chainctl(list), 1, /asks to slow down$/);
    expect(api.requests).toHaveLength(4);
  });

  test.each([
    ['a cut connection', cut],
    ['503', answer(503, { code: 14, message: 'restarting' })],
  ])('%s once: a read is repeated and works', async (_, fault) => {
    api.break(groups, fault, 1);
    expect(await person.chainctl(list)).toMatchObject({ code: 0, err: '' });
  });

  const writes: readonly (readonly [string, Fault])[] = [
    ['a cut connection', cut],
    ['500', answer(500, { code: 13, message: 'oops' })],
    ['503', answer(503, { code: 14, message: 'restarting' })],
    ['a page', answer(200, page)],
    ['a redirect', (...request) => redirect(307, `${elsewhere.url}${identities}`)(...request)],
  ];
  test.each(writes)('%s: a creation is sent once and not again', async (_, fault) => {
    api.break(identities, fault);
    const ran = await person.chainctl(create);
    expect(ran.code, ran.err).toBe(1);
    expect(ran.out).toBe('');
    expect(api.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
    expect(await identityNames()).not.toContain('never');
  });

  test('a creation that is silent is sent once', async () => {
    api.break(identities, silent);
    expectOneSentence(await person.chainctl(create, { env: fastClock }), 1, /did not answer within 60 s$/);
    expect(api.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  test('a creation that was told to slow down was not done, so it is repeated', async () => {
    api.break(identities, answer(429, {}, { 'retry-after': '1' }), 1);
    const ran = await person.chainctl(create.map((word) => (word === 'never' ? 'later' : word)));
    expect(ran, ran.err).toMatchObject({ code: 0 });
    expect(api.requests.filter(({ method }) => method === 'POST')).toHaveLength(2);
    expect((await identityNames()).filter((name) => name === 'later')).toHaveLength(1);
  });

  test('Ctrl-C during a wait ends it at once', async () => {
    api.break(groups, silent);
    const ran = await person.sh(`chainctl ${list.join(' ')} & sleep 1; kill -INT $!; wait $!`);
    expect(ran.code).toBe(130);
    expect(ran.ms).toBeLessThan(4_000);
    expect(ran.out).toBe('');
  });
});

describe('Ctrl-C between an identity and its role', () => {
  const robot = create.map((word) => (word === 'never' ? 'robot' : word));
  const interrupted = () =>
    person.sh(`chainctl ${[...robot, '--role=viewer'].join(' ')} & sleep 2; kill -INT $!; wait $!`);

  test('takes the identity back', async () => {
    api.break('/iam/v1/rolebindings', silent);
    const ran = await interrupted();
    expect(ran, ran.err).toMatchObject({ code: 130, out: '' });
    expect(api.requests.map(({ method, path }) => `${method} ${path}`)).toContainEqual(
      expect.stringMatching(/^DELETE \/iam\/v1\/identities\//),
    );
    expect(ran.err).toContain('\\"robot\\" was not created');
    api.heal();
    expect(await identityNames()).not.toContain('robot');
  });

  test('names the identity that cannot be taken back, and how to', async () => {
    api.break('/iam/v1/rolebindings', silent);
    // Only what is below the organization: its deletion.
    api.break(`${identities}/${demoOrganizations.private}/`, answer(403, { code: 7, message: 'not now' }));
    const ran = await interrupted();
    expect(ran, ran.err).toMatchObject({ code: 130, out: '' });
    const [, id] = /remove it with `chainctl iam identities delete ([0-9a-f/]+)`/.exec(ran.err) ?? [];
    api.heal();
    expect(await identityNames()).toContain('robot');
    await person.ok('iam', 'identities', 'delete', id ?? '', '--yes');
    expect(await identityNames()).not.toContain('robot');
  });
});

describe('the issuer', () => {
  const login = () => person.chainctl(['auth', 'login', '--identity-token', jwt]);
  const cache = () => {
    const folder = tokenFolder(person, platform.api);
    return readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]);
  };

  const faults: readonly (readonly [string, Fault, RegExp, number])[] = [
    ['500', answer(500, ''), /answered 500$/, 1],
    ['503, again and again', answer(503, ''), /answered 503$/, 3],
    ['a page', answer(200, page), /did not answer like a Chainguard issuer$/, 1],
    ['a page with 403', answer(403, page), /did not answer like a Chainguard issuer$/, 1],
    ['half a document', half('{"token":"eyJ', false), /did not answer like a Chainguard issuer$/, 1],
    ['half a document and a cut', half('{"token":"eyJ', true), /the connection was cut$/, 3],
    ['a token that is none', answer(200, { token: 'two words' }), /did not answer like a Chainguard issuer$/, 1],
    ['a cut connection', cut, /the connection was cut$/, 3],
    ['a flood', flood(200 * 1024 * 1024), /is larger than \d+ bytes$/, 1],
    ['429 for an hour', answer(429, '', { 'retry-after': '3600' }), /asks to slow down$/, 1],
  ];
  test.each(faults)(
    '%s: the login fails with one sentence and the old one stays',
    async (_, fault, sentence, attempts) => {
      const before = cache();
      issuer.break('/sts/', fault);
      expectOneSentence(await login(), 1, sentence);
      expect(issuer.requests).toHaveLength(attempts);
      expect(cache()).toEqual(before);
    },
  );

  test('a redirect is not followed', async () => {
    issuer.break('/sts/', redirect(307, `${elsewhere.url}/sts/exchange`));
    expectOneSentence(await login(), 1, /did not answer like a Chainguard issuer$|answered 307/);
    expect(elsewhere.requests).toEqual([]);
  });

  test('429 with Retry-After, then it works', async () => {
    issuer.break('/sts/', answer(429, { code: 8, message: 'slow down' }, { 'retry-after': '1' }), 1);
    const ran = await login();
    expect(ran.code, ran.err).toBe(0);
    const [first, second] = issuer.requests;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(950);
  });

  test('down', async () => {
    const ran = await person.chainctl(['auth', 'login', '--identity-token', jwt], {
      env: { CHAINGUARD_PLATFORM_ISSUER: 'http://127.0.0.1:1' },
    });
    expectOneSentence(ran, 1, /^Cannot reach http:\/\/127\.0\.0\.1:1: nothing is listening there$/);
  });

  test('a refresh that fails leaves the refresh token for the next try', async () => {
    const other = world.person('refreshing', platform);
    expect((await signInByBrowser(other, 'dev@example.com')).code).toBe(0);
    expireToken(other, platform.api);
    const folder = tokenFolder(other, platform.api);
    const refreshToken = readFileSync(join(folder, 'refresh-token'), 'utf8');
    // As if the login had been made at the issuer that is about to break: a refresh goes nowhere else.
    const record = JSON.parse(readFileSync(join(folder, 'login.json'), 'utf8'));
    writeFileSync(join(folder, 'login.json'), JSON.stringify({ ...record, issuer: issuer.url }));
    Object.assign(other.env, { CHAINGUARD_PLATFORM_ISSUER: issuer.url });
    for (const [fault, sentence] of [
      [cut, /the connection was cut$/],
      [answer(500, ''), /answered 500$/],
      [answer(200, page), /did not answer like a Chainguard issuer$/],
      [answer(503, { code: 14, message: 'restarting' }), /restarting$/],
    ] as const) {
      issuer.heal();
      issuer.break('/sts/', fault);
      expectOneSentence(await other.chainctl(list), 1, sentence);
      expect(issuer.requests.length).toBeGreaterThan(0);
      expect(readFileSync(join(folder, 'refresh-token'), 'utf8')).toBe(refreshToken);
    }
    issuer.heal();
    expect(await other.chainctl(list), 'once it is well again').toMatchObject({ code: 0 });

    expireToken(other, platform.api);
    issuer.break('/sts/', answer(429, { code: 8, message: 'slow down' }, { 'retry-after': '1' }), 1);
    const told = await other.chainctl(['iam', 'organizations', 'list']);
    expect(told.code).toBe(0);
    expect(told.err).toMatch(/^127\.0\.0\.1:\d+ answered 429; trying again in 1 s\n$/);
  });

  test('silent: given up after half a minute, by the clock on the wall', async () => {
    const ran = await slowest;
    expectOneSentence(ran, 1, /^http:\/\/127\.0\.0\.1:\d+ did not answer within 30 s$/);
    expect(ran.ms).toBeGreaterThan(29_000);
    expect(ran.ms).toBeLessThan(40_000);
  });
});
