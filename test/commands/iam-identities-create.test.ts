import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { newKeyPair } from '../../src/key-pairs.ts';
import { builtInRoleId, demoFolders, organization, personId } from '../support/ids.ts';
import { temporaryFolder } from '../support/platform.ts';
import { type SignedIn, signedIn } from '../support/signed-in.ts';
import { stubServer } from '../support/stub-server.ts';

const create = ['iam', 'identities', 'create'];
const issuer = 'https://issuer.example.com';
const { publicKey, privateKey } = newKeyPair('P-256');
const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256' }] });

/** The identity with this name as the API has it. */
async function stored({ platform }: SignedIn, name: string) {
  const token = await platform.token(personId('dev@example.com'));
  const { body } = await platform.call(token, 'GET', '/iam/v1/identities');
  return body.items.find((item: { name: string }) => item.name === name);
}

async function bindings({ platform }: SignedIn, identity: string): Promise<string[]> {
  const token = await platform.token(personId('dev@example.com'));
  const { body } = await platform.call(token, 'GET', '/iam/v1/rolebindings');
  return body.items
    .filter((item: { identity: string }) => item.identity === identity)
    .map((item: { group: { name: string }; role: { name: string } }) => `${item.group.name}: ${item.role.name}`)
    .sort();
}

describe('claim match', () => {
  test('literals: the table shows the id first, the json has it as `.id`, `-o id` is the id alone', async () => {
    const session = await signedIn();
    const { run, calls } = session;
    const words = [...create, '--parent=example.com', `--identity-issuer=${issuer}`, '--subject=1234', '-y'];
    const table = await run([...words, 'first', '-d', 'for tests', '--role=viewer']);
    expect(table.code).toBe(0);
    const { id } = await stored(session, 'first');
    expect(table.out.split('\n')[0]).toMatch(/ID +\| NAME +\| +TYPE +\| DESCRIPTION \| +ROLES +\| +ISSUER +\| EXPIRES/);
    expect(
      table.out
        .split('\n')[2]
        ?.startsWith(` ${id} | first | claim_match | for tests   | example.com: viewer | ${issuer} | n/a`),
    ).toBe(true);
    expect(await bindings(session, id)).toEqual(['example.com: viewer']);

    const json = JSON.parse((await run([...words, '--name=second', '-ojson'])).out);
    expect(json).toEqual({
      id: expect.stringMatching(new RegExp(`^${organization}/[0-9a-f]{16}$`)),
      name: 'second',
      description: '',
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      claimMatch: { issuer, subject: '1234', claims: {}, claimPatterns: {} },
    });
    calls();
    const only = await run([...words, '-n', 'third', '--output', 'id']);
    expect(only.out).toBe(`${(await stored(session, 'third')).id}\n`);
    expect(only.err).toBe('');
    expect(calls().slice(0, 2)).toEqual(['iam.v1.Groups.List', 'iam.v1.Identities.Create']);
  });

  test('patterns, audience and claims', async () => {
    const session = await signedIn();
    const made = await session.run([
      ...create,
      'patterns',
      '--parent',
      organization,
      '--identity-issuer-pattern',
      'https://.*\\.example\\.com',
      '--subject-pattern=^job:\\d+$',
      '--audience-pattern=cgr.*',
      '--claim-pattern=branch:main',
      '--claim-pattern',
      'team:(a|b)',
      '-y',
      '-oid',
    ]);
    expect(made).toMatchObject({ code: 0, err: '' });
    expect((await stored(session, 'patterns')).claimMatch).toEqual({
      issuerPattern: 'https://.*\\.example\\.com',
      subjectPattern: '^job:\\d+$',
      audiencePattern: 'cgr.*',
      claims: {},
      claimPatterns: { branch: 'main', team: '(a|b)' },
    });
  });

  test('a comma list of claims is split with a warning, a literal audience is stored', async () => {
    const session = await signedIn();
    const made = await session.run([
      ...create,
      'listed',
      '--parent=example.com',
      `--identity-issuer=${issuer}`,
      '--subject=s',
      '--audience=cgr.dev',
      '--claim-pattern=branch:main,team:core',
      '-y',
    ]);
    expect(made.code).toBe(0);
    expect(made.err).toContain('warning: `--claim-pattern` "branch:main,team:core" is read as 2 claims');
    expect((await stored(session, 'listed')).claimMatch).toMatchObject({
      audience: 'cgr.dev',
      claimPatterns: { branch: 'main', team: 'core' },
    });
  });

  test('an invalid regular expression is one sentence that names the flag, and nothing is sent', async () => {
    const { run, calls } = await signedIn();
    const base = [...create, 'bad', '--parent=example.com'];
    const failed = await run([...base, `--identity-issuer=${issuer}`, '--subject-pattern=(a']);
    expect(failed).toMatchObject({ code: 2, out: '' });
    expect(failed.err.split('\n')[0]).toBe(
      'error: `--subject-pattern` "(a" is not a valid regular expression: missing closing ): `(a`',
    );
    for (const [flag, words] of [
      ['--identity-issuer-pattern', ['--identity-issuer-pattern=[', '--subject=s']],
      ['--audience-pattern', [`--identity-issuer=${issuer}`, '--subject=s', '--audience-pattern=*']],
      ['--claim-pattern', [`--identity-issuer=${issuer}`, '--subject=s', '--claim-pattern=a:(?=b)']],
    ] as const) {
      const other = await run([...base, ...words]);
      expect(other.code).toBe(2);
      expect(other.err).toMatch(new RegExp(`^error: \`${flag}\`.*is not a valid regular expression`));
    }
    expect(calls()).toEqual([]);
  });

  test('keys that verify nothing are sent with a warning, as the platform takes any text', async () => {
    const session = await signedIn();
    const words = ['--parent=example.com', `--identity-issuer=${issuer}`, '--subject=s', '-y', '-o', 'id'];
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'notes.txt'), 'nothing of use\n');
    for (const [name, keys, warning] of [
      [
        'a',
        'keys',
        '`--issuer-keys` names no file and is not a JSON Web Key Set with at least one key, so the identity cannot',
      ],
      [
        'b',
        '{"keys":[]}',
        '`--issuer-keys` is not a JSON Web Key Set with at least one key, so the identity cannot be assumed',
      ],
      [
        'c',
        '{"keys":[{"kty":"RSA"}]}',
        '`--issuer-keys` holds no key that can verify a signature, so the identity cannot',
      ],
      ['d', 'notes.txt', '`--issuer-keys` is not a JSON Web Key Set'],
    ] as const) {
      const made = await session.run([...create, name, ...words, `--issuer-keys=${keys}`], { cwd: folder });
      expect(made, keys).toMatchObject({ code: 0, err: expect.stringContaining(`warning: ${warning}`) });
    }
    expect((await stored(session, 'a')).static).toMatchObject({ issuerKeys: 'keys' });
    writeFileSync(join(folder, 'k.yaml'), 'name: file\nstatic: {issuer: i, subject: s, issuer_keys: keys}\n');
    const file = await session.run([...create, '-f', 'k.yaml', '--parent=example.com', '-y'], { cwd: folder });
    expect(file.code).toBe(0);
    expect(file.err).toContain('warning: k.yaml: static.issuer_keys is not a JSON Web Key Set');
  });

  test('shapes that do not go together, and what is missing, fail before anything is sent', async () => {
    const { run, calls } = await signedIn();
    for (const [problem, ...words] of [
      ['`--identity-issuer` and `--subject`, `--service-principal` or `--filename` must say who may assume it'],
      ['`--subject` or `--subject-pattern` is required', `--identity-issuer=${issuer}`],
      ['`--subject` is required', `--identity-issuer=${issuer}`, `--issuer-keys=${jwks}`],
      ['`--subject` and `--subject-pattern` cannot be used together', '--subject=a', '--subject-pattern=b'],
      ['`--issuer-keys` and `--subject-pattern` cannot be used together', '--issuer-keys=x', '--subject-pattern=b'],
      ['`--filename` and `--subject` cannot be used together', '-f', 'x.json', '--subject=b'],
      ['`--expiration` needs `--issuer-keys`', `--identity-issuer=${issuer}`, '--subject=b', '--expiration=2026-04-01'],
      [
        '`--identity-issuer` must be an https URL, not "http://x.example"',
        '--identity-issuer=http://x.example',
        '--subject=b',
      ],
      ['`--subject` must not be empty', `--identity-issuer=${issuer}`, '--subject='],
      ['`--service-principal` must be one of COSIGNED', '--service-principal=root'],
    ]) {
      const failed = await run([...create, 'bad', '--parent=example.com', ...words]);
      expect(failed, problem).toMatchObject({ code: 2, out: '' });
      expect(failed.err).toContain(problem);
    }
    expect(await run([...create, 'Bad Name', '--parent=example.com', '--service-principal=SKILLS'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('`NAME` must be made of lower-case letters'),
    });
    expect(calls()).toEqual([]);
  });
});

