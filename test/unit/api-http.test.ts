// What the API client sends again, renews, waits for and refuses, against stub servers on loopback.

import { describe, expect, test } from 'vitest';
import { createApiClient } from '../../src/api/client.ts';
import { type ApiOptions, callPath, type Exchange, placeOf, readLines } from '../../src/api/http.ts';
import { operations } from '../../src/api/schema/operations.gen.ts';
import { closeTransport } from '../../src/api/transport.ts';
import { CliError } from '../../src/errors.ts';
import { fakeHost } from '../support/fake-host.ts';
import { type StubReply, type StubServer, stubServer } from '../support/stub-server.ts';

const read: Exchange = { method: 'GET', path: '/x', name: 'iam.v1.X', idempotent: true };
const write: Exchange = { method: 'POST', path: '/x', name: 'iam.v1.X', idempotent: false, body: '{"a":1}' };

async function world(more: Partial<ApiOptions> = {}) {
  const server = await stubServer();
  const host = fakeHost({ now: Date.parse('2026-01-01T00:00:00Z') });
  const told: string[] = [];
  let bearers = 0;
  const options: ApiOptions = {
    host,
    baseUrl: `${server.url}/`,
    bearer: async (renew) => {
      if (renew) bearers += 1;
      return `token-${bearers}`;
    },
    signal: new AbortController().signal,
    onRetry: (reason) => told.push(reason),
    ...more,
  };
  /** Answers these in turn, and expects no request after them. */
  const answers = (exchange: Exchange, replies: readonly StubReply[]) => {
    for (const reply of replies) server.expect(`${exchange.method} ${exchange.path}`, reply);
  };
  const call = async (exchange: Exchange, replies: readonly StubReply[]): Promise<unknown> => {
    answers(exchange, replies);
    return callPath(options, exchange).finally(() => closeTransport(host));
  };
  return { server, host, options, told, answers, call };
}

const shown = (server: StubServer) => server.requests.map(({ headers }) => headers.authorization);
const refusal = (call: Promise<unknown>) =>
  call.then(
    (value) => expect.fail(`it answered ${JSON.stringify(value)}`),
    (error: CliError) => error,
  );

const ok: StubReply = { body: { fine: true } };
const busy: StubReply = { status: 503, body: {} };
const unauthorized: StubReply = { status: 401, body: { code: 16, message: 'expired' } };
const cut: StubReply = { reset: true };
const status = (code: number): StubReply => ({ status: code, body: {} });

test('a request carries its bearer, and says what it sends only when it sends something', async () => {
  const { server, call } = await world();
  expect(await call(read, [ok])).toEqual({ fine: true });
  await call(write, [ok]);
  expect(server.requests.map(({ headers, body }) => [headers.authorization, headers['content-type'], body])).toEqual([
    ['Bearer token-0', undefined, ''],
    ['Bearer token-0', 'application/json', '{"a":1}'],
  ]);
  expect(server.requests[0]?.headers.accept).toBe('application/json');
});

describe('renewing', () => {
  test.each([
    ['a refused token', read, [unauthorized, ok], ['token-0', 'token-1']],
    ['a refused token of a request that may not be sent twice', write, [unauthorized, ok], ['token-0', 'token-1']],
    ['after a busy answer', read, [busy, unauthorized, ok], ['token-0', 'token-0', 'token-1']],
    ['after a cut connection', read, [cut, unauthorized, ok], ['token-0', 'token-0', 'token-1']],
    ['and the new one stays for what is sent again', read, [unauthorized, busy, ok], ['token-0', 'token-1', 'token-1']],
  ] as const)('%s', async (_, exchange, replies, tokens) => {
    const { server, call } = await world();
    expect(await call(exchange, replies)).toEqual({ fine: true });
    expect(shown(server)).toEqual(tokens.map((token) => `Bearer ${token}`));
  });

  test.each([
    ['twice in a row', [unauthorized, unauthorized]],
    ['again after a busy answer', [unauthorized, busy, unauthorized]],
  ] as const)('happens once: refused %s is an error', async (_, replies) => {
    const { server, call } = await world();
    const error = await refusal(call(read, replies));
    expect(error).toMatchObject({ kind: 'auth', code: 'auth.refused', message: 'Not authenticated: expired' });
    expect(server.requests).toHaveLength(replies.length);
  });
});

