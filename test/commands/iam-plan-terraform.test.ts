// A plan of Terraform gives and takes what the same change as files does, and what it does not tell is said.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { builtInRoleId, demoFolders, organization, personId } from '../support/ids.ts';
import { temporaryFolder } from '../support/platform.ts';
import { signedIn } from '../support/signed-in.ts';

async function world() {
  const made = await signedIn();
  const folder = temporaryFolder();
  const write = (text: string, name = 'tfplan.json') => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  return { ...made, write };
}

type Values = Readonly<Record<string, unknown>>;

/** One entry of `resource_changes` (JSON output format of Terraform 1.x, "Change Representation"). */
function change(
  address: string,
  actions: readonly string[],
  before: Values | null,
  after: Values | null,
  unknown = {},
) {
  const [, module, type, name, index] = /^(module\..*\.)?(?:data\.)?(\w+)\.(\w+)(?:\[(.*)\])?$/.exec(address) ?? [];
  return {
    address,
    ...(module === undefined ? {} : { module_address: module.replace(/\.$/, '').replace(/\.data$/, '') }),
    mode: address.includes('data.') ? 'data' : 'managed',
    type,
    name,
    ...(index === undefined ? {} : { index: JSON.parse(index) }),
    provider_name: 'registry.terraform.io/chainguard-dev/chainguard',
    change: { actions, before, after, after_unknown: unknown },
  };
}

/** The configuration of a resource: which addresses the expressions name, beginnings included, as Terraform writes them. */
const configured = (type: string, name: string, expressions: Record<string, string[]>, each: string[] = []) => ({
  address: `${type}.${name}`,
  mode: 'managed',
  type,
  name,
  expressions: Object.fromEntries(Object.entries(expressions).map(([key, references]) => [key, { references }])),
  ...(each.length === 0 ? {} : { for_each_expression: { references: each } }),
});

const plan = (changes: readonly unknown[], root: Values = {}, rest: Values = {}) =>
  JSON.stringify({
    format_version: '1.2',
    terraform_version: '1.11.4',
    planned_values: {},
    resource_changes: changes,
    configuration: { root_module: root },
    ...rest,
  });

const dev = personId('dev@example.com');
const { engineering, sandbox } = demoFolders;
const rule = { issuer: 'https://token.actions.githubusercontent.com', subject: 'repo:acme/app:ref:refs/heads/main' };

/** What somebody gains or loses, without the ids of what is not there yet. */
const told = (out: string) =>
  JSON.parse(out).access.map(({ identityId: _id, ...rest }: { identityId?: string }) => rest);

