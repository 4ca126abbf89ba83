// What is asked when nothing says what to create or what to change.
import { expect, test } from 'vitest';
import { signedIn } from '../support/signed-in.ts';

const create = ['iam', 'identities', 'create'];

test('an identity of another issuer, with no argument at all', async () => {
  const { run } = await signedIn();
  const made = await run([...create, '-o', 'json'], {
    tty: true,
    answers: ['Another issuer, by pattern', 'any-job', 'https://issuer.example.com', 'job:\\d+', 'engineering', true],
  });
  expect(made.err).toContain('Selected Another issuer, by pattern.');
  expect(made.code, made.err).toBe(0);
  expect(made.asked.slice(0, 4)).toEqual([
    'Who may assume the identity?',
    'What is the identity called?',
    'Which issuer (URL)?',
    'Which subjects (regular expression)?',
  ]);
  expect(JSON.parse(made.out).claimMatch).toMatchObject({
    issuer: 'https://issuer.example.com',
    subjectPattern: 'job:\\d+',
  });
  expect(made.err).toMatch(
    /Equivalent command: chainctl iam identities create any-job --identity-issuer=https:\/\/issuer\.example\.com --subject-pattern='job:\\d\+' /,
  );
});

test('a way that is another command goes on as that command, with what was given', async () => {
  const { run } = await signedIn();
  const made = await run([...create, 'my-app', '--parent=example.com', '--role=viewer', '--output=json'], {
    tty: true,
    answers: ['GitHub Actions', 'acme/app', true],
  });
  expect(made.code, made.err).toBe(0);
  expect(made.asked.slice(0, 2)).toEqual(['Who may assume the identity?', 'Which repository (owner/name)?']);
  expect(JSON.parse(made.out)).toMatchObject({
    name: 'my-app',
    claimMatch: { subjectPattern: expect.stringMatching(/^\^repo:\(\?:acme\/app\|acme@\d+\/app@\d+\):\.\*\$$/) },
  });
  expect(made.err).toContain('chainctl iam identities create github my-app --github-repo=acme/app ');
});

test('a service of the platform is picked from the list', async () => {
  const { run } = await signedIn();
  const made = await run([...create, 'syncer', '--parent=example.com', '--role=viewer', '-o', 'json'], {
    tty: true,
    answers: ['A service of the platform', 'CATALOG_SYNCER', true],
  });
  expect(made.code, made.err).toBe(0);
  expect(JSON.parse(made.out).servicePrincipal).toBe('CATALOG_SYNCER');
});

test('an answer that the rules refuse ends the command before anything is sent', async () => {
  const { run, calls } = await signedIn();
  const refused = await run([...create, 'x', '--parent=example.com', '--role=viewer'], {
    tty: true,
    answers: ['Another issuer', 'ftp://issuer.example.com', 'me'],
  });
  expect(refused.code).toBe(2);
  expect(refused.err.replace(/\u001b\[\d+m/g, '')).toContain(
    'error: `--identity-issuer` must be an https URL, not "ftp://issuer.example.com"',
  );
  expect(calls()).not.toContain('iam.v1.Identities.Create');
});

test('other mistakes are told before the choice is asked', async () => {
  const { run } = await signedIn();
  const wrong = await run([...create, 'x', '--expiration=soon'], { tty: true, answers: [] });
  expect(wrong.code).toBe(2);
  const role = await run(['iam', 'folders', 'update', 'sandbox', '--nme=x'], { tty: true, answers: [] });
  expect(role.code).toBe(2);
  expect(role.err).toContain('--nme');
});

test('what was not chosen to be changed stays: the scopes and the PKCE of an identity provider', async () => {
  const { run } = await signedIn();
  const oidc = ['--oidc-issuer=https://idp.example.com', '--oidc-client-id=x', '--oidc-additional-scopes=profile'];
  const made = ['--name=idp', '--parent=example.com', '--default-role=viewer', ...oidc, '--oidc-pkce-enabled', '-y'];
  expect((await run(['iam', 'identity-providers', 'create', ...made])).code).toBe(0);
  const update = ['iam', 'identity-providers', 'update', 'idp', '-ojson'];
  const described = await run(update, { tty: true, answers: ['description', 'Ours', true] });
  expect(described.code, described.err).toBe(0);
  expect(JSON.parse(described.out)).toMatchObject({
    description: 'Ours',
    oidc: { additional_scopes: ['profile'], pkce_enabled: true },
  });
  expect(described.asked.at(-1)).not.toMatch(/scopes|PKCE/);
});

test('what to change is asked after what is changed, and lands in the echoed command', async () => {
  const { run } = await signedIn();
  const renamed = await run(['iam', 'folders', 'update', '-o', 'json'], {
    tty: true,
    answers: ['sandbox', 'description', 'For trials'],
  });
  expect(renamed.code, renamed.err).toBe(0);
  expect(renamed.asked).toEqual([
    'Which folder would you like to change?',
    'What would you like to change?',
    'Which description?',
  ]);
  expect(JSON.parse(renamed.out)).toMatchObject({ name: 'sandbox', description: 'For trials' });
  expect(renamed.err).toMatch(/Equivalent command: chainctl iam folders update \S*sandbox --description='For trials'/);
});

test('what changes of an identity and of a role binding', async () => {
  const { run } = await signedIn();
  await run([...create, 'github', 'app', '--github-repo=acme/app', '--parent=example.com', '--role=viewer', '-y']);
  const identity = await run(['iam', 'identities', 'update', 'app', '-o', 'json'], {
    tty: true,
    answers: ['audience', 'https://audience.example.com', true],
  });
  expect(identity.code, identity.err).toBe(0);
  expect(JSON.parse(identity.out).claimMatch.audience).toBe('https://audience.example.com');

  const bindings = JSON.parse((await run(['iam', 'role-bindings', 'list', '-o', 'json'])).out).items;
  const guest = bindings.find((one: { role: { name: string } }) => one.role.name === 'viewer');
  const binding = await run(['iam', 'role-bindings', 'update', guest.id, '-o', 'json'], {
    tty: true,
    answers: ['role', 'editor', true],
  });
  expect(binding.code, binding.err).toBe(0);
});

test('a yes-or-no property is picked', async () => {
  const { run } = await signedIn();
  const made = await run([
    ...['iam', 'identity-providers', 'create', '--parent=example.com', '--name=idp', '--default-role=viewer'],
    ...['--oidc-issuer=https://idp.example.com', '--oidc-client-id=c', '--oidc-client-secret=s', '-y', '-o', 'json'],
  ]);
  expect(made.code, made.err).toBe(0);
  const changed = await run(['iam', 'identity-providers', 'update', JSON.parse(made.out).id, '-o', 'json'], {
    tty: true,
    answers: ['oidc pkce enabled', 'true', true],
  });
  expect(changed.code, changed.err).toBe(0);
  expect(changed.out).toMatch(/"pkce_?enabled":\s*true/i);
});

test('without a terminal the inputs are named', async () => {
  const { run } = await signedIn();
  const none = await run([...create, 'x', '--parent=example.com', '--role=viewer', '-y']);
  expect(none.code).toBe(2);
  expect(none.err).toContain('must say who may assume it');
  const update = await run(['iam', 'folders', 'update', 'sandbox']);
  expect(update.err).toContain('error: one of `--name` or `--description` is required');
});
