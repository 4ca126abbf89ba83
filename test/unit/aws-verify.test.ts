// Signed AWS requests: one request that is good, and the same with one thing wrong at a time. Nothing is asked of AWS for
// any of those, and of the good one AWS sees what was signed and no more.

import { describe, expect, test } from 'vitest';
import { createAwsVerifier } from '../../src/local/issuer/aws-verify.ts';
import { TestClock } from '../support/platform.ts';
import { type StubReply, stubServer } from '../support/stub-server.ts';
import { someIdentity } from '../support/tokens.ts';

const issuer = 'https://issuer.example.com';
const question = '/?Action=GetCallerIdentity&Version=2011-06-15';
const signedHeaders = 'chainguard-audience;chainguard-identity;host;x-amz-date';
const signature = 'f'.repeat(64);
const authorization = (headers = signedHeaders) =>
  `AWS4-HMAC-SHA256 Credential=ASIA/20260327/us-east-1/sts/aws4_request, SignedHeaders=${headers}, Signature=${signature}`;

// The clock stands at 2026-03-27T13:55:00.785Z.
const good: Readonly<Record<string, string>> = {
  Host: 'sts.amazonaws.com',
  'X-Amz-Date': '20260327T135500Z',
  'Chainguard-Audience': issuer,
  'Chainguard-Identity': someIdentity,
  Authorization: authorization(),
  Accept: 'application/json',
};

interface Wire {
  readonly start?: string;
  /** Lines after those of `headers`. */
  readonly more?: readonly string[];
  readonly end?: string;
}

const lines = (headers: Readonly<Record<string, string>>) =>
  Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
const wire = (headers: Readonly<Record<string, string>>, { start, more = [], end = '\r\n\r\n' }: Wire = {}) =>
  `${[start ?? `POST ${question} HTTP/1.1`, ...lines(headers), ...more].join('\r\n')}${end}`;
const encoded = (text: string) => Buffer.from(text, 'latin1').toString('base64');
const without = (name: string) => Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));

const verifierAt = (endpoint: string, clock = new TestClock()) =>
  createAwsVerifier({ endpoint, audiences: [issuer, 'https://alias.example.com'], clock });
/** No server is there: a request that is sent all the same fails in other words. */
const ask = (token: string, identity = someIdentity) => verifierAt('http://127.0.0.1:1')(token, identity);

const answer = {
  GetCallerIdentityResponse: {
    GetCallerIdentityResult: { Account: '123456789012', Arn: 'arn:aws:iam::123456789012:user/me', UserId: 'AIDA' },
  },
};
const caller = { account: '123456789012', arn: 'arn:aws:iam::123456789012:user/me', userId: 'AIDA' };

async function answered(reply: StubReply, text = wire(good), path = question) {
  const server = await stubServer();
  server.expect(`POST ${path}`, reply);
  const outcome = await verifierAt(server.url)(encoded(text), someIdentity).catch((error: Error) => error);
  return { outcome, request: server.requests[0] };
}

test('AWS is asked once, with every header that was signed and no body', async () => {
  const { outcome, request } = await answered({ body: answer });
  expect(outcome).toEqual(caller);
  expect(request?.body).toBe('');
  expect(request?.headers).toMatchObject({
    host: 'sts.amazonaws.com',
    'x-amz-date': '20260327T135500Z',
    'chainguard-audience': issuer,
    'chainguard-identity': someIdentity,
    authorization: authorization(),
    accept: 'application/json',
    'content-length': '0',
  });
});

