// Every shape of assumable identity, made and changed on the command line and assumed for real.

import { type KeyObject, sign } from 'node:crypto';
import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { newKeyPair } from '../../src/key-pairs.ts';
import { startLoopbackIssuer } from '../support/loopback-issuer.ts';
import {
  claimsOf,
  createWorld,
  type Person,
  type Ran,
  type RunningPlatform,
  signIn,
  tokenFolder,
} from '../support/program.ts';

const world = createWorld();
let platform: RunningPlatform;
let dev: Person;
let made = 0;

beforeAll(async () => {
  platform = await world.startPlatform();
  dev = world.person('dev', platform);
  await signIn(dev, platform);
});

const ci = 'https://ci.example.com';
const place = ['--parent=example.com', '--yes'];

/** Makes an identity and returns its id, which must be all that is printed. */
async function create(words: readonly string[], flags: readonly string[]): Promise<string> {
  made += 1;
  const ran = await dev.chainctl([
    ...['iam', 'identities', 'create', ...words, `shape-${made}`],
    ...[...place, '--role=registry.pull', '--output=id', ...flags],
  ]);
  expect(ran.code, ran.err).toBe(0);
  expect(ran.out).toMatch(/^[0-9a-f]{40}\/[0-9a-f]{16}\n$/);
  return ran.out.trim();
}

/** A token as the simulated issuers would sign it. */
function mint(...args: readonly string[]): Promise<string> {
  return dev.ok('local', 'token', ...args, '--data-dir', platform.dataDir);
}

const job = (...args: readonly string[]) => mint(`--issuer=${ci}`, '--subject=job:7', ...args);

/** Somebody without any login tries to become the identity. */
async function attempt(id: string, token: string): Promise<{ ran: Ran; runner: Person }> {
  const runner = world.person('runner', platform);
  const path = runner.write('token.jwt', token);
  return { ran: await runner.chainctl(['auth', 'login', '--identity', id, '--identity-token', path]), runner };
}

async function accepted(id: string, token: string): Promise<Person> {
  const { ran, runner } = await attempt(id, token);
  expect(ran.code, ran.err).toBe(0);
  expect(ran.out).toBe(`Valid! Id: ${id}\n`);
  return runner;
}

async function refused(id: string, token: string, sentence: RegExp): Promise<void> {
  const { ran, runner } = await attempt(id, token);
  expect(ran.code, `${ran.out}${ran.err}`).toBe(4);
  expect(ran.out).toBe('');
  const [first = '', ...others] = ran.err.trim().split('\n');
  expect(others.filter((line) => !/^(hint: | {2}presented )/.test(line))).toEqual([]);
  expect(first).toMatch(/^error: \[101\] unable to exchange tokens: /);
  expect(first.replace('error: [101] unable to exchange tokens: ', '').trim()).toMatch(sentence);
  expect(existsSync(tokenFolder(runner, platform.api))).toBe(false);
}

