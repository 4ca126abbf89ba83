// An organization as files: what is exported applies again, what a plan says is what happens, and nothing else does.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { demoFolders, demoOrganizations, organization, personId } from '../support/ids.ts';
import { temporaryFolder } from '../support/platform.ts';
import { signedIn } from '../support/signed-in.ts';

async function world() {
  const made = await signedIn();
  const folder = temporaryFolder();
  const write = (text: string, name = 'iam.yaml') => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  return { ...made, folder, write };
}

test('an export compared with what it was made from changes nothing', async () => {
  const { run, write } = await world();
  const exported = await run(['iam', 'export', '--parent=example.com']);
  expect(exported.code).toBe(0);
  const file = write(exported.out);
  const plan = await run(['iam', 'plan', '-f', file, '--prune']);
  expect(plan.out).toBe('"example.com" is as the files say.\n');
  expect(plan.code).toBe(0);
});

const desired = `version: 1
organization: example.com
folders:
  - path: engineering
    description: Builders
  - path: engineering/release
roles:
  - name: pusher
    capabilities: [repo.create, repo.list, manifest.create]
identities:
  - name: ci
    in: engineering/release
    claimMatch:
      issuer: https://token.actions.githubusercontent.com
      subject: repo:acme/app:ref:refs/heads/main
bindings:
  - identity: ci
    role: pusher
    in: engineering
  - user: dev@example.com
    role: viewer
    in: sandbox
  - user: dev@example.com
    role: owner
expect:
  - engineering/release/ci can repo.create on engineering/release
  - ci cannot repo.create on sandbox
`;

test('a plan says what changes and exits 3, apply makes it so, and then nothing is left to do', async () => {
  const { run, write, calls } = await world();
  const file = write(desired);
  calls();
  const plan = await run(['iam', 'plan', '-f', file]);
  expect(plan).toMatchObject({ code: 3, err: '' });
  expect(plan.out).toContain('+ identity engineering/release/ci');
  expect(plan.out).toContain('ok    ci cannot repo.create on sandbox');
  expect(calls().filter((id) => !/\.List$|Validate$/.test(id))).toEqual([]);

  const applied = await run(['iam', 'apply', '-f', file, '--yes', '-ojson']);
  expect(applied.code).toBe(0);
  const again = await run(['iam', 'plan', '-f', file]);
  expect(again).toMatchObject({ code: 0 });
  expect(again.out).toContain('"example.com" is as the files say.');
});

/** What the platform itself lets everybody do: each capability at each place, by who. */
async function sweep(
  { platform }: Awaited<ReturnType<typeof world>>,
  owner: string,
  who: Readonly<Record<string, string>>,
) {
  const token = await platform.token(owner);
  const { items } = (await platform.call(token, 'GET', `/iam/v1/groups?uidp.descendants_of=${organization}`)).body;
  const places: string[] = [organization, ...items.map(({ id }: { id: string }) => id)];
  const allowed = new Set<string>();
  const roles = (await platform.call(token, 'GET', '/iam/v1/roles')).body.items;
  const worth = (role: { id?: string; name?: string }): readonly string[] =>
    roles.find((one: { id: string; name: string }) => (role.id ? one.id === role.id : one.name === role.name))
      ?.capabilities ?? [];
  for (const [name, id] of Object.entries(who)) {
    const answer = await platform.call(await platform.token(id), 'GET', '/auth/v1/ok');
    for (const place of new Set(places)) {
      for (const { group, role } of answer.body.capabilities ?? []) {
        if (place !== group.id && !place.startsWith(`${group.id}/`)) continue;
        for (const capability of worth(role)) allowed.add(`${name} ${capability} ${place}`);
      }
    }
  }
  return { allowed, places: new Set(places) };
}

