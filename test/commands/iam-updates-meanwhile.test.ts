// Two people change one thing: what an update does not mention stays as the other has left it, however long the question
// of the update stood.
import { expect, test } from 'vitest';
import { signedIn } from '../support/signed-in.ts';

const yesAfter =
  (...changes: (() => Promise<{ code: number; err: string }>)[]) =>
  async () => {
    for (const change of changes) {
      const { code, err } = await change();
      expect(code, err).toBe(0);
    }
    return true;
  };

test('an identity: who may assume it was narrowed while its description was being changed', async () => {
  const { run } = await signedIn();
  const rule = ['--identity-issuer=https://issuer.example.com', '--subject-pattern=job:.*', '--parent=sandbox'];
  await run(['iam', 'identities', 'create', 'job', ...rule, '-y']);
  const narrow = () => run(['iam', 'identities', 'update', 'job', '--subject=job:1', '-y']);
  const changed = await run(['iam', 'identities', 'update', 'job', '--description=nightly', '-ojson'], {
    tty: true,
    answers: [yesAfter(narrow)],
  });
  expect(changed.code, changed.err).toBe(0);
  const { description, claimMatch } = JSON.parse(changed.out);
  expect(description).toBe('nightly');
  expect(claimMatch.subject).toBe('job:1');
  expect(claimMatch.subjectPattern).toBeUndefined();
});

test('a role: a capability was taken away while another was being added', async () => {
  const { run } = await signedIn();
  await run(['iam', 'roles', 'create', 'ops', '--parent=sandbox', '--capabilities=repo.list,tag.list', '-y']);
  const take = () => run(['iam', 'roles', 'update', 'ops', '--remove-capabilities=tag.list', '-y']);
  const changed = await run(['iam', 'roles', 'update', 'ops', '--add-capabilities=groups.list', '-ojson'], {
    tty: true,
    answers: [yesAfter(take)],
  });
  expect(JSON.parse(changed.out).capabilities).toEqual(['groups.list', 'repo.list']);
});

test('an identity provider: its client was replaced while it was being described', async () => {
  const { run } = await signedIn();
  const oidc = ['--oidc-issuer=https://idp.example.com', '--oidc-client-id=old', '--oidc-pkce-enabled'];
  const made = ['--name=idp', '--parent=example.com', '--default-role=viewer', ...oidc, '-y'];
  expect((await run(['iam', 'identity-providers', 'create', ...made])).code).toBe(0);
  const replace = () => run(['iam', 'identity-providers', 'update', 'idp', '--oidc-client-id=new', '-y']);
  const changed = await run(['iam', 'identity-providers', 'update', 'idp', '--description=ours', '-ojson'], {
    tty: true,
    answers: [yesAfter(replace)],
  });
  expect(JSON.parse(changed.out)).toMatchObject({ description: 'ours', oidc: { client_id: 'new' } });
});

test('a role binding: its role was replaced while its holder was being changed', async () => {
  const { run } = await signedIn();
  const rule = ['--identity-issuer=https://issuer.example.com', '--subject=1', '--parent=sandbox', '-y', '-oid'];
  const robot = (await run(['iam', 'identities', 'create', 'robot', ...rule])).out.trim();
  const words = ['--parent=sandbox', '--identity=guest@example.com', '--role=editor', '-y', '-oid'];
  const id = (await run(['iam', 'role-bindings', 'create', ...words])).out.trim();
  const lower = () => run(['iam', 'role-bindings', 'update', id, '--role=registry.pull', '-y']);
  const changed = await run(['iam', 'role-bindings', 'update', id, '--identity=robot', '-ojson'], {
    tty: true,
    answers: [yesAfter(lower)],
  });
  expect(JSON.parse(changed.out)).toMatchObject({ identity: robot, role: { name: 'registry.pull' } });
});

test('an association: an account came and another went while a third was being set', async () => {
  const { run } = await signedIn();
  const associations = ['iam', 'account-associations'];
  await run([...associations, 'set', 'aws', 'sandbox', '--account=123456789012', '-y']);
  const azure = [
    '--tenant-id=11111111-2222-3333-4444-555555555555',
    '--client-ids=a=11111111-2222-3333-4444-555555555555',
  ];
  const gcp = ['--project-id=my-project', '--project-number=1'];
  const changed = await run([...associations, 'set', 'gcp', 'sandbox', ...gcp, '-ojson'], {
    tty: true,
    answers: [
      yesAfter(
        () => run([...associations, 'set', 'azure', 'sandbox', ...azure, '-y']),
        () => run([...associations, 'unset', 'aws', 'sandbox', '-y']),
      ),
    ],
  });
  expect(Object.keys(JSON.parse(changed.out))).toEqual(expect.arrayContaining(['google', 'azure']));
  expect(JSON.parse(changed.out).amazon).toBeUndefined();
  const last = await run([...associations, 'unset', 'gcp', 'sandbox'], {
    tty: true,
    answers: [yesAfter(() => run([...associations, 'set', 'aws', 'sandbox', '--account=123456789012', '-y']))],
  });
  expect(last.code, last.err).toBe(0);
  const left = JSON.parse((await run([...associations, 'describe', 'sandbox', '-ojson'])).out)[0];
  expect([left.amazon.account, left.google, left.azure.tenant_id]).toEqual([
    '123456789012',
    undefined,
    '11111111-2222-3333-4444-555555555555',
  ]);
});

test('a folder: it was renamed while its description was being typed', async () => {
  const { run } = await signedIn();
  const rename = async () => {
    const renamed = await run(['iam', 'folders', 'update', 'sandbox', '--name=playground']);
    expect(renamed.code, renamed.err).toBe(0);
    return 'For trials';
  };
  const changed = await run(['iam', 'folders', 'update', 'sandbox', '-ojson'], {
    tty: true,
    answers: ['description', rename],
  });
  expect(JSON.parse(changed.out)).toMatchObject({ name: 'playground', description: 'For trials' });
});
