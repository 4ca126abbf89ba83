// A slip in any command: one sentence that says what was wrong, and one that says what to type next.

import { expect, test } from 'vitest';
import { listsOf } from '../../src/cli/report.ts';
import { runCli } from '../support/run-cli.ts';
import { signedIn } from '../support/signed-in.ts';

/** What is typed, and what the hint holds; `$` at its end: nothing more. */
const slips: readonly (readonly [string, string])[] = [
  ['iam organizations lst', 'did you mean `chainctl iam organizations list`?'],
  ['iam organizations describe exmaple.com', 'did you mean the organization "example.com"?'],
  ['iam folders describe enginering', 'did you mean the folder "engineering"?'],
  ['iam folders describe zzzz', 'see `chainctl iam folders list`'],
  ['iam folders update engineering --name=x -y', 'it asks for no agreement; leave `-y` out'],
  ['iam identities describe nosuch', 'see `chainctl iam identities list`'],
  ['iam identities create github a --github-repo=acme -y', 'see `chainctl iam identities create github --help`'],
  ['iam identities create github a --github-repo=acme/app --github-rev=x', 'did you mean `--github-ref`?'],
  ['iam identities create github a --github-repo=acme/app --role=regsitry.pull -y', 'did you mean "registry.pull"?'],
  ['iam roles delete viewr -y', 'did you mean "viewer"?'],
  ['iam roles describe viewer', 'use `chainctl iam roles list`'],
  ['iam roles create r --parent=engineering --capabilities=repo.lst -y', 'did you mean "repo.list"?'],
  ['iam role-bindings create --identity=dev@exmple.com --role=owner --parent=engineering -y', 'see who is there with'],
  ['iam role-bindings delete nope -y', 'see `chainctl iam role-bindings delete --help`'],
  ['iam invites create engineering --role=viewer --ttl=7x', 'see `chainctl iam invites create --help`'],
  ['iam account-associations describe exmple.com', 'did you mean the organization "example.com"?'],
  ['iam access who-can registry.pull --on=engineering', 'it is a role; see what it can do with `chainctl iam roles'],
  ['iam access who-can repo.lst --on=engineering', 'did you mean "repo.list"?'],
  ['iam access can-i repo.list --on=enginering', 'did you mean the folder "engineering"?'],
  ['iam access list guset@example.com', 'see who is there with'],
  ['iam export --parent=exmple.com', 'did you mean the organization "example.com"?'],
  ['iam plan', 'see `chainctl iam plan --help`'],
  ['iam audit --fail-on=hihg', 'see `chainctl iam audit --help`'],
  ['images history appp', 'see `chainctl images repos list`'],
  ['images diff app:a app:b', 'ORGANIZATION/app:a`'],
  [
    'events subscriptions create not-a-url --parent=engineering -y',
    'see `chainctl events subscriptions create --help`',
  ],
  ['events audit list --since=1x', 'see `chainctl events audit list --help`'],
  ['policies view nosuch', 'see `chainctl policies list`'],
  ['clusters describe nosuch', 'see `chainctl clusters list`'],
  ['sigstore ca describe nosuch', 'see `chainctl sigstore ca list`'],
  ['auth pull-token delete nosuch -y', 'see `chainctl auth pull-token list`'],
  ['auth configure-docker --pull-tokn', 'did you mean `--pull-token`?'],
  ['auth token --capabilities=repo.lst', 'did you mean "repo.list"?'],
  ['config set default.gruop x', 'did you mean default.group?'],
  ['config contexts use prodution', 'did you mean "production"?'],
  ['iam organizations list --context=prodution', 'did you mean "production"?'],
  ['api describe Groups.Lst', 'did you mean iam.v1.Groups.List?'],
  ['api GET /iam/v1/grops', 'see which paths there are with `chainctl api list`'],
  ['console settngs', 'did you mean "settings"?'],
  ['console zzzzzzzz', 'there are '],
  ['local snapshot lod x', 'did you mean `chainctl local snapshot load`?'],
  ['doctor --for=dokcer', 'see `chainctl doctor --help`'],
  ['help outptu', 'did you mean `chainctl help output`?'],
  ['completion bsh', 'did you mean `chainctl completion bash`?'],
  ['whoami', 'use `chainctl auth status`'],
];

test('each says in one sentence what was wrong, and in the next what to type', async () => {
  const { run } = await signedIn();
  for (const [line, hint] of slips) {
    const { code, out, err } = await run(line.split(' '));
    expect.soft([1, 2], `${line}\n${err}`).toContain(code);
    expect.soft(out, line).toBe('');
    expect.soft(err, line).toMatch(/^error: [^\n]+\n( {2}[^\n]+\n)*hint: [^\n]+\n$/);
    expect.soft(err.slice(err.indexOf('hint: ')), line).toContain(hint);
  }
});

test('a capability that there is none of is told where a list is filtered by it', async () => {
  const { run } = await signedIn();
  const listed = await run(['iam', 'roles', 'list', '--capabilities=repo.lst', '-oid']);
  expect(listed).toMatchObject({ code: 0, out: '' });
  expect(listed.err).toContain('No capability is called "repo.lst"; did you mean "repo.list"?');
  expect((await run(['iam', 'roles', 'list', '--capabilities=repo.list', '-oid'])).err).toBe('');
});

test.each(Object.entries(listsOf))('what lists the things of %s is a command', async (_, line) => {
  const { code, out } = await runCli([...line.split(' '), '--help']);
  expect(code).toBe(0);
  expect(out).toContain(`Usage: chainctl ${line}`);
});