describe('sending again', () => {
  const repeated = (reply: StubReply) => [reply, reply, reply, reply];

  test.each([429, 502, 503, 504])(
    '%i is tried four times in all, each wait longer than the one before',
    async (code) => {
      const { host, told, server, call } = await world();
      await refusal(call(read, repeated(status(code))));
      expect(host.sleeps).toHaveLength(3);
      for (const [index, wait] of host.sleeps.entries()) {
        expect(wait).toBeGreaterThanOrEqual(250 * 2 ** index);
        expect(wait).toBeLessThanOrEqual(500 * 2 ** index);
      }
      expect(told).toEqual(Array(3).fill(`${new URL(server.url).host} answered ${code}`));
    },
  );

  test.each([400, 403, 404, 409, 500, 501])('%i is final', async (code) => {
    const { host, call } = await world();
    await refusal(call(read, [status(code)]));
    expect(host.sleeps).toEqual([]);
  });

  test.each([502, 503, 504])('%i of what may not be sent twice is final', async (code) => {
    const { host, call } = await world();
    await refusal(call(write, [status(code)]));
    expect(host.sleeps).toEqual([]);
  });

  test('429 says that nothing was done, so anything is sent again', async () => {
    const { call } = await world();
    expect(await call(write, [status(429), ok])).toEqual({ fine: true });
  });

  test('a cut connection is tried again only where that is safe, and not for ever', async () => {
    const { told, call } = await world();
    expect(await call(read, [cut, ok])).toEqual({ fine: true });
    expect(told).toEqual(['the connection was cut']);
    expect(await refusal(call(write, [cut]))).toMatchObject({ kind: 'network' });
    expect(await refusal(call(read, repeated(cut)))).toMatchObject({ kind: 'network' });
  });

  test('nothing listening is told at once', async () => {
    const { host, call } = await world({ baseUrl: 'http://127.0.0.1:9' });
    expect(await refusal(call(read, []))).toMatchObject({ kind: 'network' });
    expect(host.sleeps).toEqual([]);
  });

  test.each([
    ['7', 7_000],
    ['60', 60_000],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:00:09 GMT', 9_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ])('Retry-After %s is obeyed', async (header, wait) => {
    const { host, call } = await world();
    await call(read, [{ ...busy, headers: { 'retry-after': header } }, ok]);
    expect(host.sleeps).toEqual([wait]);
  });

  test.each(['61', 'Thu, 01 Jan 2026 00:01:01 GMT'])('nobody waits for Retry-After %s', async (header) => {
    const { host, call } = await world();
    expect(await refusal(call(read, [{ ...busy, headers: { 'retry-after': header } }]))).toMatchObject({
      code: 'api.failed',
    });
    expect(host.sleeps).toEqual([]);
  });

  test('waits differ by chance, so that many clients do not return together', async () => {
    const { host, call } = await world();
    await refusal(call(read, repeated(busy)));
    expect(host.sleeps).not.toEqual([250, 500, 1000]);
  });

  test.each([
    ['of the client', { timeoutMs: 50 }, {}],
    ['of the call, which counts more', { timeoutMs: 60_000 }, { timeoutMs: 50 }],
  ])('silence beyond the time %s is told at once', async (_, options, exchange) => {
    const { host, call } = await world(options);
    expect(await refusal(call({ ...read, ...exchange }, [{ delayMs: 1_000, body: {} }]))).toMatchObject({
      kind: 'timeout',
    });
    expect(host.sleeps).toEqual([]);
  });

  test('Ctrl-C ends the wait', async () => {
    const controller = new AbortController();
    const { call } = await world({ signal: controller.signal, onRetry: () => controller.abort(new Error('stop')) });
    await expect(call(read, [busy])).rejects.toThrow('stop');
  });
});

describe('a redirect', () => {
  test('is no answer, and the bearer does not follow it', async () => {
    const other = await stubServer();
    const { server, call } = await world();
    const error = await refusal(call(read, [{ status: 307, headers: { location: `${other.url}/x?secret` } }]));
    expect(other.requests).toEqual([]);
    expect(error).toMatchObject({ kind: 'api', code: 'api.redirect' });
    expect(error.message).toBe(`${server.url} answers with a redirect to ${other.url}, which is not followed`);
  });

  test.each([
    [{ location: '/elsewhere' }, ' to ORIGIN'],
    [{ location: 'http://[' }, ''],
    [{}, ''],
  ])('%j is told as far as it says', async (headers, where) => {
    const { server, call } = await world();
    const error = await refusal(call(write, [{ status: 302, headers }]));
    const told = where.replace('ORIGIN', server.url);
    expect(error.message).toBe(`${server.url} answers with a redirect${told}, which is not followed`);
  });
});

