import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { authWorld } from '../support/auth-world.ts';
import { temporaryFolder } from '../support/platform.ts';
import { runCli } from '../support/run-cli.ts';
import { makeToken } from '../support/tokens.ts';

test('shows what a token says without its signature, offline, and that nothing was verified', async () => {
  const token = makeToken({ iss: 'https://ci.example', aud: 'me', exp: 1_000, evil: 'a\u001b[31m\n  issuer  "x"' });
  const seen = await runCli(['auth', 'token', 'inspect'], { stdin: token, env: {} });
  expect(seen.code).toBe(0);
  expect(seen.out).toContain('  issuer     "https://ci.example"\n');
  expect(seen.out).toMatch(/expires {4}1970-01-01T00:16:40Z \(\d+ days ago\), so it is refused/);
  expect(seen.out).toContain('"a\\u001b[31m\\n  issuer  \\"x\\""');
  expect(seen.out).toContain('Nothing was verified');
  expect(seen.out).not.toContain(token.split('.')[2]);
  const json = JSON.parse((await runCli(['auth', 'token', 'inspect', '-', '-ojson'], { stdin: token })).out);
  expect(json).toMatchObject({ verified: false, claims: { iss: 'https://ci.example' }, header: { alg: 'RS256' } });
});

test('--verify believes what the issuer has signed, and nothing else', async () => {
  const world = await authWorld();
  const good = await world.workflow('acme/app', 'refs/heads/main');
  const path = join(temporaryFolder(), 'token.jwt');
  const inspect = (token: string) => {
    writeFileSync(path, token);
    return world.run(['auth', 'token', 'inspect', path, '--verify']);
  };
  expect(await inspect(good)).toMatchObject({ code: 0, out: expect.stringContaining('by a key of the issuer') });
  const [head, body] = good.split('.');
  const forged = makeToken(JSON.parse(Buffer.from(body ?? '', 'base64url').toString()));
  expect(await inspect(`${head}.${body}.${forged.split('.')[2]}`)).toMatchObject({
    code: 1,
    err: 'error: The token is not to be believed: its signature is not by a key of its issuer\n',
  });
  world.clock.advance(2 * 3_600_000);
  expect((await inspect(good)).err).toContain('token is expired');
});

test.each([
  ['', 'There is no token in standard input'],
  ['no token', 'It is not a JSON Web Token: it has no header and claims that can be read'],
])('%j on standard input is refused in a sentence', async (stdin, sentence) => {
  const { code, err } = await runCli(['auth', 'token', 'inspect', '-'], { stdin });
  expect([code, err.split('\n')[0]]).toEqual([2, `error: ${sentence}`]);
});
