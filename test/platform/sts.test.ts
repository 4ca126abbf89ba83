import { newKeyPair } from '../../src/key-pairs.ts';
import { builtInRoleId, demoFolders, demoOrganizations, personId } from '../support/ids.ts';
// The token exchange over loopback HTTP: who gets a token, what it says, and in which words others are refused.

import { createPrivateKey } from 'node:crypto';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { decodeCapabilities, encodeCapabilities } from '../../src/api/capabilities.ts';
import { builtInRoles } from '../../src/api/schema/roles.gen.ts';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { createUser, insertIdentity, type Relationship } from '../../src/local/iam/stored-identity.ts';
import { createIssuer } from '../../src/local/issuer/issuer.ts';
import { developerToken, mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import { loadDriver } from '../../src/local/store/database.ts';
import { githubToken } from '../../src/trust/ci-claims.ts';
import { type Answer, startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';

const organization = demoOrganizations.private;
const mainBranch = { repo: 'acme/app', ref: 'refs/heads/main' };
const devBranch = { repo: 'acme/app', ref: 'refs/heads/dev' };
const hour = 3600;

interface Setup {
  readonly clock: TestClock;
  readonly platform: TestPlatform;
}

async function start(): Promise<Setup> {
  const clock = new TestClock();
  return { clock, platform: await startTestPlatform({ clock, modules: [] }) };
}

let serial = 0;

function makeIdentity(
  { platform }: Setup,
  relationship: Relationship,
  binding: readonly [role: string, group: string] | undefined = ['registry.pull', organization],
): string {
  serial += 1;
  const id = `${organization}/${serial.toString(16).padStart(16, '0')}`;
  platform.store.transact((tx) => {
    insertIdentity(tx, { id, name: 'my-app', description: '', relationship });
    if (binding !== undefined) bindRole(tx, { group: binding[1], identity: id, role: builtInRoleId(binding[0]) });
  });
  return id;
}

const githubRule: Relationship = {
  kind: 'claimMatch',
  claimMatch: { issuer: 'https://token.actions.githubusercontent.com', subject: 'repo:acme/app:ref:refs/heads/main' },
};

function mint({ platform, clock }: Setup, claims: ReturnType<typeof githubToken>, more: object = {}): Promise<string> {
  return mintThirdPartyToken(platform.store, { audience: platform.urls.issuer, now: clock.now(), ...claims, ...more });
}

type Parameters = Record<string, string | readonly string[]>;

function form(parameters: Parameters): string {
  return new URLSearchParams(
    Object.entries(parameters).flatMap(([key, value]) => [value].flat().map((one): [string, string] => [key, one])),
  ).toString();
}

/** One exchange, with the parameters as a form. */
function exchange(
  { platform }: Setup,
  bearer: string,
  parameters: Parameters,
  path = '/sts/exchange',
): Promise<Answer> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return platform.call(bearer, 'POST', path, { body: form(parameters), headers });
}

const apiAudience = (setup: Setup) => ({ aud: setup.platform.urls.api });

test('a workflow assumes an identity, and the token says who it is and what it may do', async () => {
  const setup = await start();
  const { platform, clock } = setup;
  const identity = makeIdentity(setup, githubRule);
  const answer = await exchange(setup, await mint(setup, githubToken(mainBranch)), { ...apiAudience(setup), identity });

  expect(answer.status).toBe(200);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(Object.keys(answer.body)).toEqual(['token', 'refreshToken', 'expiry']);
  expect(answer.body.refreshToken).toBe('');
  expect(answer.body.expiry).toBe('2026-03-27T14:55:00Z');

  const { payload, protectedHeader } = await jwtVerify(
    answer.body.token,
    createRemoteJWKSet(new URL(`${platform.urls.issuer}/.well-known/jwks.json`)),
    { issuer: platform.urls.issuer, audience: platform.urls.api, currentDate: new Date(clock.now()) },
  );
  expect(protectedHeader).toEqual({ alg: 'RS256', kid: expect.stringMatching(/^[0-9a-f]{64}$/) });
  const seconds = Math.floor(clock.now() / 1000);
  expect(payload).toEqual({
    iss: platform.urls.issuer,
    sub: identity,
    aud: platform.urls.api,
    iat: seconds,
    exp: seconds + hour,
    act: {
      iss: 'https://token.actions.githubusercontent.com',
      sub: 'repo:acme/app:ref:refs/heads/main',
      aud: platform.urls.issuer,
    },
    cap: { [organization]: 'AAAAAAAAAH1EAgAAAAAACBAACAAAAAFk' },
  });
  expect(Object.keys(payload)).toEqual(Object.keys(payload).sort());
  expect(platform.store.read((tx) => tx.get('SELECT last_seen FROM identities WHERE id = ?', identity))).toEqual({
    last_seen: clock.now(),
  });
});

test('within a second of the last time an identity is not noted again, and nothing waits for the disk', async () => {
  const setup = await start();
  const { platform, clock } = setup;
  const identity = makeIdentity(setup, githubRule);
  const bearer = await mint(setup, githubToken(mainBranch));
  let commits = 0;
  platform.store.onCommit(() => {
    commits += 1;
  });
  const seenAfter = async (ms: number) => {
    clock.advance(ms);
    const before = commits;
    const { status } = await exchange(setup, bearer, { ...apiAudience(setup), identity });
    const row = platform.store.read((tx) => tx.get('SELECT last_seen FROM identities WHERE id = ?', identity));
    return { status, seen: Number(row?.['last_seen']) - clock.now(), commits: commits - before };
  };
  const noted = { status: 200, seen: 0, commits: 1 };
  expect(await seenAfter(0)).toEqual(noted);
  expect(await seenAfter(0)).toEqual({ ...noted, commits: 0 });
  expect(await seenAfter(999)).toEqual({ status: 200, seen: -999, commits: 0 });
  expect(await seenAfter(1)).toEqual(noted);
  // A clock that was set back.
  expect(await seenAfter(-500)).toEqual(noted);
});

test.each([
  ['the identity is deleted', 'DELETE FROM identities WHERE id = ?1', 403],
  [
    'its rule is another one',
    `UPDATE identities SET relationship = json_set(relationship, '$.subject', 'x') WHERE id = ?1`,
    403,
  ],
  ['its roles are taken', 'DELETE FROM role_bindings WHERE identity = ?1', 200],
])('what was known of an identity counts no more once %s, here or by another process', async (_, sql, status) => {
  for (const isHere of [true, false]) {
    const setup = await start();
    const { platform } = setup;
    const identity = makeIdentity(setup, githubRule);
    const bearer = await mint(setup, githubToken(mainBranch));
    const again = () => exchange(setup, bearer, { ...apiAudience(setup), identity });
    expect((await again()).status).toBe(200);
    expect(decodeJwt((await again()).body.token)['cap']).not.toEqual({});
    if (isHere) platform.store.transact((tx) => tx.run(sql, identity));
    else {
      const { path } = platform.store.read((tx) => tx.get('SELECT file AS path FROM pragma_database_list')) ?? {};
      const other = new (loadDriver())(String(path));
      other.prepare(sql).run(identity);
      other.close();
    }
    const answer = await again();
    expect(answer.status).toBe(status);
    if (status === 200) expect(decodeJwt(answer.body.token)['cap']).toEqual({});
  }
});

test('another branch is refused with what differs and what is expected', async () => {
  const setup = await start();
  const identity = makeIdentity(setup, githubRule);
  const answer = await exchange(setup, await mint(setup, githubToken(devBranch)), { ...apiAudience(setup), identity });
  expect(answer.status).toBe(403);
  expect(answer.body).toEqual({
    code: 7,
    message:
      'token has invalid subject: "repo:acme/app:ref:refs/heads/dev": identity expects "repo:acme/app:ref:refs/heads/main"',
    details: [],
  });
});

test('an identity that is gone, was never there or is for another issuer is refused in the same words', async () => {
  const setup = await start();
  const { platform } = setup;
  const token = await mint(setup, githubToken(mainBranch));
  const deleted = makeIdentity(setup, githubRule);
  expect((await exchange(setup, token, { ...apiAudience(setup), identity: deleted })).status).toBe(200);
  platform.store.transact((tx) => tx.run('DELETE FROM identities WHERE id = ?', deleted));
  const gitlab = makeIdentity(setup, {
    kind: 'claimMatch',
    claimMatch: { issuer: 'https://gitlab.com', subject: 'x' },
  });
  const nowhere = `${organization}/ffffffffffffffff`;

  for (const identity of [deleted, gitlab, nowhere]) {
    const answer = await exchange(setup, token, { ...apiAudience(setup), identity });
    expect([answer.status, answer.body.code]).toEqual([403, 7]);
    expect(answer.body.message).toBe(
      `no identity "${identity}" accepts tokens of issuer "https://token.actions.githubusercontent.com"`,
    );
  }
  const malformed = await exchange(setup, token, { ...apiAudience(setup), identity: 'my-app' });
  expect([malformed.status, malformed.body.message]).toEqual([400, '"my-app" is not the id of an identity']);
});

test('a token of an identity that was deleted is no longer accepted', async () => {
  const setup = await start();
  const { platform } = setup;
  const identity = makeIdentity(setup, githubRule);
  const { body } = await exchange(setup, await mint(setup, githubToken(mainBranch)), {
    ...apiAudience(setup),
    identity,
  });
  expect((await platform.call(body.token, 'GET', '/auth/v1/ok')).status).toBe(200);
  platform.store.transact((tx) => tx.run('DELETE FROM identities WHERE id = ?', identity));
  const answer = await platform.call(body.token, 'GET', '/auth/v1/ok');
  expect([answer.status, answer.body.message]).toEqual([401, 'the identity of the token no longer exists']);
});

test('without identity a token is for the user that its issuer and subject name', async () => {
  const setup = await start();
  const { platform } = setup;
  const answer = await exchange(setup, await mint(setup, developerToken('dev@example.com')), apiAudience(setup));
  const claims = decodeJwt(answer.body.token);
  expect(claims.sub).toBe(personId('dev@example.com'));
  expect(claims['email']).toBe('dev@example.com');
  expect(claims['email_verified']).toBe(true);
  expect(claims['upstream']).toEqual({ email: 'dev@example.com', email_verified: true, name: 'Dev Example' });
  const cap = claims['cap'] as Record<string, string>;
  expect(Object.keys(cap)).toEqual([organization]);
  expect(decodeCapabilities(cap[organization])).toEqual(
    builtInRoles.find(({ name }) => name === 'owner')?.capabilities,
  );

  const stranger = await exchange(setup, await mint(setup, developerToken('nobody@example.com')), apiAudience(setup));
  expect([stranger.status, stranger.body.code]).toEqual([404, 5]);
  expect(stranger.body.message).toMatch(/^account not found, registration required: no account for subject "auth0\|/);

  const elsewhere = { issuer: 'https://issuer.example', subject: 'x', claims: {} };
  const { privateKey } = await generateKeyPair('RS256');
  const foreign = await new SignJWT({ iss: elsewhere.issuer, sub: 'x', aud: platform.urls.issuer, exp: 4_000_000_000 })
    .setProtectedHeader({ alg: 'RS256', kid: 'k' })
    .sign(privateKey);
  const unknown = await exchange(setup, foreign, apiAudience(setup));
  expect([unknown.status, unknown.body.message]).toEqual([
    404,
    'no account signs in with issuer "https://issuer.example"',
  ]);
});

test('parameters come in the query or in a form, and JSON is not looked at', async () => {
  const setup = await start();
  const { platform } = setup;
  const identity = makeIdentity(setup, githubRule);
  const token = await mint(setup, githubToken(mainBranch));
  const parameters = form({ aud: 'cgr.dev', identity });
  const formType = { 'content-type': 'application/x-www-form-urlencoded' };

  for (const answer of [
    await platform.call(token, 'GET', `/sts/exchange?${parameters}`),
    await platform.call(token, 'POST', `/sts/exchange?${parameters}`),
    await platform.call(token, 'POST', '/sts/exchange', { body: parameters, headers: formType }),
    await platform.call(token, 'POST', `/sts/exchange?identity=${encodeURIComponent(identity)}`, {
      body: 'aud=cgr.dev&unknown=1',
      headers: formType,
    }),
  ]) {
    expect(answer.status).toBe(200);
    expect(decodeJwt(answer.body.token)).toMatchObject({ sub: identity, aud: 'cgr.dev' });
  }

  const json = await platform.call(token, 'POST', '/sts/exchange', {
    body: { aud: ['cgr.dev'], identity },
    headers: { 'content-type': 'application/json' },
  });
  expect([json.status, json.body]).toEqual([400, { code: 3, message: 'Audience must be specified', details: [] }]);
  const twice = await platform.call(token, 'POST', `/sts/exchange?${parameters}&identity=x`);
  expect([twice.status, twice.body.code]).toEqual([400, 3]);
  const put = await platform.call(token, 'PUT', `/sts/exchange?${parameters}`);
  expect([put.status, put.body.code]).toEqual([501, 12]);
  const large = await platform.call(token, 'POST', '/sts/exchange', { body: 'a'.repeat(70_000), headers: formType });
  expect(large.status).toBe(400);
});

test('the bearer is required, with or without its scheme', async () => {
  const setup = await start();
  const { platform } = setup;
  const identity = makeIdentity(setup, githubRule);
  const token = await mint(setup, githubToken(mainBranch));
  const path = `/sts/exchange?${form({ aud: 'x', identity })}`;
  for (const authorization of [token, `bearer ${token}`]) {
    expect((await platform.call(undefined, 'POST', path, { headers: { authorization } })).status).toBe(200);
  }
  for (const headers of [{}, { authorization: 'Bearer' }, { authorization: 'Basic abc' }]) {
    const answer = await platform.call(undefined, 'POST', path, { headers });
    expect([answer.status, answer.body.message]).toEqual([401, 'a bearer token is required']);
    expect(answer.headers.get('www-authenticate')).toBe('a bearer token is required');
  }
});

test('several audiences become a list, one stays bare', async () => {
  const setup = await start();
  const identity = makeIdentity(setup, githubRule);
  const token = await mint(setup, githubToken(mainBranch));
  const aud = async (value: string | string[]) => {
    const { body } = await exchange(setup, token, { aud: value, identity });
    return decodeJwt(body.token).aud;
  };
  expect(await aud('cgr.dev')).toBe('cgr.dev');
  expect(await aud(['cgr.dev', 'apk.cgr.dev', 'cgr.dev'])).toEqual(['cgr.dev', 'apk.cgr.dev']);
  for (const value of ['two words', 'a'.repeat(256), 'line\nend']) {
    expect((await exchange(setup, token, { aud: value, identity })).status).toBe(400);
  }
  expect((await exchange(setup, token, { aud: '', identity })).body.message).toBe('Audience must be specified');
});

test('bad third-party tokens are refused with the reason', async () => {
  const setup = await start();
  const { platform, clock } = setup;
  const identity = makeIdentity(setup, githubRule);
  const good = await mint(setup, githubToken(mainBranch));
  const parameters = { ...apiAudience(setup), identity };
  const refuse = async (token: string) => {
    const { status, body } = await exchange(setup, token, parameters);
    expect([status, body.code]).toEqual([403, 7]);
    return body.message;
  };
  const claims = decodeJwt(good);
  const header = decodeProtectedHeader(good);
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const [head, payload, signature] = good.split('.');

  expect(await refuse('nonsense')).toBe('verifying token: it is not a JSON Web Token');
  expect(await refuse('a.b.c')).toBe('verifying token: it is not a JSON Web Token');
  expect(await refuse(`${encode({ alg: 'none' })}.${payload}.`)).toBe(
    'verifying token: its algorithm "none" is not accepted',
  );
  // A public key used as a shared secret is the classic confusion.
  const keySet = (await platform.call(undefined, 'GET', '/.well-known/jwks.json')).body;
  const hmac = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: header.kid ?? '' })
    .sign(Buffer.from(JSON.stringify(keySet.keys[0])));
  expect(await refuse(hmac)).toBe('verifying token: its algorithm "HS256" is not accepted');
  const other = await generateKeyPair('RS256');
  const forged = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: header.kid ?? '' })
    .sign(other.privateKey);
  expect(await refuse(forged)).toBe('verifying token: its signature is not by a key of its issuer');
  expect(await refuse(`${head}.${encode({ ...claims, environment: 'prod' })}.${signature}`)).toBe(
    'verifying token: its signature is not by a key of its issuer',
  );
  for (const missing of ['iss', 'sub', 'exp']) {
    const { [missing]: _, ...rest } = claims;
    expect(await refuse(`${head}.${encode(rest)}.${signature}`)).toMatch(/^verifying token: it (names|has) no /);
  }
  expect(await refuse(await mint(setup, githubToken(mainBranch), { audience: 'sigstore' }))).toBe(
    `token has invalid audience: "sigstore": identity expects "${platform.urls.issuer}" or "${new URL(platform.urls.issuer).host}"`,
  );
  clock.advance(hour * 1000);
  expect(await refuse(good)).toBe(
    'verifying token: oidc: token is expired (Token Expiry: 2026-03-27 14:55:00 +0000 UTC)',
  );
});

