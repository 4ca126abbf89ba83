import { expect, test } from 'vitest';
import { signedIn } from '../support/signed-in.ts';

test('the audit log is listed and filtered', async () => {
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

test('a platform without an audit log refuses it as one without deliveries refuses those', async () => {
  const { run } = await signedIn({ modules: [] });
  const refusalOf = async (...words: string[]) => {
    const { code, out, err } = await run(['events', ...words, '--parent=example.com']);
    return { code, out, err };
  };
  const refusal = (name: string) => ({
    code: 1,
    out: '',
    err: `error: This platform does not offer the ${name}; a local one does\nhint: start one with \`chainctl local start\`\n`,
  });
  expect(await refusalOf('deliveries', 'list')).toEqual(refusal('list of deliveries'));
  expect(await refusalOf('audit', 'list')).toEqual(refusal('audit log'));
  expect(await refusalOf('audit', 'follow')).toEqual(refusal('audit log'));
});
