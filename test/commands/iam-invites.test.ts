import { describe, expect, test } from 'vitest';
import { authWorld } from '../support/auth-world.ts';
import { builtInRoleId, demoFolders, demoOrganizations } from '../support/ids.ts';
import { signedIn } from '../support/signed-in.ts';

const organization = demoOrganizations.private;
const hour = 3_600_000;

describe('create', () => {
  test('JSON has the code, whose first key is the group', async () => {
    const { run, clock } = await signedIn();
    const { code, out, err } = await run(['iam', 'invites', 'create', 'example.com', '--role=viewer', '-ojson']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const invite = JSON.parse(out);
    expect(invite.role).toMatchObject({ id: builtInRoleId('viewer'), name: 'viewer' });
    expect(Buffer.from(invite.code, 'base64').toString()).toMatch(/^\{"grp":"[0-9a-f]{40}"/);
    expect(Date.parse(invite.expiration) - clock.now()).toBe(168 * hour);
    expect(invite.id.startsWith(`${organization}/`)).toBe(true);
  });

  test('the text for people holds the code and how to use it; other forms are there too', async () => {
    const { run } = await signedIn();
    const text = await run(['iam', 'invite', 'create', '--group', 'engineering', '--role', 'viewer']);
    const code = /^Invite code: (\S+)\n/.exec(text.out)?.[1];
    expect(text.out).toContain(`chainctl auth login --invite-code ${code}\n`);
    expect((await run(['iam', 'invites', 'create', 'sandbox', '--role=viewer', '-oid'])).out).toMatch(
      new RegExp(`^${demoFolders.sandbox}/[0-9a-f]{16}\n$`),
    );
  });

  test('days are a unit; address and single use reach the platform', async () => {
    const { run, clock } = await signedIn();
    const words = ['iam', 'invites', 'create', 'example.com', '--role=viewer'];
    const made = await run([...words, '--ttl=5d', '--email=kim@example.com', '--single-use', '-ojson']);
    expect(Date.parse(JSON.parse(made.out).expiration) - clock.now()).toBe(5 * 24 * hour);
    const { items } = JSON.parse((await run(['iam', 'invites', 'list', '-ojson'])).out);
    expect(items).toEqual([expect.objectContaining({ email: 'kim@example.com', singleUse: true })]);
    expect(items[0]).not.toHaveProperty('code');
    for (const wrong of ['--ttl=soon', '--ttl=0', '--ttl=99999999999h', '--email=kim']) {
      expect(await run([...words, wrong]), wrong).toMatchObject({ code: 2, out: '' });
    }
  });

  test('a person picks location and role with no flag at all', async () => {
    const { run } = await signedIn();
    const made = await run(['iam', 'invites', 'create'], { tty: true, answers: ['engineering', 'viewer'] });
    expect(made.code).toBe(0);
    expect(made.asked).toEqual(['Where are people invited to?', 'Which role do they get?']);
    expect(made.err).toContain('Equivalent command: chainctl iam invites create engineering --role=viewer');
    expect(made.out).toMatch(/^Invite code: /);
  });

  test('whoever logs in with the code belongs to the organization', async () => {
    const { run, login, mint } = await authWorld();
    await login();
    const made = await run(['iam', 'invites', 'create', 'example.com', '--role=viewer', '--single-use', '-ojson']);
    const { code } = JSON.parse(made.out);
    const { developerToken } = await import('../../src/local/issuer/simulated.ts');
    const token = await mint(developerToken('newcomer@example.com'));
    const joined = await run(['auth', 'login', '--identity-token', token, '--invite-code', code]);
    expect(joined.code, joined.err).toBe(0);
    expect((await run(['iam', 'organizations', 'list', '-oid'])).out).toBe(`${organization}\n`);
    expect((await run(['iam', 'folders', 'delete', 'sandbox', '-y'])).code).toBe(1);
  });
});

describe('list and delete', () => {
  test('a table of what can be told, and nothing of the codes', async () => {
    const { run } = await signedIn();
    const made = JSON.parse(
      (await run(['iam', 'invites', 'create', 'sandbox', '--role=viewer', '--ttl=24h', '-ojson'])).out,
    );
    const { out } = await run(['iam', 'invites', 'ls', '--parent=example.com']);
    expect(out).toMatch(/^ +ID +\| +EXPIRATION +\| +KEYID +\| +ROLE +\| LOCATION \| +EMAIL\n/);
    expect(out).toMatch(/ \| \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \| /);
    expect(out).toContain(` ${made.id} | `);
    expect(out).toContain(`| ${made.keyId} | [viewer] `);
    expect((await run(['iam', 'invites', 'list', '--parent=engineering', '-oid'])).out).toBe('');
    expect(await run(['iam', 'invites', 'list', '--parent=engineering', '-ojson'])).toMatchObject({
      out: '{"items":[]}\n',
      err: '',
    });
  });

  test('several by id, after one question', async () => {
    const { run } = await signedIn();
    const make = async () => (await run(['iam', 'invites', 'create', 'sandbox', '--role=viewer', '-oid'])).out.trim();
    const ids = [await make(), await make(), await make()];
    expect((await run(['iam', 'invites', 'delete', ids[0] ?? ''])).code).toBe(2);
    const deleted = await run(['iam', 'invites', 'delete', ids[0] ?? '', ids[1] ?? ''], { stdin: 'y\n' });
    expect(deleted).toMatchObject({ code: 0, out: '' });
    expect(deleted.err).toContain('This deletes 2 invites:');
    expect((await run(['iam', 'invites', 'list', '-oid'])).out).toBe(`${ids[2]}\n`);
    const picked = await run(['iam', 'invites', 'delete'], { tty: true, answers: [true] });
    expect(picked.code, picked.err).toBe(0);
    expect((await run(['iam', 'invites', 'list', '-oid'])).out).toBe('');
    // The id stays as it is, to be looked for.
    const gone = await run(['iam', 'invites', 'delete', ids[0] ?? '', '-y']);
    expect(gone).toMatchObject({ code: 1, err: `error: ${ids[0]} not found\n` });
  });

  test('--expired takes those that can no longer be used and is no error when there are none', async () => {
    const { run, clock } = await signedIn();
    const make = async (ttl: string) =>
      (await run(['iam', 'invites', 'create', 'sandbox', '--role=viewer', `--ttl=${ttl}`, '-oid'])).out.trim();
    const [short, long] = [await make('1h'), await make('48h')];
    expect(await run(['iam', 'invites', 'delete', '--expired', '--yes'])).toMatchObject({
      code: 0,
      err: 'No invite has expired.\n',
    });
    clock.advance(2 * hour);
    const deleted = await run(['iam', 'invites', 'delete', '--expired'], { stdin: 'y\n' });
    expect(deleted.code).toBe(0);
    expect(deleted.err).toContain(short);
    expect(deleted.err).not.toContain(long);
    expect((await run(['iam', 'invites', 'list', '-oid'])).out).toBe(`${long}\n`);
    expect((await run(['iam', 'invites', 'delete', long, '--expired', '-y'])).code).toBe(2);
    expect((await run(['iam', 'invites', 'delete', '--yes'])).code).toBe(2);
  });
});

test('an invite for a cluster needs no role and gives that of agents', async () => {
  const { run } = await signedIn();
  const made = await run(['iam', 'invites', 'create', 'example.com', '--cluster', '--ttl=1h', '-ojson']);
  expect(made.code, made.err).toBe(0);
  expect(JSON.parse(made.out).role).toMatchObject({ name: 'gulfstream', capabilities: ['gulfstream'] });
  const both = await run(['iam', 'invites', 'create', 'example.com', '--cluster', '--role=viewer']);
  expect(both.code).toBe(2);
});