test('what is known after apply is found through modules, for_each, variables, outputs and data sources', async () => {
  const { run, write } = await world();
  const teams = ['blue', 'red'];
  const file = write(
    plan(
      [
        ...teams.map((team) =>
          change(
            `module.team[${JSON.stringify(team)}].chainguard_group.this`,
            ['create'],
            null,
            { name: team, description: null, parent_id: organization },
            { id: true },
          ),
        ),
        ...teams.map((team) =>
          change(
            `chainguard_identity.ci[${JSON.stringify(team)}]`,
            ['create'],
            null,
            { name: `ci-${team}`, claim_match: { ...rule, claims: null } },
            { id: true, parent_id: true, claim_match: {} },
          ),
        ),
        ...teams.map((team) =>
          change(
            `chainguard_rolebinding.ci[${JSON.stringify(team)}]`,
            ['create'],
            null,
            {},
            { id: true, group: true, identity: true, role: true },
          ),
        ),
        change(
          'chainguard_role.pusher',
          ['create'],
          null,
          { name: 'pusher', parent_id: organization, capabilities: ['repo.create', 'repo.list'] },
          { id: true, capabilities: [false, false] },
        ),
        change(
          'chainguard_rolebinding.guest',
          ['create'],
          null,
          { identity: personId('guest@example.com'), group: engineering },
          { id: true, role: true },
        ),
        change('data.chainguard_role.editor', ['read'], null, { name: 'editor', parent: '/' }, { items: true }),
        change('module.team["blue"].data.chainguard_role.x', ['read'], null, { name: 'x' }, { items: true }),
      ],
      {
        module_calls: {
          team: {
            source: './team',
            for_each_expression: { references: ['var.teams'] },
            expressions: { parent: { references: ['var.organization'] } },
            module: {
              resources: [configured('chainguard_group', 'this', { parent_id: ['var.parent'] })],
              outputs: {
                group_id: { expression: { references: ['chainguard_group.this.id', 'chainguard_group.this'] } },
              },
            },
          },
        },
        resources: [
          configured('chainguard_identity', 'ci', { parent_id: ['module.team', 'each.key'] }, ['var.teams']),
          configured(
            'chainguard_rolebinding',
            'ci',
            {
              group: ['module.team', 'each.key'],
              identity: ['each.value.id', 'each.value'],
              role: ['chainguard_role.pusher.id', 'chainguard_role.pusher'],
            },
            ['chainguard_identity.ci'],
          ),
          configured('chainguard_rolebinding', 'guest', {
            role: ['data.chainguard_role.editor.items[0].id', 'data.chainguard_role.editor.items[0]'],
          }),
        ],
      },
    ),
  );
  const expected = write(
    'version: 1\norganization: example.com\nexpect:\n  - blue/ci-blue can repo.create on blue\n  - ci-blue cannot repo.create on red\n',
    'expected.yaml',
  );
  const answer = await run(['iam', 'plan', '--from-plan', file, '-f', expected, '-ojson']);
  expect(answer.code).toBe(3);
  const same = write(
    `version: 1
organization: example.com
folders: [{ path: blue }, { path: red }]
roles: [{ name: pusher, capabilities: [repo.create, repo.list] }]
identities:
  - { name: ci-blue, in: blue, claimMatch: ${JSON.stringify(rule)} }
  - { name: ci-red, in: red, claimMatch: ${JSON.stringify(rule)} }
bindings:
  - { identity: ci-blue, in: blue, role: pusher }
  - { identity: ci-red, in: red, role: pusher }
  - { user: guest@example.com, in: engineering, role: editor }
`,
    'same.yaml',
  );
  const files = await run(['iam', 'plan', '-f', same, '-ojson']);
  expect(told(answer.out)).toEqual(told(files.out));
  const { changes, expectations, unsure } = JSON.parse(answer.out);
  expect(unsure).toBeUndefined();
  expect(expectations.map(({ met }: { met: boolean }) => met)).toEqual([true, true]);
  expect(changes).toContainEqual({
    action: 'create',
    kind: 'identities',
    name: 'red/ci-red',
    address: 'chainguard_identity.ci["red"]',
    details: [
      'claimMatch.issuer: "https://token.actions.githubusercontent.com"',
      'claimMatch.subject: "repo:acme/app:ref:refs/heads/main"',
    ],
  });
  expect(changes.map(({ name }: { name: string }) => name)).toContain('pusher for blue/ci-blue in blue');
});

