// What the sign-in page takes from an address, a form and a browser, piece by piece: what leads elsewhere, comes from another
// site, belongs to another browser or is over.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { grpcCodes } from '../../src/api/status.ts';
import { isPlatformUrl } from '../../src/local/core/loopback.ts';
import { StatusError } from '../../src/local/core/types.ts';
import {
  formTargets,
  PageError,
  readForm,
  readFormOfAnySite,
  refuseEmbedded,
  sendFailure,
  sendPage,
  sendRedirect,
} from '../../src/local/issuer/sign-in/answers.ts';
import {
  checkRedirect,
  type Destination,
  toConsoleLogin,
  toLoginRequest,
  waitingOf,
} from '../../src/local/issuer/sign-in/destination.ts';
import { createPendingLogins, type PendingLogin } from '../../src/local/issuer/sign-in/pending-logins.ts';
import { TestClock } from '../support/platform.ts';

const urls = {
  ...{ api: 'http://localhost:4711', issuer: 'http://localhost:4712', registry: 'http://localhost:4713' },
  console: 'http://localhost:4711/console',
};

/** What a person reads below the first line. */
function linesOf(work: () => unknown): readonly string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof PageError) return error.lines;
  }
  return [];
}

/** How it was refused, or what it gave. */
function outcome<T>(work: () => T): T | string {
  try {
    return work();
  } catch (error) {
    if (error instanceof PageError) return `page ${error.status} ${error.message}`;
    if (error instanceof StatusError) return `status ${error.code} ${error.message}`;
    throw error;
  }
}

/** An answer to a browser, as far as it can be seen. */
function answer() {
  const seen = { status: 0, ended: false, headers: new Map<string, unknown>(), body: '' };
  const put = (name: string, value: unknown) => seen.headers.set(name.toLowerCase(), value);
  const response = {
    setHeader: put,
    writeHead(status: number, headers: Record<string, unknown>) {
      seen.status = status;
      for (const [name, value] of Object.entries(headers)) put(name, value);
    },
    end(body = '') {
      seen.body = body;
      seen.ended = true;
    },
  };
  return { seen, response: response as unknown as ServerResponse };
}

describe('where tokens go', () => {
  test.each([
    'http://localhost:1/callback',
    'http://127.0.0.1:1',
    'http://127.9.9.9:5/',
    'http://[::1]:5/cb',
    'http://cli.localhost:5/x?y=z',
    // The platform’s host on another port is another program.
    'http://localhost:4714/',
    'http://localhost/',
  ])('to a program on this machine: %s', (text) => {
    expect(String(checkRedirect(text, urls))).toBe(new URL(text).href);
  });

  test.each([
    'https://localhost:1/',
    'http://evil.example/',
    'http://localhost.evil.example/',
    'http://127.0.0.1.evil.example/',
    'http://user@localhost:1/',
    'http://:secret@localhost:1/',
    'http://localhost:1/#x',
    'ftp://localhost/',
    'javascript:alert(1)',
    '//localhost:1/',
    'nonsense',
    // The platform itself, by any name and as each of its parts.
    'http://localhost:4711/',
    'http://127.0.0.1:4712/',
    'http://[::1]:4713/',
  ])('and nowhere else: %s', (text) => {
    expect(outcome(() => checkRedirect(text, urls))).toBe('page 400 This sign-in leads to another machine');
  });

  test.each([null, ''])('not where nobody said: %j', (text) => {
    expect(outcome(() => checkRedirect(text, urls))).toBe('page 400 Nobody asked for this sign-in');
  });

  test('to an address of at most 2048 characters', () => {
    const text = `http://localhost:1/${'a'.repeat(2029)}`;
    expect(checkRedirect(text, urls).href).toBe(text);
    expect(outcome(() => checkRedirect(`${text}a`, urls))).toMatch(/^page 400/);
  });

  test('the port is http’s own where neither names one', () => {
    const own = { ...urls, issuer: 'http://localhost' };
    expect(outcome(() => checkRedirect('http://127.0.0.1:80/', own))).toMatch(/^page 400/);
    const secure = { ...urls, issuer: 'https://localhost' };
    expect(String(checkRedirect('http://127.0.0.1/', secure))).toBe('http://127.0.0.1/');
    expect(outcome(() => checkRedirect('http://127.0.0.1:443/', secure))).toMatch(/^page 400/);
    // A platform that is called something else owns that name, and not this machine.
    const named = { ...urls, api: 'http://p.example:9', issuer: 'http://p.example:9', registry: 'http://p.example:9' };
    expect(String(checkRedirect('http://localhost:9/', { ...named, console: named.api }))).toBe('http://localhost:9/');
    expect(isPlatformUrl(new URL('http://p.example:9/x'), named)).toBe(true);
    expect(isPlatformUrl(new URL('http://q.example:9/x'), named)).toBe(false);
  });

  test('forms lead there, and to localhost, where such programs lead on', () => {
    const targets = (text: string) => [...formTargets(new URL(text))];
    expect(targets('http://127.0.0.1:5/x')).toEqual(['http://127.0.0.1:5', 'http://localhost:5']);
    expect(targets('http://localhost/')).toEqual(['http://localhost:80']);
    expect(targets('http://[::1]:5/')).toEqual(['http://*:5', 'http://localhost:5']);
  });
});