test('gains and losses are what the platform gives before and after', async () => {
  const made = await world();
  const { platform, run, write } = made;
  const { engineering, sandbox } = demoFolders;
  const who = {
    'dev@example.com': personId('dev@example.com'),
    'ann@example.com': platform.user('ann@example.com', ['viewer', engineering], ['editor', sandbox]),
    'bob@example.com': platform.user('bob@example.com', ['owner', organization]),
  };
  const before = await sweep(made, who['dev@example.com'], who);
  const file = write(`version: 1
organization: example.com
roles:
  - name: narrow
    in: engineering
    capabilities: [groups.list, repo.list]
bindings:
  - user: dev@example.com
    role: owner
  - user: ann@example.com
    role: narrow
    in: engineering
  - user: ann@example.com
    role: viewer
  - user: bob@example.com
    role: viewer
    in: engineering/platform
`);
  const plan = await run(['iam', 'plan', '-f', file, '--prune', '-ojson']);
  expect(plan.code).toBe(3);
  const said = JSON.parse(plan.out);
  expect((await run(['iam', 'apply', '-f', file, '--prune', '--yes'])).code).toBe(0);
  const after = await sweep(made, who['dev@example.com'], who);

  const names = new Map([
    ['example.com', organization],
    ['engineering', engineering],
    ['engineering/platform', demoFolders.platform],
    ['sandbox', sandbox],
  ]);
  const expanded = { gains: new Set<string>(), loses: new Set<string>() };
  for (const { who: name, direction, capabilities, locations } of said.access) {
    if (!(name in who)) continue;
    for (const { location, except = [] } of locations) {
      const root = names.get(location) ?? '';
      const without = except.map((one: string) => names.get(one));
      for (const place of after.places) {
        const within = (id: string) => place === id || place.startsWith(`${id}/`);
        if (!within(root) || without.some(within)) continue;
        for (const one of capabilities) expanded[direction as 'gains' | 'loses'].add(`${name} ${one} ${place}`);
      }
    }
  }
  const minus = (a: Set<string>, b: Set<string>) => [...a].filter((one) => !b.has(one)).sort();
  expect([...expanded.gains].sort()).toEqual(minus(after.allowed, before.allowed));
  expect([...expanded.loses].sort()).toEqual(minus(before.allowed, after.allowed));
  expect(expanded.gains.size).toBeGreaterThan(10);
  expect(expanded.loses.size).toBeGreaterThan(10);
});

test('an export applied to a fresh platform exports the same', async () => {
  const one = await world();
  await one.run(['iam', 'apply', '-f', one.write(desired), '--yes']);
  const first = await one.run(['iam', 'export', '--parent=example.com']);
  const other = await world();
  const file = other.write(first.out);
  expect((await other.run(['iam', 'apply', '-f', file, '--prune', '--yes'])).code).toBe(0);
  const second = await other.run(['iam', 'export', '--parent=example.com']);
  expect(second.out).toBe(first.out);
});

test('split into files and read as a folder it says the same', async () => {
  const { run, folder } = await world();
  const parts = join(folder, 'parts');
  expect((await run(['iam', 'export', '--parent=example.com', '--split', '--out', parts])).code).toBe(0);
  expect((await run(['iam', 'plan', '-f', parts, '--prune'])).code).toBe(0);
});

test('cloud accounts and their folder have one id, and are two things', async () => {
  const { run, write } = await world();
  const accounts = `version: 1
organization: example.com
folders: [{ path: engineering }, { path: engineering/platform }, { path: sandbox }]
accountAssociations:
  - { in: engineering, name: clouds, amazon: { account: "012345678901" } }
`;
  expect((await run(['iam', 'apply', '-f', write(accounts), '--yes'])).code).toBe(0);
  expect(await run(['iam', 'plan', '-f', write(accounts), '--prune'])).toMatchObject({ code: 0, err: '' });
  const none = write(accounts.replace(/accountAssociations:[\s\S]*/, 'accountAssociations: []\n'));
  expect((await run(['iam', 'plan', '-f', none, '--prune'])).out).toContain('- cloud accounts of engineering');
});

test('a role that allows something else is told for whoever holds it', async () => {
  const { run, write } = await world();
  const text = (capability: string) => `version: 1
organization: example.com
roles: [{ name: narrow, capabilities: [groups.list, ${capability}] }]
bindings: [{ user: guest@example.com, role: narrow, in: sandbox }, { user: dev@example.com, role: owner }]
`;
  expect((await run(['iam', 'apply', '-f', write(text('repo.create')), '--yes'])).code).toBe(0);
  const plan = await run(['iam', 'plan', '-f', write(text('tag.create'))]);
  expect(plan.out).toContain('capabilities: adds tag.create\n      capabilities: drops repo.create\n');
  expect(plan.out).toContain(
    '  guest@example.com\n    + in sandbox:\n        tag.create\n    - in sandbox:\n        repo.create\n',
  );
});