test('updates, deletions and what is made anew take and give what the same files do', async () => {
  const { platform, run, write } = await world();
  const token = await platform.token(dev);
  const post = async (path: string, body: object) => (await platform.call(token, 'POST', path, { body })).body;
  const role = await post(`/iam/v1/roles/${organization}`, {
    name: 'pusher',
    capabilities: ['repo.create', 'repo.list'],
  });
  const ci = await post(`/iam/v1/identities/${engineering}`, { name: 'ci', claimMatch: rule });
  const bound = await post(`/iam/v1/rolebindings/${engineering}`, { identity: ci.id, role: role.id });
  const ann = platform.user('ann@example.com', ['viewer', engineering]);
  const { items } = (await platform.call(token, 'GET', `/iam/v1/rolebindings?uidp.descendants_of=${organization}`))
    .body;
  const anns = items.find(({ identity }: { identity: string }) => identity === ann);
  const identity = { id: ci.id, name: 'ci', description: '', parent_id: engineering, claim_match: rule };
  const binding = { id: bound.id, identity: ci.id, group: engineering, role: role.id };
  const viewer = { id: anns.id, identity: ann, group: engineering, role: builtInRoleId('viewer') };
  const file = write(
    plan(
      [
        change(
          'chainguard_role.pusher',
          ['update'],
          { id: role.id, name: 'pusher', description: '', parent_id: organization, capabilities: role.capabilities },
          { id: role.id, name: 'pusher', parent_id: organization, capabilities: ['manifest.create', 'repo.list'] },
        ),
        change(
          'chainguard_identity.ci',
          ['delete', 'create'],
          identity,
          { name: 'ci', description: 'Builds', parent_id: engineering, claim_match: rule },
          { id: true },
        ),
        change(
          'chainguard_rolebinding.ci',
          ['create', 'delete'],
          binding,
          { group: engineering, role: role.id },
          { id: true, identity: true },
        ),
        change('chainguard_rolebinding.ann', ['update'], viewer, { ...viewer, role: builtInRoleId('editor') }),
        change('chainguard_group.gone', ['forget'], { id: sandbox, name: 'sandbox' }, null),
        {
          ...change('chainguard_group.moved', ['no-op'], { id: sandbox }, { id: sandbox }),
          previous_address: 'chainguard_group.old',
        },
      ],
      {
        resources: [
          configured('chainguard_rolebinding', 'ci', {
            identity: ['chainguard_identity.ci.id', 'chainguard_identity.ci'],
          }),
        ],
      },
    ),
  );
  const answer = await run(['iam', 'plan', '--from-plan', file]);
  expect(answer.code).toBe(3);
  expect(answer.out).toContain(
    '± identity engineering/ci\n      chainguard_identity.ci\n      recreated, with another id\n',
  );
  expect(answer.out).toContain('role: "viewer" → "editor"');
  expect(answer.out).toContain('capabilities: adds manifest.create\n      capabilities: drops repo.create\n');
  expect(answer.out).not.toContain('moved');
  expect(answer.out).not.toContain('gone');
  const json = await run(['iam', 'plan', '--from-plan', file, '-ojson']);
  expect(JSON.parse(json.out).unsure).toBeUndefined();
  const same = write(
    `version: 1
organization: example.com
roles: [{ name: pusher, capabilities: [manifest.create, repo.list] }]
bindings:
  - { identity: ci, in: engineering, role: pusher }
  - { user: ann@example.com, in: engineering, role: editor }
  - { user: dev@example.com, role: owner }
  - { user: guest@example.com, role: viewer }
`,
    'same.yaml',
  );
  expect(told(json.out)).toEqual(told((await run(['iam', 'plan', '-f', same, '--prune', '-ojson'])).out));
});

test('a folder that goes takes what is bound in it along, and a new invite is a condition', async () => {
  const { platform, run, write } = await world();
  platform.user('ann@example.com', ['editor', sandbox]);
  const file = write(
    plan([
      change(
        'chainguard_group.sandbox',
        ['delete'],
        { id: sandbox, name: 'sandbox', description: 'Try things here', parent_id: organization },
        null,
      ),
      change(
        'chainguard_group_invite.open',
        ['create'],
        null,
        { group: engineering, role: builtInRoleId('viewer'), expiration: '2999-01-01T00:00:00Z', email: null },
        { id: true, code: true },
      ),
      change('null_resource.other', ['create'], null, {}),
    ]),
  );
  const { out } = await run(['iam', 'plan', '--from-plan', file]);
  expect(out).toContain('- folder sandbox');
  expect(out).toContain('  ann@example.com\n    - in sandbox:\n');
  expect(out).toContain(
    'invite chainguard_group_invite.open (if the condition is met)\n    + in engineering:\n        all of the role viewer',
  );
  expect(out).toContain('1 change of other providers is not looked at');
});

test('what is made anew elsewhere loses what it had and gains what it gets', async () => {
  const { platform, run, write } = await world();
  const token = await platform.token(dev);
  const post = async (path: string, body: object) => (await platform.call(token, 'POST', path, { body })).body;
  const ci = await post(`/iam/v1/identities/${engineering}`, { name: 'ci', claimMatch: rule });
  await post(`/iam/v1/rolebindings/${engineering}`, { identity: ci.id, role: builtInRoleId('viewer') });
  const before = { id: ci.id, name: 'ci', description: '', parent_id: engineering, claim_match: rule };
  const moved = change('chainguard_identity.ci', ['delete', 'create'], before, {
    ...before,
    id: null,
    parent_id: sandbox,
  });
  const { out } = await run(['iam', 'plan', '--from-plan', write(plan([moved]))]);
  expect(out).toContain('± identity sandbox/ci\n');
  expect(out).toContain('  engineering/ci\n    - in engineering:\n        all of the role viewer');
  expect(out).not.toContain('    + in');
});

