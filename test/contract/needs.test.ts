// What `--needs` says of commands, beside what the audit log of the platform has seen of them.

import { expect, test } from 'vitest';
import { operations } from '../../src/api/schema/operations.gen.ts';
import type { Operation } from '../../src/api/schema/types.ts';
import { personId } from '../support/ids.ts';
import { signedIn } from '../support/signed-in.ts';

interface Told {
  readonly capability: string;
  readonly operations: readonly string[];
  readonly changes: boolean;
}

const table: Readonly<Record<string, Operation>> = operations;

/** In this order: later ones use what earlier ones made. Behind a line what it changes in other cases only. */
const lines: readonly (readonly [line: string, otherwise?: readonly string[]])[] = [
  ['iam organizations list'],
  ['iam folders create made --parent=engineering --yes'],
  ['iam folders update made --description=x'],
  ['iam roles create made-role --parent=example.com --capabilities=groups.list --yes'],
  ['iam roles list --parent=example.com'],
  ['iam roles update made-role --description=x --yes'],
  [
    'iam identities create made-job --parent=made --identity-issuer=https://ci.example.com --subject=job --yes',
    ['iam.v1.Identities.Delete', 'iam.v1.RoleBindings.Create', 'iam.v1.RoleBindings.CreateBatch'],
  ],
  ['iam role-bindings create --parent=made --identity=made-job --role=made-role --yes'],
  ['iam role-bindings list --parent=made'],
  ['iam role-bindings list --parent=made --effective'],
  ['iam identities list --parent=made'],
  ['iam identities describe made-job'],
  ['iam identities update made-job --description=x --yes'],
  ['iam access who-can groups.list --on=made'],
  ['iam access can-i groups.list --on=made'],
  ['iam access explain guest@example.com groups.create --on=made'],
  ['iam invites create made --role=viewer --ttl=1h'],
  ['iam invites list --parent=made'],
  ['events subscriptions create https://sink.example.com/ --parent=made --yes'],
  ['events subscriptions list --parent=made'],
  ['iam export --parent=example.com'],
  ['iam identities delete made-job --yes'],
  ['iam roles delete made-role --yes'],
  ['iam folders create empty --parent=engineering --yes'],
  ['iam folders delete empty --yes'],
];

test('the audit log has seen what each command says, and every change that it says', { timeout: 120_000 }, async () => {
  const { platform, run } = await signedIn();
  const token = await platform.token(personId('dev@example.com'));
  const root = JSON.parse((await run(['iam', 'organizations', 'describe', 'example.com'])).out).id;
  let newest = '0';
  const recorded = async (): Promise<ReadonlySet<string>> => {
    const { body } = await platform.call(token, 'GET', `/local/v1/audit?group=${root}&after=${newest}&page_size=1000`);
    newest = body.newest;
    const ids = (body.items as { operation: string }[]).map(({ operation }) => operation);
    return new Set(ids.filter((id) => (table[id]?.capabilities.length ?? 0) > 0));
  };
  const wrong: object[] = [];
  for (const [line, otherwise = []] of lines) {
    const words = line.split(' ');
    const telling = await run([...words, '--needs', '--output=json']);
    if (telling.code !== 0) throw new Error(`${line}: ${telling.err}`);
    const told: Told[] = JSON.parse(telling.out).items;
    await recorded();
    const { code, err } = await run(words);
    if (code !== 0) throw new Error(`${line}: ${err}`);
    const seen = await recorded();
    const claimed = new Set(told.flatMap((need) => need.operations));
    const changes = told.filter((need) => need.changes).flatMap((need) => need.operations);
    const untold = [...seen].filter((id) => !claimed.has(id));
    const undone = changes.filter((id) => !seen.has(id) && !otherwise.includes(id));
    const silent = [...seen]
      .flatMap((id) => table[id]?.capabilities ?? [])
      .filter((one) => !told.some(({ capability }) => capability === one));
    if (untold.length + undone.length + silent.length > 0) wrong.push({ line, untold, undone, silent });
  }
  expect(wrong).toEqual([]);
});