test('a token that a simulated issuer signed is good for that issuer only', async () => {
  const setup = await start();
  const { platform } = setup;
  const good = await mint(setup, githubToken(mainBranch));
  // The developer issuer has a key too, so its key may not speak for GitHub.
  const developer = await mint(setup, developerToken('dev@example.com'));
  const identity = makeIdentity(setup, githubRule);
  const kid = decodeProtectedHeader(developer).kid;
  const row = platform.store.read((tx) => tx.get('SELECT private_jwk FROM signing_keys WHERE kid = ?', kid ?? ''));
  const key = createPrivateKey({ key: JSON.parse(String(row?.['private_jwk'])), format: 'jwk' });
  const crossed = await new SignJWT(decodeJwt(good))
    .setProtectedHeader({ alg: 'RS256', kid: decodeProtectedHeader(good).kid ?? '' })
    .sign(key);
  const answer = await exchange(setup, crossed, { ...apiAudience(setup), identity });
  expect([answer.status, answer.body.message]).toEqual([
    403,
    'verifying token: its signature is not by a key of its issuer',
  ]);
});

test('static keys stand in for discovery and end with the identity', async () => {
  const setup = await start();
  const { platform, clock } = setup;
  const { privateKey, publicKey } = newKeyPair('rsa');
  const now = Math.floor(clock.now() / 1000);
  const rule = { issuer: 'https://pulltoken.issuer.chainguard.dev', subject: 'pull-token-1' };
  const identity = makeIdentity(setup, {
    kind: 'static',
    static: {
      ...rule,
      issuerKeys: JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] }),
      expiration: new Date((now + 600) * 1000).toISOString(),
    },
  });
  const sign = (claims: object = {}, key = privateKey) =>
    new SignJWT({
      iss: rule.issuer,
      sub: rule.subject,
      aud: platform.urls.issuer,
      iat: now,
      exp: now + 86_400,
      ...claims,
    })
      .setProtectedHeader({ alg: 'RS256' })
      .sign(key);
  const message = async (token: string) => (await exchange(setup, token, { aud: 'cgr.dev', identity })).body.message;

  const answer = await exchange(setup, await sign(), { aud: 'cgr.dev', identity });
  expect(answer.status).toBe(200);
  // An hour would outlive the identity.
  expect(decodeJwt(answer.body.token).exp).toBe(now + 600);
  expect(await message(await sign({ sub: 'pull-token-2' }))).toContain('token has invalid subject: "pull-token-2"');
  expect(await message(await sign({}, newKeyPair('rsa').privateKey))).toContain('its signature is not');
  expect(await message(await sign({ iss: 'https://other.example' }))).toContain('accepts tokens of issuer');
  clock.advance(601_000);
  expect(await message(await sign())).toBe(`identity "${identity}" expired at 2026-03-27T14:05:00Z`);
});