describe('static keys and services', () => {
  test('keys as text or in a file, thirty days unless said otherwise', async () => {
    const session = await signedIn();
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'jwks.json'), `${jwks}\n`);
    const words = ['--parent=example.com', '--identity-issuer=https://kubernetes.default.svc', '--subject=sa', '-y'];
    const text = await session.run(['iam', 'id', 'create', 'text', ...words, `--issuer-keys=${jwks}`, '-o', 'id']);
    expect(text).toMatchObject({ code: 0, err: '' });
    expect((await stored(session, 'text')).static).toEqual({
      issuer: 'https://kubernetes.default.svc',
      subject: 'sa',
      issuerKeys: jwks,
      expiration: '2026-04-26T13:55:00.785Z',
      audiences: [],
    });
    const more = ['--issuer-keys=jwks.json', '--expiration=2026-04-01', '--audience=acme'];
    const file = await session.run([...create, 'file', ...words, ...more], { cwd: folder });
    expect(file.code).toBe(0);
    expect(file.out).toContain('| static |');
    expect(file.out).toContain('| 2026-04-01T00:00:00Z | sa ');
    expect((await stored(session, 'file')).static).toMatchObject({
      issuerKeys: jwks,
      expiration: '2026-04-01T00:00:00Z',
      audiences: ['acme'],
    });
  });

  test('what no key set and no expiration can be', async () => {
    const { run, calls } = await signedIn();
    const words = [...create, 'bad', '--parent=example.com', `--identity-issuer=${issuer}`, '--subject=s'];
    const secret = JSON.stringify({ keys: [privateKey.export({ format: 'jwk' })] });
    for (const [problem, ...more] of [
      ['`--issuer-keys` must hold public keys only', `--issuer-keys=${secret}`],
      ['`--expiration` must be in the future', `--issuer-keys=${jwks}`, '--expiration=2026-03-27'],
      ['`--expiration` must be at most 30 days away', `--issuer-keys=${jwks}`, '--expiration=2026-04-28T00:00:00Z'],
      ['`--expiration` must be a date such as "2026-12-31"', `--issuer-keys=${jwks}`, '--expiration=tomorrow'],
    ]) {
      const failed = await run([...words, ...more]);
      expect(failed, problem).toMatchObject({ code: 2, out: '' });
      expect(failed.err).toContain(problem);
      expect(failed.err).not.toContain(privateKey.export({ format: 'jwk' }).d);
    }
    expect(calls()).toEqual([]);
  });

  test('a service, in the spelling of the API or of a command line', async () => {
    const session = await signedIn();
    for (const [name, service] of [
      ['one', 'CATALOG_SYNCER'],
      ['two', 'catalog-syncer'],
    ] as const) {
      const made = await session.run([...create, name, '--parent=example.com', `--service-principal=${service}`, '-y']);
      expect(made.out).toContain('| service_principal |');
      expect((await stored(session, name)).servicePrincipal).toBe('CATALOG_SYNCER');
    }
  });
});

