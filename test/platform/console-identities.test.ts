// Settings › Identities of the console, over HTTP: each kind with the rule it makes, and what is said of a token.

import { describe, expect, test } from 'vitest';
import { formIdOf, signInToConsole } from '../support/console.ts';
import { demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform } from '../support/platform.ts';

const dev = personId('dev@example.com');
const organization = demoOrganizations.private;
const page = `/console/${organization}/settings/identities`;

async function signedIn() {
  const platform = await startTestPlatform();
  const browser = await signInToConsole(platform.urls.api, 'dev@example.com');
  const { body } = await platform.call(await platform.token(dev), 'GET', '/iam/v1/roles');
  const viewer = body.items.find((role: { name: string }) => role.name === 'viewer').id as string;
  const identity = async (name: string) =>
    (
      await platform.call(await platform.token(dev), 'GET', `/iam/v1/identities?uidp.descendants_of=${organization}`)
    ).body.items.find((each: { name: string }) => each.name === name);
  return { platform, browser, viewer, identity };
}

const text = (html: string): string =>
  html
    .replaceAll(/<(style|script)>.*?<\/\1>/gs, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ');

const uuid = '0b5c4f6e-1234-4abc-8def-001122334455';
const jwks =
  '{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}';

describe('each kind', () => {
  const good: readonly (readonly [string, Record<string, string>, object, string])[] = [
    [
      'github',
      { repo: 'acme@12/app@34', ref: 'refs/heads/main' },
      { claimMatch: { issuer: 'https://token.actions.githubusercontent.com', claims: { repository_id: '34' } } },
      'iam identities create github deploy --github-repo=acme@12/app@34 --github-ref=refs/heads/main',
    ],
    [
      'gitlab',
      { project: 'acme/app', reftype: 'tag', ref: 'v1' },
      { claimMatch: { issuer: 'https://gitlab.com', subject: 'project_path:acme/app:ref_type:tag:ref:v1' } },
      'iam identities create gitlab deploy --project-path=acme/app --ref-type=tag --ref=v1',
    ],
    [
      'buildkite',
      { pipeline: 'acme/deploy', ref: 'main' },
      {
        claimMatch: {
          issuer: 'https://agent.buildkite.com',
          subjectPattern: 'organization:acme:pipeline:deploy:ref:refs/heads/main:commit:[0-9a-f]+:step:.*',
        },
      },
      'iam identities create deploy --identity-issuer=https://agent.buildkite.com --subject-pattern=',
    ],
    [
      'circleci',
      { organization: uuid, project: uuid },
      { claimMatch: { issuer: `https://oidc.circleci.com/org/${uuid}`, audience: uuid } },
      `--subject-pattern=org/${uuid}/project/${uuid}/user/.+`,
    ],
    [
      'kubernetes',
      { issuer: 'https://oidc.eks.example/id/1', account: 'apps/puller' },
      { claimMatch: { subject: 'system:serviceaccount:apps:puller' } },
      '--subject=system:serviceaccount:apps:puller',
    ],
    [
      'aws-role',
      { account: '123456789012', partition: 'aws', 'role-name': 'puller' },
      {
        awsIdentity: { awsAccount: '123456789012', arnPattern: '^arn:aws:sts::123456789012:assumed-role/puller/(.+)$' },
      },
      'iam identities create aws role deploy --aws-account-id=123456789012 --aws-role-name=puller',
    ],
    [
      'aws-user',
      { account: '123456789012', partition: 'aws-cn', 'user-name': 'team/bob' },
      { awsIdentity: { arn: 'arn:aws-cn:iam::123456789012:user/team/bob' } },
      'iam identities create aws user deploy --aws-account-id=123456789012 --aws-partition=aws-cn',
    ],
    [
      'oidc',
      { issuer: 'https://issuer.example', subject: 'job-.*', how: 'pattern' },
      { claimMatch: { issuer: 'https://issuer.example', subjectPattern: 'job-.*' } },
      "--subject-pattern='job-.*'",
    ],
    [
      'static',
      { issuer: 'https://kubernetes.default.svc', subject: 'system:serviceaccount:a:b', keys: jwks },
      { static: { issuer: 'https://kubernetes.default.svc', subject: 'system:serviceaccount:a:b' } },
      '--issuer-keys=./jwks.json',
    ],
    [
      'service',
      { service: 'CATALOG_SYNCER' },
      { servicePrincipal: 'CATALOG_SYNCER' },
      '--service-principal=CATALOG_SYNCER',
    ],
  ];

  test('shows its rule and its command, and makes that', async () => {
    const { browser, viewer, identity } = await signedIn();
    for (const [kind, fields, rule, command] of good) {
      const address = `${page}/create?from=${kind}`;
      const filled = { name: 'deploy', role: viewer, ...fields };
      const preview = await browser.submit(address, { ...filled, step: 'preview' });
      expect([preview.status, text(preview.text)]).toEqual([
        200,
        expect.stringContaining('A token will have to meet this'),
      ]);
      expect(text(preview.text)).toContain(command);
      const [, shown = ''] = /A token will have to meet this(.*?)<\/section>/s.exec(preview.text) ?? [];
      expect(await identity('deploy')).toBeUndefined();
      const made = await browser.submit(address, filled);
      expect([made.status, made.text]).toEqual([200, expect.stringContaining('Created the identity “deploy”.')]);
      expect(await identity('deploy')).toMatchObject(rule);
      // What was shown is what it has become.
      const [, list = ''] = /<dl class="facts">(.*?)<\/dl>/s.exec(shown) ?? [];
      expect(list.length).toBeGreaterThan(10);
      expect(made.text).toContain(list);
      expect(text(made.text)).toContain('viewer of example.com');
      const gone = await browser.submit(`${page}/delete?id=${encodeURIComponent((await identity('deploy')).id)}`, {});
      expect(gone.text).toContain('Deleted the identity “deploy”.');
      expect((await browser.get(made.at)).status).toBe(404);
    }
  });

  const bad: readonly (readonly [string, Record<string, string>, string])[] = [
    ['github', { repo: 'acme' }, 'The repository must be OWNER/NAME, not “acme”'],
    ['github', { repo: 'acme/app', ref: 'main' }, 'The reference must be a full reference'],
    ['gitlab', { project: 'acme' }, 'A project of GitLab must be group/project'],
    ['buildkite', { pipeline: 'acme' }, 'A pipeline of Buildkite is written as organization/pipeline.'],
    ['circleci', { organization: 'x', project: uuid }, 'An organization of CircleCI has a UUID.'],
    ['kubernetes', { issuer: 'http://x.example', account: 'a/b' }, 'The issuer must be an https URL.'],
    ['kubernetes', { issuer: 'https://x.example', account: 'A/b' }, 'A service account is written as namespace/name.'],
    ['aws-role', { account: '12', 'role-name': 'x' }, 'An AWS account ID has twelve digits.'],
    ['oidc', { issuer: 'https://x.example', subject: '(', how: 'pattern' }, 'This is not a valid regular expression'],
    [
      'static',
      { issuer: 'x', subject: 'y', keys: '{"keys":[{"kty":"oct","k":"AAAA"}]}' },
      'must hold public keys only',
    ],
    ['oidc', { name: 'Upper', issuer: 'https://x.example', subject: 'y' }, 'Use lower-case letters'],
    ['oidc', { name: 'line\u0007', issuer: 'https://x.example', subject: 'y' }, 'Use lower-case letters'],
  ];

  test('says what is wrong in one sentence at its field, and makes nothing', async () => {
    const { browser, viewer, identity } = await signedIn();
    for (const [kind, fields, sentence] of bad) {
      const answer = await browser.submit(`${page}/create?from=${kind}`, { name: 'wrong', role: viewer, ...fields });
      expect([kind, fields, answer.status, text(answer.text).replaceAll(/"/g, '”')]).toEqual([
        kind,
        fields,
        400,
        expect.stringContaining(sentence.replaceAll(/[“”]/g, '”')),
      ]);
      expect(answer.text).toContain('aria-invalid="true"');
      expect(await identity('wrong')).toBeUndefined();
    }
  });
});

describe('testing a token', () => {
  async function withGitlab() {
    const opened = await signedIn();
    await opened.browser.submit(`${page}/create?from=gitlab`, {
      name: 'deploy',
      project: 'acme/app',
      reftype: 'branch',
      ref: 'main',
      role: opened.viewer,
    });
    const { id } = await opened.identity('deploy');
    return { ...opened, id, address: `${page}/test?id=${encodeURIComponent(id)}` };
  }

  const claims = {
    iss: 'https://gitlab.com',
    sub: 'project_path:acme/app:ref_type:branch:ref:main',
    aud: 'https://gitlab.com',
  };
  const tokenOf = (body: object): string =>
    [{ alg: 'RS256' }, body, 'x']
      .map((part) => Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url'))
      .join('.');

  test('claims that fit are admitted, and others are refused with what would admit them', async () => {
    const { browser, address, id } = await withGitlab();
    const good = await browser.submit(address, { token: JSON.stringify(claims) });
    expect(text(good.text)).toContain(
      'Admitted “deploy” has a rule that this token meets. Its signature was not checked.',
    );
    const other = await browser.submit(address, {
      token: JSON.stringify({ ...claims, sub: 'project_path:acme/app:ref_type:branch:ref:next' }),
    });
    const said = text(other.text);
    expect([other.status, said]).toEqual([200, expect.stringContaining('Refused “deploy” does not admit this token.')]);
    expect(said).toContain(
      'subject project_path:acme/app:ref_type:branch:ref:main project_path:acme/app:ref_type:branch:ref:next ✗ differs',
    );
    expect(said).toContain(
      `chainctl iam identities update ${id} --subject=project_path:acme/app:ref_type:branch:ref:next`,
    );
    expect(said).toContain('every job of acme/app on the branch next');
    expect(said).toContain('the subject project_path:acme/app:ref_type:branch:ref:main');
  });

  test('a token is read with its times, and is afterwards nowhere', async () => {
    const { browser, address } = await withGitlab();
    const token = tokenOf({ ...claims, exp: 1_000_000_000 });
    const answer = await browser.submit(address, { token });
    expect(text(answer.text)).toContain('expires 2001-09-09T01:46:40.000Z');
    expect(text(answer.text)).toContain('does not admit this token');
    expect(answer.at).toBe(address);
    expect(answer.text).not.toContain(token);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    for (const again of [address, page, `/console/${organization}`])
      expect((await browser.get(again)).text).not.toContain(token);
    const wrong = await browser.submit(address, { token: 'a-secret-that-is-no-token' });
    expect([wrong.status, text(wrong.text)]).toEqual([
      400,
      expect.stringContaining('The token cannot be used: it is not a JSON Web Token.'),
    ]);
    expect(wrong.text).not.toContain('a-secret-that-is-no-token');
  });

  test('what is no token is one sentence', async () => {
    const { browser, address } = await withGitlab();
    for (const [token, sentence] of [
      ['', 'Paste a token, or the claims of one as JSON.'],
      ['{"iss":', 'The token cannot be used: its claims are not JSON.'],
      ['{"sub":"x"}', 'The token cannot be used: it names no issuer (iss).'],
      ['{"iss":"x","sub":"y","aud":[1]}', 'The token cannot be used: its audience (aud) is not text.'],
    ] as const) {
      const answer = await browser.submit(address, { token });
      expect([token, answer.status, text(answer.text)]).toEqual([token, 400, expect.stringContaining(sentence)]);
    }
  });

  test('what takes no token says so', async () => {
    const { browser, viewer, identity } = await signedIn();
    await browser.submit(`${page}/create?from=service`, { name: 'sync', service: 'CATALOG_SYNCER', role: viewer });
    const answer = await browser.get(`${page}/test?id=${encodeURIComponent((await identity('sync')).id)}`);
    expect([answer.status, text(answer.text)]).toEqual([
      400,
      expect.stringContaining('cannot be assumed with a token'),
    ]);
  });

  test('a form of another site tests nothing', async () => {
    const { browser, address } = await withGitlab();
    const form = formIdOf(await browser.get(address));
    const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect((await browser.post(address, { form, token: JSON.stringify(claims) }, headers)).status).toBe(403);
  });
});