test('identities for services and for AWS cannot be assumed with a token', async () => {
  const setup = await start();
  const token = await mint(setup, githubToken(mainBranch));
  const service = makeIdentity(setup, { kind: 'servicePrincipal', servicePrincipal: 'COSIGNED' });
  const aws = makeIdentity(setup, {
    kind: 'awsIdentity',
    awsIdentity: { awsAccount: '123456789012', arn: 'arn:aws:iam::123456789012:user/a', userId: 'AIDA' },
  });
  const refused = await exchange(setup, token, { ...apiAudience(setup), identity: service });
  expect([refused.status, refused.body.message]).toEqual([
    403,
    `identity "${service}" is for a service of the platform and cannot be assumed`,
  ]);
  const unable = await exchange(setup, token, { ...apiAudience(setup), identity: aws });
  expect([unable.status, unable.body.code]).toEqual([501, 12]);
  const provider = await exchange(setup, token, {
    ...apiAudience(setup),
    identity_provider: `${organization}/${'1'.repeat(16)}`,
  });
  expect([provider.status, provider.body.code]).toEqual([403, 7]);
});

test('a platform token is itself a third party for identities that say so', async () => {
  const setup = await start();
  const { platform } = setup;
  const dev = personId('dev@example.com');
  const claimMatch = { issuer: platform.urls.issuer, subjectPattern: '[0-9a-f]{40}', audience: platform.urls.api };
  const identity = makeIdentity(setup, { kind: 'claimMatch', claimMatch });
  const answer = await exchange(setup, await platform.token(dev), { aud: 'cgr.dev', identity });
  expect(decodeJwt(answer.body.token)).toMatchObject({
    sub: identity,
    aud: 'cgr.dev',
    act: { iss: platform.urls.issuer, sub: dev, aud: platform.urls.api },
  });
  // A token that only says it is ours is nobody's.
  const { privateKey } = await generateKeyPair('RS256');
  const forged = await new SignJWT({ iss: platform.urls.issuer, sub: dev, aud: platform.urls.api, exp: 4_000_000_000 })
    .setProtectedHeader({ alg: 'RS256' })
    .sign(privateKey);
  expect((await exchange(setup, forged, { aud: 'cgr.dev', identity })).status).toBe(401);
});