describe('roles', () => {
  const words = [...create, 'worker', '--parent=example.com', `--identity-issuer=${issuer}`, '--subject=s', '-y'];

  test('several, by name and id, repeated and as a list, are bound with one call', async () => {
    const session = await signedIn();
    const viewer = builtInRoleId('viewer');
    const made = await session.run([...words, '--role=registry.pull,viewer', '--role', viewer, '-oid']);
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(session.calls()).toEqual([
      'iam.v1.Groups.List',
      'iam.v1.Roles.List',
      'iam.v1.Identities.Create',
      'iam.v1.RoleBindings.CreateBatch',
    ]);
    expect(await bindings(session, made.out.trim())).toEqual(['example.com: registry.pull', 'example.com: viewer']);
  });

  test('an unknown one fails before anything is made', async () => {
    const session = await signedIn();
    const failed = await session.run([...words, '--role=viever']);
    expect(failed).toMatchObject({ code: 1, out: '' });
    expect(failed.err).toBe('error: No role found for "viever"\nhint: did you mean "viewer"?\n');
    expect(session.calls()).not.toContain('iam.v1.Identities.Create');
  });

  /** Somebody who may make identities, but not everything that comes with them. */
  async function limited(session: SignedIn, ...capabilities: string[]) {
    const owner = await session.platform.token(personId('dev@example.com'));
    const role = await session.platform.call(owner, 'POST', `/iam/v1/roles/${organization}`, {
      body: { name: 'limited', capabilities: ['groups.list', 'roles.list', 'identity.create', ...capabilities] },
    });
    expect(role.status).toBe(200);
    return session.as(session.platform.user('limited@example.com', [role.body.id, organization]));
  }

  test('when one cannot be bound the identity is taken back', async () => {
    const session = await signedIn();
    const run = await limited(session, 'identity.delete');
    const failed = await run([...words, '--role=viewer']);
    expect(failed).toMatchObject({ code: 1, out: '' });
    expect(failed.err).toMatch(
      /^error: Identity "worker" was not created, because it could not be bound to "viewer": .*role_bindings\.create/,
    );
    expect(session.calls()).toContain('iam.v1.Identities.Delete');
    expect(await stored(session, 'worker')).toBeUndefined();
  });

  test('when it cannot be taken back either, the error says what is left', async () => {
    const session = await signedIn();
    const run = await limited(session);
    const failed = await run([...words, '--role=viewer,registry.pull']);
    expect(failed).toMatchObject({ code: 1, out: '' });
    const { id } = await stored(session, 'worker');
    expect(failed.err).toContain(`error: Identity ${id} was made, but not bound to "viewer", "registry.pull"`);
    expect(failed.err).toContain('It could not be removed again');
    expect(failed.err).toContain(`hint: remove it with \`chainctl iam identities delete ${id}\``);
  });

  test('a name used twice names two identities, and neither is guessed afterwards', async () => {
    const session = await signedIn();
    await session.run([...words, '--role=viewer']);
    const first = await stored(session, 'worker');
    expect(await session.run([...words, '--role=owner'])).toMatchObject({ code: 0 });
    expect(await bindings(session, first.id)).toEqual(['example.com: viewer']);
    const which = await session.run(['iam', 'identities', 'delete', 'worker', '--yes']);
    expect(which).toMatchObject({ code: 2, out: '' });
    expect(which.err).toContain('"worker" names 2 identities; say which by its id');
    expect(which.err).toContain(first.id);
  });
});