test('as Terraform, a first plan of the provider finds nothing to do (scripts/e2e-terraform.mjs shows it)', async () => {
  const { run, write } = await world();
  const file = write(`version: 1
organization: example.com
roles: [{ name: narrow, in: engineering, capabilities: [groups.list] }]
identityProviders:
  - name: sso
    defaultRole: viewer
    oidc: { issuer: https://idp.example.com, clientId: "\${a}", clientSecretFrom: SECRET }
accountAssociations:
  - { in: engineering, name: clouds, amazon: { account: "012345678901" } }
`);
  expect((await run(['iam', 'apply', '-f', file, '--yes'], { env: { SECRET: 'hunter2-secret' } })).code).toBe(0);
  const { out } = await run(['iam', 'export', '--parent=example.com', '--format=terraform']);
  // The organization is verified, and a role without a description has an empty one.
  expect(out).toContain('  description = "A company to try things with"\n  verified    = true\n');
  expect(out).toContain('  name         = "narrow"\n  description  = ""\n  capabilities = ["groups.list"]\n');
  expect(out).toContain('  name  = "clouds"\n  group = chainguard_group.engineering.id\n\n  amazon {\n');
  // The platform tells nobody the secret.
  expect(out).toContain(
    '    client_id         = "$${a}"\n    additional_scopes = []\n    client_secret     = var.sso_client_secret\n',
  );
  expect(out).toContain('  lifecycle {\n    ignore_changes = [oidc.client_secret, oidc.additional_scopes]\n  }\n');
  expect(out).toContain('variable "sso_client_secret" {\n  type      = string\n  sensitive = true\n}\n');
  expect(out).not.toContain('hunter2');
});

test('the last owner never goes, and nothing else with them', async () => {
  const { run, write, calls } = await world();
  const exported = (await run(['iam', 'export', '--parent=example.com'])).out;
  const file = write(exported.replace(/ {2}- user: \S+\n {4}role: owner\n/g, ''));
  calls();
  const refused = await run(['iam', 'apply', '-f', file, '--prune', '--yes']);
  expect(refused.code).toBe(2);
  expect(refused.err).toContain('last owner');
  expect(calls().filter((id) => /Delete|Create|Update/.test(id))).toEqual([]);
});

test.each([
  [
    'a section that the files do not have',
    (text: string) => text.replace(/identities:[\s\S]*/, ''),
    'The folder "engineering/release" would be deleted with the identity "engineering/release/ci" still in it: ' +
      'the files have no section "identities"; write `identities: []` to delete it too',
  ],
  [
    'what the files have',
    (text: string) => text.replace(/expect:[\s\S]*/, ''),
    'with the identity "engineering/release/ci" still in it: the files have it; put the folder into their section "folders"',
  ],
])('a folder does not go while %s would stay in it', async (_, changed, sentence) => {
  const { run, write, calls } = await world();
  expect((await run(['iam', 'apply', '-f', write(desired), '--yes'])).code).toBe(0);
  const without = desired.replace('  - path: engineering/release\n', '');
  calls();
  const refused = await run(['iam', 'apply', '-f', write(changed(without)), '--prune', '--yes']);
  expect(refused).toMatchObject({ code: 2, out: '' });
  expect(refused.err).toContain(sentence);
  expect(calls().filter((id) => /Delete|Create|Update/.test(id))).toEqual([]);
});

test('a folder does not go while a pull token would stay in it', async () => {
  const { run, write, calls } = await world();
  expect((await run(['auth', 'pull-token', 'create', '--parent=sandbox', '--name=puller'])).code).toBe(0);
  const file = write('version: 1\norganization: example.com\nfolders: []\nidentities: []\n');
  calls();
  const refused = await run(['iam', 'apply', '-f', file, '--prune', '--yes']);
  expect(refused).toMatchObject({ code: 2, out: '' });
  expect(refused.err).toMatch(/The folder "sandbox" would be deleted .* still in it: pull tokens are no part of files/);
  expect(calls().filter((id) => /Delete|Create|Update/.test(id))).toEqual([]);
});

