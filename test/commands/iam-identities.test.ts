import { describe, expect, test } from 'vitest';
import { newKeyPair } from '../../src/key-pairs.ts';
import { builtInRoleId, demoFolders, organization, personId } from '../support/ids.ts';
import { type SignedIn, signedIn } from '../support/signed-in.ts';

const list = ['iam', 'identities', 'list'];
const issuer = 'https://issuer.example.com';
const day = 24 * 60 * 60 * 1000;
const { publicKey } = newKeyPair('P-256');
const issuerKeys = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256' }] });

const shapes = {
  match: { claimMatch: { issuer, subject: 's' } },
  static: { static: { issuer: 'https://cluster', subject: 's', issuerKeys, expiration: '2026-04-01T00:00:00Z' } },
  pullToken: {
    static: {
      issuer: 'https://pulltoken.issuer.chainguard.dev',
      subject: 's',
      issuerKeys,
      expiration: '2026-03-29T00:00:00Z',
    },
  },
  aws: { awsIdentity: { awsAccount: '123456789012', arn: 'a', userId: 'u' } },
  service: { servicePrincipal: 'COSIGNED' },
};

async function make(
  { platform }: SignedIn,
  parent: string,
  name: string,
  shape: object,
  role?: string,
): Promise<string> {
  const token = await platform.token(personId('dev@example.com'));
  const { status, body } = await platform.call(token, 'POST', `/iam/v1/identities/${parent}`, {
    body: { name, ...shape },
  });
  expect(status, JSON.stringify(body)).toBe(200);
  if (role !== undefined) {
    const bound = await platform.call(token, 'POST', `/iam/v1/rolebindings/${parent}`, {
      body: { identity: body.id, role: builtInRoleId(role) },
    });
    expect(bound.status).toBe(200);
  }
  return body.id;
}

async function stored({ platform }: SignedIn, id: string) {
  const token = await platform.token(personId('dev@example.com'));
  return (await platform.call(token, 'GET', `/iam/v1/identities?id=${id}`)).body.items[0];
}

/** One of each kind in the organization, and two in folders. */
async function several(session: SignedIn) {
  return {
    match: await make(session, organization, 'match', { ...shapes.match, description: 'first' }, 'viewer'),
    static: await make(session, organization, 'static', shapes.static),
    pullToken: await make(session, organization, 'pull-token', shapes.pullToken, 'registry.pull'),
    aws: await make(session, organization, 'aws', shapes.aws),
    service: await make(session, organization, 'service', shapes.service),
    front: await make(session, demoFolders.engineering, 'twin', shapes.match),
    deep: await make(session, demoFolders.platform, 'twin', shapes.match, 'viewer'),
  };
}

