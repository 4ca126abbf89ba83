import { describe, expect, test } from 'vitest';
import { builtInRoleId, demoFolders, organization, personId } from '../support/ids.ts';
import { type SignedIn, signedIn } from '../support/signed-in.ts';

const noun = ['iam', 'identity-providers'];
const issuer = 'https://accounts.example.com';
const create = [
  ...noun,
  'create',
  '--parent=example.com',
  `--oidc-issuer=${issuer}`,
  '--oidc-client-id=platform',
  '--default-role=viewer',
  '--yes',
];
const hour = 3_600_000;

async function make({ platform }: SignedIn, name: string, parent: string = organization, fields: object = {}) {
  const token = await platform.token(personId('dev@example.com'));
  const { status, body } = await platform.call(token, 'POST', `/iam/v1/identityProviders/${parent}`, {
    body: {
      name,
      defaultRole: builtInRoleId('viewer'),
      oidc: { issuer, clientId: 'platform', clientSecret: 'hunter2', ...fields },
    },
  });
  expect(status, JSON.stringify(body)).toBe(200);
  return String(body.id);
}

async function stored({ platform }: SignedIn, id: string) {
  const token = await platform.token(personId('dev@example.com'));
  return (await platform.call(token, 'GET', `/iam/v1/identityProviders?id=${id}`)).body.items[0];
}

const secretOf = ({ platform }: SignedIn, id: string) =>
  platform.store.read((tx) => tx.get('SELECT client_secret FROM identity_providers WHERE id = ?', id))?.[
    'client_secret'
  ];

