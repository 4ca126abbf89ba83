// Every refusal ends with the line that says why.

import { expect, test } from 'vitest';
import { demoFolders } from '../support/ids.ts';
import { signedIn } from '../support/signed-in.ts';

const { sandbox } = demoFolders;

/** As somebody who may pull images below sandbox and nothing else. */
const refused: readonly (readonly [line: string, capability: string])[] = [
  ['iam folders update SANDBOX --description=x', 'groups.update'],
  ['iam folders create made --parent=SANDBOX --yes', 'groups.create'],
  [
    'iam role-bindings create --parent=SANDBOX --identity=SANDBOX/0123456789abcdef --role=viewer --yes',
    'role_bindings.create',
  ],
  ['iam roles create made --parent=SANDBOX --capabilities=groups.list --yes', 'roles.create'],
  [
    'iam identities create made --parent=SANDBOX --identity-issuer=https://ci.example.com --subject=x --yes',
    'identity.create',
  ],
  ['iam invites create SANDBOX --role=viewer --ttl=1h', 'group_invites.create'],
  ['images repos create made --parent=SANDBOX', 'repo.create'],
  ['events subscriptions create https://sink.example.com/ --parent=SANDBOX --yes', 'subscriptions.create'],
  ['events audit list --parent=SANDBOX', 'role_bindings.create'],
  ['events deliveries list --parent=SANDBOX', 'subscriptions.list'],
  ['events listen --parent=SANDBOX', 'subscriptions.list'],
  ['api iam.v1.Groups.Update -f id=SANDBOX -f name=x', 'groups.update'],
  ['api iam.v2.GroupsService.UpdateGroup -f group.uid=SANDBOX -f group.name=x', 'groups.update'],
];

test('a refused command says how to find out why, and that line is answered', async () => {
  const { platform, run, as } = await signedIn();
  const puller = platform.user('puller@example.com', ['registry.pull', sandbox]);
  const wrong: object[] = [];
  for (const [line, capability] of refused) {
    const answer = await as(puller)(line.replaceAll('SANDBOX', sandbox).split(' '));
    const last = answer.err.trimEnd().split('\n').at(-1);
    const expected = `hint: see why with \`chainctl iam access explain ${puller} ${capability} --on=${sandbox}\``;
    if (answer.code !== 1 || last !== expected) wrong.push({ line, code: answer.code, err: answer.err });
  }
  expect(wrong).toEqual([]);
  const why = await run(['iam', 'access', 'explain', puller, 'groups.update', `--on=${sandbox}`]);
  expect(why.out).toContain('does not have "groups.update"');
});