describe('what a program asks for', () => {
  const ask = (query: string) =>
    outcome(() => toLoginRequest(new URLSearchParams(query), new URL('http://localhost:1/'), urls));
  const id = `${'a'.repeat(40)}/${'b'.repeat(16)}`;
  const plain = {
    ...{ redirect: new URL('http://localhost:1/'), audience: [urls.api], scopes: [], identity: undefined },
    ...{ register: true, invite: undefined, refreshable: false },
  };

  test.each<[query: string, wanted: object]>([
    ['', {}],
    ['exit=redirect', {}],
    ['audience=a,,b', { audience: ['a', 'b'] }],
    ['audience=,', {}],
    ['skip_registration=true', { register: false }],
    ['skip_registration=yes', {}],
    ['skip_registration=true&invite=code', { invite: 'code' }],
    ['create_refresh_token=true', { refreshable: true }],
    ['create_refresh_token=1', {}],
    [`identity=${id}`, { identity: id }],
    // Escaped once more than an address needs.
    ['scope=a%252Fb&scope=c%2Bd', { scopes: ['a/b', 'c d'] }],
    ['response_type=token', {}],
  ])('%s', (query, wanted) => {
    expect(ask(query)).toEqual({ ...plain, ...wanted });
  });

  test.each([
    ['exit=stay', 'status 3 exit "stay" is not known'],
    ['identity=name', 'status 3 "name" is not the id of an identity'],
    ['scope=%25zz', 'status 3 scope "%zz" is not well escaped'],
    ['code_challenge=x', 'status 3 this issuer hands out tokens and no authorization codes'],
    ['code_challenge=', 'status 3 this issuer hands out tokens and no authorization codes'],
    ['response_type=code', 'status 3 this issuer hands out tokens and no authorization codes'],
    ['response_type=token+code', 'status 3 this issuer hands out tokens and no authorization codes'],
  ])('refused: %s', (query, wanted) => {
    expect(ask(query)).toBe(wanted);
  });

  test.each([
    ['/console', '/console'],
    ['/console/groups?a=b', '/console/groups?a=b'],
    ['/console/', '/console/'],
    ['/console?a', '/console?a'],
    ...['', '/', '/consoles', 'console', '//evil.example', 'https://evil.example/console', '/oauth'].map((bad) => [
      bad,
    ]),
    ...['/console/\\evil', '/console/ a', '/console/\n', '/console#x'].map((bad) => [bad]),
    ['x/console'],
  ])('a sign-in to the console goes on to %j', (next, wanted = '/console') => {
    expect(toConsoleLogin(new URLSearchParams({ next, invite: '' }))).toEqual({ next: wanted, invite: undefined });
  });

  test('but not by an address that has no end', () => {
    const next = `/console/${'a'.repeat(2039)}`;
    expect(toConsoleLogin(new URLSearchParams({ next })).next).toBe(next);
    expect(toConsoleLogin(new URLSearchParams({ next: `${next}a` })).next).toBe('/console');
  });

  test('and takes an invite along', () => {
    expect(toConsoleLogin(new URLSearchParams({ invite: 'code' }))).toEqual({ next: '/console', invite: 'code' });
  });

  test('a person compares a code where the program is on another device, and sees the host where it is here', () => {
    const here: Destination = { kind: 'redirect', ...plain, redirect: new URL('http://localhost:1/x') };
    expect(waitingOf(here)).toEqual({ kind: 'here', client: 'localhost:1' });
    expect(waitingOf({ kind: 'device', key: 'k', userCode: 'bcdf-ghjk', clientId: 'c' })).toEqual({
      kind: 'elsewhere',
      check: 'BCDF-GHJK',
    });
    expect(waitingOf({ kind: 'console', next: '/console', invite: undefined })).toEqual({ kind: 'console' });
  });
});

