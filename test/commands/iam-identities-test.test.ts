// Why a token is or is not admitted, against what the exchange does.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { githubToken } from '../../src/trust/ci-claims.ts';
import { admissionWorld } from '../support/admission-oracle.ts';
import { temporaryFolder } from '../support/platform.ts';
import { createRandom } from '../support/random.ts';
import { signedIn } from '../support/signed-in.ts';

const make = [
  ...['iam', 'identities', 'create', 'github', 'my-app', '--github-repo=acme/app', '--github-ref=refs/heads/main'],
  ...['--parent=example.com', '--yes', '-oid'],
];

test('says yes exactly when the exchange does, and its line admits that token and no stranger', async () => {
  const world = await admissionWorld();
  const counts = await world.look(createRandom(7), 30);
  // Of each kind enough to mean something.
  expect(counts.admitted).toBeGreaterThan(2);
  expect(counts.refused).toBeGreaterThan(10);
  expect(counts.mended).toBeGreaterThan(5);
});

test('compares claim by claim, and never prints the token', async () => {
  const { platform, clock, run } = await signedIn();
  await run(make);
  const token = await mintThirdPartyToken(platform.store, {
    ...githubToken({ repo: 'acme/app', form: 'ids', ref: 'refs/heads/dev' }),
    audience: platform.urls.issuer,
    now: clock.now(),
  });
  const path = join(temporaryFolder(), 'token.jwt');
  writeFileSync(path, `${token}\n`);
  const seen = await run(['iam', 'identities', 'test', 'my-app', '--token', path]);
  expect(seen.code).toBe(1);
  expect(seen.err).toBe('error: "my-app" does not admit it: subject differs\n');
  expect(seen.out).toContain('✓ issuer');
  expect(seen.out).toMatch(/✗ subject +expected {2}a match of "\^repo:/);
  expect(seen.out).toMatch(/token {5}"repo:acme@\d+\/app@\d+:ref:refs\/heads\/dev"/);
  expect(seen.out).toContain('- signature');
  expect(seen.out).toContain('  chainctl iam identities update ');
  expect(seen.out).toContain('every workflow run of acme@');
  expect(seen.out).not.toContain(token.split('.')[1]);

  const piped = await run(['iam', 'identities', 'test', 'my-app', '--token=-'], { stdin: token });
  expect(piped.out).toBe(seen.out);
  const [head, body] = token.split('.');
  const unsigned = await run(['iam', 'identities', 'test', 'my-app', '--token=-'], { stdin: `${head}.${body}.` });
  expect(unsigned.out).toBe(seen.out);
});

test('without a token a job is described, and what is made up decides nothing', async () => {
  const { run } = await signedIn();
  await run(make);
  const of = (...words: string[]) => run(['iam', 'identities', 'test', 'my-app', ...words]);
  expect(await of('--github=acme/app')).toMatchObject({
    code: 0,
    out: expect.stringContaining('matches such a token'),
  });
  expect((await of('--github=acme/app', '--ref=refs/tags/v1')).code).toBe(1);
  expect((await of('--github=acme/app', '--environment=production')).code).toBe(1);
  expect((await of('--github=stranger/app')).out).toMatch(/✗ claim repository_id/);
  expect((await of('--gitlab=acme/app')).out).toMatch(/✗ issuer +expected/);
  expect((await of('--kubernetes=apps/puller')).out).toContain('every pod of https://kubernetes.default.svc');
  await run(['iam', 'identities', 'update', 'my-app', '--claim-pattern=actor:octo.*', '--yes']);
  const unknown = await of('--github=acme/app');
  expect(unknown.code).toBe(1);
  expect(unknown.err).toContain('It is not known whether "my-app" admits it');
  expect(unknown.out).toMatch(/\? claim actor/);
});

test('a rule in a file needs no identity', async () => {
  const { run } = await signedIn();
  const path = join(temporaryFolder(), 'rule.yaml');
  writeFileSync(
    path,
    'claim_match:\n  issuer: https://cluster.example\n  subject: system:serviceaccount:apps:puller\n',
  );
  const words = ['iam', 'identities', 'test', '--rule-file', path];
  expect((await run([...words, '--kubernetes=apps/puller'])).code).toBe(0);
  const other = await run([...words, '--kubernetes=apps/other']);
  expect(other.code).toBe(1);
  // There is nothing to update.
  expect(other.out).not.toContain('To admit it');
});

test.each([
  [[], '`--token`, or what would present one such as `--github`, is required'],
  [['--github=a/b', '--gitlab=a/b'], '`--github` and `--gitlab` exclude each other'],
  [['--gitlab=a/b', '--event=push'], '`--event` goes with `--github`'],
  [['--github=a/b', '--verify'], '`--verify` needs `--token`'],
  [['--token=nothing.jwt'], '"nothing.jwt" does not exist'],
  [['--token=eyJhbGciOiJub25l.eyJpc3MiOiJhIn0.'], 'A token stands where a file is expected'],
  [['--github=acme'], '"acme" is not a GitHub repository: owner/name'],
  [['--circleci=acme/app'], '"acme/app" is not a CircleCI project: ORG_ID/PROJECT_ID'],
  [['--kubernetes=App'], '"App" is not a service account of Kubernetes: NAMESPACE/NAME'],
])('%j is refused in a sentence', async (words, sentence) => {
  const { run } = await signedIn();
  const path = join(temporaryFolder(), 'rule.yaml');
  writeFileSync(path, 'claim_match: { issuer: "https://ci.example", subject: job }\n');
  const { code, err, out } = await run(['iam', 'identities', 'test', '--rule-file', path, ...words]);
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain(`error: ${sentence}`);
});