test('an expectation that is not met stops everything with exit 1', async () => {
  const { run, write, calls } = await world();
  const file = write(desired.replace('ci cannot repo.create on sandbox', 'ci can repo.create on sandbox'));
  expect(await run(['iam', 'plan', '-f', file])).toMatchObject({ code: 1 });
  calls();
  const refused = await run(['iam', 'apply', '-f', file, '--yes']);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('iam.yaml:27');
  expect(calls().filter((id) => /Delete|Create|Update/.test(id))).toEqual([]);
});

test.each([
  [
    'an unknown key',
    'folders:\n  - path: a\n    descripton: x\n',
    'iam.yaml:5: folders has no key "descripton"; did you mean "description"?',
  ],
  ['two of one name', 'folders:\n  - path: a\n  - path: a\n', 'iam.yaml:5: the folder "a" is there twice'],
  [
    'an unknown person',
    'bindings:\n  - user: nobody@example.com\n    role: viewer\n',
    'iam.yaml:4: "nobody@example.com" holds no role',
  ],
  [
    'an unknown role',
    'bindings:\n  - user: dev@example.com\n    role: viewr\n',
    'there is no role "viewr"; did you mean "viewer"?',
  ],
  [
    'an id of another organization',
    `bindings:\n  - user: dev@example.com\n    role: viewer\n    in: ${demoOrganizations.public}\n`,
    'is not one of this organization',
  ],
  ['broken YAML', 'folders: [\n', 'iam.yaml:4'],
  ['another version', 'folders: []\nversion: 2\n', 'iam.yaml'],
])('%s is refused as a whole, with its line', async (_, text, sentence) => {
  const { run, write, calls } = await world();
  const file = write(`version: 1\norganization: example.com\n${text}`);
  calls();
  const refused = await run(['iam', 'apply', '-f', file, '--yes']);
  expect(refused).toMatchObject({ code: 2, out: '' });
  expect(refused.err).toContain(sentence);
  expect(calls().filter((id) => /Delete|Create|Update/.test(id))).toEqual([]);
});

test('a plan that was kept is refused when the organization has changed since', async () => {
  const { run, write, folder } = await world();
  const file = write(desired);
  const out = join(folder, 'plan.json');
  expect((await run(['iam', 'plan', '-f', file, '--out', out])).code).toBe(3);
  await run(['iam', 'folders', 'create', 'release', '--parent=engineering', '--yes']);
  const refused = await run(['iam', 'apply', '--plan', out, '--yes']);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('no longer: create folders engineering/release');
  expect((await run(['iam', 'plan', '-f', file, '--out', out])).code).toBe(3);
  expect((await run(['iam', 'apply', '--plan', out, '--yes'])).code).toBe(0);
});

test('what fails in the middle is finished by a second run', async () => {
  const { run, write } = await world();
  const bad = desired.replace('https://token.actions.githubusercontent.com', 'http://not-https.example.com');
  const first = await run(['iam', 'apply', '-f', write(bad), '--yes']);
  expect(first.code).toBe(1);
  expect(first.err).toMatch(
    /"create identity engineering\/release\/ci" failed after \d of \d changes were made; apply the files again/,
  );
  expect((await run(['iam', 'apply', '-f', write(desired), '--yes'])).code).toBe(0);
  expect((await run(['iam', 'plan', '-f', write(desired)])).code).toBe(0);
});

test('two at once do not mix: one makes the changes and the other finds nothing to do', async () => {
  const { run, write } = await world();
  const file = write(desired);
  const both = await Promise.all([0, 1].map(() => run(['iam', 'apply', '-f', file, '--yes', '-ojson'])));
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  const made = both.map(({ out }) => JSON.parse(out).changes.length);
  expect(Math.min(...made)).toBe(0);
  expect((await run(['iam', 'plan', '-f', file])).code).toBe(0);
});

test('who does not see the whole organization gets no plan', async () => {
  const { platform, as, write } = await world();
  const someone = platform.user('someone@example.com', ['viewer', demoFolders.engineering]);
  const refused = await as(someone)(['iam', 'plan', '-f', write(desired)]);
  expect(refused.code).toBe(1);
});