describe('claim matches', () => {
  test('literals: the issuer and subject as they stand, and nothing near them', async () => {
    const id = await create([], [`--identity-issuer=${ci}`, '--subject=job:7']);
    const runner = await accepted(id, await job());
    // It is what it says it is, may do what its role says, and no more.
    const status = JSON.parse(await runner.ok('auth', 'status', '--output=json'));
    expect(status).toMatchObject({ valid: true, identity: id, capabilities: { 'example.com': 'registry.pull' } });
    expect(claimsOf(await runner.ok('auth', 'token'))).toMatchObject({ sub: id, act: { iss: ci, sub: 'job:7' } });
    expect((await runner.chainctl(['iam', 'identities', 'delete', id, '--yes'])).code).toBe(1);

    await refused(
      id,
      await mint(`--issuer=${ci}`, '--subject=job:77'),
      /^token has invalid subject: "job:77": identity expects "job:7"$/,
    );
    await refused(id, await mint(`--issuer=${ci}/`, '--subject=job:7'), /issuer/);
    await refused(id, await mint('--issuer=https://other.example.com', '--subject=job:7'), /issuer/);
    await refused(
      id,
      await job('--audience=somebody-else'),
      /^token has invalid audience: "somebody-else": identity expects/,
    );
    await refused(id, await job('--ttl=-1m'), /token is expired/);
  });

  test.each(['URL', 'host'])('without an audience rule the issuer’s %s is a good audience', async (form) => {
    const id = await create([], [`--identity-issuer=${ci}`, '--subject=job:7']);
    await accepted(id, await job(`--audience=${form === 'URL' ? platform.issuer : new URL(platform.issuer).host}`));
    await accepted(id, await job('--audience=another', `--audience=${platform.issuer}`));
  });

  test('patterns match the whole of it, with an alternation as one', async () => {
    const id = await create(
      [],
      [`--identity-issuer-pattern=https://ci\\d?\\.example\\.com`, '--subject-pattern=job:7|job:\\d{2}'],
    );
    await accepted(id, await job());
    await accepted(id, await mint('--issuer=https://ci4.example.com', '--subject=job:42'));
    for (const subject of ['job:777', 'xjob:7', 'job:7x', 'job:7\n']) {
      await refused(id, await mint(`--issuer=${ci}`, `--subject=${subject}`), /^token has invalid subject: /);
    }
    await refused(id, await mint('--issuer=https://ci.example.com.evil.example', '--subject=job:7'), /issuer/);
  });

  test('audience rules: a literal replaces the usual one, a pattern too', async () => {
    const literal = await create([], [`--identity-issuer=${ci}`, '--subject=job:7', '--audience=acme']);
    await accepted(literal, await job('--audience=acme'));
    await accepted(literal, await job('--audience=other', '--audience=acme'));
    await refused(literal, await job(), /^token has invalid audience: .*identity expects "acme"$/);
    const pattern = await create([], [`--identity-issuer=${ci}`, '--subject=job:7', '--audience-pattern=acme-.+']);
    await accepted(pattern, await job('--audience=acme-prod'));
    await refused(pattern, await job('--audience=acme-'), /^token has invalid audience: /);
  });

  test('claim patterns: every one must match, a missing claim does not, and the claim is named', async () => {
    const id = await create(
      [],
      [
        `--identity-issuer=${ci}`,
        '--subject-pattern=.*',
        '--claim-pattern=branch:main|release/.*',
        '--claim-pattern=stage:prod',
      ],
    );
    await accepted(id, await job('--claim=branch=main', '--claim=stage=prod'));
    await accepted(id, await job('--claim=branch=release/1.2', '--claim=stage=prod', '--claim=more=x'));
    await refused(id, await job('--claim=branch=mainline', '--claim=stage=prod'), /invalid "branch"/);
    await refused(id, await job('--claim=branch=main', '--claim=stage=production'), /invalid "stage"/);
    await refused(id, await job('--claim=branch=main'), /"stage"/);
  });

  test('a hostile pattern and a long subject do not keep the platform busy', async () => {
    const id = await create([], [`--identity-issuer=${ci}`, '--subject-pattern=(a+)+(a|aa)*b']);
    const start = performance.now();
    await refused(id, await mint(`--issuer=${ci}`, `--subject=${'a'.repeat(20_000)}`), /^token has invalid subject: /);
    expect(performance.now() - start).toBeLessThan(8_000);
  });

  test('a real issuer is asked for its keys', async () => {
    const issuer = await startLoopbackIssuer(() => Date.now());
    const key = await issuer.addKey('ES256');
    const id = await create([], [`--identity-issuer-pattern=${issuer.url.replaceAll('.', '\\.')}`, '--subject=robot']);
    const good = { aud: platform.issuer };
    await accepted(id, await issuer.sign(key, good));
    expect(issuer.requests).toContain('/.well-known/openid-configuration');
    await refused(id, await issuer.sign(key, { ...good, sub: 'impostor' }), /^token has invalid subject: "impostor"/);
    await refused(id, await issuer.sign(key, { ...good, exp: 1 }), /token is expired/);
    const unpublished = await issuer.addKey('ES256', { publish: false, kid: 'key-0' });
    await refused(id, await issuer.sign(unpublished, good), /^verifying token: /);
  });
});

interface Signer {
  readonly privateKey: KeyObject;
  readonly jwks: string;
}

