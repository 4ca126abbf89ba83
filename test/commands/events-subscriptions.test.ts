import { expect, test } from 'vitest';
import { demoFolders, demoOrganizations } from '../support/ids.ts';
import { signedIn } from '../support/signed-in.ts';

const create = ['events', 'subscriptions', 'create'];

test('created, listed and deleted as scripts do', async () => {
  const { run, calls } = await signedIn();
  const sink = 'https://events.example.com/hook';
  const made = await run(['events', 'sub', 'create', '--parent=example.com', sink, '--yes']);
  expect(made).toMatchObject({ code: 0, err: '' });
  expect(made.out).toMatch(/^ +ID +\| +SINK\n-+\|-+\n/);
  expect(made.out).toContain(sink);
  // Older scripts put flags first and write `--group`.
  const second = await run([...create, '--group', demoFolders.sandbox, 'https://other.example.com/', '-y', '-oid']);
  expect(second.out).toMatch(new RegExp(`^${demoFolders.sandbox}/[0-9a-f]{16}\n$`));
  calls();
  const { out, err } = await run(['events', 'subscriptions', 'list', '--parent=example.com', '--output=json']);
  expect(err).toBe('');
  const { items } = JSON.parse(out);
  expect(items.map((item: { sink: string }) => item.sink).sort()).toEqual([sink, 'https://other.example.com/']);
  expect(items.every((item: { id: string }) => item.id.startsWith(demoOrganizations.private))).toBe(true);
  expect(calls()).toEqual(['iam.v1.Groups.List', 'events.v1.Subscriptions.List']);
  const id = second.out.trim();
  expect(await run(['events', 'subscriptions', 'delete', id, '--yes'])).toMatchObject({ code: 0, out: `${id}\n` });
  expect((await run(['events', 'subscriptions', 'list', '--parent=sandbox', '-ojson'])).out).toBe('{"items":[]}\n');
});

test('questions take their answer from a pipe; deleting never from silence', async () => {
  const { run } = await signedIn();
  const words = [...create, 'https://events.example.com/hook', '--parent=example.com', '-oid'];
  expect(await run(words, { stdin: 'n\n' })).toMatchObject({ code: 1, out: '' });
  const made = await run(words, { stdin: 'y\n' });
  expect(made.err).toContain('This sends the events of "example.com" to https://events.example.com/hook.');
  const id = made.out.trim();
  const silent = await run(['events', 'subscriptions', 'delete', id], { stdin: '' });
  expect(silent).toMatchObject({ code: 2, out: '' });
  expect(silent.err).toContain('This stops sending events to https://events.example.com/hook.');
  // On a terminal the only one there is counts as picked, and is then asked about.
  const picked = await run(['events', 'subscriptions', 'delete'], {
    tty: true,
    answers: [true],
  });
  expect(picked.err).toContain('Selected subscription https://events.example.com/hook.');
  expect(picked).toMatchObject({ code: 0, out: `${id}\n` });
  expect((await run(['events', 'subscriptions', 'list', '-oid'])).out).toBe('');
});

test('what is no sink is refused, here or by the platform', async () => {
  const { run, calls } = await signedIn();
  calls();
  const file = await run([...create, 'file:///etc/passwd', '--parent=example.com', '-y']);
  expect(file).toMatchObject({ code: 2, out: '' });
  const password = await run([...create, 'https://me:hunter2@example.org/', '--parent=example.com', '-y']);
  expect(password).toMatchObject({ code: 2, out: '' });
  expect(password.err).toContain('error: `SINK_URL` must not hold a user name or a password\n');
  expect(password.err).not.toContain('hunter2');
  expect(calls()).toEqual([]);
  const metadata = await run([...create, 'https://169.254.169.254/latest', '--parent=example.com', '-y']);
  expect(metadata).toMatchObject({ code: 1, out: '' });
  const unknown = await run(['events', 'subscriptions', 'delete', demoFolders.sandbox, '--yes']);
  expect(unknown).toMatchObject({ code: 1, out: '' });
  // An id is repeated letter by letter.
  expect(unknown.err).toContain(`error: ${demoFolders.sandbox} not found\n`);
});