test.each([
  ['without an end', wire(good, { end: '' })],
  ['with one line end', wire(good, { end: '\r\n' })],
  ['with a whole address', wire(without('Host'), { start: `POST https://sts.amazonaws.com${question} HTTP/1.1` })],
  ['with a whole address and its host', wire(good, { start: `POST https://sts.amazonaws.com${question} HTTP/1.1` })],
  ['for another name of the issuer', wire({ ...good, 'Chainguard-Audience': 'https://alias.example.com' })],
  ['with spaces around what it is bound to', wire({ ...good, 'Chainguard-Identity': `  ${someIdentity}  ` })],
  ['with spaces after its host', wire({ ...good, Host: 'sts.amazonaws.com  ' })],
  ['without a space before its host', wire(without('Host'), { more: ['Host:sts.amazonaws.com'] })],
  ['with tabs before its host', wire(without('Host'), { more: ['Host:\t\tsts.amazonaws.com'] })],
  [
    'with a whole address that is not secret',
    wire(good, { start: `POST http://sts.amazonaws.com${question} HTTP/1.1` }),
  ],
  ['of sixteen kibibytes', wire(good, { more: [`X-Pad: ${'a'.repeat(12 * 1024 - wire(good).length - 9)}`] })],
  ['with more headers signed', wire({ ...good, Authorization: authorization(`accept;${signedHeaders}`) })],
  ['with signed headers in capitals', wire({ ...good, Authorization: authorization(signedHeaders.toUpperCase()) })],
  ['signed a quarter of an hour ago', wire({ ...good, 'X-Amz-Date': '20260327T134001Z' })],
  ['signed by a clock that is five minutes fast', wire({ ...good, 'X-Amz-Date': '20260327T140000Z' })],
])('a request %s is good', async (_, text) => {
  expect((await answered({ body: answer }, text)).outcome).toEqual(caller);
});

test('an address in the question is no address of the request', async () => {
  const path = `${question}&from=https://evil.example/`;
  const { outcome } = await answered({ body: answer }, wire(good, { start: `POST ${path} HTTP/1.1` }), path);
  expect(outcome).toEqual(caller);
});

test('a header with the name of the host for its value is sent as it was signed', async () => {
  const start = `POST https://sts.amazonaws.com${question} HTTP/1.1`;
  const text = wire({ ...good, 'X-Was': 'sts.amazonaws.com' }, { start });
  expect((await answered({ body: answer }, text)).request?.headers['x-was']).toBe('sts.amazonaws.com');
});

test.each([
  ['20260327T134000Z', 'nothing'],
  ['20260327T133959Z', 'it has expired'],
  ['20260327T140000Z', 'nothing'],
  ['20260327T140001Z', 'it is dated in the future'],
])('at five to two, a request of %s: %s is wrong', async (date, reason) => {
  const clock = new TestClock(Date.parse('2026-03-27T13:55:00Z'));
  const sent = verifierAt('http://127.0.0.1:1', clock)(encoded(wire({ ...good, 'X-Amz-Date': date })), someIdentity);
  await expect(sent).rejects.toThrow(reason === 'nothing' ? 'AWS cannot be asked: it cannot be reached' : reason);
});

test('AWS answers at most 64 KiB', async () => {
  const of = (size: number) => JSON.stringify(answer).padEnd(size);
  const { outcome } = await answered({ body: of(64 * 1024) });
  expect(outcome).toEqual(caller);
  expect((await answered({ body: of(64 * 1024 + 1) })).outcome).toMatchObject({ code: 14 });
});

