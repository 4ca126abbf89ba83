import { readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { writeTokens } from '../../src/auth/token-cache.ts';
import { fakeHost } from '../support/fake-host.ts';
import { demoFolders, personId } from '../support/ids.ts';
import { temporaryFolder } from '../support/platform.ts';
import { type SignedIn, signedIn } from '../support/signed-in.ts';

/** The same with a login for signing too, as a refresh token gives one. */
async function signer(): Promise<Pick<SignedIn, 'run' | 'platform'>> {
  const { run, platform } = await signedIn();
  const env = { XDG_CACHE_HOME: temporaryFolder() };
  const token = await platform.token(personId('dev@example.com'), { audience: 'sigstore' });
  writeTokens(fakeHost({ env }), 'sigstore', { token, refreshToken: null });
  return { platform, run: (argv, options = {}) => run(argv, { ...options, env: { ...env, ...options.env } }) };
}

test('an authority is made, listed, described and deleted', async () => {
  const { run } = await signedIn();
  const made = await run(['sigstore', 'ca', 'create', '--group=sandbox', '--name=release', '-d', 'What we ship']);
  expect([made.code, made.err]).toEqual([0, '']);
  const list = await run(['sigstore', 'ca', 'ls', '-o', 'json']);
  const [item] = JSON.parse(list.out).items;
  expect(item).toEqual({
    id: expect.stringMatching(new RegExp(`^${demoFolders.sandbox}/[0-9a-f]{16}$`)),
    name: 'release',
    description: 'What we ship',
    hostname: expect.stringMatching(/^127\.0\.0\.1:\d+\/local\/sigstore\/[0-9a-f]{16}$/),
  });
  expect((await run(['sigstore', 'ca', 'describe', 'release', '-o', 'json'])).out).toContain(item.hostname);
  expect((await run(['sigstore', 'ca', 'ls', '--group=engineering', '-o', 'id'])).out).toBe('');
  const again = await run(['sigstore', 'ca', 'create', '--group=sandbox', '--name=release']);
  expect(again.err).toContain('"release" already exists');
  const kept = await run(['sigstore', 'ca', 'delete', 'release'], { stdin: 'n\n' });
  expect(kept.code).not.toBe(0);
  const gone = await run(['sigstore', 'ca', 'delete', 'release', '--yes']);
  expect([gone.code, gone.err]).toEqual([0, 'Deleted the certificate authority "release".\n']);
  expect((await run(['sigstore', 'ca', 'ls', '-o', 'id'])).out).toBe('');
});

test('an authority that a cloud keeps needs what names it, and this platform refuses it', async () => {
  const { run } = await signedIn();
  const create = (...words: string[]) => run(['sigstore', 'ca', 'create', '--group=sandbox', ...words]);
  expect((await create('--ca=googleca')).err).toContain('`--ca=googleca` needs `--googleca-ref`');
  expect((await create('--googleca-ref=x')).err).toContain('`--googleca-ref` needs `--ca=googleca`');
  expect((await create('--ca=kmsca', '--kms-key-ref=x')).err).toContain('needs `--kms-key-ref` and `--kms-cert-chain`');
  expect((await create('--ca=kmsca', '--kms-key-ref=x', '--kms-cert-chain=/none')).err).toContain('does not exist');
  expect((await create('--ca=googleca', '--googleca-ref=x')).err).toContain('asks no cloud for certificates');
});

test('the variables name the authority, its certificates in files, and a token for signing', async () => {
  const { run, platform } = await signer();
  const none = await run(['sigstore', 'env']);
  expect([none.code === 0, none.out]).toEqual([false, '']);
  expect(none.err).toContain('make one with `chainctl sigstore ca create`');
  await run(['sigstore', 'ca', 'create', '--group=sandbox']);
  const variables = JSON.parse((await run(['sigstore', 'env', '-o', 'json'])).out);
  expect(variables).toMatchObject({
    COSIGN_FULCIO_URL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/local\/sigstore\/[0-9a-f]{16}$/),
    COSIGN_OIDC_ISSUER: platform.urls.issuer,
    COSIGN_CERTIFICATE_OIDC_ISSUER: platform.urls.issuer,
    COSIGN_TIMESTAMP_SERVER_URL: `${variables.COSIGN_FULCIO_URL}/api/v1/timestamp`,
    COSIGN_TLOG_UPLOAD: 'false',
  });
  for (const name of ['SIGSTORE_ROOT_FILE', 'COSIGN_TIMESTAMP_CERTIFICATE_CHAIN']) {
    expect(readFileSync(variables[name], 'utf8')).toMatch(/^-----BEGIN CERTIFICATE-----/);
    expect(statSync(variables[name]).mode & 0o077).toBe(0);
  }
  const words = (await run(['sigstore', 'env', 'signing'])).out;
  const [, claims = ''] = /SIGSTORE_ID_TOKEN=[\w-]+\.([\w-]+)\./.exec(words) ?? [];
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
    aud: 'sigstore',
    email: 'dev@example.com',
  });
  expect(words).toContain('\nexport COSIGN_TLOG_UPLOAD=false\n');
  expect((await run(['sigstore', 'env', '--shell=fish'])).out).toContain("set -gx COSIGN_TLOG_UPLOAD 'false'\n");
  expect((await run(['sigstore', 'env', '--shell=powershell'])).out).toContain("$Env:COSIGN_TLOG_UPLOAD = 'false'\n");
});

test('several authorities are not guessed between, and those of another place do not count', async () => {
  const { run } = await signer();
  await run(['sigstore', 'ca', 'create', '--group=sandbox', '--name=one']);
  await run(['sigstore', 'ca', 'create', '--group=engineering', '--name=two']);
  const unclear = await run(['sigstore', 'env']);
  expect(unclear.code).not.toBe(0);
  expect(unclear.err).toContain('`SIGSTORE` is required');
  const chosen = await run(['sigstore', 'env', '--group=sandbox', '-o', 'json']);
  expect(chosen.code, chosen.err).toBe(0);
  const one = await run(['sigstore', 'env', 'one', '-o', 'json']);
  expect(JSON.parse(chosen.out).COSIGN_FULCIO_URL).toBe(JSON.parse(one.out).COSIGN_FULCIO_URL);
});

test('what takes the variables away needs neither a login nor an authority', async () => {
  const { run } = await signedIn();
  const unset = await run(['sigstore', 'env', '--unset'], { env: { CHAINGUARD_PLATFORM_API: 'http://127.0.0.1:9' } });
  expect([unset.code, unset.err]).toEqual([0, '']);
  expect(unset.out).toMatch(/^unset COSIGN_FULCIO_URL .*SIGSTORE_ID_TOKEN\n$/);
});