describe('create', () => {
  test('with a secret that no output holds', async () => {
    const session = await signedIn();
    const made = await session.run([...create, '--name=corp', '--oidc-client-secret=hunter2', '--output=json']);
    expect(made).toMatchObject({ code: 0, err: '' });
    const provider = JSON.parse(made.out);
    expect(provider).toMatchObject({
      name: 'corp',
      default_role: builtInRoleId('viewer'),
      oidc: {
        issuer,
        client_id: 'platform',
        additional_scopes: [],
        correlation_rule: 'CORRELATION_RULE_SUB_EQUALS_EXTERNAL_ID',
        pkce_enabled: false,
      },
    });
    expect(`${made.out}${made.err}`).not.toContain('hunter2');
    expect(secretOf(session, provider.id)).toBe('hunter2');
    expect((await session.run([...noun, 'list', '-o', 'id'])).out).toBe(`${provider.id}\n`);
  });

  test('with PKCE and everything else', async () => {
    const session = await signedIn();
    const words = [
      '--name=corp',
      '--description=Where we sign in',
      '--configuration-type=OIDC',
      '--oidc-pkce-enabled',
      '--oidc-additional-scopes=profile,groups',
      '--oidc-additional-scopes=offline_access',
      '--oidc-groups-claim=groups',
      '--oidc-correlation-rule=oid_equals_external_id',
    ];
    const made = await session.run([...create, ...words]);
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(made.out).toMatch(/^ +ID +\| NAME \| +DESCRIPTION +\| +CONFIGURATION +\| DEFAULT ROLE \| +SCIM *\n/);
    expect(made.out).toContain('PKCE Enabled');
    expect(made.out).toContain('| viewer ');
    const id = (await session.run([...noun, 'ls', '-oid'])).out.trim();
    expect(await stored(session, id)).toMatchObject({
      description: 'Where we sign in',
      oidc: {
        additionalScopes: ['profile', 'groups', 'offline_access'],
        groupsClaim: 'groups',
        correlationRule: 'CORRELATION_RULE_OID_EQUALS_EXTERNAL_ID',
        pkceEnabled: true,
      },
    });
    expect(secretOf(session, id)).toBe('');
  });

  test('without a name it is called like the host of its issuer', async () => {
    const session = await signedIn();
    const made = await session.run([...create, '--oidc-client-secret=s', '-ojson']);
    expect(JSON.parse(made.out).name).toBe('accounts.example.com');
  });

  test('says what is missing or does not fit before anything is asked', async () => {
    const session = await signedIn();
    session.calls();
    const refused = async (...words: string[]) => {
      const { code, out, err } = await session.run([...create, '--name=corp', ...words]);
      expect({ code, out }, words.join(' ')).toEqual({ code: 2, out: '' });
      return err;
    };
    expect(await refused()).toContain('one of `--oidc-client-secret` or `--oidc-pkce-enabled` is required');
    expect(await refused('--oidc-client-secret=')).toContain('`--oidc-pkce-enabled` is required');
    expect(await refused('--oidc-pkce-enabled=false')).toContain('`--oidc-pkce-enabled` is required');
    const rule = await refused('--oidc-pkce-enabled', '--oidc-correlation-rule=oid_equals_external_id');
    expect(rule).toContain('needs `--oidc-additional-scopes=profile`');
    expect(await refused('--oidc-pkce-enabled', '--configuration-type=SAML')).toContain('must be one of OIDC');
    expect(await refused('--oidc-pkce-enabled', '--oidc-issuer=accounts')).toContain('must be an https URL');
    expect(await refused('--oidc-pkce-enabled', '--oidc-issuer=https://a.example/?b')).toContain('without user, query');
    expect(await refused('--oidc-pkce-enabled', '--name=Corp')).toContain('`--name` must be made of lower-case');
    expect(session.calls()).toEqual([]);
    const nothing = await session.run([...noun, 'create', '--oidc-pkce-enabled']);
    expect(nothing.code).toBe(2);
    expect(nothing.err).toContain('`--oidc-issuer`, `--oidc-client-id` and `--default-role` are required');
  });

  test('a person is asked in order, and the secret is not echoed', async () => {
    const session = await signedIn();
    const made = await session.run([...noun, 'create', '-oid'], {
      tty: true,
      answers: [issuer, 'platform', 'hunter2', 'viewer', true],
    });
    expect(made).toMatchObject({ code: 0 });
    // The only organization is taken without asking.
    expect(made.asked).toEqual([
      'What is the issuer URL of the identity provider?',
      'Which client id did the identity provider give the platform?',
      'What is the client secret?',
      'Which role do users get when they first sign in?',
      [
        `On ${session.platform.urls.api}, as dev@example.com:`,
        'This creates the identity provider "accounts.example.com" for "example.com".',
        `Anyone who signs in at ${issuer} gets the role "viewer".`,
        'Do you want to continue?',
      ].join('\n'),
    ]);
    expect(made.err).not.toContain('hunter2');
    expect(made.err).toContain('Selected organization example.com.');
    expect(made.err).toContain(
      `chainctl iam identity-providers create --parent=example.com --oidc-issuer=${issuer} --oidc-client-id=platform --oidc-client-secret=… --default-role=viewer --output=id`,
    );
    expect(secretOf(session, made.out.trim())).toBe('hunter2');
  });

  test('one who may not grant the default role is refused', async () => {
    const session = await signedIn();
    const refused = await session.as('guest@example.com')([...create, '--name=corp', '--oidc-pkce-enabled']);
    expect(refused).toMatchObject({ code: 1, out: '' });
  });

  test('two of one name in one place', async () => {
    const session = await signedIn();
    await make(session, 'corp');
    const twice = await session.run([...create, '--name=corp', '--oidc-client-secret=s']);
    expect(twice).toMatchObject({ code: 1, out: '', err: expect.stringContaining('already exists') });
  });
});

describe('list', () => {
  test('JSON says of each whether PKCE is on, and no secret', async () => {
    const session = await signedIn();
    expect(await session.run([...noun, 'list', '-o', 'json'])).toMatchObject({ out: '{"items":[]}\n', err: '' });
    await make(session, 'with-secret');
    await make(session, 'with-pkce', organization, { pkceEnabled: true });
    const { out, err } = await session.run([...noun, 'list', '-o', 'json']);
    expect(err).toBe('');
    const { items } = JSON.parse(out);
    expect(
      items.map((item: { name: string; oidc: { pkce_enabled: boolean } }) => [item.name, item.oidc.pkce_enabled]),
    ).toEqual([
      ['with-pkce', true],
      ['with-secret', false],
    ]);
    expect(out).not.toContain('hunter2');
    const table = (await session.run([...noun, 'list'])).out;
    expect(table.match(/PKCE Enabled/g)).toHaveLength(1);
    expect(table).not.toContain('hunter2');
  });

  test('narrowed to a place, with and without what is below', async () => {
    const session = await signedIn();
    await make(session, 'top');
    await make(session, 'front', demoFolders.engineering);
    await make(session, 'deep', demoFolders.platform);
    const names = async (...words: string[]) => {
      const { items } = JSON.parse((await session.run([...noun, 'list', '-ojson', ...words])).out);
      return items.map((item: { name: string }) => item.name).sort();
    };
    expect(await names()).toEqual(['deep', 'front', 'top']);
    expect(await names('--recursive=false')).toEqual(['top']);
    expect(await names('--parent=engineering')).toEqual(['deep', 'front']);
    expect(await names('--group', 'engineering', '--recursive=false')).toEqual(['front']);
    expect((await session.run([...noun, 'list', '-o', 'tree'])).out).toBe(
      ['[example.com]', '├ top', '└ [engineering]', '  ├ front', '  └ [platform]', '    └ deep', ''].join('\n'),
    );
    const guest = JSON.parse((await session.as('guest@example.com')([...noun, 'list', '-ojson'])).out);
    expect(guest.items).toHaveLength(3);
  });
});

