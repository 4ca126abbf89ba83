// What an audit finds is really so: the token it shows gets in, and what it finds nothing in has nothing.

import { expect, test } from 'vitest';
import { mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { builtInRoleId, demoOrganizations, personId } from '../support/ids.ts';
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

test('whoever manages a mapped group becomes an owner in the two steps that are told', async () => {
  const { platform, audit, clock } = await world();
  // SCIM wants a second owner.
  platform.user('second@example.com', ['owner', organization]);
  const owner = await platform.token(personId('dev@example.com'));
  const ok = async (path: string, body: object, token = owner) => {
    const answer = await platform.call(token, 'POST', path, { body });
    expect([path, answer.status, answer.body.message]).toEqual([path, 200, undefined]);
    return answer.body;
  };
  const oidc = { issuer: 'https://idp.example', clientId: 'c', clientSecret: 's' };
  const { id: provider } = await ok(`/iam/v1/identityProviders/${organization}`, { name: 'okta', oidc });
  const generated = await ok(`/iam/v1/identityProviders/${provider}:generateScimToken`, {});
  await ok(`/iam/v1/identityProviders/${provider}:setScimEnabled`, { enabled: true, etag: generated.etag });
  const mapping = { externalGroupId: 'admins', roleUidp: builtInRoleId('owner'), scope: organization };
  await ok(`/iam/v1/externalGroupRoleMappings/${provider}`, mapping);

  const { items } = await audit();
  expect(items).toMatchObject([{ rule: 'owner-by-condition', severity: 'medium', about: 'group mapping of okta' }]);
  expect(items[0].steps).toEqual(['join the group "admins"', `chainctl auth login --identity-provider=${provider}`]);

  const scim = async (path: string, body: object) => {
    const answer = await fetch(`${platform.urls.api}/scim/v2/${provider}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${generated.token}`, 'content-type': 'application/scim+json' },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(201);
    return ((await answer.json()) as { id: string }).id;
  };
  const signedInAs = async (subject: string) => {
    const claims = { email: `${subject}@example.com` };
    const said = { issuer: oidc.issuer, subject, audience: oidc.clientId, claims };
    const token = await mintThirdPartyToken(platform.store, { ...said, now: clock.now() });
    const query = new URLSearchParams({ aud: platform.urls.api, identity_provider: provider });
    const answer = await platform.call(token, 'POST', `/sts/exchange?${query}`);
    return answer.body.token as string;
  };
  const friend = { identity: platform.user('friend@example.com'), role: builtInRoleId('owner') };
  const schemas = (name: string) => [`urn:ietf:params:scim:schemas:core:2.0:${name}`];
  const user = await scim('/Users', { schemas: schemas('User'), userName: 'kim', externalId: '00u1' });
  // Before the first step the second gives nothing: the organization is not even told to be there.
  const outside = await signedInAs('00u1');
  const refused = await platform.call(outside, 'POST', `/iam/v1/rolebindings/${organization}`, { body: friend });
  expect(refused.status).toBe(404);
  await scim('/Groups', { schemas: schemas('Group'), displayName: 'admins', members: [{ value: user }] });
  await ok(`/iam/v1/rolebindings/${organization}`, friend, await signedInAs('00u1'));
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

/**
 * What the published schema of SARIF 2.1.0 allows (OASIS, errata 01; every object here is closed) of the members that we write,
 * and what GitHub's code scanning requires besides; `*` marks what has to be there.
 */
const sarif: Readonly<Record<string, readonly string[]>> = {
  '': ['$schema*', 'version*', 'runs*'],
  runs: ['tool*', 'results*'],
  'runs.tool': ['driver*'],
  'runs.tool.driver': ['name*', 'rules*'],
  'runs.tool.driver.rules': ['id*', 'shortDescription*', 'fullDescription*', 'help*'],
  'runs.tool.driver.rules.shortDescription': ['text*'],
  'runs.tool.driver.rules.fullDescription': ['text*'],
  'runs.tool.driver.rules.help': ['text*'],
  'runs.results': ['ruleId*', 'level*', 'message*', 'locations*', 'partialFingerprints*'],
  'runs.results.message': ['text*'],
  'runs.results.locations': ['physicalLocation*', 'logicalLocations'],
  'runs.results.locations.physicalLocation': ['artifactLocation*', 'region*'],
  'runs.results.locations.physicalLocation.artifactLocation': ['uri*'],
  'runs.results.locations.physicalLocation.region': ['startLine*'],
  'runs.results.locations.logicalLocations': ['fullyQualifiedName', 'kind'],
  'runs.results.partialFingerprints': ['primaryLocationLineHash*'],
};

/** What is wrong with a document, with its path. */
function sarifProblems(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => sarifProblems(one, path));
  if (value === null || value === '') return [`${path}: empty`];
  if (typeof value !== 'object') return [];
  const allowed = sarif[path] ?? [];
  const has = Object.keys(value);
  return [
    ...has.filter((key) => !allowed.some((one) => one.replace('*', '') === key)).map((key) => `${path}: has ${key}`),
    ...allowed
      .filter((one) => one.endsWith('*') && !has.includes(one.slice(0, -1)))
      .map((one) => `${path}: lacks ${one}`),
    ...Object.entries(value).flatMap(([key, one]) => sarifProblems(one, path === '' ? key : `${path}.${key}`)),
  ];
}

test('sarif is what the schema and code hosts ask for', async () => {
  const { run, identity } = await world();
  const clean = JSON.parse((await run(['iam', 'audit', '--parent=example.com', '-osarif'])).out);
  expect(sarifProblems(clean)).toEqual([]);
  expect(clean.runs[0]).toMatchObject({ results: [], tool: { driver: { rules: [] } } });
  await identity('open', { issuer: github, subjectPattern: '^repo:.*$' });
  await identity('named', { issuer: github, subject: 'repo:acme/app:ref:refs/heads/main' });
  const sarifNow = async () => JSON.parse((await run(['iam', 'audit', '--parent=example.com', '-osarif'])).out);
  const log = await sarifNow();
  expect(sarifProblems(log)).toEqual([]);
  expect(log).toMatchObject({ version: '2.1.0', runs: [{ tool: { driver: { name: 'chainctl' } } }] });
  const [{ tool, results }] = log.runs;
  expect(results.map(({ ruleId, level }: { ruleId: string; level: string }) => [ruleId, level])).toEqual([
    ['admits-strangers', 'error'],
    ['name-only-subject', 'warning'],
  ]);
  expect(tool.driver.rules.map(({ id }: { id: string }) => id)).toEqual(['admits-strangers', 'name-only-subject']);
  const uris = results.map(
    ({ locations }: { locations: { physicalLocation: { artifactLocation: { uri: string } } }[] }) =>
      locations[0]?.physicalLocation.artifactLocation.uri,
  );
  expect(uris).toEqual([expect.stringMatching(/^iam\/[0-9a-f/]+$/), expect.stringMatching(/^iam\/[0-9a-f/]+$/)]);
  // The same findings are the same alerts the next time, and two are not one.
  const prints = (one: typeof log) =>
    one.runs[0].results.map((result: { partialFingerprints: object }) => Object.values(result.partialFingerprints)[0]);
  expect(prints(await sarifNow())).toEqual(prints(log));
  expect(new Set(prints(log)).size).toBe(2);
});
