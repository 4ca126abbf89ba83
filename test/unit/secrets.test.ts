import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/platform.ts';
import { refusePrintedSecrets, writtenSecrets } from '../support/secrets.ts';

// The watch over all other tests is itself tested: it must be able to fail.
const jwt = `${Buffer.from('{"alg":"RS256","kid":"1"}').toString('base64url')}.${Buffer.from('{"sub":"someone"}').toString('base64url')}.c2lnbmF0dXJl`;
const code = Buffer.from(JSON.stringify({ grp: 'a'.repeat(40), secret: 'b'.repeat(40) })).toString('base64');

test.each([
  ['chainctl iam identities list -o json', jwt, ''],
  ['chainctl auth status', '', jwt],
  ['chainctl auth token', '', `debug: ${jwt}`],
  ['chainctl auth token capabilities', jwt, ''],
  ['chainctl auth pull-token list', jwt, ''],
  ['chainctl iam invites list', code, ''],
  ['chainctl auth login --invite-code=x', '', `error: ${code}`],
  ['docker-credential-cgr list', jwt, ''],
  ['chainctl config view', '-----BEGIN RSA PRIVATE KEY-----', ''],
])('%s must not print it', (command, out, err) => {
  expect(() => refusePrintedSecrets({ command, out, err })).toThrow(/printed/);
});

test.each([
  ['chainctl auth token --audience x', jwt],
  ['chainctl auth pull-token create -o json', jwt],
  ['chainctl local token github --repo a/b', jwt],
  ['chainctl iam invites create --role=viewer', code],
  ['docker-credential-cgr get', jwt],
])('%s is there to print it', (command, out) => {
  expect(() => refusePrintedSecrets({ command, out, err: '' })).not.toThrow();
});

test('files outside of the stores are found, stores and what was given are not', () => {
  const folder = temporaryFolder();
  const write = (path: string, text: string) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
    return join(folder, path);
  };
  write('.cache/chainguard/https:--api/oidc-token', jwt);
  write('.docker/config.json', jwt);
  const mine = write('me.jwt', jwt);
  const log = write('platform/platform.log', `GET /?token=${jwt}`);
  const database = write('platform/platform.db', `\0\0${code}`);
  expect(writtenSecrets(folder, new Set([mine])).sort()).toEqual([
    expect.stringContaining(`${database} holds a refresh token or an invite code`),
    expect.stringContaining(`${log} holds a JSON Web Token`),
  ]);
});
