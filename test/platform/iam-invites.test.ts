import { beforeEach, describe, expect, test } from 'vitest';
import { register as enroll } from '../../src/local/iam/registration.ts';
import { createUser } from '../../src/local/iam/stored-identity.ts';
import { mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { builtInRoleId, demoFolders, demoOrganizations, personId } from '../support/ids.ts';
import { startLoopbackIssuer } from '../support/loopback-issuer.ts';
import { type Answer, startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';
import { signInByForm } from '../support/sign-in.ts';

const organization = demoOrganizations.private;
const { engineering, sandbox } = demoFolders;
const dev = personId('dev@example.com');
const guest = personId('guest@example.com');
const viewerRole = builtInRoleId('viewer');

let clock: TestClock;
let platform: TestPlatform;
let owner: string;

beforeEach(async () => {
  clock = new TestClock();
  platform = await startTestPlatform({ clock });
  owner = await platform.token(dev);
});

const invite = (body: object, group = engineering, token = owner): Promise<Answer> =>
  platform.call(token, 'POST', `/iam/v1/group_invites/${group}`, {
    body: { role: viewerRole, ttl: '604800s', ...body },
  });

/** An ID token as a login elsewhere gives it. */
const upstream = (subject: string, claims: object = {}, audience: string = platform.urls.issuer): Promise<string> =>
  mintThirdPartyToken(platform.store, {
    issuer: 'https://login.example',
    subject,
    audience,
    claims: { email: `${subject}@example.org`, email_verified: true, ...claims },
    now: clock.now(),
  });

const register = async (bearer: string | undefined, body: object = {}): Promise<Answer> =>
  platform.call(bearer, 'POST', '/auth/v1/register', { body });

/** Makes the issuer one that the platform asks: somebody with rights here has named it. */
const named = (issuer: string): void => {
  platform.store.transact((tx) => createUser(tx, { issuer, subject: 'whoever' }));
};

const bindingsOf = (identity: string) =>
  platform.store.read((tx) =>
    tx
      .all('SELECT group_id, role FROM role_bindings WHERE identity = ? ORDER BY group_id', identity)
      .map((row) => [row['group_id'], row['role']]),
  );

describe('create', () => {
  test('answers a code that begins with the group, once; nothing of it is stored or told again', async () => {
    const made = await invite({ email: 'kim@example.org', singleUse: true });
    expect(made.status).toBe(200);
    expect(made.body).toEqual({
      id: expect.stringMatching(new RegExp(`^${engineering}/[0-9a-f]{16}$`)),
      expiration: '2026-04-03T13:55:00.785Z',
      keyId: expect.stringMatching(/^[0-9a-f]{16}$/),
      role: expect.objectContaining({ id: viewerRole, name: 'viewer' }),
      code: expect.stringMatching(/^eyJncnAiOi[IJ][\w-]+$/),
    });
    const content = JSON.parse(Buffer.from(made.body.code, 'base64url').toString());
    expect(content).toEqual({
      grp: engineering,
      exp: 1775224500,
      kid: made.body.keyId,
      role: viewerRole,
      eml: 'kim@example.org',
      sig: expect.any(String),
    });
    const listed = await platform.call(owner, 'GET', '/iam/v1/group_invites');
    const { code: _code, ...stored } = made.body;
    expect(listed.body.items).toEqual([
      { ...stored, email: 'kim@example.org', createdAt: '2026-03-27T13:55:00.785Z', singleUse: true },
    ]);
    const everything = platform.store.read((tx) =>
      JSON.stringify([tx.all('SELECT * FROM group_invites'), tx.all('SELECT * FROM outbox')]),
    );
    expect(everything).not.toContain(content.sig);
    expect(platform.events()).toEqual([
      { type: 'dev.chainguard.api.iam.group_invite.created.v1', subject: made.body.id },
    ]);
    const body = platform.store.read((tx) => tx.get('SELECT body FROM outbox'))?.['body'];
    expect(JSON.parse(String(body))).toEqual({ id: made.body.id, expiration: made.body.expiration });
  });

  test.each([
    [{ ttl: undefined }, 'ttl is required'],
    [{ ttl: '0s' }, 'ttl must be positive'],
    [{ ttl: '-5s' }, 'ttl must be positive'],
    [{ ttl: '315576000000s' }, 'ttl is too long'],
    [{ role: undefined }, 'role is required'],
    [{ email: 'kim' }, 'email: "kim" is not an e-mail address'],
  ])('%o is refused', async (body, message) => {
    const answer = await invite(body);
    expect([answer.status, answer.body.message]).toEqual([400, message]);
  });

  test('to no role beyond what the inviter holds, and to none of another place', async () => {
    const small = await platform.call(owner, 'POST', `/iam/v1/roles/${organization}`, {
      body: { name: 'inviter', capabilities: ['group_invites.create', 'role_bindings.create', 'groups.list'] },
    });
    const inviter = await platform.token(platform.user('inviter@example.org', [small.body.id, engineering]));
    const beyond = await invite({}, engineering, inviter);
    expect([beyond.status, beyond.body.code]).toEqual([403, 7]);
    expect((await invite({ role: small.body.id }, engineering, inviter)).status).toBe(200);
    const local = await platform.call(owner, 'POST', `/iam/v1/roles/${sandbox}`, {
      body: { name: 'local', capabilities: ['groups.list'] },
    });
    expect((await invite({ role: local.body.id })).status).toBe(404);
    expect((await invite({}, engineering, await platform.token(guest))).body.message).toBe(
      'missing: group_invites.create, role_bindings.create',
    );
  });

  test('with a new organization: whoever accepts owns it, and the caller does not', async () => {
    const path = '/chainguard.platform.iam.GroupInvites/CreateWithGroup';
    const made = await platform.call(owner, 'POST', path, { body: { group: 'acme', ttl: '3600s' } });
    expect(made.body.role.name).toBe('owner');
    const group = made.body.id.split('/')[0];
    expect((await platform.call(await platform.token(dev), 'GET', `/iam/v1/groups?id=${group}`)).body.items).toEqual(
      [],
    );
    const session = await register(await upstream('founder'), { code: made.body.code });
    expect(session.body.group).toBe(group);
    expect(bindingsOf(session.body.identity)).toEqual([[group, builtInRoleId('owner')]]);
    const stranger = await platform.token(platform.user('stranger@example.org'));
    expect((await platform.call(stranger, 'POST', path, { body: { group: 'b', ttl: '3600s' } })).status).toBe(403);
    expect((await platform.call(owner, 'POST', path, { body: { group: 'example.com', ttl: '1s' } })).status).toBe(409);
  });
});

describe('list and delete', () => {
  test('narrow by group, id and key id, and show only what the caller may see', async () => {
    const [a, b] = [(await invite({})).body, (await invite({}, sandbox)).body];
    const ids = async (query: string, token = owner) =>
      (await platform.call(token, 'GET', `/iam/v1/group_invites?${query}`)).body.items.map(
        ({ id }: { id: string }) => id,
      );
    expect(await ids(`group=${organization}`)).toEqual([a.id, b.id].sort());
    expect(await ids(`group=${sandbox}`)).toEqual([b.id]);
    expect(await ids(`id=${a.id}`)).toEqual([a.id]);
    expect(await ids(`key_id=${b.keyId}`)).toEqual([b.id]);
    const member = await platform.token(platform.user('m@example.org', ['viewer', sandbox]));
    expect(await ids('', member)).toEqual([b.id]);
    expect(await ids('', await platform.token(platform.user('s@example.org')))).toEqual([]);
  });

  test('an invite whose role is gone stays in the list and cannot be accepted', async () => {
    const role = await platform.call(owner, 'POST', `/iam/v1/roles/${organization}`, {
      body: { name: 'short-lived', capabilities: ['groups.list'] },
    });
    const made = await invite({ role: role.body.id });
    expect((await platform.call(owner, 'DELETE', `/iam/v1/roles/${role.body.id}`)).status).toBe(200);
    expect((await platform.call(owner, 'GET', '/iam/v1/group_invites')).body.items[0].role).toBeNull();
    const answer = await register(await upstream('kim'), { code: made.body.code });
    expect([answer.status, answer.body.message]).toEqual([400, 'the role of the invite no longer exists']);
  });

  test('invites go with their group', async () => {
    await invite({}, sandbox);
    expect((await platform.call(owner, 'DELETE', `/iam/v1/groups/${sandbox}`)).status).toBe(200);
    expect((await platform.call(owner, 'GET', '/iam/v1/group_invites')).body.items).toEqual([]);
  });
});

describe('registration', () => {
  test('makes an account that is bound to nothing', async () => {
    const session = await register(await upstream('kim', { name: 'Kim Lee' }));
    expect(session.body).toEqual({ identity: expect.stringMatching(/^[0-9a-f]{40}$/), group: '' });
    expect(bindingsOf(session.body.identity)).toEqual([]);
    expect(platform.events()).toEqual([{ type: 'dev.chainguard.api.auth.registered.v1', subject: '' }]);
    const actor = platform.store.read((tx) => tx.get('SELECT actor FROM outbox'))?.['actor'];
    expect(JSON.parse(String(actor))).toEqual({
      subject: session.body.identity,
      act: { aud: platform.urls.issuer, iss: 'https://login.example', sub: 'kim' },
    });
    const again = await register(await upstream('kim'));
    expect([again.status, again.body.code]).toEqual([409, 6]);
    const exchanged = await platform.call(
      await upstream('kim'),
      'POST',
      `/sts/exchange?aud=${encodeURIComponent(platform.urls.api)}`,
    );
    expect(exchanged.status).toBe(200);
    const who = await platform.call(exchanged.body.token, 'GET', '/auth/v1/ok');
    expect([who.body.subject, who.body.email]).toEqual([session.body.identity, 'kim@example.org']);
  });

  test('with a code joins its group, as a new account or an old one, and says so in the event', async () => {
    const { code, id } = (await invite({})).body;
    const session = await register(await upstream('kim'), { code });
    expect(session.body.group).toBe(engineering);
    expect(bindingsOf(session.body.identity)).toEqual([[engineering, viewerRole]]);
    const event = platform.store.read((tx) => tx.get('SELECT * FROM outbox ORDER BY seq DESC'));
    expect([event?.['group_id'], JSON.parse(String(event?.['extensions']))]).toEqual([
      engineering,
      { bodytype: 'chainguard.platform.auth.Session', group: engineering },
    ]);
    // It may be used by many, and by one more than once.
    expect((await register(await upstream('lee'), { code })).status).toBe(200);
    const other = (await invite({}, sandbox)).body.code;
    const more = await register(await upstream('kim'), { code: other, identityId: session.body.identity });
    expect(more.body).toEqual({ identity: session.body.identity, group: sandbox });
    expect((await register(await upstream('kim'), { code })).status).toBe(200);
    expect(bindingsOf(session.body.identity)).toHaveLength(2);

    await platform.call(owner, 'DELETE', `/iam/v1/group_invites/${id}`);
    const revoked = await register(await upstream('max'), { code });
    expect([revoked.status, revoked.body.message]).toEqual([
      404,
      'the invite code is not known, or has been used or revoked',
    ]);
  });

  test('a single-use code works once; what fails leaves no account', async () => {
    const { code } = (await invite({ singleUse: true })).body;
    expect((await register(await upstream('kim'), { code })).status).toBe(200);
    const users = () => Number(platform.store.read((tx) => tx.get('SELECT COUNT(*) AS n FROM identities'))?.['n']);
    const before = users();
    expect((await register(await upstream('lee'), { code })).status).toBe(404);
    const forged = JSON.parse(Buffer.from((await invite({})).body.code, 'base64url').toString());
    for (const wrong of [
      'nonsense',
      Buffer.from('{}').toString('base64url'),
      Buffer.from(JSON.stringify({ ...forged, sig: 'x'.repeat(43) })).toString('base64url'),
      Buffer.from(JSON.stringify({ ...forged, kid: '0'.repeat(16) })).toString('base64url'),
    ]) {
      expect((await register(await upstream('lee'), { code: wrong })).status).toBe(404);
    }
    const short = (await invite({ ttl: '60s' })).body.code;
    clock.advance(60_000);
    const late = await register(await upstream('lee'), { code: short });
    expect([late.status, late.body.message]).toEqual([400, 'the invite expired at 2026-03-27T13:56:00.785Z']);
    expect(users()).toBe(before);
  });

  test('what else is in a code counts for nothing', async () => {
    const content = JSON.parse(Buffer.from((await invite({})).body.code, 'base64url').toString());
    const changed = { ...content, grp: sandbox, role: builtInRoleId('owner'), exp: 9e9 };
    const code = Buffer.from(JSON.stringify(changed)).toString('base64');
    const session = await register(await upstream('kim'), { code });
    expect(bindingsOf(session.body.identity)).toEqual([[engineering, viewerRole]]);
  });

  test('an invite for an address is for that verified address, exactly', async () => {
    const { code } = (await invite({ email: 'Kim@example.org' })).body;
    for (const claims of [
      { email: 'lee@example.org' },
      { email: 'kim@example.org' },
      { email: 'Kim@example.org', email_verified: false },
      { email: undefined },
    ]) {
      const answer = await register(await upstream('kim', claims), { code });
      expect([answer.status, answer.body.message]).toEqual([403, 'the invite is for another e-mail address']);
    }
    expect((await register(await upstream('kim', { email: 'Kim@example.org' }), { code })).status).toBe(200);
  });

  test('an address counts from who can know it: not from an issuer or a provider that anybody may run', async () => {
    const { code } = (await invite({ email: 'kim@example.org' })).body;
    const issuer = await startLoopbackIssuer(() => clock.now());
    const key = await issuer.addKey('ES256');
    const forged = (audience: string) =>
      issuer.sign(key, { aud: audience, sub: 'mallory', email: 'kim@example.org', email_verified: true });
    named(issuer.url);
    const refused = await register(await forged(platform.urls.issuer), { code });
    expect([refused.status, refused.body.message]).toEqual([403, expect.stringContaining('is not trusted with those')]);
    expect(platform.store.read((tx) => tx.all("SELECT * FROM identities WHERE subject = 'mallory'"))).toEqual([]);

    // The same of a provider, unless it is that of the organization which invites.
    const join = (provider: string) =>
      platform.store.transact((tx) =>
        enroll(
          tx,
          { issuer: issuer.url, subject: 'kim', email: 'kim@example.org', emailVerified: true, provider },
          { code },
        ),
      );
    expect(() => join(`${'0'.repeat(40)}/${'1'.repeat(16)}`)).toThrow('is not trusted with those');
    expect(join(`${organization}/${'1'.repeat(16)}`).group).toBe(engineering);

    // An invite for nobody in particular asks for no address.
    const open = (await invite({})).body.code;
    expect((await register(await forged(platform.urls.issuer), { code: open })).status).toBe(200);
  });

  test('identityId must be the account of the login', async () => {
    const { code } = (await invite({})).body;
    const nobody = await register(await upstream('kim'), { code, identityId: dev });
    expect(nobody.status).toBe(404);
    await register(await upstream('kim'));
    expect((await register(await upstream('kim'), { code, identityId: dev })).status).toBe(403);
  });

  test('wants a token of another issuer that is for the platform', async () => {
    expect((await register(undefined)).status).toBe(401);
    expect((await register('nonsense')).status).toBe(403);
    const own = await register(owner);
    expect([own.status, own.body.message]).toEqual([403, expect.stringContaining('platform itself')]);
    const other = await register(await upstream('kim', {}, 'https://other.example'));
    expect([other.status, other.body.message]).toEqual([403, expect.stringContaining('invalid audience')]);
    const late = await upstream('kim');
    clock.advance(3600_000);
    expect((await register(late)).status).toBe(403);
  });

  test('believes a real issuer by its published keys', async () => {
    const issuer = await startLoopbackIssuer(() => clock.now());
    const key = await issuer.addKey('ES256');
    const good = await issuer.sign(key, { aud: platform.urls.issuer, email: 'robot@example.org' });
    expect((await register(good)).status).toBe(403);
    named(issuer.url);
    expect((await register(good)).status).toBe(200);
    const stray = await issuer.sign(await issuer.addKey('ES256', { publish: false }), {
      aud: platform.urls.issuer,
      sub: 'other',
    });
    expect((await register(stray)).status).toBe(403);
  });
});

test('the sign-in page takes an invite, also from who has an account', async () => {
  const { code } = (await invite({ email: 'new@example.org' })).body;
  const signIn = (email: string, inviteCode: string) =>
    signInByForm(platform, { invite: inviteCode, skip_registration: 'true' }, { email });
  const wrong = await signIn('else@example.org', code);
  expect([wrong.searchParams.get('status_code'), wrong.searchParams.get('error')]).toEqual([
    '403',
    'the invite is for another e-mail address',
  ]);
  const done = await signIn('new@example.org', code);
  const who = await platform.call(done.searchParams.get('token') ?? '', 'GET', '/auth/v1/ok');
  expect(who.body.capabilities).toMatchObject([{ group: { id: engineering }, role: { name: 'viewer' } }]);
  expect(platform.events().at(-1)).toEqual({ type: 'dev.chainguard.api.auth.registered.v1', subject: '' });

  const other = (await invite({ role: builtInRoleId('editor') }, sandbox)).body.code;
  await signIn('guest@example.com', other);
  expect(bindingsOf(guest)).toContainEqual([sandbox, builtInRoleId('editor')]);
});