const refusals: readonly (readonly [what: string, text: string, reason: string])[] = [
  ['has no host', wire(without('Host')), 'it is not a request to AWS'],
  ['goes to another host', wire({ ...good, Host: 'sts.eu-west-1.amazonaws.com' }), 'it is not a request to AWS'],
  [
    'goes to another host by its address',
    wire(without('Host'), { start: `POST https://evil.example${question} HTTP/1.1` }),
    'it is not a request to AWS',
  ],
  [
    'names two hosts',
    wire(good, { start: `POST https://evil.example${question} HTTP/1.1` }),
    'the header "host" is there more than once',
  ],
  ...['Authorization', 'Host', 'X-Amz-Date', 'Chainguard-Audience', 'Chainguard-Identity'].map(
    (name) =>
      [
        `has ${name} twice`,
        wire(good, { more: [`${name}: ${good[name]}`] }),
        `the header "${name.toLowerCase()}" is there more than once`,
      ] as const,
  ),
  [
    'has a word before its first line',
    wire(good, { start: `x POST ${question} HTTP/1.1` }),
    'it is not a well-formed request',
  ],
  [
    'has a word after its first line',
    wire(good, { start: `POST ${question} HTTP/1.1x` }),
    'it is not a well-formed request',
  ],
  ['has a letter before its date', wire({ ...good, 'X-Amz-Date': 'x20260327T135500Z' }), 'it has no date'],
  ['has a letter after its date', wire({ ...good, 'X-Amz-Date': '20260327T135500Zx' }), 'it has no date'],
  ['has no authorization', wire(without('Authorization')), 'it is not signed'],
  [
    'has another scheme',
    wire({ ...good, Authorization: authorization().replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256') }),
    'it is not signed',
  ],
  [
    'lists its signed headers twice',
    wire({ ...good, Authorization: `${authorization('host')}, SignedHeaders=${signedHeaders}` }),
    'it is not signed',
  ],
  [
    'lists no signed headers',
    wire({ ...good, Authorization: 'AWS4-HMAC-SHA256 Credential=a/b, Signature=00' }),
    'it is not signed',
  ],
  ...signedHeaders.split(';').map(
    (name) =>
      [
        `does not sign ${name}`,
        wire({
          ...good,
          Authorization: authorization(
            signedHeaders
              .split(';')
              .filter((one) => one !== name)
              .join(';'),
          ),
        }),
        `its signature does not cover the header "${name}"`,
      ] as const,
  ),
  [
    'signs a header of a longer name only',
    wire({ ...good, Authorization: authorization(signedHeaders.replace('host', 'host2')) }),
    'its signature does not cover the header "host"',
  ],
  [
    'is for another issuer',
    wire({ ...good, 'Chainguard-Audience': 'https://other.example.com' }),
    'its audience "https://other.example.com" is another issuer',
  ],
  ['is for no issuer', wire(without('Chainguard-Audience')), 'its audience "" is another issuer'],
  [
    'is for another identity',
    wire({ ...good, 'Chainguard-Identity': `${someIdentity.slice(0, -1)}0` }),
    `it is for the identity "${someIdentity.slice(0, -1)}0"`,
  ],
  ['is for no identity', wire(without('Chainguard-Identity')), 'it is for the identity ""'],
  ['has no date', wire(without('X-Amz-Date')), 'it has no date'],
  ['has half a date', wire({ ...good, 'X-Amz-Date': '20260327' }), 'it has no date'],
  ['has a date that is not in the calendar', wire({ ...good, 'X-Amz-Date': '20261327T135500Z' }), 'it has no date'],
  ['is older than a quarter of an hour', wire({ ...good, 'X-Amz-Date': '20260327T134000Z' }), 'it has expired'],
  ['is more than five minutes early', wire({ ...good, 'X-Amz-Date': '20260327T140001Z' }), 'it is dated in the future'],
  ['is not a POST', wire(good, { start: `GET ${question} HTTP/1.1` }), 'it is not a POST request'],
  [
    'is of another version of HTTP',
    wire(good, { start: `POST ${question} HTTP/1.0` }),
    'it is not a well-formed request',
  ],
  ['has a body', wire(good, { end: '\r\n\r\nAction=AssumeRole' }), 'it has a body'],
  [
    'asks for something else',
    wire(good, { start: 'POST /?Action=AssumeRole HTTP/1.1' }),
    'it does not ask for the caller’s identity',
  ],
  [
    'asks for something else first',
    wire(good, { start: 'POST /?Action=AssumeRole&Action=GetCallerIdentity HTTP/1.1' }),
    'it does not ask for the caller’s identity',
  ],
  [
    'asks at another path',
    wire(good, { start: `POST /other${question} HTTP/1.1` }),
    'it does not ask for the caller’s identity',
  ],
  [
    'asks at another host by its path',
    wire(good, { start: `POST //evil.example${question} HTTP/1.1` }),
    'it does not ask for the caller’s identity',
  ],
  [
    'has a target without a slash',
    wire(good, { start: 'POST ?Action=GetCallerIdentity HTTP/1.1' }),
    'it does not ask for the caller’s identity',
  ],
  [
    'has an address that is none',
    wire(good, { start: `POST https://[${question} HTTP/1.1` }),
    'it is not a well-formed request',
  ],
  ['has a header without a colon', wire(good, { more: ['X-Other'] }), 'it is not a well-formed request'],
  [
    'has a header with a control character',
    wire(good, { more: ['X-Other: a\x01b'] }),
    'it is not a well-formed request',
  ],
  [
    'has a header with a bare line feed',
    wire(good, { more: ['X-Other: a\nHost: evil'] }),
    'it is not a well-formed request',
  ],
  ['has a header name with a space', wire(good, { more: ['X Other: a'] }), 'it is not a well-formed request'],
];

describe('refused before anybody is asked is one that', () => {
  test.each(refusals)('%s', async (_, text, reason) => {
    await expect(ask(encoded(text))).rejects.toMatchObject({
      code: 7,
      message: `the signed AWS request is not good: ${reason}`,
    });
  });

  test.each([
    ['is not base64', 'Zm9v!'],
    ['begins with something else', `!${encoded(wire(good))}`],
    ['has more padding than there is', 'Zm9v==='],
    ['is empty', ''],
    ['is longer than any request', encoded(wire(good, { more: [`X-Other: ${'a'.repeat(16_000)}`] }))],
  ])('%s', async (_, token) => {
    await expect(ask(token)).rejects.toMatchObject({ code: 7, message: expect.stringContaining('not well encoded') });
  });

  test('is for an identity that begins like the one asked for', async () => {
    await expect(ask(encoded(wire(good)), `${someIdentity}0`)).rejects.toMatchObject({ code: 7 });
  });
});

test('the other alphabet of base64 is read too', async () => {
  const server = await stubServer();
  server.expect(`POST ${question}`, { body: answer });
  const token = Buffer.from(wire(good, { more: ['X-Other: ~~~???>>>'] }), 'latin1').toString('base64url');
  expect(token).toMatch(/[-_]/);
  expect(await verifierAt(server.url)(token, someIdentity)).toEqual(caller);
});

describe('an answer of AWS', () => {
  const result = answer.GetCallerIdentityResponse.GetCallerIdentityResult;
  const lacking = (name: string) => ({
    GetCallerIdentityResponse: { GetCallerIdentityResult: { ...result, [name]: undefined } },
  });

  test.each([
    ['that refuses', { status: 403, body: { Error: { Code: 'SignatureDoesNotMatch' } } }],
    ['that refuses and names somebody', { status: 403, body: answer }],
    ['that is a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' }, body: answer }],
    ['of another shape', { body: { GetCallerIdentityResponse: [] } }],
    ['that is not JSON', { body: '<html>' }],
    ['without an account', { body: lacking('Account') }],
    ['without an ARN', { body: lacking('Arn') }],
    ['without a user', { body: lacking('UserId') }],
    [
      'with an account that is a number',
      { body: { GetCallerIdentityResponse: { GetCallerIdentityResult: { ...result, Account: 1 } } } },
    ],
  ])('%s proves nothing', async (_, reply) => {
    expect((await answered(reply)).outcome).toMatchObject({
      code: 7,
      message: 'the signed AWS request is not good: AWS does not accept it',
    });
  });

  test.each([
    ['says that it is busy', { status: 429, body: answer }, 'it answers with HTTP status 429'],
    ['says that it failed', { status: 500, body: answer }, 'it answers with HTTP status 500'],
    ['does not come', { reset: true }, 'it cannot be reached'],
    ['is longer than any', { body: JSON.stringify({ ...answer, more: 'a'.repeat(70_000) }) }, 'it cannot be reached'],
  ])('that %s can be asked for again', async (_, reply, reason) => {
    expect((await answered(reply)).outcome).toMatchObject({ code: 14, message: `AWS cannot be asked: ${reason}` });
  });
});