function signer(kind: 'RS256' | 'ES256'): Signer {
  const { privateKey, publicKey } = kind === 'RS256' ? newKeyPair('rsa') : newKeyPair('P-256');
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'cluster', alg: kind, use: 'sig' };
  return { privateKey, jwks: JSON.stringify({ keys: [jwk] }) };
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function signed(key: KeyObject, claims: Readonly<Record<string, unknown>>): string {
  const alg = key.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
  const now = Math.floor(Date.now() / 1000);
  const text = `${part({ alg, kid: 'cluster' })}.${part({ iat: now, exp: now + 600, aud: platform.issuer, ...claims })}`;
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

describe('static keys', () => {
  const iss = 'https://kubernetes.default.svc';
  const sub = 'system:serviceaccount:ci:puller';

  test.each(['RS256', 'ES256'] as const)(
    'an issuer nobody can reach, by its keys (%s), as text and as a file',
    async (kind) => {
      const cluster = signer(kind);
      const flags = [`--identity-issuer=${iss}`, `--subject=${sub}`];
      const file = dev.write(`${kind}.json`, cluster.jwks);
      for (const keys of [cluster.jwks, file]) {
        const id = await create([], [...flags, `--issuer-keys=${keys}`]);
        await accepted(id, signed(cluster.privateKey, { iss, sub }));
        await refused(id, signed(signer(kind).privateKey, { iss, sub }), /^verifying token: /);
        await refused(
          id,
          signed(cluster.privateKey, { iss, sub: 'system:serviceaccount:ci:other' }),
          /invalid subject/,
        );
        await refused(id, signed(cluster.privateKey, { iss, sub, exp: 1 }), /token is expired/);
      }
    },
  );

  test('an audience, an end, and an end that has passed', async () => {
    const cluster = signer('ES256');
    const flags = [`--identity-issuer=${iss}`, `--subject=${sub}`, `--issuer-keys=${cluster.jwks}`];
    const own = await create([], [...flags, '--audience=cluster-only']);
    await accepted(own, signed(cluster.privateKey, { iss, sub, aud: 'cluster-only' }));
    await refused(own, signed(cluster.privateKey, { iss, sub }), /invalid audience/);

    const soon = new Date(Date.now() + 3_000).toISOString();
    const short = await create([], [...flags, `--expiration=${soon}`]);
    await accepted(short, signed(cluster.privateKey, { iss, sub }));
    const described = JSON.parse(await dev.ok('iam', 'identities', 'describe', short, '--output=json'));
    expect(Date.parse(described.static.expiration)).toBe(Date.parse(soon));
    await new Promise((resolve) => setTimeout(resolve, Date.parse(soon) - Date.now() + 50));
    await refused(short, signed(cluster.privateKey, { iss, sub }), /expired/);

    // Expired ones are listed apart, and removed in one go.
    const ids = async (...more: readonly string[]) =>
      (await dev.ok('iam', 'identities', 'list', '--parent=example.com', '--output=id', ...more)).split('\n');
    expect(await ids('--expired')).toEqual([short]);
    expect(await ids()).not.toContain(short);
    await dev.ok('iam', 'identities', 'delete', '--expired', '--parent=example.com', '--yes');
    expect(await ids('--expired')).toEqual(['']);
    expect(await ids()).toContain(own);
  });
});

describe('services, GitHub, GitLab', () => {
  test('a service of the platform is nobody outside', async () => {
    const id = await create([], ['--service-principal=CATALOG_SYNCER']);
    const described = JSON.parse(await dev.ok('iam', 'identities', 'describe', id, '--output=json'));
    expect(described.servicePrincipal).toBe('CATALOG_SYNCER');
    await refused(id, await job(), /./);
  });

  const workflow = (repo: string, ref: string, ...more: readonly string[]) =>
    mint('github', `--repo=${repo}`, `--ref=${ref}`, ...more);

  test('GitHub: one branch; any ref; patterns; the repository’s ids; an audience; an environment', async () => {
    const one = await create(['github'], ['--github-repo=acme/app', '--github-ref=refs/heads/main']);
    await accepted(one, await workflow('acme/app', 'refs/heads/main'));
    await refused(
      one,
      await workflow('acme/app', 'refs/heads/feature'),
      /^token has invalid subject: "repo:acme@\d+\/app@\d+:ref:refs\/heads\/feature": identity expects .*acme\/app\|acme@\d+\/app@\d+/,
    );
    await refused(one, await workflow('acme/app2', 'refs/heads/main'), /invalid subject/);
    await refused(one, await workflow('evil/app', 'refs/heads/main'), /invalid subject/);
    await refused(one, await workflow('acme/app', 'refs/heads/main', '--environment=prod'), /invalid subject/);

    const any = await create(['github'], ['--github-repo=acme/app']);
    await accepted(any, await workflow('acme/app', 'refs/tags/v1'));
    await accepted(any, await workflow('acme/app', 'refs/heads/main', '--environment=prod'));
    await refused(any, await workflow('acme/app-evil', 'refs/heads/main'), /invalid subject/);

    const patterns = await create(
      ['github'],
      ['--github-repo=acme(@[0-9]+)?/.*', '--github-ref=refs/heads/main|refs/tags/v.+'],
    );
    await accepted(patterns, await workflow('acme/one', 'refs/heads/main'));
    await accepted(patterns, await workflow('acme/two', 'refs/tags/v1.2'));
    await refused(patterns, await workflow('acme/one', 'refs/heads/mainline'), /invalid subject/);
    await refused(patterns, await workflow('acmeevil/one', 'refs/heads/main'), /invalid subject/);

    const numbered = await create(['github'], ['--github-repo=acme@1/app@2', '--github-ref=refs/heads/main']);
    await accepted(numbered, await workflow('acme@1/app@2', 'refs/heads/main'));
    await refused(numbered, await workflow('acme/app', 'refs/heads/main'), /invalid subject/);
    // Whoever takes the names later has other ids, and tokens of the older form as well.
    await accepted(numbered, await workflow('acme@1/app@2', 'refs/heads/main', '--subject-form=names'));
    await refused(
      numbered,
      await workflow('acme@1/app@3', 'refs/heads/main', '--subject-form=names'),
      /claim "repository_id"|repository_id/,
    );
    await accepted(one, await workflow('acme/app', 'refs/heads/main', '--subject-form=names'));

    const own = await create(['github'], ['--github-repo=acme/app', '--github-audience=acme']);
    await accepted(own, await workflow('acme/app', 'refs/heads/main', '--audience=acme'));
    await refused(own, await workflow('acme/app', 'refs/heads/main'), /invalid audience/);
  });

  const pipeline = (path: string, ref: string, ...more: readonly string[]) =>
    mint('gitlab', `--project-path=${path}`, `--ref=${ref}`, '--audience=https://gitlab.com', ...more);

  test('GitLab: one branch; any branch; any project; tags', async () => {
    const one = await create(['gitlab'], ['--project-path=acme/app', '--ref-type=branch', '--ref=main']);
    await accepted(one, await pipeline('acme/app', 'main'));
    await refused(one, await pipeline('acme/app', 'feature'), /invalid subject/);
    await refused(one, await pipeline('acme/app', 'main', '--ref-type=tag'), /invalid subject/);
    await refused(one, await pipeline('acme/other', 'main'), /invalid subject/);

    const any = await create(['gitlab'], ['--project-path=acme/app', '--ref-type=branch', '--ref=*']);
    await accepted(any, await pipeline('acme/app', 'feature/x'));
    await refused(any, await pipeline('acme/app', 'v1', '--ref-type=tag'), /invalid subject/);

    const group = await create(['gitlab'], ['--project-path=acme/*', '--ref-type=tag']);
    await accepted(group, await pipeline('acme/app', 'v1', '--ref-type=tag'));
    await accepted(group, await pipeline('acme/sub/app', 'v2', '--ref-type=tag'));
    await refused(group, await pipeline('acme2/app', 'v1', '--ref-type=tag'), /invalid subject/);
    await refused(group, await pipeline('acme/app', 'main'), /invalid subject/);
  });
});

test('AWS roles and users are made as they are known, and assuming them is refused for what it is', async () => {
  const account = '--aws-account-id=123456789012';
  const role = await create(['aws', 'role'], [account, '--aws-role-name=ci']);
  const user = await create(['aws', 'user'], [account, '--aws-user-name=robot', '--aws-user-id=AIDA1234567890ABCDEF']);
  const legacy = dev.write(
    'aws.json',
    '{"awsIdentity":{"aws_account":"123456789012","arnPattern":"arn:aws:.*","user_id_pattern":"AROA.*"}}',
  );
  const filed = await create([], [`--filename=${legacy}`]);
  const shapes = await Promise.all(
    [role, user, filed].map(
      async (id) => JSON.parse(await dev.ok('iam', 'identities', 'describe', id, '--output=json')).awsIdentity,
    ),
  );
  expect(shapes[0]).toMatchObject({
    awsAccount: '123456789012',
    arnPattern: '^arn:aws:sts::123456789012:assumed-role/ci/(.+)$',
  });
  expect(shapes[1]).toMatchObject({ arn: 'arn:aws:iam::123456789012:user/robot', userId: 'AIDA1234567890ABCDEF' });
  expect(shapes[2]).toMatchObject({ arnPattern: 'arn:aws:.*', userIdPattern: 'AROA.*' });
  const request = 'POST /?Action=GetCallerIdentity&Version=2011-06-15 HTTP/1.1\r\nHost: sts.amazonaws.com\r\n\r\n';
  const { ran } = await attempt(role, Buffer.from(request).toString('base64url'));
  expect(ran.code).not.toBe(0);
  expect(ran.out).toBe('');
  expect(ran.err).toMatch(/AWS/);
  expect(ran.err.trim().split('\n').length).toBeLessThanOrEqual(2);
});

describe('files', () => {
  const camel = { claimMatch: { issuer: ci, subjectPattern: 'job:.*', claimPatterns: { branch: 'main' } } };
  const snake = { claim_match: { issuer: ci, subject_pattern: 'job:.*', claim_patterns: { branch: 'main' } } };
  const yaml = `# who may
claim_match:
  issuer: ${ci}
  subjectPattern: 'job:.*'   # both spellings in one
  claimPatterns:
    branch: main
`;
  test.each([
    ['camel.json', JSON.stringify(camel, null, 2)],
    ['snake.json', JSON.stringify(snake)],
    ['mixed.yaml', yaml],
  ])('%s', async (name, content) => {
    const id = await create([], [`--filename=${dev.write(name, content)}`]);
    await accepted(id, await job('--claim=branch=main'));
    await refused(id, await job('--claim=branch=other'), /invalid "branch"/);
    await refused(id, await mint(`--issuer=${ci}`, '--subject=other', '--claim=branch=main'), /invalid subject/);
  });

  test('with the name in it, and what describe prints is such a file', async () => {
    const file = dev.write('named.yaml', `name: from a file\ndescription: as written\n${yaml}`);
    const first = await dev.ok('iam', 'identities', 'create', '-f', file, ...place, '-oid');
    const described = await dev.ok('iam', 'identities', 'describe', first, '--output=json');
    expect(JSON.parse(described)).toMatchObject({ name: 'from a file', description: 'as written' });
    const copy = dev.write('copy.json', described);
    const second = await dev.ok('iam', 'identities', 'create', 'a copy', '-f', copy, ...place, '-oid');
    await accepted(second, await job('--claim=branch=main'));
    await refused(second, await job(), /"branch"/);
  });
});

describe('changes', () => {
  const update = (id: string, ...flags: readonly string[]) =>
    dev.ok('iam', 'identities', 'update', id, '--yes', ...flags);

  test('a literal, a pattern in its place, a claim more and one less, and back', async () => {
    const id = await create([], [`--identity-issuer=${ci}`, '--subject=job:7']);
    const eight = await mint(`--issuer=${ci}`, '--subject=job:8', '--claim=branch=main');
    await refused(id, eight, /invalid subject/);
    await update(id, '--subject=job:8');
    await accepted(id, eight);
    await refused(id, await job(), /identity expects "job:8"/);

    await update(id, '--subject-pattern=job:\\d');
    await accepted(id, eight);
    await accepted(id, await job());

    await update(id, '--claim-pattern=branch:main');
    await accepted(id, eight);
    await refused(id, await job(), /"branch"/);
    await update(id, '--claim-pattern=branch:');
    await accepted(id, await job());

    await update(id, '--audience=acme');
    await refused(id, eight, /invalid audience/);
    await accepted(id, await job('--audience=acme'));
    await update(id, '--audience=');
    await accepted(id, eight);

    await update(id, '--identity-issuer-pattern=https://.+\\.example\\.com');
    await accepted(id, await mint('--issuer=https://moved.example.com', '--subject=job:1'));

    // A description alone changes nothing of who may.
    await update(id, '--description=only words');
    await accepted(id, eight);
    const described = JSON.parse(await dev.ok('iam', 'identities', 'describe', id, '--output=json'));
    expect(described).toMatchObject({
      description: 'only words',
      claimMatch: { issuerPattern: 'https://.+\\.example\\.com', subjectPattern: 'job:\\d' },
    });
    expect(described.claimMatch.issuer ?? '').toBe('');
    expect(described.claimMatch.subject ?? '').toBe('');
  });

  test('static keys are rotated', async () => {
    const [before, after] = [signer('ES256'), signer('RS256')];
    const claims = { iss: 'https://cluster.local', sub: 'robot' };
    const id = await create([], [`--identity-issuer=${claims.iss}`, '--subject=robot', `--issuer-keys=${before.jwks}`]);
    await accepted(id, signed(before.privateKey, claims));
    await update(id, `--issuer-keys=${after.jwks}`);
    await refused(id, signed(before.privateKey, claims), /^verifying token: /);
    await accepted(id, signed(after.privateKey, claims));
  });

  test('deleted: no new token, and the one that was given is no good any more', async () => {
    const id = await create([], [`--identity-issuer=${ci}`, '--subject=job:7', '--role=viewer']);
    const runner = await accepted(id, await job());
    expect((await runner.chainctl(['iam', 'organizations', 'list'])).code).toBe(0);
    await dev.ok('iam', 'identities', 'delete', id, '--yes');
    await refused(id, await job(), /^no identity /);
    const ran = await runner.chainctl(['iam', 'organizations', 'list']);
    expect(ran).toMatchObject({ out: '' });
    expect(ran.code).not.toBe(0);
  });
});
