import { describe, expect, test } from 'vitest';
import { authWorld } from '../support/auth-world.ts';
import { signInAs } from '../support/browser.ts';
import { demoFolders, organization } from '../support/ids.ts';
import { signedIn } from '../support/signed-in.ts';

/** Somebody who signed in with a browser, and so can get a new token without one. */
async function withBrowserLogin() {
  const world = await authWorld();
  const pages: Promise<unknown>[] = [];
  const login = await world.run(['auth', 'login'], {
    tty: true,
    browser: (url) => {
      pages.push(signInAs(url, 'dev@example.com'));
      return true;
    },
  });
  await Promise.all(pages);
  expect(login.code, login.err).toBe(0);
  return world;
}

describe('iam groups, as the founding documents spell it', () => {
  test('create with --no-parent makes an organization that the same login can use at once', async () => {
    const { run } = await withBrowserLogin();
    const made = await run(['iam', 'groups', 'create', 'acme', '--no-parent'], { stdin: 'y\n' });
    expect(made.code).toBe(0);
    expect(made.err).toContain('This creates the organization "acme". Do you want to continue? [Y,n]: ');
    expect(made.out).toMatch(/^ +ID +\| +NAME +\| +DESCRIPTION\n-+\|-+\|-+\n [0-9a-f]{40} \| acme \|\n$/);
    const id = made.out.split('\n')[2]?.trim().split(' ')[0] ?? '';
    // The capabilities of the first token did not reach the new organization (protocols 3.6).
    const below = await run(['iam', 'groups', 'create', 'team', '--parent=acme', '-y', '-oid']);
    expect(below).toMatchObject({ code: 0, out: expect.stringMatching(new RegExp(`^${id}/[0-9a-f]{16}\n$`)) });
    expect((await run(['iam', 'folders', 'list', 'acme'])).out).toBe('[team]\n');
    expect((await run(['iam', 'folders', 'delete', 'team', '-y'])).code).toBe(0);
    expect((await run(['iam', 'organizations', 'delete', 'acme', '-y'])).code).toBe(0);
    expect((await run(['iam', 'orgs', 'list', '-oid'])).out).toBe(`${organization}\n`);
  });

  test('with --skip-refresh the token stays, and so what it reaches', async () => {
    const { run } = await withBrowserLogin();
    const made = await run(['iam', 'groups', 'create', 'acme', '--no-parent', '--skip-refresh', '-y', '-oid']);
    expect(made.code).toBe(0);
    expect((await run(['iam', 'orgs', 'list', '-oid'])).out).not.toContain(made.out);
  });

  test('a login that cannot be renewed is told how to go on', async () => {
    const { run } = await signedIn();
    const made = await run(['iam', 'groups', 'create', 'acme', '--no-parent', '-y', '-oid']);
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^[0-9a-f]{40}\n$/) });
    expect(made.err).toContain('log in again with `chainctl auth login`');
  });

  test('list has organizations and folders with their ids; a hint names the new words, but never into JSON', async () => {
    const { run } = await signedIn();
    const listed = await run(['iam', 'groups', 'list']);
    expect(listed.out.split('\n')).toEqual([
      ` ${organization} [example.com] A company to try things with`,
      `├ ${demoFolders.engineering} [engineering] Everybody who builds`,
      `│ └ ${demoFolders.platform} [platform] The team that runs the clusters`,
      `└ ${demoFolders.sandbox} [sandbox] Try things here`,
      '',
    ]);
    expect(listed.err).toBe(
      'warning: chainctl iam groups list is deprecated: use `chainctl iam organizations list` or `chainctl iam folders list`\n',
    );
    const json = await run(['iam', 'group', 'ls', '-ojson']);
    expect(json.err).toBe('');
    expect(JSON.parse(json.out).items).toHaveLength(4);
    expect((await run(['iam', 'group', 'ls', '-ojson'], { tty: true })).err).toContain('deprecated');
    expect((await run(['iam', 'groups', 'ls', '-o', 'table'])).out).toMatch(/^ +ID +\| +NAME +\| +DESCRIPTION\n/);
  });

  test('describe, update and delete do what the new words do', async () => {
    const { run } = await signedIn();
    const described = await run(['iam', 'groups', 'describe', 'sandbox', '-ojson', '--active-within=48h']);
    expect(described.out).toBe((await run(['iam', 'folders', 'describe', 'sandbox', '-ojson'])).out);
    const updated = await run(['iam', 'group', 'update', 'sandbox', '-n', 'playground', '-d', '', '-ojson']);
    expect(JSON.parse(updated.out)).toMatchObject({ id: demoFolders.sandbox, name: 'playground' });
    expect(await run(['iam', 'groups', 'rm', 'playground', '-y'])).toMatchObject({ code: 0, out: '' });
    expect((await run(['iam', 'folders', 'describe', 'playground'])).code).toBe(1);
  });

  test('the hidden words are not in the help of iam, their own help names the successor', async () => {
    const { run } = await signedIn();
    expect((await run(['iam', '--help'])).out).not.toMatch(/^ +groups /m);
    const help = await run(['iam', 'groups', 'list', '--help']);
    expect(help.out).toContain('Deprecated: use `chainctl iam organizations list`');
    expect(help.err).toBe('');
  });

  test('account associations: set, read and remove without a question', async () => {
    const { run } = await signedIn();
    const set = await run(['iam', 'group', 'set-aws', organization, '--account', '123456789012', '-ojson']);
    expect(set).toMatchObject({ code: 0, err: '' });
    const again = await run(['iam', 'account-associations', 'describe', 'example.com', '-ojson']);
    expect(JSON.parse(again.out)).toEqual([JSON.parse(set.out)].flat());
    expect(JSON.parse(again.out)[0]).toMatchObject({ amazon: { account: '123456789012' } });
    const gcp = ['--project-id=my-project', '--project-number=123456789'];
    expect((await run(['iam', 'groups', 'set-gcp', 'example.com', ...gcp, '-oid'])).out).toBe(`${organization}\n`);
    // Somebody else's account is not what was asked to be removed.
    expect(await run(['iam', 'groups', 'remove-aws', 'example.com', '--account=210987654321'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('"example.com" is associated with "123456789012", not with "210987654321"'),
    });
    const picked = await run(['iam', 'groups', 'remove-aws'], { tty: true, answers: ['example.com'] });
    expect(picked).toMatchObject({ code: 0, out: '' });
    expect((await run(['iam', 'groups', 'remove-gcp', 'example.com'])).code).toBe(0);
    expect(await run(['iam', 'groups', 'remove-gcp', 'example.com'])).toMatchObject({ code: 1, out: '' });
  });
});