describe('update', () => {
  const update = [...noun, 'update'];

  test('changes what is given and keeps the rest, the secret too', async () => {
    const session = await signedIn();
    const id = await make(session, 'corp', organization, { additionalScopes: ['groups'], groupsClaim: 'groups' });
    const changed = await session.run([...update, 'corp', '--name=new-name', '--description=new', '-y', '-ojson']);
    expect(changed).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(changed.out)).toMatchObject({ id, name: 'new-name', description: 'new' });
    expect(await stored(session, id)).toMatchObject({
      defaultRole: builtInRoleId('viewer'),
      oidc: { issuer, clientId: 'platform', additionalScopes: ['groups'], groupsClaim: 'groups', pkceEnabled: false },
    });
    expect(secretOf(session, id)).toBe('hunter2');
    expect((await session.run([...update, id, '--default-role=editor', '--oidc-client-id=other', '-y'])).code).toBe(0);
    expect(await stored(session, id)).toMatchObject({
      defaultRole: builtInRoleId('editor'),
      oidc: { clientId: 'other' },
    });
    await session.run([...update, id, '--oidc-groups-claim=', '--oidc-additional-scopes=', '--description=', '-y']);
    expect(await stored(session, id)).toMatchObject({
      description: '',
      oidc: { additionalScopes: [], groupsClaim: '' },
    });
  });

  test('an empty secret clears it, but only beside PKCE', async () => {
    const session = await signedIn();
    const id = await make(session, 'corp');
    const both = await session.run([...update, 'corp', '--oidc-client-secret=', '--oidc-pkce-enabled=false', '-y']);
    expect(both).toMatchObject({ code: 2, out: '' });
    const alone = await session.run([...update, 'corp', '--oidc-client-secret', '', '-y']);
    expect(alone).toMatchObject({ code: 2, out: '', err: expect.stringContaining('add `--oidc-pkce-enabled`') });
    expect(secretOf(session, id)).toBe('hunter2');
    expect((await session.run([...update, 'corp', '--oidc-pkce-enabled', '--oidc-client-secret', '', '-y'])).code).toBe(
      0,
    );
    expect(secretOf(session, id)).toBe('');
    expect(await stored(session, id)).toMatchObject({ oidc: { pkceEnabled: true } });
    // PKCE stays on when another thing changes.
    await session.run([...update, 'corp', '--description=x', '-y']);
    expect(await stored(session, id)).toMatchObject({ oidc: { pkceEnabled: true } });
    expect(
      (await session.run([...update, 'corp', '--oidc-client-secret=again', '--oidc-pkce-enabled=false', '-y'])).code,
    ).toBe(0);
    expect(secretOf(session, id)).toBe('again');
  });

  test('tells the changes without the secret and asks', async () => {
    const session = await signedIn();
    const id = await make(session, 'corp');
    const words = ['--oidc-client-secret=s3cret', '--default-role=editor', '--oidc-pkce-enabled', '--name=new'];
    const asked = await session.run([...update, 'corp', ...words], { stdin: 'n\n' });
    expect(asked.code).toBe(1);
    expect(asked.err).toContain(
      [
        `This changes the identity provider "corp" (${id}):`,
        '  name: "corp" becomes "new"',
        '  default role: "viewer" becomes "editor"',
        '  client secret: replaced',
        '  PKCE: switched on',
        'Do you want to continue? [Y,n]',
      ].join('\n'),
    );
    expect(asked.err).not.toContain('s3cret');
    expect(secretOf(session, id)).toBe('hunter2');
  });

  test('nothing to change, nothing given, nothing there', async () => {
    const session = await signedIn();
    await make(session, 'corp');
    expect(await session.run([...update, 'corp', '--name=corp', '-oid'])).toMatchObject({
      code: 0,
      err: 'Identity provider "corp" is like that already.\n',
    });
    expect(await session.run([...update, 'corp'])).toMatchObject({ code: 2, out: '' });
    expect(await session.run([...update, 'crop', '--name=x', '-y'])).toMatchObject({
      code: 1,
      err: 'error: No identity provider found for "crop"\nhint: did you mean "corp"?\n',
    });
    const absent = `${organization}/0123456789abcdef`;
    expect((await session.run([...update, absent, '--name=x', '-y'])).err).toContain(
      `No identity provider found for "${absent}"`,
    );
  });
});