test.each([
  ['the reason why there is no token', new CliError('network', 'The issuer is away', { code: 'network.refused' })],
  ['a defect', new TypeError('x is not a function')],
])('%s is told as it is, without what the platform said before', async (_, error) => {
  const { call } = await world({ bearer: (renew) => (renew ? Promise.reject(error) : Promise.resolve('token')) });
  expect(await refusal(call(read, [unauthorized]))).toBe(error);
});

test('a login that is refused is not called another reason’s, and the platform’s own is told', async () => {
  const { call } = await world({
    bearer: async (renew) => {
      if (renew)
        throw new CliError('auth', 'Not authenticated', { code: 'auth.no-login', hint: 'log in', details: ['why'] });
      return 'token';
    },
  });
  const gone = { status: 401, body: { code: 16, message: 'the identity of the token no longer exists.' } };
  expect(await refusal(call(read, [gone]))).toMatchObject({
    ...{ kind: 'auth', code: 'auth.no-login', hint: 'log in', message: 'Not authenticated' },
    details: ['The platform says: the identity of the token no longer exists', 'why'],
  });
  expect((await refusal(call(read, [{ status: 401, body: 'no' }]))).details).toEqual(['why']);
});

describe('what failures say', () => {
  test.each([
    [400, { code: 3, message: 'name is required' }, 'api', 'api.refused', 'Name is required'],
    [400, { code: 9, message: 'group is not empty.' }, 'api', 'api.refused', 'Group is not empty'],
    [400, { code: 11, message: 'page is past the end' }, 'api', 'api.refused', 'Page is past the end'],
    [404, { code: 5, message: 'abc/def not found' }, 'not-found', 'api.not-found', 'abc/def not found'],
    [409, { code: 6, message: 'name is taken' }, 'conflict', 'api.conflict', 'Name is taken'],
    [409, { code: 10, message: 'etag: changed' }, 'conflict', 'api.conflict', 'etag: changed'],
    [403, { code: 7, message: 'missing: x' }, 'permission', 'api.permission-denied', 'Permission denied: missing: x'],
    [401, { code: 16, message: '' }, 'auth', 'auth.refused', 'Not authenticated: the token was refused'],
    [400, { code: 3, message: ' see a.b.c. ' }, 'api', 'api.refused', 'See a.b.c'],
    [403, { code: 7, message: 'role x missing: y' }, 'permission', 'api.permission-denied', 'Role x missing: y'],
    [300, {}, 'api', 'api.redirect', 'ORIGIN answers with a redirect, which is not followed'],
    [429, { code: 8, message: '' }, 'api', 'api.rate-limited', 'ORIGIN asks to slow down'],
    [429, { code: 8, message: 'quota used' }, 'api', 'api.rate-limited', 'Quota used'],
    [501, { code: 12, message: 'no' }, 'api', 'api.unimplemented', 'ORIGIN does not offer iam.v1.X'],
    [500, { code: 13, message: 'internal error' }, 'api', 'api.failed', 'Internal error'],
    // The code in the body wins over the status; a status alone speaks for itself.
    [500, { code: 5, message: 'gone' }, 'not-found', 'api.not-found', 'Gone'],
    [404, '<html>', 'not-found', 'api.not-found', 'ORIGIN answered 404'],
    [409, '{"message": "half', 'conflict', 'api.conflict', 'ORIGIN answered 409'],
    [403, { code: 'x', message: 7 }, 'permission', 'api.permission-denied', 'ORIGIN answered 403'],
    [418, {}, 'api', 'api.failed', 'ORIGIN answered 418'],
  ])('%i %j', async (code, body, kind, reason, message) => {
    const { server, call } = await world();
    const tries = code === 401 ? 2 : code === 429 ? 4 : 1;
    const error = await refusal(call({ ...read, path: '/x?secret=1' }, Array(tries).fill({ status: code, body })));
    expect(error).toMatchObject({ kind, code: reason, message: message.replace('ORIGIN', server.url) });
    for (const text of [error.message, String(error.cause), String(error.hint)])
      expect(text).not.toMatch(/secret|token-/);
  });

  test.each([
    ['a page', '<html>hello</html>'],
    ['text', 'fine'],
    ['half a document', '{"a":'],
    ['nothing', ''],
    ['a word', '"fine"'],
    ['a number', '7'],
    ['null', 'null'],
    ['text with a document in it', 'fine {"a":1}'],
    ['a document without bottom', `${'['.repeat(5_000)}${']'.repeat(5_000)}`],
  ])('%s with a good status is not the API', async (_, body) => {
    const { call } = await world();
    expect(await refusal(call(read, [{ body }]))).toMatchObject({ kind: 'api', code: 'api.not-json' });
  });
});

