// What an audit finds is really so: the token it shows gets in, and what it finds nothing in has nothing.

import { expect, test } from 'vitest';
import { mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { demoOrganizations, personId } from '../support/ids.ts';
import { signedIn } from '../support/signed-in.ts';

const organization = demoOrganizations.private;
const github = 'https://token.actions.githubusercontent.com';

async function world() {
  const made = await signedIn();
  const { platform, run, clock } = made;
  const token = await platform.token(personId('dev@example.com'));
  const identity = async (name: string, claimMatch: object, role = 'viewer') => {
    const { body } = await platform.call(token, 'POST', `/iam/v1/identities/${organization}`, {
      body: { name, claimMatch },
    });
    await run([
      'iam',
      'role-bindings',
      'create',
      '--parent=example.com',
      `--role=${role}`,
      `--identity=${body.id}`,
      '--yes',
    ]);
    return body.id as string;
  };
  const audit = async (...words: string[]) => {
    const answer = await run(['iam', 'audit', '--parent=example.com', '-ojson', ...words]);
    return { ...answer, items: answer.out === '' ? [] : JSON.parse(answer.out).items };
  };
  /** Whether the exchange admits the token of a finding. */
  const isAdmitted = async (
    id: string,
    shown: { issuer: string; subject: string; audience: string; claims: Readonly<Record<string, unknown>> },
  ) => {
    const minted = await mintThirdPartyToken(platform.store, { ...shown, now: clock.now() });
    const answer = await fetch(`${platform.urls.issuer}/sts/exchange`, {
      method: 'POST',
      headers: { authorization: `Bearer ${minted}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ aud: platform.urls.api, identity: id }).toString(),
    });
    return answer.status === 200;
  };
  return { ...made, identity, audit, isAdmitted };
}

test('a clean organization has no findings', async () => {
  const { identity, audit } = await world();
  await identity('bound', {
    issuer: github,
    subject: 'repo:acme/app:ref:refs/heads/main',
    claims: { repository_id: '1', repository_owner_id: '2' },
  });
  await identity('private', { issuer: 'https://issuer.example.com', subjectPattern: '.*' });
  expect(await audit()).toMatchObject({ code: 0, items: [] });
});

test.each([
  ['any repository', { issuer: github, subjectPattern: '^repo:.*:ref:refs/heads/main$' }],
  ['an owner without an end', { issuer: github, subjectPattern: '^repo:acme.*:ref:refs/heads/main$' }],
  [
    'any project of GitLab',
    { issuer: 'https://gitlab.com', subjectPattern: 'project_path:.*:ref_type:branch:ref:main' },
  ],
  ['an environment of any repository', { issuer: github, subjectPattern: 'repo:[^/]+/[^:]+:environment:.*' }],
])('%s is found with a token that gets in', async (_, rule) => {
  const { identity, audit, isAdmitted } = await world();
  const id = await identity('open', rule);
  const { items } = await audit();
  const found = items.find((one: { rule: string }) => one.rule === 'admits-strangers');
  expect(found).toMatchObject({ severity: 'high', about: 'identity open', id });
  expect(await isAdmitted(id, found.token)).toBe(true);
  expect(await isAdmitted(id, { ...found.token, subject: 'repo:nobody' })).toBe(false);
});

test('a stranger who can assume an owner can make another owner', async () => {
  const { platform, identity, audit, clock } = await world();
  const id = await identity('open', { issuer: github, subjectPattern: '^repo:.*$' }, 'owner');
  const { items } = await audit();
  const { token, steps } = items.find((one: { rule: string }) => one.rule === 'owner-by-condition');
  expect(steps).toHaveLength(3);
  const minted = await mintThirdPartyToken(platform.store, { ...token, now: clock.now() });
  const exchange = await fetch(`${platform.urls.issuer}/sts/exchange`, {
    method: 'POST',
    headers: { authorization: `Bearer ${minted}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ aud: platform.urls.api, identity: id }).toString(),
  });
  const { token: access } = (await exchange.json()) as { token: string };
  const friend = platform.user('friend@example.com');
  const roles = (await platform.call(access, 'GET', '/iam/v1/roles?name=owner')).body.items;
  const made = await platform.call(access, 'POST', `/iam/v1/rolebindings/${organization}`, {
    body: { identity: friend, role: roles[0].id },
  });
  expect(made.status).toBe(200);
});

test('a name alone is found, and --fix binds it to the ids', async () => {
  const { identity, audit } = await world();
  await identity('ci', { issuer: github, subject: 'repo:acme/app:ref:refs/heads/main' });
  expect((await audit()).items).toMatchObject([{ rule: 'name-only-subject', severity: 'medium' }]);
  const fixed = await audit('--fix');
  expect(fixed.items).toEqual([]);
  expect((await audit()).items).toEqual([]);
});

test('keys without an end and roles that hand out access are found; --fail-on decides the exit code', async () => {
  const { run, audit } = await world();
  await run([
    'iam',
    'roles',
    'create',
    'helper',
    '--parent=example.com',
    '--capabilities=role_bindings.create,groups.list',
    '--yes',
  ]);
  expect((await audit()).items).toMatchObject([{ rule: 'hands-out-access', severity: 'low', about: 'role helper' }]);
  expect((await audit('--fail-on=high')).code).toBe(0);
  const failed = await audit('--fail-on=low');
  expect(failed.code).toBe(1);
  expect(failed.err).toContain('1 finding');
});

test('sarif is a document of one run', async () => {
  const { run, identity } = await world();
  await identity('open', { issuer: github, subjectPattern: '^repo:.*$' });
  const { out } = await run(['iam', 'audit', '--parent=example.com', '-osarif']);
  const log = JSON.parse(out);
  expect(log).toMatchObject({ version: '2.1.0', runs: [{ tool: { driver: { name: 'chainctl' } } }] });
  expect(log.runs[0].results[0]).toMatchObject({ ruleId: 'admits-strangers', level: 'error' });
});