test('a platform token by itself can be narrowed but gets no other audience and no longer life', async () => {
  const setup = await start();
  const { platform, clock } = setup;
  const dev = personId('dev@example.com');
  const token = await platform.token(dev, { ttlSeconds: 600 });
  const wider = await exchange(setup, token, { aud: 'cgr.dev' });
  expect([wider.status, wider.body.message]).toEqual([
    403,
    'a platform token cannot be exchanged for audience "cgr.dev", which it is not for',
  ]);
  const narrowed = await exchange(setup, token, { ...apiAudience(setup), cap: 'groups.list' });
  const claims = decodeJwt(narrowed.body.token);
  expect(claims['cap']).toEqual({ [organization]: 'AAAAAAAAADIAAAAAAAAACA==' });
  expect(claims.exp).toBe(Math.floor(clock.now() / 1000) + 600);
  // What was given away does not come back.
  const again = await exchange(setup, narrowed.body.token, {
    ...apiAudience(setup),
    cap: ['groups.list', 'repo.list'],
  });
  expect(decodeJwt(again.body.token)['cap']).toEqual({ [organization]: 'AAAAAAAAADIAAAAAAAAACA==' });
  const nothing = await exchange(setup, narrowed.body.token, { ...apiAudience(setup), cap: 'repo.list' });
  expect([nothing.status, nothing.body.code]).toEqual([403, 7]);
});

