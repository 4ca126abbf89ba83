import { describe, expect, test } from 'vitest';
import { builtInRoleId, organization, personId } from '../support/ids.ts';
import { type SignedIn, signedIn } from '../support/signed-in.ts';

const mappings = ['iam', 'external-group-role-mappings'];
const nested = ['iam', 'identity-providers', 'group-mappings'];

async function provider({ platform }: SignedIn, name: string): Promise<string> {
  const token = await platform.token(personId('dev@example.com'));
  const { status, body } = await platform.call(token, 'POST', `/iam/v1/identityProviders/${organization}`, {
    body: {
      name,
      oidc: { issuer: 'https://idp.example.com', clientId: 'c', pkceEnabled: true, groupsClaim: 'groups' },
    },
  });
  expect(status, JSON.stringify(body)).toBe(200);
  return String(body.id);
}

async function mapping({ platform }: SignedIn, idp: string, group: string, role = 'viewer'): Promise<string> {
  const token = await platform.token(personId('dev@example.com'));
  const { status, body } = await platform.call(token, 'POST', `/iam/v1/externalGroupRoleMappings/${idp}`, {
    body: { externalGroupId: group, roleUidp: builtInRoleId(role), scope: organization },
  });
  expect(status, JSON.stringify(body)).toBe(200);
  return String(body.id);
}

async function stored({ platform }: SignedIn): Promise<{ id: string; externalGroupId: string }[]> {
  const token = await platform.token(personId('dev@example.com'));
  return (await platform.call(token, 'GET', '/iam/v1/externalGroupRoleMappings')).body.items;
}

const spellings = [
  ['external-group-role-mappings', (idp: string, verb: string) => [...mappings, verb, '--idp', idp]],
  ['identity-providers group-mappings', (idp: string, verb: string) => [...nested, verb, idp]],
] as const;

describe.each(spellings)('%s', (_name, argv) => {
  test('create by names', async () => {
    const session = await signedIn();
    const idp = await provider(session, 'corp');
    const words = ['--external-group-id', 'Platform-SRE', '--role', 'owner', '--scope', 'example.com'];
    const made = await session.run([...argv('corp', 'create'), ...words, '-o', 'json']);
    expect(made).toMatchObject({ code: 0, err: '' });
    const [only] = await stored(session);
    expect(JSON.parse(made.out)).toEqual({
      id: only?.id,
      identity_provider_uidp: idp,
      external_group_id: 'Platform-SRE',
      role_uidp: builtInRoleId('owner'),
      scope: organization,
      created_at: '2026-03-27T13:55:00.785Z',
    });
    const again = await session.run([...argv(idp, 'create'), ...words]);
    expect(again).toMatchObject({ code: 1, out: '', err: expect.stringContaining('already exists') });
  });

  test('create: a person picks what was left out, the scope follows from the provider', async () => {
    const session = await signedIn();
    await provider(session, 'corp');
    const other = await provider(session, 'other');
    const words = argv('', 'create').filter((word) => word !== '--idp' && word !== '');
    const made = await session.run([...words, '-oid'], { tty: true, answers: ['other', 'SRE', 'editor'] });
    expect(made).toMatchObject({ code: 0 });
    expect(made.err).toContain('Selected identity provider other.');
    expect(made.err).toContain('Selected organization example.com.');
    expect(made.err).toContain(other);
    expect(made.err).toMatch(
      /Equivalent command: chainctl iam .* --external-group-id=SRE --scope=example.com --role=editor/,
    );
    expect(made.out).toMatch(new RegExp(`^${other}/[0-9a-f]{16}\n$`));
  });

  test('create: what is wrong', async () => {
    const session = await signedIn();
    await provider(session, 'corp');
    const missing = await session.run(argv('corp', 'create'));
    expect(missing).toMatchObject({ code: 2, out: '', err: expect.stringContaining('`--external-group-id`') });
    expect(missing.err).toContain('`--role`');
    const words = ['--external-group-id=g', '--role=viewer'];
    const folder = await session.run([...argv('corp', 'create'), ...words, '--scope=sandbox']);
    expect(folder).toMatchObject({ code: 1, out: '', err: expect.stringContaining('"sandbox" is a folder, not') });
    const unknown = await session.run([
      ...argv('corp', 'create'),
      '--external-group-id=g',
      '--role=viewr',
      '--scope=example.com',
    ]);
    expect(unknown.err).toContain('did you mean "viewer"?');
    const guest = await session.as('guest@example.com')([...argv('corp', 'create'), ...words, '--scope=example.com']);
    expect(guest).toMatchObject({ code: 1, out: '' });
    expect(await stored(session)).toEqual([]);
  });

  test('delete one: by id, by picking, and not one of another provider', async () => {
    const session = await signedIn();
    const idp = await provider(session, 'corp');
    const other = await mapping(session, await provider(session, 'other'), 'elsewhere');
    const first = await mapping(session, idp, 'first');
    await mapping(session, idp, 'second');
    const asked = await session.run([...argv('corp', 'delete'), first], { stdin: 'n\n' });
    expect(asked.err).toContain(`This deletes the mapping "${first}". Do you want to continue? [y,N]`);
    expect(await stored(session)).toHaveLength(3);
    expect(await session.run([...argv('corp', 'delete'), first, '--yes'])).toMatchObject({
      code: 0,
      out: '',
      err: `Deleted the mapping "${first}".\n`,
    });
    const foreign = await session.run([...argv('corp', 'delete'), other, '--yes']);
    expect(foreign).toMatchObject({
      code: 2,
      err: expect.stringContaining('is not a mapping of the identity provider "corp"'),
    });
    const third = await mapping(session, idp, 'third');
    const picked = await session.run(argv('corp', 'delete'), { tty: true, answers: ['third', true] });
    expect(picked).toMatchObject({ code: 0, err: expect.stringContaining('Selected mapping third.') });
    expect((await stored(session)).map(({ id }) => id)).not.toContain(third);
    expect((await session.run([...argv('corp', 'delete'), 'first', '-y'])).err).toContain(
      'must be the id of a mapping',
    );
  });

  test('delete all tells how many go, and leaves those of other providers', async () => {
    const session = await signedIn();
    const idp = await provider(session, 'corp');
    await mapping(session, await provider(session, 'other'), 'elsewhere');
    for (const group of ['a', 'b', 'c']) await mapping(session, idp, group);
    const asked = await session.run([...argv('corp', 'delete'), '--all'], { stdin: 'n\n' });
    expect(asked.code).toBe(1);
    expect(asked.err).toContain(
      'This deletes all 3 mappings of the identity provider "corp". Do you want to continue? [y,N]',
    );
    expect(await stored(session)).toHaveLength(4);
    session.calls();
    expect(await session.run([...argv(idp, 'delete'), '--all', '-y'])).toMatchObject({
      code: 0,
      out: '',
      err: 'Deleted 3 mappings.\n',
    });
    expect(session.calls()).toEqual([
      'iam.v1.ExternalGroupRoleMappings.List',
      'iam.v1.ExternalGroupRoleMappings.BatchDelete',
    ]);
    expect((await stored(session)).map(({ externalGroupId }) => externalGroupId)).toEqual(['elsewhere']);
    expect(await session.run([...argv('corp', 'delete'), '--all'])).toMatchObject({
      code: 0,
      err: 'The identity provider "corp" has no mappings.\n',
    });
    const both = await session.run([...argv('corp', 'delete'), '--all', `${idp}/0123456789abcdef`, '-y']);
    expect(both).toMatchObject({ code: 2, err: expect.stringContaining('cannot be used together') });
  });
});