test('what nothing tells is said, and then nobody is sure that somebody cannot', async () => {
  const { run, write } = await world();
  const file = write(
    plan(
      [
        change(
          'chainguard_rolebinding.some',
          ['create'],
          null,
          { group: sandbox, role: builtInRoleId('owner') },
          { id: true, identity: true },
        ),
      ],
      { resources: [configured('chainguard_rolebinding', 'some', { identity: ['local.who'] })] },
    ),
  );
  const expected = write(
    'version: 1\norganization: example.com\nexpect:\n  - guest@example.com cannot groups.delete on sandbox\n',
    'expected.yaml',
  );
  const answer = await run(['iam', 'plan', '--from-plan', file, '-f', expected]);
  expect(answer.code).toBe(1);
  expect(answer.out).toContain('+ binding owner for (known after apply) in sandbox');
  expect(answer.out).toContain('who gains what by chainguard_rolebinding.some: its identity is known after\n    apply');
  expect(answer.err).toContain('what is known after apply may give it');
});

test('a plan about things that are there no more is refused, and one that is about others than now says so', async () => {
  const { run, write } = await world();
  const gone = `${organization}/0000000000000000`;
  const stale = plan([
    change('chainguard_role.old', ['delete'], { id: gone, name: 'old', capabilities: ['repo.list'] }, null),
  ]);
  const refused = await run(['iam', 'plan', '--from-plan', write(stale)]);
  expect(refused).toMatchObject({ code: 1, out: '' });
  expect(refused.err).toContain(`no longer there: chainguard_role.old (${gone})`);
  const before = { id: engineering, name: 'engineering', description: 'Once', parent_id: organization };
  const changed = plan([change('chainguard_group.it', ['update'], before, { ...before, description: 'Soon' })]);
  const { out } = await run(['iam', 'plan', '--from-plan', write(changed)]);
  expect(out).toContain('chainguard_group.it has changed since the plan was made: description: "Once"');
});

test('the secret of an identity provider is not told', async () => {
  const { run, write } = await world();
  const oidc = { issuer: 'https://idp.example.com', client_id: 'a', client_secret: 'hunter2-secret' };
  const text = plan([
    change(
      'chainguard_identity_provider.sso',
      ['create'],
      null,
      { name: 'sso', parent_id: organization, default_role: builtInRoleId('viewer'), oidc },
      { id: true },
    ),
  ]);
  const { out } = await run(['iam', 'plan', '--from-plan', write(text)]);
  expect(out).toContain('  anyone who first signs in through sso (if the condition is met)\n    + in example.com:\n');
  expect(out).not.toContain('hunter2');
});

test('a plan without changes exits 0', async () => {
  const { run, write } = await world();
  const group = { id: organization, name: 'example.com', description: 'A company to try things with' };
  const file = write(plan([change('chainguard_group.it', ['no-op'], group, group)]));
  expect(await run(['iam', 'plan', '--from-plan', file])).toMatchObject({ code: 0 });
});

test.each([
  ['the plan itself', 'PK\u0003\u0004rest', 'which only Terraform reads'],
  ['no JSON', 'Terraform will perform', 'is not what `terraform show -json` prints'],
  ['the log of a plan', '{"@level":"info"}\n{"@level":"info"}\n', 'is the log of `terraform plan -json`'],
  ['a state', JSON.stringify({ format_version: '1.0', values: {} }), 'is a state and no plan'],
  ['something else', JSON.stringify({ items: [] }), 'is not what `terraform show -json` prints'],
  ['another format', plan([], {}, { format_version: '2.0' }), 'has the format 2.0'],
  ['a plan with an error', plan([], {}, { errored: true }), 'could not finish'],
  ['a plan about nothing', plan([]), 'names no organization'],
])('%s is refused with what to do', async (_, text, sentence) => {
  const { run, write } = await world();
  const refused = await run(['iam', 'plan', '--from-plan', write(text)]);
  expect(refused).toMatchObject({ code: 2, out: '' });
  expect(refused.err).toContain(sentence);
});

test('files beside it only say what to expect', async () => {
  const { run, write } = await world();
  const file = write('version: 1\norganization: example.com\nroles: []\n', 'iam.yaml');
  const refused = await run(['iam', 'plan', '--from-plan', write(plan([])), '-f', file]);
  expect(refused.code).toBe(2);
  expect(refused.err).toContain('only "expect" of');
  expect((await run(['iam', 'plan'])).code).toBe(2);
});
