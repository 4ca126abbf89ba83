// What is asked when nothing says what to create or what to change.
import { expect, test } from 'vitest';
import { signedIn } from '../support/signed-in.ts';

const create = ['iam', 'identities', 'create'];

test('an identity of another issuer, with no argument at all', async () => {
  const { run } = await signedIn();
  const made = await run([...create, '-o', 'json'], {
    tty: true,
    answers: [
      'Another issuer, by pattern',
      'any-job',
      'https://issuer.example.com',
      'job:\\d+',
      'engineering',
      [],
      true,
    ],
  });
  expect(made.asked.at(-1)).toContain('with no role, so it can do nothing until');
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

test('an answer that the rules refuse is asked again at once, and the printed command works', async () => {
  const { run } = await signedIn();
  const made = await run([...create, 'x', '--parent=example.com', '--role=viewer'], {
    tty: true,
    answers: ['Another issuer', 'ftp://issuer.example.com', 'https://issuer.example.com', 'me', true],
  });
  expect(made.refused).toEqual(['This must be an https URL, not "ftp://issuer.example.com"']);
  expect(made.code).toBe(0);
  const github = await run([...create, 'github', 'y', '--parent=example.com', '--role=viewer', '--yes=false'], {
    tty: true,
    answers: ['acme', 'acme@1/app@2', true],
  });
  expect(github.refused).toEqual([expect.stringMatching(/^This must /)]);
  expect(github.code, github.err).toBe(0);
  expect(github.err).toMatch(
    /In the workflow:\n\n {2}permissions:\n[\s\S]* {6}identity: [0-9a-f]{40}\/[0-9a-f]{16}\n$/,
  );
  const again = /Equivalent command: chainctl ([^\u001b\n]*)/.exec(github.err)?.[1]?.split(' ') ?? [];
  expect(again).toContain('--github-repo=acme@1/app@2');
  const twin = await run(again, { tty: true, answers: [false] });
  expect(twin.asked[0]).toMatch(
    /There is an identity "y" there already \([0-9a-f/]+\); afterwards the name means both/,
  );
  expect((await run([...again, '--yes'])).code).toBe(0);
});

test('an organization goes only when its name is typed', async () => {
  const { run } = await signedIn();
  await run(['iam', 'organizations', 'create', 'short-lived', '--yes']);
  const remove = ['iam', 'organizations', 'delete', 'short-lived'];
  const kept = await run(remove, { tty: true, answers: ['yes', 'Short-Lived', ''] });
  expect(kept).toMatchObject({ code: 1, refused: [expect.stringContaining('"short-lived"'), expect.anything()] });
  expect(kept.asked[0]).toContain('with its role bindings and invites.\nType "short-lived" to go on:');
  expect(await run(remove, { tty: true, answers: ['short-lived'] })).toMatchObject({ code: 0 });
});

test('organizations and folders are created by the words that list them', async () => {
  const { run } = await signedIn();
  const made = await run(['iam', 'organizations', 'create', 'acme', '-y', '-oid']);
  expect(made.out).toMatch(/^[0-9a-f]{40}\n$/);
  const folder = await run(['iam', 'folders', 'create', 'team', '--parent=acme', '--description=Us', '-ojson'], {
    stdin: 'y\n',
  });
  expect(folder.err).toContain('This creates the folder "team" in "acme".');
  expect(JSON.parse(folder.out)).toMatchObject({ name: 'team', description: 'Us' });
  expect((await run(['iam', 'folders', 'create', 'team'])).err).toContain('`--parent`');
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

test('a question for another value shows the present one, whatever is updated', async () => {
  const { run } = await signedIn();
  const make = async (...words: string[]) => {
    const made = await run([...words, '-oid']);
    expect(made.code, made.err).toBe(0);
    return made.out.trim();
  };
  const at = '--parent=example.com';
  const provider = ['--oidc-issuer=https://idp.example', '--oidc-client-id=client', '--oidc-pkce-enabled'];
  const idp = ['iam', 'identity-providers', 'create', '--name=sso', '--description=Ours', at, '--default-role=viewer'];
  await make(...idp, ...provider, '-y');
  await make('iam', 'roles', 'create', 'lister', at, '--description=Lists', '--capabilities=groups.list', '-y');
  await make(...create, 'app', at, '--identity-issuer=https://i.example', '--subject=me', '--role=viewer', '-y');
  await make('images', 'repos', 'create', 'web', at, '--description=Front');
  const updates: [string, string, string][] = [
    ['iam folders update sandbox', 'description', 'Try things here'],
    ['iam folders update sandbox', 'name', 'sandbox'],
    ['iam roles update lister', 'description', 'Lists'],
    ['iam identities update app', 'identity issuer', 'https://i.example'],
    ['iam identities update app', 'subject', 'me'],
    ['iam identity-providers update sso', 'name', 'sso'],
    ['iam identity-providers update sso', 'description', 'Ours'],
    ['iam identity-providers update sso', 'oidc issuer', 'https://idp.example'],
    ['iam identity-providers update sso', 'oidc client id', 'client'],
    ['images repos update web --parent=example.com', 'description', 'Front'],
    ['images repos update web --parent=example.com', 'name', 'web'],
  ];
  for (const [line, property, now] of updates) {
    const same = await run([...line.split(' '), '-oid'], { tty: true, answers: [property, now] });
    expect.soft(same.shown, `${line}: ${property}\n${same.err}`).toEqual([now]);
  }
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