describe('delete', () => {
  test('by name, by id and by picking', async () => {
    const session = await signedIn();
    const first = await make(session, 'first');
    const second = await make(session, 'second');
    const third = await make(session, 'third');
    const asked = await session.run([...noun, 'delete', 'first'], { stdin: 'n\n' });
    expect(asked.err).toContain(`This deletes the identity provider "first" (${first}) and its group mappings.`);
    expect(await stored(session, first)).toBeDefined();
    expect(await session.run([...noun, 'rm', 'first', '-y'])).toMatchObject({
      code: 0,
      out: '',
      err: 'Deleted the identity provider "first".\n',
    });
    session.calls();
    expect((await session.run([...noun, 'delete', second, '--yes', '--output=id'])).out).toBe(`${second}\n`);
    expect(session.calls()).toEqual(['iam.v1.IdentityProviders.Delete']);
    const picked = await session.run([...noun, 'delete'], { tty: true, answers: [true] });
    expect(picked).toMatchObject({ code: 0, out: '' });
    expect(picked.err).toContain(`chainctl iam identity-providers delete ${third}`);
    expect((await session.run([...noun, 'list', '-oid'])).out).toBe('');
    expect((await session.run([...noun, 'delete', first, '-y'])).code).toBe(1);
  });

  test('one name in two places must be told apart', async () => {
    const session = await signedIn();
    const ids = [await make(session, 'corp'), await make(session, 'corp', demoFolders.engineering)];
    const failed = await session.run([...noun, 'delete', 'corp', '-y']);
    expect(failed).toMatchObject({ code: 2, out: '' });
    expect(failed.err).toContain('"corp" names 2 identity providers; say which by its id');
    for (const id of ids) expect(failed.err).toContain(id);
  });
});