describe('a call', () => {
  async function called(id: 'iam.v1.Groups.List' | 'iam.v1.Groups.Delete', message: object, reply?: StubReply) {
    const { server, host, options } = await world();
    if (reply !== undefined)
      server.expect(id.endsWith('List') ? 'GET /iam/v1/groups' : 'DELETE /iam/v1/groups/a', reply);
    return createApiClient(options)
      .call(id, message as never)
      .finally(() => closeTransport(host));
  }

  test('answers what the operation says', async () => {
    expect(await called('iam.v1.Groups.List', {}, { body: { items: [{ name: 'a' }] } })).toEqual({
      items: [{ name: 'a' }],
    });
  });

  test.each([
    ['a page', '<html></html>'],
    ['a word', '"fine"'],
    ['another message', { items: 'many' }],
    ['half a document', '{"items":['],
  ])('that is answered with %s did not reach the API', async (_, body) => {
    expect(await refusal(called('iam.v1.Groups.List', {}, { body }))).toMatchObject({ code: 'api.not-json' });
  });

  test('that cannot be put into an address is the fault of who typed it, and asks nobody', async () => {
    const error = await refusal(called('iam.v1.Groups.Delete', { id: '../x' }));
    expect(error).toMatchObject({ kind: 'usage' });
    expect(error.message).toContain('"id" must not contain');
  });
});

describe('where a call needs its capabilities', () => {
  const list = operations['iam.v1.Groups.List'];
  test.each<[what: string, scope: string | null, message: Record<string, unknown>, place: string | undefined]>([
    ['the field of its scope', 'parent', { parent: 'a' }, 'a'],
    ['a field within a field', 'uidp.children_of', { uidp: { childrenOf: 'a' } }, 'a'],
    ['a field of several words', 'parent_id', { parentId: 'a' }, 'a'],
    ['no other field', 'parent', { id: 'a', group: 'b' }, undefined],
    ['nothing that is empty', 'parent', { parent: '' }, undefined],
    ['nothing that is no text', 'parent', { parent: 7 }, undefined],
    ['nothing within what is missing', 'uidp.children_of', {}, undefined],
    ['without a scope, the first that names a place', null, { id: 'c', group: 'b' }, 'b'],
    ['without a scope, the next one for one that is empty', null, { parent: '', parentId: '', id: 'c' }, 'c'],
    ['without a scope, the parent before all', null, { parent: 'a', parentId: 'b', group: 'c', id: 'd' }, 'a'],
  ])('%s', (_, scope, message, place) => {
    expect(placeOf({ ...list, scope }, message)).toBe(place);
  });

  const token = (subject: string) =>
    `eyJhbGciOiJSUzI1NiJ9.${Buffer.from(JSON.stringify({ iss: 'i', sub: subject, aud: 'a', exp: 9e9 })).toString('base64url')}.x`;
  const denied = { status: 403, body: { code: 7, message: 'missing: groups.list' } };

  test.each<[what: string, place: string | undefined, bearer: string, reply: StubReply, hint: string]>([
    ['known', 'ab/cd', token('ef'), denied, 'see why with `chainctl iam access explain ef groups.list --on=ab/cd`'],
    ['unknown', undefined, token('ef'), denied, 'see what this login may do with `chainctl auth status`'],
    ['no id', 'name', token('ef'), denied, 'see what this login may do with `chainctl auth status`'],
    [
      'known, and who asks is not',
      'ab',
      token('robot x'),
      denied,
      'see what this login may do with `chainctl auth status`',
    ],
    ['known, and another refusal', 'ab', token('ef'), { status: 404, body: denied.body }, 'see why with `chainctl'],
    ['known, and it is not there', 'ab', token('ef'), { status: 404, body: { code: 5 } }, 'undefined'],
  ])('%s: the way to learn why', async (_, place, bearer, reply, hint) => {
    const { call } = await world({ bearer: async () => bearer });
    const error = await refusal(call({ ...read, ...(place === undefined ? {} : { place }) }, [reply]));
    expect(String(error.hint)).toContain(hint);
    if (reply === denied)
      expect(error).toMatchObject({ kind: 'permission', message: 'Permission denied: missing: groups.list' });
    expect(`${error.message} ${error.hint}`).not.toContain(bearer);
  });
});

