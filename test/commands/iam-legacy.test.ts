// The spellings of the founding documents (seeds 000, 001, 003, 004) as they stand there, against a platform. Each does
// what the word that took its place does, and a script that reads standard output sees no difference.

import { describe, expect, test } from 'vitest';
import { demoFolders, organization } from '../support/ids.ts';
import { type SignedIn, signedIn } from '../support/signed-in.ts';

interface Pair {
  readonly old: readonly string[];
  readonly today: readonly string[];
  /** Named once on stderr by the old one; nothing when the old word is still one of today's. */
  readonly hint?: string;
}

const pairs: readonly Pair[] = [
  {
    old: ['iam', 'groups', 'describe', 'sandbox', '-o', 'json'],
    today: ['iam', 'folders', 'describe', 'sandbox', '-o', 'json'],
  },
  {
    old: ['iam', 'groups', 'describe', organization, '-oid'],
    today: ['iam', 'organizations', 'describe', organization, '-oid'],
    hint: 'iam groups describe is deprecated: use `chainctl iam organizations describe`',
  },
  {
    old: ['iam', 'group', 'set-aws', organization, '--account', '123456789012'],
    today: ['iam', 'account-associations', 'set', 'aws', organization, '--account', '123456789012', '--yes'],
    hint: 'iam groups set-aws is deprecated: use `chainctl iam account-associations set aws`',
  },
  {
    old: ['iam', 'groups', 'set-gcp', organization, '--project-id=my-project', '--project-number=1234567', '-ojson'],
    today: [
      ...['iam', 'account-associations', 'set', 'gcp', organization, '--project-id=my-project'],
      ...['--project-number=1234567', '--yes', '-ojson'],
    ],
  },
  {
    old: ['iam', 'groups', 'check-aws', organization],
    today: ['iam', 'account-associations', 'check', 'aws', organization],
    hint: 'iam groups check-aws is deprecated: use `chainctl iam account-associations check aws`',
  },
  {
    old: ['iam', 'groups', 'check-gcp', organization],
    today: ['iam', 'account-associations', 'check', 'gcp', organization],
  },
  {
    old: ['iam', 'groups', 'remove-gcp', organization],
    today: ['iam', 'account-associations', 'unset', 'gcp', organization, '-y'],
    hint: 'iam groups remove-gcp is deprecated: use `chainctl iam account-associations unset gcp`',
  },
  {
    old: ['iam', 'identity', 'list', '--relationship', 'static', '-ojson'],
    today: ['iam', 'identities', 'list', '--type', 'static', '-ojson'],
  },
  {
    old: ['iam', 'roles', 'list', '--group', 'sandbox', '-oid'],
    today: ['iam', 'roles', 'list', '--parent', 'sandbox', '-oid'],
    hint: '`--group` is deprecated: use `--parent`',
  },
  {
    old: ['iam', 'role-bindings', 'list', '--group=example.com', '-ojson'],
    today: ['iam', 'role-bindings', 'list', '--parent=example.com', '-ojson'],
  },
  {
    old: ['iam', 'folders', 'describe', 'sandbox', '--active-within=1h'],
    today: ['iam', 'folders', 'describe', 'sandbox'],
  },
];

describe('an old spelling', () => {
  test.each(pairs.map((pair) => [pair.old.join(' '), pair] as const))('chainctl %s', async (_, pair) => {
    // Worlds of their own, so that neither finds what the other did.
    const ran = async (words: readonly string[]) => {
      const { run } = await signedIn();
      if (words.join(' ').includes('remove-') || words.includes('unset')) {
        await run([
          ...['iam', 'account-associations', 'set', 'gcp', organization, '--project-id=my-project'],
          ...['--project-number=1234567', '-y'],
        ]);
      }
      return run(words);
    };
    const [old, today] = [await ran(pair.old), await ran(pair.today)];
    expect({ code: old.code, out: old.out }).toEqual({ code: today.code, out: today.out });
    if (pair.hint !== undefined) expect(old.err.split(pair.hint)).toHaveLength(2);
    expect(today.err).not.toContain('deprecated');
  });
});

const typed = async ({ run }: SignedIn, line: string, ...answers: (string | boolean)[]) => {
  const ran = await run(line.split(' '), { tty: true, answers });
  expect(ran.code, `${line}: ${ran.err}`).toBe(0);
  return ran;
};

test('seed 004: a group, the list that shows its id, and an invite to it', async () => {
  const world = await signedIn();
  const made = await typed(world, 'iam groups create team --parent example.com', true);
  const id = /[0-9a-f]{40}\/[0-9a-f]{16}/.exec(made.out)?.[0] ?? '';
  const below = await world.run(['iam', 'group', 'create', 'below', '--group=team', '-y', '-oid']);
  expect(below.out.startsWith(`${id}/`), below.err).toBe(true);
  expect((await typed(world, 'iam groups list')).out).toContain(`${id} [team]`);
  const invite = await typed(world, `iam invite create ${id}`, 'viewer');
  expect(invite.asked).toEqual(['Which role do they get?']);
  expect(invite.out).toContain('Invite code: ');
  expect(JSON.parse((await world.run(['iam', 'invite', 'create', id, '--role=viewer', '-ojson'])).out)).toHaveProperty(
    'code',
  );
});

test('seed 003: the id from a table, an association, and its removal from a picker without a question', async () => {
  const world = await signedIn();
  const table = (await typed(world, 'iam groups ls -o table')).out;
  // The ids are whole, so a terminal of eighty columns has no room for the description.
  expect(table).toMatch(new RegExp(`^ ${demoFolders.sandbox} +\\| sandbox$`, 'm'));
  await typed(world, `iam group set-aws ${demoFolders.sandbox} --account 123456789012`);
  await typed(world, `iam group set-gcp ${demoFolders.sandbox}`, 'my-project', '1234567');
  const removed = await typed(world, 'iam groups remove-gcp', 'sandbox');
  expect(removed.asked).toEqual(['Which group would you like to remove the project from?']);
  await typed(world, 'iam groups remove-aws', 'sandbox');
  expect((await world.run(['iam', 'account-associations', 'describe', 'sandbox', '-ojson'])).out).toBe('[]\n');
});
