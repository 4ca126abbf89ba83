// What is told about requests: with `--log-level debug` each of them, otherwise those that are sent again.

import { expect, test } from 'vitest';
import { signedIn } from '../support/signed-in.ts';

test.each([['-v=2'], ['--log-level=debug']])('%s tells each request, without query and token', async (flag) => {
  const { run } = await signedIn();
  const quiet = await run(['iam', 'organizations', 'list', '-o', 'id']);
  expect(quiet).toMatchObject({ code: 0, err: '' });
  const told = await run(['iam', 'organizations', 'list', '-o', 'id', flag]);
  expect(told).toMatchObject({ code: 0, out: quiet.out });
  expect(told.err).toMatch(/^(debug: GET http:\/\/127\.0\.0\.1:\d+\/iam\/v1\/groups: 200 after \d+ ms\n)+$/);
});

test('a request that has no answer is told as well', async () => {
  const { run } = await signedIn();
  const { err } = await run(['iam', 'organizations', 'list', '--api', 'http://127.0.0.1:1', '-v=2']);
  expect(err).toMatch(/^debug: GET http:\/\/127\.0\.0\.1:1\/iam\/v1\/groups: ECONNREFUSED after \d+ ms$/m);
});

test('what no second try can mend is said at once', async () => {
  const { run } = await signedIn();
  const env = { HTTP_PROXY: 'http://not a host' };
  const { code, err } = await run(['iam', 'organizations', 'list', '--api', 'http://platform.invalid'], { env });
  expect({ code, err }).toEqual({
    code: 2,
    err: 'error: HTTP_PROXY is not the address of a proxy\nhint: write it as "http://proxy.example.com:3128"\n',
  });
});