describe('scim', () => {
  const token = [...noun, 'scim', 'token'];

  test('a token is alone on stdout, once, and its address on stderr', async () => {
    const session = await signedIn();
    const id = await make(session, 'corp');
    const made = await session.run([...token, 'generate', 'corp', '--expires-in', '8760h']);
    expect(made.code).toBe(0);
    expect(made.out).toMatch(/^cgscim_[0-9a-f]{64}\n$/);
    expect(made.err).toContain(`SCIM base URL: ${session.platform.urls.api}/scim/v2/${id}\n`);
    const end = new Date(session.clock.now() + 8760 * hour).toISOString();
    expect(made.err).toContain(`The token expires at ${end}`);
    expect(made.err).not.toContain('cgscim_');
    const list = await session.run([...noun, 'list', '-ojson']);
    expect(list.out).not.toContain(made.out.trim());
    expect(JSON.parse(list.out).items[0].scim).toMatchObject({ enabled: false, token_expire_time: end });
    const twice = await session.run([...token, 'generate', 'corp']);
    expect(twice).toMatchObject({ code: 1, out: '', err: expect.stringContaining('regenerate') });
  });

  test('as JSON, which then holds all of it', async () => {
    const session = await signedIn();
    const id = await make(session, 'corp');
    const made = await session.run([...token, 'generate', 'corp', '--never-expires', '-ojson']);
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(made.out)).toEqual({
      token: expect.stringMatching(/^cgscim_/),
      endpoint_url: `${session.platform.urls.api}/scim/v2/${id}`,
      identity_provider_id: id,
      etag: expect.any(String),
    });
    const next = JSON.parse((await session.run([...token, 'regenerate', id, '--overlap', '30m', '-ojson'])).out);
    expect(next).toMatchObject({
      requested_overlap: '1800s',
      previous_token_expire_time: new Date(session.clock.now() + hour / 2).toISOString(),
      expire_time: new Date(session.clock.now() + 8760 * hour).toISOString(),
    });
  });

  test('regenerate: overlap, its limits, and nothing to follow', async () => {
    const session = await signedIn();
    await make(session, 'corp');
    const early = await session.run([...token, 'regenerate', 'corp']);
    expect(early).toMatchObject({ code: 1, out: '' });
    await session.run([...token, 'generate', 'corp', '--never-expires']);
    const next = await session.run([...token, 'regenerate', 'corp', '--overlap=1h']);
    const ends = new Date(session.clock.now() + hour).toISOString();
    expect(next.err).toContain(`The previous token is good until ${ends}`);
    const now = await session.run([...token, 'regenerate', 'corp', '--overlap', '0', '--expires-in', '8760h']);
    expect(now).toMatchObject({ code: 0, out: expect.stringMatching(/^cgscim_/) });
    expect(now.err).not.toContain('previous');
    expect(new Set([next.out, now.out]).size).toBe(2);
    const limits = [
      ['--overlap=25h', '`--overlap` must be at most 24h'],
      ['--expires-in=17521h', '`--expires-in` must be at most 17520h'],
      ['--expires-in=0', '`--expires-in` must be at least 1s'],
    ] as const;
    for (const [word, problem] of limits) {
      const refused = await session.run([...token, 'regenerate', 'corp', word]);
      expect(refused).toMatchObject({ code: 2, out: '', err: expect.stringContaining(problem) });
    }
    const both = await session.run([...token, 'generate', 'corp', '--never-expires', '--expires-in=1h']);
    expect(both.err).toContain('cannot be used together');
  });

  test('enable needs a token and two owners; disable asks', async () => {
    const session = await signedIn();
    const id = await make(session, 'corp');
    const early = await session.run([...noun, 'scim', 'enable', 'corp']);
    expect(early).toMatchObject({ code: 1, out: '', err: expect.stringContaining(`scim token generate ${id}\``) });
    await session.run([...token, 'generate', 'corp']);
    const lonely = await session.run([...noun, 'scim', 'enable', 'corp']);
    expect(lonely).toMatchObject({ code: 1, err: expect.stringContaining('owners') });
    session.platform.user('second@example.com', ['owner', organization]);
    const enabled = await session.run([...noun, 'scim', 'enable', 'corp']);
    expect(enabled).toMatchObject({ code: 0, out: '' });
    expect(enabled.err).toContain('SCIM is enabled for "corp".\n');
    expect((await stored(session, id)).scim.enabled).toBe(true);
    const table = (await session.run([...noun, 'list'])).out;
    expect(table).toContain('| enabled');
    const asked = await session.run([...noun, 'scim', 'disable', 'corp'], { stdin: 'n\n' });
    expect(asked).toMatchObject({ code: 1 });
    expect((await stored(session, id)).scim.enabled).toBe(true);
    expect(await session.run([...noun, 'scim', 'disable', id, '-y'])).toMatchObject({
      code: 0,
      err: 'SCIM is disabled for "corp".\n',
    });
    expect((await stored(session, id)).scim.enabled).toBe(false);
  });

  test('a connector gets in with the token until it is revoked', async () => {
    const session = await signedIn();
    const id = await make(session, 'corp');
    const made = (await session.run([...token, 'generate', 'corp'])).out.trim();
    session.platform.user('second@example.com', ['owner', organization]);
    await session.run([...noun, 'scim', 'enable', 'corp']);
    const users = async () => (await session.platform.call(made, 'GET', `/scim/v2/${id}/Users`)).status;
    expect(await users()).toBe(200);
    const asked = await session.run([...token, 'revoke', 'corp'], { stdin: 'n\n' });
    expect(asked.err).toContain(`This ends the SCIM token of the identity provider "corp" (${id}).`);
    expect(await users()).toBe(200);
    expect(await session.run([...token, 'revoke', 'corp', '--yes'])).toMatchObject({
      code: 0,
      out: '',
      err: 'Revoked the SCIM token of "corp".\n',
    });
    expect(await users()).toBe(401);
    expect((await session.run([...noun, 'list'])).out).toContain('token revoked');
  });

  test('a viewer may neither read nor make tokens; a person picks the provider', async () => {
    const session = await signedIn();
    await make(session, 'corp');
    await make(session, 'other');
    const refused = await session.as('guest@example.com')([...token, 'generate', 'corp']);
    expect(refused).toMatchObject({ code: 1, out: '' });
    const picked = await session.run([...token, 'generate'], { tty: true, answers: ['other'] });
    expect(picked.out).toMatch(/^cgscim_/);
    expect(await session.run([...token, 'generate'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('`IDENTITY_PROVIDER` is required when not running interactively'),
    });
  });
});