describe('list', () => {
  test('a table with type, roles, issuer and expiration, in the order of names', async () => {
    const session = await signedIn();
    const ids = await several(session);
    const owner = await session.platform.token(personId('dev@example.com'));
    await session.platform.call(owner, 'POST', `/iam/v1/rolebindings/${demoFolders.sandbox}`, {
      body: { identity: ids.match, role: builtInRoleId('editor') },
    });
    session.calls();
    const { out, err, code } = await session.run(list);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const rows = out.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    expect(rows[0]).toEqual([
      'ID',
      'NAME',
      'TYPE',
      'DESCRIPTION',
      'ROLES',
      'ISSUER',
      'EXPIRES',
      'SUBJECT',
      'LAST SEEN',
      'CREATED',
    ]);
    const twins = [ids.front, ids.deep].sort();
    const rolesOf = (id: string | undefined) => (id === ids.deep ? 'platform: viewer' : '');
    // Whom each trusts, and since when, is looked at below.
    expect(rows.slice(2, -1).map((row) => row.slice(0, 7))).toEqual([
      [ids.aws, 'aws', 'aws', '', '', '', 'n/a'],
      [ids.match, 'match', 'claim_match', 'first', 'example.com: viewer', issuer, 'n/a'],
      ['', '', '', '', 'sandbox: editor', '', ''],
      [
        ids.pullToken,
        'pull-token',
        'pull_token',
        '',
        'example.com: registry.pull',
        'https://pulltoken.issuer.chainguard.dev',
        '2026-03-29T00:00:00Z',
      ],
      [ids.service, 'service', 'service_principal', '', '', '', 'n/a'],
      [ids.static, 'static', 'static', '', '', 'https://cluster', '2026-04-01T00:00:00Z'],
      ...twins.map((id) => [id, 'twin', 'claim_match', '', rolesOf(id), issuer, 'n/a']),
    ]);
    const trusted = new Map(rows.slice(2, -1).map((row) => [row[1], row[7]]));
    expect(trusted.get('static')).toBe('s');
    expect(trusted.get('aws')).toBe('a');
    expect(rows[2]?.[9]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    // Both are on their way at once.
    expect(session.calls().toSorted()).toEqual(['iam.v1.Identities.List', 'iam.v1.RoleBindings.List']);
  });

  test('on a terminal an age instead of a time', async () => {
    const session = await signedIn();
    await several(session);
    const soon = await session.run([...list, '--name=static'], { tty: true, columns: 200, env: { NO_COLOR: '1' } });
    expect(soon.out).toContain('| in 4 days');
    session.clock.advance(10 * day);
    const past = await session.run([...list, '--name=static', '--expired'], {
      tty: true,
      columns: 200,
      env: { NO_COLOR: '1' },
    });
    expect(past.out).toContain('| 6 days ago');
  });

  test('json and id need no look-up of roles', async () => {
    const session = await signedIn();
    const ids = await several(session);
    session.calls();
    const { out } = await session.run([...list, '-o', 'json']);
    expect(session.calls()).toEqual(['iam.v1.Identities.List']);
    const { items } = JSON.parse(out);
    expect(items.map((item: { id: string }) => item.id)).toHaveLength(7);
    expect(items.find((item: { id: string }) => item.id === ids.service)).toEqual({
      id: ids.service,
      name: 'service',
      description: '',
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      servicePrincipal: 'COSIGNED',
    });
    const only = await session.run(['iam', 'ids', 'ls', '--output=id', '--parent', organization]);
    expect(only.out.trim().split('\n')).toEqual(items.map((item: { id: string }) => item.id));
    expect(session.calls()).toEqual(['iam.v1.Identities.List']);
  });

  test('filters combine', async () => {
    const session = await signedIn();
    const ids = await several(session);
    const found = async (...words: string[]) => {
      const { out, code } = await session.run([...list, '-oid', ...words]);
      expect(code).toBe(0);
      return out.split('\n').filter((line) => line !== '');
    };
    expect(await found('--type=pull_token')).toEqual([ids.pullToken]);
    expect(await found('--relationship', 'static')).toEqual([ids.static]);
    expect(await found('--type=aws', '--name=aws')).toEqual([ids.aws]);
    expect(await found('--name=twin', '--parent=platform')).toEqual([ids.deep]);
    expect(await found('--parent=engineering')).toEqual([ids.front, ids.deep].sort());
    expect(await found('--parent=engineering', '--recursive=false')).toEqual([ids.front]);
    expect(await found('--recursive=false', '--type=claim_match')).toEqual([ids.match]);
    expect(await found('--group=sandbox')).toEqual([]);
    expect(await found('--expired')).toEqual([]);
    session.clock.advance(3 * day);
    expect(await found('--expired')).toEqual([ids.pullToken]);
    expect(await found('--type=pull_token')).toEqual([]);
    expect(await session.run([...list, '--type=user'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('`--type` must be one of aws, claim_match'),
    });
    expect(await session.run([...list, '--parent=nowhere', '-ojson'])).toMatchObject({ code: 1, out: '' });
  });

  test('nothing found is no failure', async () => {
    const { run } = await signedIn();
    expect(await run([...list, '-o', 'json'])).toMatchObject({ code: 0, out: '{"items":[]}\n', err: '' });
    expect(await run([...list, '-o', 'id'])).toMatchObject({ code: 0, out: '', err: '' });
    expect(await run([...list, '-o', 'none'])).toMatchObject({ code: 0, out: '' });
    expect((await run(list)).err).toBe('No identities found.\n');
    expect(await run([...list, '-o', 'tree'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('table, json, id'),
    });
  });
});

describe('describe', () => {
  test('by name with one call, by id with one, as json unless said otherwise', async () => {
    const session = await signedIn();
    const ids = await several(session);
    session.calls();
    const byName = await session.run(['iam', 'identities', 'describe', 'match']);
    expect(session.calls()).toEqual(['iam.v1.Identities.List']);
    expect(JSON.parse(byName.out)).toMatchObject({ id: ids.match, description: 'first', claimMatch: { issuer } });
    expect((await session.run(['iam', 'identities', 'describe', ids.match])).out).toBe(byName.out);
    expect(session.calls()).toEqual(['iam.v1.Identities.List']);
    expect((await session.run(['iam', 'identities', 'describe', 'match', '-o', 'table'])).out).toContain(
      '| example.com: viewer |',
    );
  });

  test('what is not there, and a name that several have', async () => {
    const session = await signedIn();
    const ids = await several(session);
    expect(await session.run(['iam', 'identities', 'describe', 'mtach'])).toMatchObject({
      code: 1,
      out: '',
      err: 'error: No identity found for "mtach"\nhint: did you mean "match"?\n',
    });
    const hidden = `${organization}/${'0'.repeat(16)}`;
    expect(await session.run(['iam', 'identities', 'describe', hidden])).toMatchObject({
      code: 1,
      err: `error: No identity found for "${hidden}"\nhint: see \`chainctl iam identities list\`\n`,
    });
    const twins = await session.run(['iam', 'identities', 'describe', 'twin']);
    expect(twins).toMatchObject({ code: 2, out: '' });
    expect(twins.err).toContain('"twin" names 2 identities; say which by its id');
    for (const id of [ids.front, ids.deep]) expect(twins.err).toContain(`  ${id}\n`);
  });

  test('the only identity is not taken for granted', async () => {
    const session = await signedIn();
    await make(session, organization, 'only', shapes.match);
    session.calls();
    expect(await session.run(['iam', 'identities', 'describe'])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('`IDENTITY` is required'),
    });
    expect(await session.run(['iam', 'identities', 'delete', '--yes'])).toMatchObject({ code: 2 });
    expect(session.calls()).toEqual([]);
  });
});

describe('update', () => {
  const update = ['iam', 'identities', 'update'];

  test('changes what is said and keeps the rest; a pattern takes the place of a literal', async () => {
    const session = await signedIn();
    const id = await make(session, organization, 'job', {
      description: 'old',
      claimMatch: { issuer, subject: 's', claims: { env: 'prod' }, claimPatterns: { a: 'x', b: 'y' } },
    });
    session.calls();
    const words = [
      '--subject-pattern=^\\d{4}$',
      '--audience=some-audience',
      '--claim-pattern=b:',
      '--claim-pattern=c:z',
    ];
    const changed = await session.run([...update, 'job', ...words, '-y', '-ojson']);
    expect(changed).toMatchObject({ code: 0, err: '' });
    // By its name first, then as it is when it is changed.
    expect(session.calls()).toEqual(['iam.v1.Identities.List', 'iam.v1.Identities.List', 'iam.v1.Identities.Update']);
    const claimMatch = {
      issuer,
      subjectPattern: '^\\d{4}$',
      audience: 'some-audience',
      claims: { env: 'prod' },
      claimPatterns: { a: 'x', c: 'z' },
    };
    expect(JSON.parse(changed.out)).toMatchObject({ id, name: 'job', description: 'old', claimMatch });
    expect((await stored(session, id)).claimMatch).toEqual(claimMatch);

    const more = ['--subject=t', '--identity-issuer-pattern=https://.*', '--audience=', '--description='];
    expect((await session.run([...update, id, ...more, '-y'])).code).toBe(0);
    const after = await stored(session, id);
    expect(after.description).toBe('');
    expect(after.claimMatch).toEqual({
      issuerPattern: 'https://.*',
      subject: 't',
      claims: { env: 'prod' },
      claimPatterns: { a: 'x', c: 'z' },
    });
  });

  test('keys and expiration of a static identity', async () => {
    const session = await signedIn();
    const id = await make(session, organization, 'cluster', shapes.static);
    expect((await session.run([...update, 'cluster', '--subject=other', '-y'])).code).toBe(0);
    expect((await stored(session, id)).static).toMatchObject({ subject: 'other', expiration: '2026-04-01T00:00:00Z' });
    expect((await session.run([...update, 'cluster', '--expiration=2026-04-20', '-y'])).code).toBe(0);
    expect((await stored(session, id)).static).toMatchObject({ expiration: '2026-04-20T00:00:00Z', issuerKeys });
  });

  test('asks with what changes; silence is no answer, nothing to change is no question', async () => {
    const session = await signedIn();
    const id = await make(session, organization, 'job', shapes.match);
    const refused = await session.run([...update, 'job', '--subject=t'], { stdin: 'n\n' });
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain('claimMatch.subject: "s" → "t"');
    expect((await stored(session, id)).claimMatch.subject).toBe('s');
    expect((await session.run([...update, 'job', '--subject=t'], { stdin: '' })).code).toBe(2);
    expect((await stored(session, id)).claimMatch.subject).toBe('s');
    expect((await session.run([...update, 'job', '--subject=t'], { stdin: 'y\n' })).code).toBe(0);
    expect((await stored(session, id)).claimMatch.subject).toBe('t');
    session.calls();
    const same = await session.run([...update, 'job', '--subject=t', '-oid']);
    expect(same).toMatchObject({ code: 0, out: `${id}\n`, err: 'Identity "job" is like that already.\n' });
    expect(session.calls()).toEqual(['iam.v1.Identities.List', 'iam.v1.Identities.List']);
  });

  test('what does not apply or cannot be', async () => {
    const session = await signedIn();
    await several(session);
    for (const [problem, ...words] of [
      ['one of `--description`, `--identity-issuer`', 'match'],
      ['`--subject` and `--subject-pattern` cannot be used together', 'match', '--subject=a', '--subject-pattern=b'],
      ['`--subject-pattern` "(" is not a valid regular expression', 'match', '--subject-pattern=('],
      ['`--subject` must not be empty', 'match', '--subject='],
      ['`--identity-issuer` must be an https URL', 'match', '--identity-issuer=ftp://x'],
      ['`--issuer-keys` does not apply to "match", whose type is claim_match', 'match', `--issuer-keys=${issuerKeys}`],
      ['`--subject-pattern` does not apply to "static", whose type is static', 'static', '--subject-pattern=x'],
      ['`--subject` does not apply to "aws", whose type is aws', 'aws', '--subject=x'],
      ['`IDENTITY` is required', '--subject=x'],
    ]) {
      const failed = await session.run([...update, ...words, '-y']);
      expect(failed, problem).toMatchObject({ code: 2, out: '' });
      expect(failed.err).toContain(problem);
    }
    expect(session.calls()).not.toContain('iam.v1.Identities.Update');
    expect((await session.run([...update, 'aws', '--description=new', '-y'])).code).toBe(0);
  });
});

describe('delete', () => {
  const remove = ['iam', 'identities', 'delete'];

  test('by name after a question whose default is no', async () => {
    const session = await signedIn();
    const id = await make(session, organization, 'old', shapes.match);
    const silent = await session.run([...remove, 'old'], { stdin: '' });
    expect(silent).toMatchObject({ code: 2, out: '' });
    expect(silent.err).toContain('`--yes` is required');
    expect(await session.run([...remove, 'old'], { stdin: 'n\n' })).toMatchObject({ code: 1 });
    expect(await stored(session, id)).toBeDefined();
    const piped = await session.run([...remove, 'old'], { stdin: 'y\n' });
    expect(piped).toMatchObject({ code: 0, out: '' });
    expect(piped.err).toContain(`This deletes the identity "old" (${id}).`);
    expect(await stored(session, id)).toBeUndefined();
  });

  test('by id with one call, whatever location is configured', async () => {
    const session = await signedIn();
    const id = await make(session, organization, 'old', shapes.match);
    const env = { CHAINGUARD_DEFAULT_GROUP: 'nowhere' };
    session.calls();
    expect(await session.run(['iam', 'id', 'rm', id, '-y'], { env, stdin: 'a line of a loop\n' })).toMatchObject({
      code: 0,
      out: '',
      host: { stdin: { reads: 0 } },
    });
    expect(session.calls()).toEqual(['iam.v1.Identities.Delete']);
    expect((await session.run([...remove, id, '-y'])).code).toBe(1);
  });

  test('a name is looked for at the location that is given, as scripts do', async () => {
    const session = await signedIn();
    const ids = await several(session);
    expect(await session.run([...remove, 'twin', '--yes'])).toMatchObject({ code: 2 });
    expect(await session.run([...remove, 'twin', '--parent', 'platform', '--yes'])).toMatchObject({ code: 0 });
    expect(await stored(session, ids.deep)).toBeUndefined();
    expect(await stored(session, ids.front)).toBeDefined();
  });

  test('a person picks one and agrees', async () => {
    const session = await signedIn();
    const ids = await several(session);
    expect(await session.run(remove, { tty: true, answers: ['service', true] })).toMatchObject({ code: 0, out: '' });
    expect(await stored(session, ids.service)).toBeUndefined();
  });

  test('all that have expired, where it is said, and none is no failure', async () => {
    const session = await signedIn();
    const ids = await several(session);
    const far = await make(session, demoFolders.sandbox, 'far', shapes.pullToken);
    const none = await session.run([...remove, '--expired', '--parent=example.com', '--yes']);
    expect(none).toMatchObject({ code: 0, out: '', err: 'No identity has expired.\n' });
    session.clock.advance(10 * day);
    const asked = await session.run([...remove, '--expired'], { stdin: 'n\n' });
    expect(asked.code).toBe(1);
    expect(asked.err).toContain('This deletes 3 expired identities everywhere you may see:');
    expect(asked.err).toContain(`  far  ${far}`);
    expect(await session.run([...remove, '--expired', '--parent', 'sandbox', '-y'])).toMatchObject({
      code: 0,
      err: 'Deleted 1 expired identity.\n',
    });
    expect(await stored(session, far)).toBeUndefined();
    expect(await stored(session, ids.static)).toBeDefined();
    const env = { CHAINGUARD_DEFAULT_GROUP: 'example.com' };
    expect((await session.run([...remove, '--expired', '-y'], { env })).err).toBe('Deleted 2 expired identities.\n');
    expect(await stored(session, ids.static)).toBeUndefined();
    expect(await stored(session, ids.match)).toBeDefined();
    expect(await session.run([...remove, 'match', '--expired', '-y'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('`IDENTITY` and `--expired` cannot be used together'),
    });
  });

  test('one that cannot be deleted does not keep the others', async () => {
    const session = await signedIn();
    await make(session, organization, 'first', shapes.pullToken);
    await make(session, demoFolders.sandbox, 'second', shapes.pullToken);
    const owner = await session.platform.token(personId('dev@example.com'));
    const role = await session.platform.call(owner, 'POST', `/iam/v1/roles/${organization}`, {
      body: { name: 'cleaner', capabilities: ['identity.list', 'identity.delete', 'groups.list'] },
    });
    const run = session.as(
      session.platform.user('cleaner@example.com', ['viewer', organization], [role.body.id, demoFolders.sandbox]),
    );
    session.clock.advance(10 * day);
    const failed = await run([...remove, '--expired', '-y']);
    expect(failed).toMatchObject({ code: 1, out: '' });
    expect(failed.err).toContain('error: 1 of 2 expired identities could not be deleted');
    const { out } = await session.run([...list, '--expired', '-ojson']);
    expect(JSON.parse(out).items.map((item: { name: string }) => item.name)).toEqual(['first']);
  });
});