test('a token for a folder keeps, renewed and renewed again, what its holder has above', async () => {
  const setup = await start();
  const identity = makeIdentity(setup, githubRule, ['viewer', organization]);
  const bearer = await mint(setup, githubToken(mainBranch));
  const { engineering } = demoFolders;
  const exchanged = async (token: string, parameters: Parameters) => {
    const answer = await exchange(setup, token, { ...apiAudience(setup), ...parameters });
    expect([answer.status, answer.body.message]).toEqual([200, undefined]);
    return { token: answer.body.token, cap: decodeJwt(answer.body.token)['cap'] };
  };
  const whole = await exchanged(bearer, { identity });
  const first = await exchanged(bearer, { identity, scope: engineering });
  expect(Object.keys(first.cap as object)).toEqual([engineering]);
  const second = await exchanged(first.token, {});
  const third = await exchanged(second.token, { scope: engineering });
  expect([second.cap, third.cap]).toEqual([first.cap, first.cap]);
  const groups = await setup.platform.call(third.token, 'GET', '/iam/v1/groups');
  expect(groups.body.items.map(({ id }: { id: string }) => id)).toContain(engineering);
  // What is taken away is gone from each of them, and does not come back by asking for more.
  expect((await exchange(setup, third.token, { ...apiAudience(setup), scope: organization })).status).toBe(403);
  expect(await exchanged(whole.token, {})).toMatchObject({ cap: whole.cap });
  setup.platform.store.transact((tx) => tx.run('DELETE FROM role_bindings WHERE identity = ?', identity));
  const left = await exchange(setup, third.token, apiAudience(setup));
  expect(left.status === 200 ? decodeJwt(left.body.token)['cap'] : {}).toEqual({});
});