test('all and one provider go together', async () => {
  const session = await signedIn();
  const alone = await session.run([...mappings, 'delete', '--all', '-y']);
  expect(alone).toMatchObject({ code: 2, err: expect.stringContaining('`--all` needs `--idp`') });
  const neither = await session.run([...mappings, 'delete']);
  expect(neither).toMatchObject({ code: 2, err: expect.stringContaining('`MAPPING_ID` is required') });
});

test('list of an organization and of one provider', async () => {
  const session = await signedIn();
  const corp = await provider(session, 'corp');
  const other = await provider(session, 'other');
  const ids = [await mapping(session, corp, 'b', 'editor'), await mapping(session, other, 'a')];
  const groups = async (...argv: string[]) => {
    const { out } = await session.run([...argv, '-o', 'json']);
    return JSON.parse(out).items.map((item: { external_group_id: string }) => item.external_group_id);
  };
  expect(await groups(...mappings, 'list', '--parent', 'example.com')).toEqual(['a', 'b']);
  expect(await groups(...mappings, 'list', '--group', organization, '--idp', 'corp')).toEqual(['b']);
  expect(await groups(...nested, 'list', 'other')).toEqual(['a']);
  expect(await groups(...nested, 'ls', corp)).toEqual(['b']);
  expect((await session.run([...mappings, 'list', '--parent', 'sandbox', '-o', 'json'])).out).toBe('{"items":[]}\n');
  const table = (await session.run([...mappings, 'list', '--parent', 'example.com'])).out;
  expect(table).toMatch(/^ +ID +\| EXTERNAL GROUP \| +ROLE +\| +SCOPE +\| IDENTITY PROVIDER \| +CREATED\n/);
  expect(table).toMatch(new RegExp(`${ids[0]} \\| b +\\| editor \\| example.com \\| corp `));
  const unknown = await session.run([...mappings, 'list', '--parent', 'example.com', '--idp', 'nobody']);
  expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('No identity provider found for "nobody"') });
});