describe('a request of another site', () => {
  const headers = (site: string | undefined, kind?: string) => ({
    ...(site === undefined ? {} : { 'sec-fetch-site': site }),
    ...(kind === undefined ? {} : { 'sec-fetch-dest': kind }),
  });
  const embedded = 'page 403 This sign-in was asked for by another site';

  test.each<[site: string | undefined, kind: string | undefined, wanted: string | undefined]>([
    [undefined, undefined, undefined],
    [undefined, 'image', undefined],
    ['none', 'document', undefined],
    ['none', 'empty', undefined],
    ['same-origin', 'iframe', undefined],
    // A link.
    ['cross-site', 'document', undefined],
    ['same-site', 'document', undefined],
    ['cross-site', 'image', embedded],
    ['cross-site', 'iframe', embedded],
    ['cross-site', undefined, embedded],
    ['same-site', 'empty', embedded],
  ])('from %s as %s', (site, kind, wanted) => {
    expect(outcome(() => refuseEmbedded({ headers: headers(site, kind) } as IncomingMessage))).toBe(wanted);
  });

  const form = (body: string, more: object) => {
    const request = Readable.from([Buffer.from(body)]) as unknown as IncomingMessage;
    request.headers = { 'content-length': String(body.length), ...more };
    return request;
  };
  const read = (work: Promise<URLSearchParams>) => work.then(String, (error: Error) => error.message);

  test.each<[site: string | undefined, wanted: string]>([
    [undefined, 'a=b'],
    ['same-origin', 'a=b'],
    ...['same-site', 'cross-site', 'none', ''].map((site): [string, string] => [
      site,
      'This sign-in was sent from another site',
    ]),
  ])('sends a form from %j', async (site, wanted) => {
    expect(await read(readForm(form('a=b', headers(site))))).toBe(wanted);
    expect(await read(readFormOfAnySite(form('a=b', headers(site))))).toBe('a=b');
  });

  test('a form has at most 16 KiB', async () => {
    expect(await read(readForm(form('a'.repeat(16 * 1024), {})))).toBe(`${'a'.repeat(16 * 1024)}=`);
    expect(await read(readForm(form('a'.repeat(16 * 1024 + 1), {})))).toMatch('larger than 16384 bytes');
    const told = form('a'.repeat(16 * 1024 + 1), { 'content-length': undefined, 'transfer-encoding': 'chunked' });
    expect(await read(readForm(told))).toMatch('larger than 16384 bytes');
  });
});

describe('the way back to the program', () => {
  const redirect = (text: string, results: Record<string, string>) => {
    const { seen, response } = answer();
    sendRedirect(response, new URL(text), results);
    expect(seen.ended).toBe(true);
    return seen;
  };

  test('says what came of it, whatever its address said of that, and keeps the rest', () => {
    const given = 'http://localhost:1/cb?token=true&refresh_token=x&error=true&status_code=1&state=s';
    const { status, headers } = redirect(given, { token: 't', refresh_token: '' });
    expect([status, headers.get('location')]).toEqual([303, 'http://localhost:1/cb?state=s&token=t']);
    expect([headers.get('cache-control'), headers.get('referrer-policy')]).toEqual(['no-store', 'no-referrer']);
  });

  test('says a failure where the address says that it understands one, else the page does', () => {
    const refused = new StatusError(grpcCodes.PERMISSION_DENIED, 'no');
    const { seen, response } = answer();
    sendFailure(response, new URL('http://localhost:1/?error=true'), refused);
    expect(seen.headers.get('location')).toBe('http://localhost:1/?error=no&status_code=403');
    expect(outcome(() => sendFailure(response, new URL('http://localhost:1/'), refused))).toBe(
      'page 403 This sign-in cannot be done',
    );
  });

  test('a page runs nothing, is in no frame, and its forms lead only where it says', () => {
    const policy = (targets: readonly string[] | undefined) => {
      const { seen, response } = answer();
      sendPage(response, 200, { html: 'é', styleDigest: 'abc=' }, targets);
      expect([seen.headers.get('content-length'), seen.body]).toEqual([2, 'é']);
      expect(seen.headers.get('x-frame-options')).toBe('DENY');
      expect(seen.headers.get('cache-control')).toBe('no-store');
      expect(seen.headers.get('cross-origin-opener-policy')).toBe('same-origin');
      return String(seen.headers.get('content-security-policy')).split('; ');
    };
    const [first, style, , ...rest] = policy([]);
    expect([first, style, rest]).toEqual([
      "default-src 'none'",
      "style-src 'sha256-abc='",
      ["frame-ancestors 'none'", "base-uri 'none'"],
    ]);
    expect(policy(undefined)[2]).toBe("form-action 'none'");
    expect(policy([])[2]).toBe("form-action 'self'");
    expect(policy(['http://localhost:1', 'http://127.0.0.1:1'])[2]).toBe(
      "form-action 'self' http://localhost:1 http://127.0.0.1:1",
    );
  });
});