test('scopes and capabilities narrow, by id and by name', async () => {
  const setup = await start();
  const { platform } = setup;
  const { engineering, platform: inner, sandbox } = demoFolders;
  const email = 'ci@example.com';
  const { issuer, subject, claims } = developerToken(email);
  platform.store.transact((tx) => {
    const identity = createUser(tx, { issuer, subject, email });
    bindRole(tx, { group: organization, identity, role: builtInRoleId('registry.pull') });
    bindRole(tx, { group: engineering, identity, role: builtInRoleId('viewer') });
  });
  const token = await mint(setup, { issuer, subject, claims });
  const pull = 'AAAAAAAAAH1EAgAAAAAACBAACAAAAAFk';
  // Of the vectors of semantics 3.2, with what viewers of 2022 to 2024 held besides.
  const viewer = encodeCapabilities(builtInRoles.find(({ name }) => name === 'viewer')?.capabilities ?? []);
  const cap = async (parameters: Parameters) => {
    const { status, body } = await exchange(setup, token, { ...apiAudience(setup), ...parameters });
    return status === 200 ? decodeJwt(body.token)['cap'] : body;
  };
  const both = (encoded: string) => new Set(decodeCapabilities(encoded));

  expect(await cap({})).toEqual({ [organization]: pull, [engineering]: viewer });
  expect(await cap({ scope: organization })).toEqual({ [organization]: pull });
  const folder = (await cap({ scopes: [engineering], scope: engineering })) as Record<string, string>;
  expect(Object.keys(folder)).toEqual([engineering]);
  expect(both(folder[engineering] ?? '')).toEqual(new Set([...both(pull), ...both(viewer)]));
  // What is inherited is filed under the group that was asked for.
  expect(Object.keys((await cap({ scopes: [inner, sandbox] })) as object).sort()).toEqual([inner, sandbox].sort());
  expect(await cap({ scopes: 'sandbox' })).toEqual({ [sandbox]: pull });
  expect(await cap({ cap: ['groups.list', 'sboms.list'], scope: 'example.com' })).toEqual({
    [organization]: expect.any(String),
  });
  expect(await cap({ scope: 'chainguard' })).toMatchObject({ code: 3 });
  expect(await cap({ scope: 'no such' })).toMatchObject({
    code: 3,
    message: 'scope "no such" is not the name of a group you have a role in',
  });
  expect(await cap({ scope: demoOrganizations.public })).toMatchObject({ code: 7 });
  expect(await cap({ cap: 'groups.destroy' })).toEqual({
    code: 3,
    message: '"groups.destroy" is not a capability',
    details: [],
  });
  expect(await cap({ cap: 'groups.delete' })).toMatchObject({ code: 7 });
});