describe('what is asked', () => {
  const words = [...create, 'asked', `--identity-issuer=${issuer}`, '--subject=s'];

  test('a location is picked, the question names identity, kind and organization', async () => {
    const session = await signedIn();
    const made = await session.run([...words, '--role=viewer', '-o', 'id'], {
      tty: true,
      answers: ['engineering', true],
    });
    expect(made.code).toBe(0);
    expect((await stored(session, 'asked')).id).toMatch(new RegExp(`^${demoFolders.engineering}/`));
    expect(made.err).toContain('Selected folder engineering.');
    expect(made.err).toContain('--parent=engineering');
  });

  test('an answer comes from a pipe; silence is none, and the question is not in the output', async () => {
    const session = await signedIn();
    const at = [...words, '--parent=example.com'];
    const refused = await session.run(at, { stdin: 'n\n' });
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain('This creates the claim_match identity "asked" in "example.com".');
    expect(refused.err).toContain('Do you want to continue? [Y,n]: ');
    expect(await stored(session, 'asked')).toBeUndefined();
    const silent = await session.run(at, { stdin: '' });
    expect(silent).toMatchObject({ code: 2, out: '' });
    expect(silent.err).toContain('`--yes` is required');
    expect(await stored(session, 'asked')).toBeUndefined();
    const made = await session.run([...at, '-oid'], { stdin: 'y\n' });
    expect(made.out).toBe(`${(await stored(session, 'asked')).id}\n`);
  });

  test('with --yes nothing is read from stdin', async () => {
    const { run } = await signedIn();
    const made = await run([...words, '--parent=example.com', '--yes'], { stdin: 'the next line of a loop\n' });
    expect(made.code).toBe(0);
    expect(made.host.stdin.reads).toBe(0);
  });

  test('without a terminal a missing argument is named, with exit 2 and no look-up', async () => {
    const { run, calls, platform, as } = await signedIn();
    for (const [missing, ...rest] of [
      ['`NAME` is required', `--identity-issuer=${issuer}`, '--subject=s'],
      ['`--github-repo` is required', 'github', 'x'],
      ['`--project-path` and `--ref-type` are required', 'gitlab', 'x'],
      ['`--aws-account-id` and `--aws-role-name` are required', 'aws', 'role', 'x'],
      ['`--filename` is required', 'aws', 'x'],
    ]) {
      const failed = await run([...create, ...rest, '--parent=example.com']);
      expect(failed, missing).toMatchObject({ code: 2, out: '' });
      expect(failed.err).toContain(missing);
    }
    expect(calls()).toEqual([]);
    const other = await platform.call(await platform.token(personId('dev@example.com')), 'POST', '/iam/v1/groups', {
      body: { name: 'second' },
    });
    expect(other.status).toBe(200);
    const failed = await as('dev@example.com')(words);
    expect(failed).toMatchObject({ code: 2, out: '' });
    expect(failed.err).toMatch(/^error: `--parent` is required when not running interactively\n/);
  });

  test('an unknown organization', async () => {
    const { run } = await signedIn();
    const failed = await run([...words, '--parent=nowhere', '-y']);
    const err = 'error: No folder found for "nowhere"\nhint: see `chainctl iam folders list`\n';
    expect(failed).toMatchObject({ code: 1, out: '', err });
  });

  test('the configured location is used', async () => {
    const session = await signedIn();
    const env = { CHAINGUARD_DEFAULT_GROUP: 'sandbox' };
    expect((await session.run([...words, '-y'], { env })).code).toBe(0);
    expect((await stored(session, 'asked')).id).toMatch(new RegExp(`^${demoFolders.sandbox}/`));
  });
});