describe('organizations and folders', () => {
  test('a folder is renamed and described anew; its description can be emptied', async () => {
    const { run } = await signedIn();
    const renamed = await run(['iam', 'folders', 'update', 'sandbox', '--name', 'play', '-ojson']);
    expect(JSON.parse(renamed.out)).toMatchObject({
      id: demoFolders.sandbox,
      name: 'play',
      description: 'Try things here',
    });
    const emptied = await run(['iam', 'folders', 'update', demoFolders.sandbox, '--description', '', '-ojson']);
    expect(JSON.parse(emptied.out)).not.toHaveProperty('description');
    expect(await run(['iam', 'folders', 'update', 'play', '--name=play'])).toMatchObject({
      code: 0,
      err: '"play" is like that already.\n',
    });
    expect((await run(['iam', 'folders', 'update', 'play'])).code).toBe(2);
    expect((await run(['iam', 'folders', 'update', 'play', '--name=Upper'])).code).toBe(2);
  });

  test('what is not empty is not deleted, and the reason reaches the user', async () => {
    const { run } = await signedIn();
    const refused = await run(['iam', 'folders', 'delete', 'engineering', '--yes']);
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain('not empty: 1 × child group');
    expect((await run(['iam', 'organizations', 'delete', 'example.com', '--yes'])).code).toBe(1);
    expect((await run(['iam', 'folders', 'list', 'example.com', '-oid'])).out.split('\n')).toHaveLength(4);
  });

  test('deleting asks, and silence is not an answer', async () => {
    const { run } = await signedIn();
    expect((await run(['iam', 'folders', 'delete', 'sandbox'])).code).toBe(2);
    const declined = await run(['iam', 'folders', 'delete', 'sandbox'], { stdin: 'n\n' });
    expect(declined).toMatchObject({ code: 1, out: '' });
    expect(declined.err).toContain(`This deletes the folder "sandbox" (${demoFolders.sandbox})`);
    const picked = await run(['iam', 'folders', 'delete'], { tty: true, answers: ['sandbox', true] });
    expect(picked).toMatchObject({ code: 0, out: '' });
    expect(picked.err).toContain('Deleted the folder "sandbox".');
    expect((await run(['iam', 'folders', 'delete', '--yes'])).code).toBe(2);
  });

  test('only folders are folders', async () => {
    const { run } = await signedIn();
    const organization = await run(['iam', 'folders', 'delete', 'example.com', '-y']);
    expect(organization).toMatchObject({
      code: 1,
      err: 'error: "example.com" is an organization, not a folder\nhint: see `chainctl iam folders list`\n',
    });
    const folder = await run(['iam', 'organizations', 'delete', 'sandbox', '-y']);
    expect(folder).toMatchObject({
      code: 1,
      err: 'error: "sandbox" is a folder, not an organization\nhint: see `chainctl iam organizations list`\n',
    });
  });
});
