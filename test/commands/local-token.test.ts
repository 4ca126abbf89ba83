// Tokens of the simulated issuers, minted beside a platform that runs and for the one that takes them.

import { describe, expect, test } from 'vitest';
import { decodeClaims } from '../../src/auth/jwt.ts';
import { createIo } from '../../src/cli/io.ts';
import { requestLine } from '../../src/commands/local/request-log.ts';
import { authWorld } from '../support/auth-world.ts';
import { fakeHost } from '../support/fake-host.ts';
import { personId } from '../support/ids.ts';

async function tokenWorld() {
  const world = await authWorld();
  return {
    ...world,
    token: (words: readonly string[] = [], more: object = {}) =>
      world.run(['local', 'token', ...words, '--data-dir', world.platform.dataDir], more),
    claims: async (words: readonly string[] = []) => {
      const made = await world.run(['local', 'token', ...words, '--data-dir', world.platform.dataDir]);
      expect(made.code, made.err).toBe(0);
      return decodeClaims(made.out) ?? {};
    },
  };
}

describe('local token', () => {
  test('is the developer unless said otherwise, and the platform takes it', async () => {
    const { token, run } = await tokenWorld();
    const made = await token();
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(made.out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect((await token([], { tty: true })).out).toMatch(/\n$/);
    const login = await run(['auth', 'login', '--identity-token', made.out, '-oid']);
    expect(login.out).toBe(`${personId('dev@example.com')}\n`);
    const guest = await token(['--email=guest@example.com']);
    const other = await run(['auth', 'login', '--identity-token', guest.out, '-oid']);
    expect(other.out).toBe(`${personId('guest@example.com')}\n`);
  });

  test('speaks for a GitHub workflow', async () => {
    const { claims, platform } = await tokenWorld();
    expect(await claims(['github', '--repo=acme/app', '--ref=refs/heads/main'])).toMatchObject({
      iss: 'https://token.actions.githubusercontent.com',
      sub: expect.stringMatching(/^repo:acme@\d+\/app@\d+:ref:refs\/heads\/main$/),
      aud: platform.urls.issuer,
      repository: 'acme/app',
      ref: 'refs/heads/main',
    });
    const deployment = ['github', '--repo=acme/app', '--ref=refs/heads/main', '--environment=production'];
    expect((await claims([...deployment, '--subject-form=names'])).sub).toBe('repo:acme/app:environment:production');
    const own = ['github', '--repo=acme@1/app@2', '--ref=refs/heads/main'];
    expect(await claims(own)).toMatchObject({
      sub: 'repo:acme@1/app@2:ref:refs/heads/main',
      repository: 'acme/app',
      repository_id: '2',
      repository_owner_id: '1',
    });
  });

  test('has the ids that its GitHub gives, however the names are written', async () => {
    const { claims, platform } = await tokenWorld();
    const workflow = await claims(['github', '--repo=acme/app', '--ref=refs/heads/main']);
    const github = `${platform.urls.api}/simulated/github`;
    const ask = async (repo: string): Promise<{ id: number; owner: { id: number } }> =>
      JSON.parse(await (await fetch(`${github}/repos/${repo}`)).text());
    const repository = await ask('acme/app');
    expect(repository).toEqual({
      id: Number(workflow['repository_id']),
      name: 'app',
      full_name: 'acme/app',
      owner: { login: 'acme', id: Number(workflow['repository_owner_id']) },
    });
    expect(workflow.sub).toBe(`repo:acme@${repository.owner.id}/app@${repository.id}:ref:refs/heads/main`);
    expect((await ask('ACME/App')).id).toBe(repository.id);
    expect((await fetch(`${github}/repos/acme`)).status).toBe(404);
  });

  test('writes a colon inside a value of GitHub’s subject as GitHub does, and nowhere else', async () => {
    const { claims } = await tokenWorld();
    const words = ['github', '--repo=acme@1/app@2', '--ref=refs/heads/main', '--environment=Production:V1:eu'];
    expect(await claims(words)).toMatchObject({
      sub: 'repo:acme@1/app@2:environment:Production%3AV1%3Aeu',
      environment: 'Production:V1:eu',
    });
  });

  test('takes a claim that no flag sets, over what it would say otherwise', async () => {
    const { claims } = await tokenWorld();
    const words = ['github', '--repo=acme/app', '--ref=refs/heads/main', '--claim=runner_environment=self-hosted'];
    expect(await claims([...words, '--claim=jti=mine', '--claim=team=a'])).toMatchObject({
      runner_environment: 'self-hosted',
      jti: 'mine',
      team: 'a',
    });
  });

  test('speaks for a GitLab job', async () => {
    const { claims } = await tokenWorld();
    expect(await claims(['gitlab', '--project-path=acme/tools/app', '--ref=main'])).toMatchObject({
      iss: 'https://gitlab.com',
      sub: 'project_path:acme/tools/app:ref_type:branch:ref:main',
    });
    expect((await claims(['gitlab', '--project-path=acme/app', '--ref=v1', '--ref-type=tag'])).sub).toBe(
      'project_path:acme/app:ref_type:tag:ref:v1',
    );
  });

  test('speaks for anybody else, with claims and a life of one’s own', async () => {
    const { claims, clock } = await tokenWorld();
    const now = Math.floor(clock.now() / 1000);
    const words = ['--issuer=https://ci.example.com', '--subject=job-7', '--claim', 'branch=main', '--claim=a=b=c'];
    expect(await claims([...words, '--audience=one', '--audience=two', '--ttl=10m'])).toMatchObject({
      iss: 'https://ci.example.com',
      sub: 'job-7',
      aud: ['one', 'two'],
      branch: 'main',
      a: 'b=c',
      iat: now,
      exp: now + 600,
    });
    expect((await claims([...words, '--ttl=-1h'])).exp).toBe(now - 3600);
  });

  test.each([
    [['--issuer=https://ci.example.com'], '`--subject`'],
    [['--subject=x'], '`--issuer`'],
    [['--email=a@b.example', '--issuer=https://x.example', '--subject=y'], 'cannot be used together'],
    [['--email=nobody'], 'not an e-mail address'],
    [['--ttl=soon'], '`--ttl`'],
    [['--claim=x'], '`--claim`'],
    [['github', '--repo=acme/app'], '`--ref`'],
    [['github', '--repo=acme/app', '--ref=main'], 'refs/heads/main'],
    [['gitlab', '--project-path=app', '--ref=main'], 'group/project'],
    [['gitlab', '--project-path=acme/app', '--ref=a:b'], 'not the name of a branch'],
    [['github', '--repo=acme/app', '--ref=refs/heads/a:b'], 'not a full Git reference'],
    // A claim that would be dropped, or would contradict the subject, names the flag that sets it.
    [['--claim=sub=x'], '`--subject` sets it'],
    [['--claim=aud=x'], '`--audience` sets it'],
    [['--claim=exp=1'], '`--ttl` sets it'],
    [['--claim=iat=1'], 'cannot set "iat"'],
    [['--claim=email=x@example.com'], '`--email` sets it'],
    [['--claim=a=1', '--claim=a=2'], 'has two values for "a"'],
    [['github', '--repo=acme/app', '--ref=refs/heads/main', '--claim=repository_id=1'], '`--repo` sets it'],
    [['github', '--repo=acme/app', '--ref=refs/heads/main', '--claim=environment=x'], '`--environment` sets it'],
    [['gitlab', '--project-path=acme/app', '--ref=main', '--claim=project_path=x/y'], '`--project-path` sets it'],
  ])('%j is a usage error', async (words, said) => {
    const { token } = await tokenWorld();
    const made = await token(words);
    expect(made).toMatchObject({ code: 2, out: '' });
    expect(made.err).toContain(said);
  });

  test('in a folder without a platform there is nothing to sign with, and none is made', async () => {
    const { run, folder } = await authWorld();
    const made = await run(['local', 'token', '--data-dir', folder]);
    expect(made).toMatchObject({ code: 1, out: '' });
    expect(made.err).toContain('There is no platform in');
  });
});

test('the configuration of the user, however broken, is none of its business', async () => {
  const { token } = await tokenWorld();
  expect((await token([], { env: { CHAINGUARD_PLATFORM_API: 'nonsense' } })).code).toBe(0);
});

test('a request is one line, whatever its path holds; a defect follows with its stack', () => {
  const style = createIo(fakeHost(), { forceColor: false, silent: () => false, assumeYes: false }).errStyle;
  const line = requestLine(
    {
      time: Date.parse('2026-03-27T13:55:00Z'),
      method: 'GET',
      path: '/a\u001b[2Jb\n',
      status: 500,
      ms: 12.6,
      identity: `${'a'.repeat(40)}/${'b'.repeat(16)}`,
      operation: 'iam.v1.Groups.List',
      error: 'Error: bad\n    at x',
    },
    style,
  );
  expect(line).toMatch(
    /^\d\d:\d\d:\d\d 500 GET {4}\/a\ufffd\[2Jb {1,2}iam\.v1\.Groups\.List by aaaaaaaa…\/b{16} 13 ms\n {4}Error: bad\n {8}at x\n$/,
  );
});
