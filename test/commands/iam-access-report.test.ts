import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { demoFolders, demoOrganizations } from '../support/ids.ts';
import { temporaryFolder } from '../support/platform.ts';
import { signedIn } from '../support/signed-in.ts';

const { engineering } = demoFolders;

test('what somebody holds is listed with where and through what', async () => {
  const { platform, run } = await signedIn();
  platform.user('lead@example.com', ['owner', engineering], ['viewer', demoOrganizations.private]);
  const { code, out } = await run(['iam', 'access', 'list', 'lead@example.com', '--in=example.com', '-ojson']);
  expect(code).toBe(0);
  const items = JSON.parse(out).items.map(({ role, location, through, capabilities }: Record<string, string[]>) => [
    ...[role, location, through],
    capabilities?.includes('groups.create'),
  ]);
  expect(items.sort()).toEqual([
    ['owner', 'example.com/engineering', 'binding', true],
    ['viewer', 'example.com', 'binding', false],
  ]);
  const wrong = await run(['iam', 'access', 'list', 'guest-identty', '--in=example.com']);
  expect(wrong.code).toBe(1);
  expect(wrong.err).toContain('No identity found for "guest-identty"');
});

test('two reports differ by what was given, taken and changed between them, and by nothing else', async () => {
  const { platform, run } = await signedIn();
  const folder = temporaryFolder();
  const report = async (name: string) => {
    const { code, out } = await run(['iam', 'access', 'report', '--in=example.com', '-ojson']);
    expect(code).toBe(0);
    const path = join(folder, name);
    writeFileSync(path, out);
    return path;
  };
  await run(['iam', 'roles', 'create', 'maker', '--capabilities=groups.create', '--parent=example.com', '--yes']);
  platform.user('gone@example.com', ['viewer', engineering]);
  await run([
    'iam',
    'role-bindings',
    'create',
    '--identity=gone@example.com',
    '--role=maker',
    '--parent=sandbox',
    '--yes',
  ]);
  const old = await report('old.json');
  const same = await run(['iam', 'access', 'diff', old, await report('same.json')]);
  expect(same).toMatchObject({ code: 0, err: 'Nothing has changed.\n' });

  const binding = (await run(['iam', 'role-bindings', 'list', '--parent=engineering', '-ojson'])).out;
  const id = JSON.parse(binding).items.find((one: { email: string }) => one.email === 'gone@example.com').id;
  await run(['iam', 'role-bindings', 'delete', id, '--yes']);
  await run(['iam', 'roles', 'update', 'maker', '--add-capabilities=groups.list', '--yes']);
  platform.user('new@example.com', ['editor', engineering]);
  const { code, out } = await run(['iam', 'access', 'diff', old, await report('new.json'), '-ojson']);
  expect(code).toBe(3);
  const seen = JSON.parse(out).items.map(({ change, who, role, gained, lost }: Record<string, unknown[]>) => [
    change,
    who,
    role,
    gained?.length,
    lost?.length,
  ]);
  expect(seen).toEqual([
    ['lost', 'gone@example.com', 'viewer', 0, expect.any(Number)],
    ['changed', 'gone@example.com', 'maker', 1, 0],
    ['gained', 'new@example.com', 'editor', expect.any(Number), 0],
  ]);
});

test.each([
  ['{', 'is not JSON'],
  ['{"items":[{"who":"x"}]}', 'is no report of access: item 1 is no row of one'],
  ['[]', 'is no report of access: it has no `items`'],
])('%j is no report', async (text, what) => {
  const { run } = await signedIn({ seed: 'empty' });
  const path = join(temporaryFolder(), 'report.json');
  writeFileSync(path, text);
  const { code, err } = await run(['iam', 'access', 'diff', path, path]);
  expect([code, err.split('\n')[0]]).toEqual([2, `error: "${path}" ${what}`]);
});