describe('GitHub, GitLab and AWS', () => {
  const common = ['--parent=example.com', '-y', '--role=registry.pull'];

  test('github', async () => {
    const session = await signedIn();
    const made = await session.run([
      ...create,
      'github',
      'my-app',
      '--github-repo=acme/app',
      '--github-ref=refs/heads/main',
      '--github-audience=cgr.dev',
      ...common,
    ]);
    expect(made.code).toBe(0);
    expect(made.err).toBe('');
    const { id, claimMatch } = await stored(session, 'my-app');
    const [, owner, repository] =
      /^\^repo:\(\?:acme\/app\|acme@(\d+)\/app@(\d+)\):/.exec(claimMatch.subjectPattern) ?? [];
    expect(claimMatch).toMatchObject({
      issuer: 'https://token.actions.githubusercontent.com',
      subjectPattern: expect.stringMatching(/:ref:\(\?:refs\/heads\/main\)\$$/),
      audience: 'cgr.dev',
      claims: { repository_id: repository, repository_owner_id: owner },
    });
    expect(await bindings(session, id)).toEqual(['example.com: registry.pull']);

    const warned = await session.run([
      ...create,
      'github',
      'two',
      '--github-repo=acme/(a|b)',
      '--github-ref=refs/heads/main|master',
      ...common,
    ]);
    expect(warned.err).toContain('write "refs/heads/(main|master)"');
    expect((await stored(session, 'two')).claimMatch.subjectPattern).toBe(
      '^repo:(?:acme/(a|b)):ref:(?:refs/heads/main|master)$',
    );
    session.calls();
    for (const [problem, ...words] of [
      ['`--github-repo` must be OWNER/NAME', '--github-repo=acme'],
      ['`--github-ref` must be a full reference, not "main"', '--github-repo=acme/app', '--github-ref=main'],
      ['`--subject-form` is for one repository', '--github-repo=acme/.*', '--subject-form=ids'],
      ['`--github-ref` "refs/(" is not a valid regular expression', '--github-repo=acme/app', '--github-ref=refs/('],
    ]) {
      const failed = await session.run([...create, 'github', 'bad', ...words, ...common]);
      expect(failed, problem).toMatchObject({ code: 2, out: '', err: expect.stringContaining(problem ?? '') });
    }
    expect(session.calls()).toEqual([]);
  });

  describe('github asks for the ids', () => {
    const words = [...create, 'github', 'my-app', '--github-repo=acme/app', '--github-ref=refs/heads/main', ...common];
    const answer = { id: 456, name: 'app', full_name: 'acme/app', owner: { login: 'acme', id: 123 } };
    const claims = { repository_id: '456', repository_owner_id: '123' };
    const ask = 'GET /repos/acme/app';

    test('once, with GH_TOKEN, and writes the rule of the form', async () => {
      const session = await signedIn();
      const github = await stubServer();
      const env = { CHAINCTL_GITHUB_API: github.url, GH_TOKEN: 'a.secret' };
      github.expect(ask, ({ headers }) => {
        expect(headers).toMatchObject({ authorization: 'Bearer a.secret', accept: 'application/vnd.github+json' });
        return { body: answer };
      });
      const asked = await session.run(
        words.filter((word) => word !== '-y'),
        { env, tty: true, answers: [true] },
      );
      expect(asked.code, asked.err).toBe(0);
      expect(asked.asked[0]).toContain('\n  with claims repository_id=456, repository_owner_id=123\n');
      for (const [form, subject] of [
        ['names', 'repo:acme/app:ref:refs/heads/main'],
        ['ids', 'repo:acme@123/app@456:ref:refs/heads/main'],
      ]) {
        github.expect(ask, { body: answer });
        const made = await session.run(
          [...words, `--name=${form}`, `--subject-form=${form}`].filter((word) => word !== 'my-app'),
          { env },
        );
        expect(made.code, made.err).toBe(0);
        expect((await stored(session, form ?? '')).claimMatch).toMatchObject({ subject, claims });
      }
      expect(github.requests).toHaveLength(3);
    });

    test('follows a new name on the same address and nowhere else', async () => {
      const session = await signedIn();
      const github = await stubServer();
      const elsewhere = await stubServer();
      const env = { CHAINCTL_GITHUB_API: `${github.url}/api/v3/`, GH_TOKEN: 'a.secret' };
      github.expect('GET /api/v3/repos/acme/app', { status: 301, headers: { location: '/repositories/456' } });
      github.expect('GET /repositories/456', { body: { ...answer, name: 'new' } });
      const made = await session.run(words, { env });
      expect(made.err).toContain('GitHub calls "acme/app" "acme/new"');
      expect((await stored(session, 'my-app')).claimMatch.subjectPattern).toContain('(?:acme/new|acme@123/new@456)');
      github.expect('GET /api/v3/repos/acme/app', { status: 301, headers: { location: `${elsewhere.url}/x` } });
      expect((await session.run(words, { env })).err).toMatch(/^warning: .* answered 301/);
      expect(elsewhere.requests).toEqual([]);
    });

    test.each([
      ['not there', { status: 404 }, /a private one needs a token in GH_TOKEN/],
      ['too often', { status: 403, headers: { 'x-ratelimit-remaining': '0' } }, /answers no more for now/],
      ['something else', { body: 'hello' }, /did not answer like GitHub/],
      ['an id that would change the rule', { body: { ...answer, name: 'a|b' } }, /did not answer like GitHub/],
      ['too late', { delayMs: 3200, body: answer }, /did not answer within 3 s/],
    ])(
      'and without an answer (%s) makes the rule by names, and says which tokens it does not accept',
      async (_, reply, reason) => {
        const session = await signedIn();
        const github = await stubServer();
        const env = { CHAINCTL_GITHUB_API: github.url };
        github.expect(ask, reply);
        const made = await session.run(words, { env });
        expect(made.code, made.err).toBe(0);
        expect(made.err).toMatch(
          /^warning: the ids of "acme\/app" are not known .*accepts no token with ids in its subject/,
        );
        expect(made.err).toMatch(reason);
        const { claimMatch } = await stored(session, 'my-app');
        expect(claimMatch).toMatchObject({ subject: 'repo:acme/app:ref:refs/heads/main', claims: {} });
      },
    );

    test('and where somebody is there, does not go on by itself without an answer', async () => {
      const session = await signedIn();
      const env = { CHAINCTL_GITHUB_API: 'http://127.0.0.1:1' };
      const made = await session.run(
        words.filter((word) => word !== '-y'),
        { env, tty: true, answers: [false] },
      );
      expect(made).toMatchObject({ code: 1, out: '' });
      const required = await session.run([...words, '--subject-form=ids'], { env });
      expect(required).toMatchObject({ code: 1, out: '' });
      expect(required.err).toContain('--github-repo=OWNER@ID/NAME@ID');
      expect(session.calls()).not.toContain('iam.v1.Identities.Create');
    });

    test('of nobody for a pattern or for ids that were given, and refuses an address in plain text', async () => {
      const session = await signedIn();
      const env = { CHAINCTL_GITHUB_API: (await stubServer()).url };
      for (const repo of ['acme/.*', 'acme@123/app@456']) {
        const made = await session.run(
          [...words, `--github-repo=${repo}`].filter((word) => word !== '--github-repo=acme/app'),
          { env },
        );
        expect(made.code, made.err).toBe(0);
      }
      const plain = await session.run(words, { env: { CHAINCTL_GITHUB_API: 'http://github.example.com' } });
      expect(plain).toMatchObject({ code: 2, out: '' });
      expect(plain.err).toContain('CHAINCTL_GITHUB_API must be an https URL');
    });

    test('and the platform’s own GitHub sees no token', async () => {
      const session = await signedIn();
      const api = await import('../../src/api/github.ts');
      const github = await stubServer();
      github.expect(ask, ({ headers }) => {
        expect(headers.authorization).toBeUndefined();
        return { body: answer };
      });
      const { host } = await session.run(['version'], {
        env: { CHAINCTL_GITHUB_API: github.url, GH_TOKEN: 'a.secret' },
      });
      const { signal } = new AbortController();
      expect(await api.askGithub(host, { repo: 'acme/app', simulator: github.url, signal })).toMatchObject({
        repository: { id: '456' },
      });
    });
  });

  test('gitlab, with the kind of reference picked', async () => {
    const session = await signedIn();
    const made = await session.run(
      [...create, 'gitlab', 'job', '--project-path=group/*', '--parent=example.com', '-oid'],
      { tty: true, answers: ['tag', ['registry.pull'], true] },
    );
    expect(made.code).toBe(0);
    expect((await stored(session, 'job')).claimMatch).toMatchObject({
      issuer: 'https://gitlab.com',
      audience: 'https://gitlab.com',
      subjectPattern: '^project_path:(?:group/[^:]+):ref_type:tag:ref:(?:.*)$',
    });
    const bad = await session.run([...create, 'gitlab', 'x', '--project-path=g/p', '--ref-type=commit', ...common]);
    expect(bad).toMatchObject({ code: 2, err: expect.stringContaining('`--ref-type` must be one of branch, tag') });
  });

  test('aws role, aws user, and the older form with a file', async () => {
    const session = await signedIn();
    const account = '--aws-account-id=012345678901';
    const role = await session.run([...create, 'aws', 'role', 'fn', account, '--aws-role-name=my-role', ...common]);
    expect(role.out).toContain('| aws  |');
    expect((await stored(session, 'fn')).awsIdentity).toEqual({
      awsAccount: '012345678901',
      arnPattern: '^arn:aws:sts::012345678901:assumed-role/my-role/(.+)$',
      userIdPattern: '^AROA(.*):(.*)$',
    });
    const user = ['--aws-user-name=bob', '--aws-user-id=AIDAEXAMPLE', '--aws-partition=aws-cn'];
    await session.run([...create, 'aws', 'user', 'bob', account, ...user, ...common]);
    expect((await stored(session, 'bob')).awsIdentity).toEqual({
      awsAccount: '012345678901',
      arn: 'arn:aws-cn:iam::012345678901:user/bob',
      userId: 'AIDAEXAMPLE',
    });
    for (const words of [
      ['--aws-account-id=123', '--aws-role-name=r'],
      [account, '--aws-role-name=path/r'],
      [account, '--aws-role-name=r', '--aws-role-id=AIDAX'],
      [account, '--aws-role-name=r', '--aws-partition=AWS'],
    ]) {
      expect((await session.run([...create, 'aws', 'role', 'bad', ...words, ...common])).code).toBe(2);
    }

    const folder = temporaryFolder();
    const text = `{"name": "from file",
      "awsIdentity": {"aws_account": "012345678901", "arn": "arn:x", "userIdPattern": "^AROA(.*)$"}}`;
    writeFileSync(join(folder, 'id.json'), text);
    const legacy = ['iam', 'id', 'create', 'aws', '--parent', 'example.com', '--filename', 'id.json', '-oid'];
    const made = await session.run(legacy, { cwd: folder, stdin: 'y\n' });
    expect(made.out).toBe(`${(await stored(session, 'from file')).id}\n`);
    expect((await stored(session, 'from file')).awsIdentity).toEqual({
      awsAccount: '012345678901',
      arn: 'arn:x',
      userIdPattern: '^AROA(.*)$',
    });
    writeFileSync(join(folder, 'other.json'), '{"name": "x", "servicePrincipal": "SKILLS"}');
    const other = await session.run([...create, 'aws', '-f', 'other.json', ...common], { cwd: folder });
    expect(other).toMatchObject({ code: 2, err: expect.stringContaining('must hold an aws_identity') });
  });
});