describe('lists', () => {
  const path = '/iam/v1/groups';

  async function listed(reply: StubReply) {
    const { server, host, options } = await world();
    server.expect(`GET ${path}`, reply);
    const names: unknown[] = [];
    try {
      for await (const { name } of createApiClient(options).list('iam.v1.Groups.List', {})) names.push(name);
    } catch (error) {
      return { names, error };
    } finally {
      await closeTransport(host);
    }
    return { names, error: undefined };
  }

  test('are read whole', async () => {
    expect(await listed({ body: { items: [{ name: 'a' }, { name: 'b' }] } })).toEqual({ names: ['a', 'b'] });
    expect(await listed({ body: {} })).toEqual({ names: [] });
  });

  test.each([
    ['between items', '{"items":[{"name":"a"},'],
    ['in an item', '{"items":[{"name":"a"},{"na'],
    ['before the last brace', '{"items":[{"name":"a"}]'],
  ])('that end %s give what was whole, and an error', async (_, body) => {
    const { names, error } = await listed({ body });
    expect(names).toEqual(['a']);
    expect(error).toMatchObject({ kind: 'network', code: 'network.truncated' });
  });

  test.each([
    ['a page', '<html></html>', []],
    ['an item that is none', '{"items":[{"name":"a"},7]}', ['a']],
    ['an item that is not JSON', '{"items":[{"name":"a"},{name}]}', ['a']],
    ['something behind the list', '{"items":[{"name":"a"}]}{}', ['a']],
  ])('with %s are not the API', async (_, body, before) => {
    const { names, error } = await listed({ body });
    expect(names).toEqual(before);
    expect(error).toMatchObject({ code: 'api.not-json' });
  });

  test('whose connection is cut give what was whole, and say that it was cut', async () => {
    const { names, error } = await listed({ pieces: ['{"items":[{"name":"a"},'], reset: true });
    expect(names).toEqual(['a']);
    expect(error).toMatchObject({ kind: 'network' });
    expect(error).not.toMatchObject({ code: 'api.not-json' });
  });

  test('that are refused say why, and a refusal without end is not waited for', async () => {
    const refused = { status: 400, body: { code: 3, message: 'no such filter' } };
    expect((await listed(refused)).error).toMatchObject({ code: 'api.refused', message: 'No such filter' });
    const pieces = Array.from({ length: 80 }, () => ' '.repeat(64 * 1024));
    expect((await listed({ status: 400, pieces })).error).toMatchObject({ code: 'api.refused' });
  });

  test('are asked for again and renewed as everything else', async () => {
    const { server, host, options } = await world();
    for (const reply of [busy, unauthorized, { body: { items: [{ name: 'a' }] } }]) server.expect(`GET ${path}`, reply);
    const names: unknown[] = [];
    for await (const { name } of createApiClient(options).list('iam.v1.Groups.List', {})) names.push(name);
    await closeTransport(host);
    expect(names).toEqual(['a']);
    expect(shown(server)).toEqual(['Bearer token-0', 'Bearer token-0', 'Bearer token-1']);
  });
});

describe('lines', () => {
  async function lines(...pieces: (string | Uint8Array)[]) {
    const { host, options, answers } = await world();
    answers(read, [{ pieces }]);
    const found: unknown[] = [];
    let failure: unknown;
    try {
      for await (const line of readLines(options, read)) found.push(line);
    } catch (error) {
      failure = error;
    }
    await closeTransport(host);
    return { found, failure };
  }

  test('come one by one; blank ones and a last one cut short are not given', async () => {
    expect(await lines('{"a":1}\n\n  \n{"a":"é"}\n{"a":')).toEqual({ found: [{ a: 1 }, { a: 'é' }] });
  });

  test('are put together, wherever they were cut on their way', async () => {
    const bytes = Buffer.from('{"a":"é漢"}\n{"b":1}\n');
    for (const at of [7, 9, 10, 13]) {
      expect(await lines(bytes.subarray(0, at), bytes.subarray(at))).toEqual({ found: [{ a: 'é漢' }, { b: 1 }] });
    }
  });

  test('that are not JSON, or have no end, are not the API', async () => {
    const noJson = await lines('{"a":1}\nhello\n');
    expect(noJson).toMatchObject({ found: [{ a: 1 }], failure: { code: 'api.not-json' } });
    expect((await lines('x'.repeat(5 * 1024 * 1024))).failure).toMatchObject({ code: 'api.not-json' });
  });
});