describe('a sign-in that waits', () => {
  const minutes = (count: number) => count * 60_000;

  function begin(issuer = urls.issuer) {
    const clock = new TestClock();
    const pending = createPendingLogins({ ...urls, issuer }, clock);
    const start = (destination: Destination = { kind: 'headless', code: 'x' }) => {
      const { seen, response } = answer();
      const login: PendingLogin = { destination, provider: undefined, trip: undefined };
      const state = pending.begin(response, login);
      const header = String(seen.headers.get('set-cookie'));
      return { login, state, header, cookie: header.split(';')[0] ?? '' };
    };
    const resume = (state: string, cookie?: string) =>
      outcome(() =>
        pending.resume({ headers: { ...(cookie === undefined ? {} : { cookie }) } } as IncomingMessage, state),
      );
    return { clock, pending, start, resume };
  }
  const over = 'page 400 This sign-in is over';
  const elsewhere = 'page 403 This sign-in began in another browser';
  const program = (port: number): Destination => ({
    ...{
      kind: 'redirect',
      redirect: new URL(`http://localhost:${port}/`),
      audience: [],
      scopes: [],
      identity: undefined,
    },
    ...{ register: false, invite: undefined, refreshable: false },
  });

  test('goes on in the browser that began it, with its own cookie among others', () => {
    const { start, resume } = begin();
    const [mine, other] = [start(), start()];
    for (const good of [mine.cookie, `a=b; ${mine.cookie}`, `${other.cookie};${mine.cookie}; c`]) {
      expect(resume(mine.state, good), good).toBe(mine.login);
    }
    const [name, value] = mine.cookie.split('=');
    const foreign = other.cookie.split('=')[1];
    for (const bad of [undefined, '', name, `${name}=`, `${name}=${foreign}`, `x${name}=${value}`, other.cookie]) {
      expect(resume(mine.state, bad), bad).toBe(elsewhere);
    }
    expect(resume('x', mine.cookie)).toBe(over);
    expect(resume('', mine.cookie)).toBe(over);
  });

  test('its cookie is for the sign-in alone, out of reach of scripts, and encrypted where the page is', () => {
    const shape = /^chainctl-sign-in-[0-9a-f]{16}=[\w-]{43}; Path=\/oauth; Max-Age=600; HttpOnly; SameSite=Lax/;
    expect(begin().start().header.replace(shape, '')).toBe('');
    expect(begin('https://issuer.example').start().header.replace(shape, '')).toBe('; Secure');
  });

  test('is over once it was used, and its cookie with it', () => {
    const { pending, start, resume } = begin();
    const [mine, other] = [start(), start()];
    const { seen, response } = answer();
    pending.useUp(response, mine.state);
    expect(seen.headers.get('set-cookie')).toMatch(/^chainctl-sign-in-[0-9a-f]{16}=; Path=\/oauth; Max-Age=0; /);
    expect(resume(mine.state, mine.cookie)).toBe(over);
    expect(resume(other.state, other.cookie)).toBe(other.login);
  });

  test('is over after ten minutes, to the millisecond, and one that began later is not', () => {
    const { clock, start, resume } = begin();
    const first = start();
    clock.advance(1);
    const second = start();
    clock.advance(minutes(10) - 2);
    expect(resume(first.state, first.cookie)).toBe(first.login);
    clock.advance(1);
    expect(resume(first.state, first.cookie)).toBe(over);
    expect(resume(second.state, second.cookie)).toBe(second.login);
  });

  test('twenty wait for one program, for the console, for devices of one kind; the next of another is no matter', () => {
    const { clock, start } = begin();
    const device = (clientId: string): Destination => ({ kind: 'device', key: 'k', userCode: 'c', clientId });
    const console: Destination = { kind: 'console', next: '/console', invite: undefined };
    for (const [full, free] of [
      [program(1), program(2)],
      [device('one'), device('two')],
      [{ kind: 'headless', code: 'x' }, undefined],
      [console, undefined],
    ] as [Destination, Destination | undefined][]) {
      for (let count = 0; count < 20; count += 1) start(full);
      expect(outcome(() => start(full))).toBe('page 429 Too many sign-ins are waiting');
      expect(linesOf(() => start(full))[0]).toMatch(/^20 wait for .* already, which is the most for one origin\.$/);
      if (free !== undefined) start(free);
    }
    clock.advance(minutes(10));
    start(program(1));
  });

  test('two thousand wait in all', () => {
    const { start } = begin();
    const device = (at: number): Destination => ({
      kind: 'device',
      key: 'k',
      userCode: 'c',
      clientId: `${Math.floor(at / 20)}`,
    });
    for (let count = 0; count < 2_000; count += 1) start(device(count));
    expect(outcome(() => start(device(2_000)))).toBe('page 429 Too many sign-ins are waiting');
    expect(linesOf(() => start(device(2_000)))[0]).toBe('More than 2000 wait on this platform.');
  });
});