test('an AWS identity is assumed by whom AWS vouches for, when the platform can ask', async () => {
  const setup = await start();
  const { platform, clock } = setup;
  const { store, urls } = platform;
  const arn = 'arn:aws:sts::123456789012:assumed-role/ci/run-7';
  const identity = makeIdentity(setup, {
    kind: 'awsIdentity',
    awsIdentity: { awsAccount: '123456789012', arn, userIdPattern: '^AROA(.*):(.*)$' },
  });
  const issuerFor = (account: string) =>
    createIssuer({
      store,
      urls,
      clock,
      verifyAws: async (request, boundTo) => {
        expect([request, boundTo]).toEqual(['c2lnbmVk', identity]);
        return { account, arn, userId: 'AROAEXAMPLE:run-7' };
      },
    });
  const { token = '' } = await issuerFor('123456789012').exchange('c2lnbmVk', { aud: ['cgr.dev'], identity });
  expect(decodeJwt(token)).toMatchObject({
    sub: identity,
    act: { 'aws-acct': '123456789012', 'aws-arn': arn, sub: 'AROAEXAMPLE:run-7' },
  });
  await expect(issuerFor('999999999999').exchange('c2lnbmVk', { aud: ['cgr.dev'], identity })).rejects.toMatchObject({
    code: 7,
    message: 'caller has invalid AWS account: "999999999999"',
  });
});