describe('from a file', () => {
  const from = async (session: SignedIn, name: string, text: string, ...words: string[]) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, name), text);
    return session.run([...create, ...words, '-f', name, '--parent=example.com', '-y'], { cwd: folder });
  };

  test('YAML in any spelling; the command line wins over name and description', async () => {
    const session = await signedIn();
    const yaml = `# who pulls
name: from yaml
description: in the file
claim_match:
  issuer: ${issuer}
  subjectPattern: 'job:\\d+'
  claims: {environment: prod}
  claim_patterns:
    ref: refs/heads/.*
`;
    expect((await from(session, 'a.yaml', yaml, '--role=viewer')).code).toBe(0);
    expect(await stored(session, 'from yaml')).toMatchObject({
      description: 'in the file',
      claimMatch: {
        issuer,
        subjectPattern: 'job:\\d+',
        claims: { environment: 'prod' },
        claimPatterns: { ref: 'refs/heads/.*' },
      },
    });
    expect((await from(session, 'a.yaml', yaml, 'from words', '-d', 'other')).code).toBe(0);
    expect(await stored(session, 'from words')).toMatchObject({ description: 'other' });
  });

  test('what describe prints can be read back', async () => {
    const session = await signedIn();
    await session.run([...create, 'first', '--parent=example.com', `--identity-issuer=${issuer}`, '--subject=s', '-y']);
    const { out } = await session.run(['iam', 'identities', 'describe', 'first']);
    const copied = await from(session, 'copy.json', out, 'copy');
    expect(copied).toMatchObject({ code: 0, err: '' });
    expect((await stored(session, 'copy')).claimMatch).toEqual((await stored(session, 'first')).claimMatch);
  });

  test('digits stay digits, a day is a time, and what is not known is named', async () => {
    const session = await signedIn();
    const aws = 'aws_identity:\n  aws_account: 012345678901\n  arn: a\n  user_id: u\n  usrid: x\nowner: me\n';
    const made = await from(session, 'aws.yaml', aws, 'digits');
    expect(made.code).toBe(0);
    expect(made.err).toContain('warning: aws.yaml: "aws_identity.usrid" is not a field of an identity');
    expect(made.err).toContain('warning: aws.yaml: "owner" is not a field');
    expect((await stored(session, 'digits')).awsIdentity.awsAccount).toBe('012345678901');
    const keys = `name: keys\nstatic:\n  issuer: i\n  subject: 1234\n  issuer_keys: '${jwks}'\n  expiration: 2026-04-02\n`;
    expect((await from(session, 'keys.yaml', keys)).code).toBe(0);
    expect((await stored(session, 'keys')).static).toMatchObject({
      subject: '1234',
      expiration: '2026-04-02T00:00:00Z',
    });
  });

  test('mistakes name the file and the line, and nothing is sent', async () => {
    const session = await signedIn();
    for (const [problem, name, text] of [
      ['bad.yaml:4:1: Missing closing', 'bad.yaml', 'name: x\nclaim_match:\n  issuer: "unfinished\n'],
      ['bad.json:2:', 'bad.json', '{"name": "x",\n "name": "y"}'],
      ['list.json must hold one identity', 'list.json', '[]'],
      ['empty.yaml must hold one identity', 'empty.yaml', ''],
      ['none.yaml: needs one of claim_match, static', 'none.yaml', 'name: x'],
      ['type.json: "claim_match" must be an object, not "x"', 'type.json', '{"claim_match": "x"}'],
      [
        'two.json: "service_principal" excludes "claim_match"',
        'two.json',
        '{"claimMatch": {}, "servicePrincipal": "SKILLS"}',
      ],
      [
        're.yaml: claim_match.subject_pattern "(" is not a valid regular',
        're.yaml',
        'claim_match: {subject_pattern: "("}',
      ],
      ['n.yaml: name must be made of lower-case letters', 'n.yaml', 'name: NO\nservice_principal: SKILLS'],
      ['`NAME` is required', 'nameless.yaml', 'service_principal: SKILLS'],
      [
        'q.yaml: claim_match.issuer must be an https URL of at most 255 characters without user, query or fragment',
        'q.yaml',
        'claim_match: {issuer: "https://a.example?x", subject: s}',
      ],
    ] as const) {
      const failed = await from(session, name, text);
      expect(failed, problem).toMatchObject({ code: 2, out: '' });
      expect(failed.err).toContain(problem);
    }
    const missing = await session.run([...create, '-f', 'nowhere.yaml', '--parent=example.com']);
    expect(missing).toMatchObject({ code: 2, err: expect.stringContaining('"nowhere.yaml" does not exist') });
    expect(session.calls()).toEqual([]);
  });

  test('what the platform refuses names the file as well', async () => {
    const session = await signedIn();
    const failed = await from(session, 'half.yaml', 'name: half\nclaim_match: {issuer: "https://a.example"}');
    expect(failed).toMatchObject({ code: 1, out: '' });
    expect(failed.err).toContain('error: half.yaml: claim_match.subject or claim_match.subject_pattern is required');
  });
});
