import { expect, test } from 'vitest';
import { signedIn } from '../support/signed-in.ts';

test('the audit log is listed, filtered, and refused by a platform that has none', async () => {
  const { run, as } = await signedIn();
  await run(['iam', 'folders', 'create', 'made', '--parent=engineering', '--yes']);
  const refused = await as('guest@example.com')(['iam', 'folders', 'update', 'sandbox', '--description=x']);
  expect(refused.err).toMatch(/hint: see why with `chainctl iam access explain [0-9a-f]{40} groups\.update --on=\S+`/);
  const list = await run(['events', 'audit', 'list', '--parent=example.com']);
  expect(list.code).toBe(0);
  expect(list.out).toContain('iam.v1.Groups.Create');
  expect(list.out).toContain('owner in ');
  const json = JSON.parse((await run(['events', 'audit', 'list', '--parent=sandbox', '--refused', '-ojson'])).out);
  expect(json.items).toEqual([
    expect.objectContaining({
      who: 'guest@example.com',
      operation: 'iam.v1.Groups.Update',
      because: 'missing: groups.update',
    }),
  ]);
  // The line of the error says why, to whoever may see it.
  const line = /chainctl (iam access explain [^`]+)/.exec(refused.err)?.[1] ?? '';
  expect((await run(line.split(' '))).out).toContain('does not have "groups.update"');
});