test('an https issuer may keep its keys on another https host, but not on a plain one', async () => {
  const setup = await start();
  const { platform, clock } = setup;
  const { store, urls } = platform;
  const url = 'https://issuer.example/realms/ci';
  const identity = makeIdentity(setup, { kind: 'claimMatch', claimMatch: { issuer: url, subject: 'robot' } });
  const { privateKey, publicKey } = newKeyPair('P-256');
  const keySet = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k' }] });
  const token = await new SignJWT({ iss: url, sub: 'robot', aud: urls.issuer, exp: 4_000_000_000 })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .sign(privateKey);
  const exchangeWith = async (jwksUri: string, issuerOrigins?: ReadonlySet<string>) => {
    const asked: string[] = [];
    const issuer = createIssuer({
      store,
      urls,
      clock,
      issuerOrigins,
      fetchUpstream: async (address) => {
        asked.push(address.href);
        const text = asked.length === 1 ? JSON.stringify({ issuer: url, jwks_uri: jwksUri }) : keySet;
        return { status: 200, headers: {}, text };
      },
    });
    const request = { aud: ['cgr.dev'], identity };
    const outcome = await issuer.exchange(token, request).catch((error: Error) => error.message);
    return { asked, outcome };
  };
  const good = await exchangeWith('https://issuer.example/keys/ci.json');
  expect(good.asked).toEqual([`${url}/.well-known/openid-configuration`, 'https://issuer.example/keys/ci.json']);
  expect(good.outcome).toMatchObject({ token: expect.any(String) });
  for (const elsewhere of [
    'http://127.0.0.1:9/keys?delete=1',
    'https://keys.example/ci.json',
    'http://issuer.example/',
  ]) {
    const bad = await exchangeWith(elsewhere);
    expect(bad.asked).toHaveLength(1);
    const { origin } = new URL(elsewhere);
    expect(bad.outcome).toBe(
      `verifying token: the key set of "${url}" is at "${origin}", which is not its own origin; ` +
        'CHAINCTL_LOCAL_ISSUER_ORIGINS names others',
    );
  }
  const configured = await exchangeWith('https://keys.example/ci.json', new Set(['https://keys.example']));
  expect(configured.outcome).toMatchObject({ token: expect.any(String) });
});
