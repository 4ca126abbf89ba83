import { expect, test } from 'vitest';
import { runCli } from '../support/run-cli.ts';

/** Nobody is signed in, and nobody listens there. */
const env = { CHAINGUARD_PLATFORM_API: 'http://127.0.0.1:9', CHAINGUARD_PLATFORM_ISSUER: 'http://127.0.0.1:9' };

const needs = async (line: string) => {
  const { out } = await runCli([...line.split(' '), '--needs', '--output=json'], { env });
  return JSON.parse(out).items;
};

test('--needs says what a change needs and where, without a login and without a network', async () => {
  expect(await needs('images repos create app --parent=engineering')).toContainEqual({
    capability: 'repo.create',
    place: 'engineering',
    purpose: 'the command',
    operations: ['registry.v1.Registry.CreateRepo'],
    changes: true,
  });
});

test('what is missing is described and not asked for', async () => {
  const run = await runCli(['iam', 'role-bindings', 'create', '--needs'], { env, tty: true });
  expect(run).toMatchObject({ code: 0, err: '', asked: [] });
  expect(run.out).toMatch(/role_bindings\.create +\| the location of --parent +\|/);
});

test('the place comes from the configuration too, and a thing is named as it was given', async () => {
  const configured = await runCli(['iam', 'roles', 'list', '--needs', '-ojson'], {
    env: { ...env, CHAINGUARD_DEFAULT_GROUP: 'sandbox' },
  });
  expect(JSON.parse(configured.out).items).toContainEqual(
    expect.objectContaining({ capability: 'roles.list', place: 'sandbox' }),
  );
  expect(await needs('iam identities delete my-app')).toContainEqual(
    expect.objectContaining({ capability: 'identity.delete', placeDescription: 'where "my-app" is', changes: true }),
  );
});

test('an id is not looked up, a name is', async () => {
  const id = `${'0'.repeat(40)}/${'1'.repeat(16)}`;
  const purposes = async (parent: string) =>
    (await needs(`events subscriptions list --parent=${parent}`)).map((one: { purpose: string }) => one.purpose);
  expect(await purposes('sandbox')).toContain('names in --parent');
  expect(await purposes(id)).not.toContain('names in --parent');
});

test('of `api` it is the operation that was named; of the registry and of paths beside the API what they ask for', async () => {
  expect(
    (await needs('api iam.v2.RolesService.ListRoles')).map((one: { capability: string }) => one.capability),
  ).toEqual(['roles.list']);
  expect((await needs('api GET /iam/v1/groups')).map((one: { capability: string }) => one.capability)).toEqual([
    'groups.list',
  ]);
  expect(await needs('images diff a b')).toContainEqual(expect.objectContaining({ capability: 'manifest.list' }));
  expect(await needs('events audit list --parent=example.com')).toContainEqual(
    expect.objectContaining({ capability: 'role_bindings.create', place: 'example.com', changes: false }),
  );
});

test('a command that uses nothing says so, and a wrong flag or format is wrong with --needs too', async () => {
  expect(await runCli(['config', 'view', '--needs'], { env })).toMatchObject({
    code: 0,
    err: 'It uses no capability.\n',
  });
  expect(await runCli(['iam', 'roles', 'list', '--needs', '--wrong'], { env })).toMatchObject({ code: 2, out: '' });
  const format = await runCli(['iam', 'roles', 'list', '--needs', '-oid'], { env });
  expect(format).toMatchObject({ code: 2, out: '' });
  expect(format.err).toContain('must be one of table, json, wide, csv, markdown, yaml, none, not "id"');
});
