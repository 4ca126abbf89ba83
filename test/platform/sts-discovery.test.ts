// Issuers that are not ours, over real connections: whom the platform believes, and how bad ones cannot hurt it.

import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { generateKeyPair, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { createUser, insertIdentity } from '../../src/local/iam/stored-identity.ts';
import { createFetchUpstream } from '../../src/local/issuer/fetch-upstream.ts';
import { parseOrigins } from '../../src/local/issuer/issuer-origins.ts';
import { builtInRoleId, demoOrganizations, personId } from '../support/ids.ts';
import { type LoopbackIssuer, startLoopbackIssuer } from '../support/loopback-issuer.ts';
import { type Answer, startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';

interface Setup {
  readonly clock: TestClock;
  readonly platform: TestPlatform;
  readonly issuer: LoopbackIssuer;
  readonly identity: string;
}

/** A platform, an issuer of its own, and an identity for the issuer's `robot`. */
async function start(rule: { issuer?: string; issuerPattern?: string } = {}): Promise<Setup> {
  const clock = new TestClock();
  const platform = await startTestPlatform({ clock, modules: [] });
  const issuer = await startLoopbackIssuer(() => clock.now());
  const identity = `${demoOrganizations.private}/00000000000000aa`;
  const claimMatch = rule.issuerPattern === undefined ? { issuer: issuer.url, ...rule } : rule;
  platform.store.transact((tx) => {
    insertIdentity(tx, {
      id: identity,
      name: 'robot',
      description: '',
      relationship: { kind: 'claimMatch', claimMatch: { subject: 'robot', ...claimMatch } },
    });
    bindRole(tx, { group: demoOrganizations.private, identity, role: builtInRoleId('viewer') });
  });
  return { clock, platform, issuer, identity };
}

function exchange({ platform, identity }: Setup, bearer: string, parameters: object = { identity }): Promise<Answer> {
  return platform.call(bearer, 'POST', `/sts/exchange?${new URLSearchParams({ aud: 'cgr.dev', ...parameters })}`);
}

async function message(setup: Setup, bearer: string): Promise<[number, string]> {
  const { status, body } = await exchange(setup, bearer);
  return [status, body.message];
}

const audience = ({ platform }: Setup) => ({ aud: platform.urls.issuer });

test.each(['RS256', 'PS384', 'ES256', 'ES384', 'ES512', 'EdDSA'])('%s signatures are good', async (alg) => {
  const setup = await start();
  const key = await setup.issuer.addKey(alg);
  expect((await exchange(setup, await setup.issuer.sign(key, audience(setup)))).status).toBe(200);
});

test('users of a real issuer sign in by issuer and subject', async () => {
  const setup = await start();
  const { platform, issuer } = setup;
  const key = await issuer.addKey('RS256');
  const token = await issuer.sign(key, { ...audience(setup), email: 'robot@example.org', email_verified: false });
  const before = await exchange(setup, token, {});
  expect([before.status, before.body.message]).toEqual([404, `no account signs in with issuer "${issuer.url}"`]);
  expect(issuer.requests).toEqual([]);

  const user = platform.store.transact((tx) => createUser(tx, { issuer: issuer.url, subject: 'robot' }));
  expect((await exchange(setup, token, {})).status).toBe(200);
  const row = platform.store.read((tx) => tx.get('SELECT email, email_verified FROM identities WHERE id = ?', user));
  expect(row).toEqual({ email: 'robot@example.org', email_verified: 0 });
  expect((await exchange(setup, await issuer.sign(key, { ...audience(setup), sub: 'other' }), {})).status).toBe(404);
  const elsewhere = await exchange(setup, await issuer.sign(key, { aud: 'sigstore' }), {});
  expect(elsewhere.body.message).toContain('token has invalid audience: "sigstore": the platform expects');
});

test('a stranger with a token of the same issuer is told which rule failed, and not what it says', async () => {
  const setup = await start();
  const key = await setup.issuer.addKey('RS256');
  const stranger = await setup.issuer.sign(key, { ...audience(setup), sub: 'repo:evil/app' });
  expect(await message(setup, stranger)).toEqual([403, 'token has invalid subject: "repo:evil/app"']);
});

test('keys are fetched once, again after five minutes, and at once for a key id that is new', async () => {
  const setup = await start();
  const { issuer, clock } = setup;
  const first = await issuer.addKey('ES256');
  const ok = async (key: typeof first) => (await exchange(setup, await issuer.sign(key, audience(setup)))).status;
  const fetches = () => issuer.requests.filter((path) => path === '/keys').length;

  expect(await ok(first)).toBe(200);
  expect(await ok(first)).toBe(200);
  expect(fetches()).toBe(1);
  clock.advance(11_000);
  const second = await issuer.addKey('ES256');
  expect(await ok(second)).toBe(200);
  expect(fetches()).toBe(2);
  // Made-up key ids do not make us ask again and again.
  const forged = { ...first, kid: 'made-up' };
  for (let attempt = 0; attempt < 5; attempt += 1) expect(await ok(forged)).toBe(403);
  expect(fetches()).toBe(2);
  clock.advance(5 * 60_000);
  expect(await ok(first)).toBe(200);
  expect(fetches()).toBe(3);
});

test('many at once ask the issuer once', async () => {
  const setup = await start();
  const key = await setup.issuer.addKey('ES256');
  const token = await setup.issuer.sign(key, audience(setup));
  const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(setup, token)));
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
  expect(setup.issuer.requests).toHaveLength(2);
});

test('a key without an id fits, the wrong key does not', async () => {
  const setup = await start();
  const { issuer } = setup;
  const decoy = await issuer.addKey('RS256', { kid: null });
  const real = await issuer.addKey('RS256', { kid: null });
  expect(decoy.publicJwk.n).not.toBe(real.publicJwk.n);
  expect((await exchange(setup, await issuer.sign(real, audience(setup)))).status).toBe(200);
  const unpublished = await issuer.addKey('RS256', { publish: false, kid: null });
  expect(await message(setup, await issuer.sign(unpublished, audience(setup)))).toEqual([
    403,
    'verifying token: its signature is not by a key of its issuer',
  ]);
});

test('secrets in a key set are not keys, whatever the token calls its algorithm', async () => {
  const setup = await start();
  const { issuer, clock } = setup;
  const secret = Buffer.alloc(32, 7);
  issuer.answers.set('/keys', (response) =>
    response.end(JSON.stringify({ keys: [{ kty: 'oct', kid: 'k', k: secret.toString('base64url') }, null, 7, 'x'] })),
  );
  const claims = { iss: issuer.url, sub: 'robot', exp: Math.floor(clock.now() / 1000) + 60, ...audience(setup) };
  const hmac = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'k' }).sign(secret);
  expect(await message(setup, hmac)).toEqual([403, 'verifying token: its algorithm "HS256" is not accepted']);
  const { privateKey } = await generateKeyPair('RS256');
  const rsa = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'k' }).sign(privateKey);
  expect(await message(setup, rsa)).toEqual([403, 'verifying token: no key of its issuer fits it']);
});

test('times are checked by the platform clock, with a minute of leeway for other machines', async () => {
  const setup = await start();
  const { issuer, clock } = setup;
  const key = await issuer.addKey('ES256');
  const now = Math.floor(clock.now() / 1000);
  const sign = (claims: object) => issuer.sign(key, { ...audience(setup), ...claims });
  expect((await exchange(setup, await sign({ exp: now - 30 }))).status).toBe(200);
  expect((await exchange(setup, await sign({ nbf: now + 30 }))).status).toBe(200);
  expect(await message(setup, await sign({ exp: now - 90 }))).toEqual([
    403,
    'verifying token: oidc: token is expired (Token Expiry: 2026-03-27 13:53:30 +0000 UTC)',
  ]);
  expect(await message(setup, await sign({ nbf: now + 90 }))).toEqual([403, 'verifying token: it is not valid yet']);
});

test('an issuer that redirects is not followed', async () => {
  const setup = await start();
  const { issuer } = setup;
  const key = await issuer.addKey('ES256');
  const trap = await startLoopbackIssuer(() => setup.clock.now());
  const token = await issuer.sign(key, audience(setup));
  issuer.answers.set('/keys', (response) => response.writeHead(302, { location: `${trap.url}/keys` }).end());
  const refused = [403, `verifying token: issuer "${issuer.url}" answers with a redirect, which is not followed`];
  expect(await message(setup, token)).toEqual(refused);
  issuer.answers.set('/.well-known/openid-configuration', (response) =>
    response.writeHead(308, { location: `${trap.url}/.well-known/openid-configuration` }).end(),
  );
  expect(await message(setup, token)).toEqual(refused);
  expect(trap.requests).toEqual([]);
});

test('a configuration of another issuer, or none, is not believed', async () => {
  const setup = await start();
  const { issuer } = setup;
  const token = await issuer.sign(await issuer.addKey('ES256'), audience(setup));
  const publish = (text: string, status = 200) =>
    issuer.answers.set('/.well-known/openid-configuration', (response) => response.writeHead(status).end(text));
  const reason = async () => (await message(setup, token)).join(' ');

  publish(JSON.stringify({ issuer: `${issuer.url}/`, jwks_uri: `${issuer.url}/keys` }));
  expect(await reason()).toBe(`403 verifying token: "${issuer.url}" publishes the configuration of another issuer`);
  publish(JSON.stringify({ issuer: issuer.url }));
  expect(await reason()).toBe(`403 verifying token: "${issuer.url}" names no key set`);
  for (const uri of [
    'http://10.0.0.1/keys',
    'file:///etc/passwd',
    `${setup.platform.urls.issuer}/.well-known/jwks.json`,
  ]) {
    publish(JSON.stringify({ issuer: issuer.url, jwks_uri: uri }));
    expect(await reason()).toMatch(/^403 verifying token: the key set of .* is at .*, which is not its own origin/);
  }
  publish('<html>');
  expect(await reason()).toContain('403 verifying token: the configuration of issuer');
  publish('gone', 410);
  expect(await reason()).toContain('403 verifying token: issuer');
  publish('oh no', 500);
  expect(await reason()).toBe(`503 issuer "${issuer.url}" answers with HTTP status 500`);
});

test('a slow issuer is given up on after five seconds', async () => {
  const setup = await start();
  const { issuer } = setup;
  const token = await issuer.sign(await issuer.addKey('ES256'), audience(setup));
  // One byte now and then: idle timeouts alone would never fire.
  issuer.answers.set('/keys', (response) => {
    response.write('{');
    const drip = setInterval(() => response.write(' '), 200);
    response.on('close', () => clearInterval(drip));
  });
  // The issuer never comes to an end: without a limit this would not either.
  expect(await message(setup, token)).toEqual([
    503,
    `issuer "${issuer.url}" cannot be asked for its keys: it did not answer within 5 s`,
  ]);
});

describe('what changes while the keys of an issuer are fetched', () => {
  /** Does something on the platform before the key set is answered. */
  const meanwhile = ({ issuer }: Setup, work: () => void) => {
    const keys = issuer.answers.get('/keys');
    issuer.answers.set('/keys', (response) => {
      work();
      keys?.(response);
    });
  };

  test.each(['subject', 'issuer', 'audience', 'gone'])('an identity: its %s', async (what) => {
    const setup = await start();
    const { platform, issuer, identity } = setup;
    const token = await issuer.sign(await issuer.addKey('ES256'), audience(setup));
    meanwhile(setup, () =>
      platform.store.transact((tx) => {
        tx.run('DELETE FROM role_bindings WHERE identity = ?', identity);
        tx.run('DELETE FROM identities WHERE id = ?', identity);
        if (what === 'gone') return;
        const claimMatch = { subject: 'robot', issuer: issuer.url, [what]: `another-${what}` };
        insertIdentity(tx, {
          id: identity,
          name: 'robot',
          description: '',
          relationship: { kind: 'claimMatch', claimMatch },
        });
        bindRole(tx, { group: demoOrganizations.private, identity, role: builtInRoleId('owner') });
      }),
    );
    const refused = 'the identity changed while the token was verified; try again';
    expect(await message(setup, token)).toEqual([503, refused]);
  });

  test.each(['client_id', 'issuer', 'gone'])('an identity provider: its %s', async (what) => {
    const setup = await start();
    const { platform, issuer } = setup;
    const owner = await platform.token(personId('dev@example.com'));
    const made = await platform.call(owner, 'POST', `/iam/v1/identityProviders/${demoOrganizations.private}`, {
      body: { name: 'idp', oidc: { issuer: issuer.url, clientId: 'before', clientSecret: 's' } },
    });
    expect(made.status).toBe(200);
    const { id } = made.body;
    const token = await issuer.sign(await issuer.addKey('ES256'), { aud: 'before' });
    const ask = () => exchange(setup, token, { identity_provider: id });
    meanwhile(setup, () =>
      platform.store.transact((tx) => {
        if (what === 'gone') tx.run('DELETE FROM identity_providers WHERE id = ?', id);
        else tx.run(`UPDATE identity_providers SET ${what} = 'https://after.example' WHERE id = ?`, id);
      }),
    );
    const { status, body } = await ask();
    expect([status, body.message]).toEqual([
      403,
      `no identity provider "${id}" accepts tokens of issuer "${issuer.url}"`,
    ]);
    // Nobody was signed up for it.
    const accounts = platform.store.read((tx) =>
      tx.all("SELECT 1 FROM identities WHERE issuer = ? AND subject = 'robot' AND id <> ?", issuer.url, setup.identity),
    );
    expect(accounts).toEqual([]);
  });
});

test('a giant key set is not read to its end', async () => {
  const setup = await start();
  const { issuer } = setup;
  const token = await issuer.sign(await issuer.addKey('ES256'), audience(setup));
  let sent = 0;
  issuer.answers.set('/keys', (response) => {
    const chunk = Buffer.alloc(64 * 1024, ' ');
    const more = () => {
      while (!response.destroyed && sent < 512 * 1024 * 1024) {
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
    };
    more();
  });
  const [status, text] = await message(setup, token);
  expect([status, text]).toEqual([
    503,
    `issuer "${issuer.url}" cannot be asked for its keys: its answer is larger than 1048576 bytes`,
  ]);
  expect(sent).toBeLessThan(64 * 1024 * 1024);
});

test('an issuer that is down can be tried again', async () => {
  const setup = await start({ issuer: 'http://127.0.0.1:1' });
  const { privateKey } = await generateKeyPair('ES256');
  const claims = { iss: 'http://127.0.0.1:1', sub: 'robot', exp: 4_000_000_000, ...audience(setup) };
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(privateKey);
  const { status, body } = await exchange(setup, token);
  expect([status, body.code]).toEqual([503, 14]);
  expect(body.message).toMatch(/^issuer "http:\/\/127\.0\.0\.1:1" cannot be asked for its keys: /);
});

test('issuers that are no https URL, or the platform in disguise, are refused unasked', async () => {
  const setup = await start({ issuerPattern: '.*' });
  const { platform, issuer } = setup;
  const key = await issuer.addKey('ES256');
  const { port } = new URL(platform.urls.issuer);
  const reason = async (iss: string) =>
    (await message(setup, await issuer.sign(key, { ...audience(setup), iss }))).join(' ');

  for (const iss of ['http://issuer.example', 'http://127.0.0.1.nip.example', 'http://10.1.2.3']) {
    expect(await reason(iss)).toBe(`403 verifying token: its issuer "${iss}" is not an https URL`);
  }
  for (const iss of [
    'platform',
    'ftp://x',
    'https://user@issuer.example',
    'https://issuer.example?x=1',
    'https://i.example#f',
  ]) {
    expect(await reason(iss)).toBe(`403 verifying token: its issuer "${iss}" is not a URL that issuers have`);
  }
  for (const iss of [
    `http://localhost:${port}`,
    `${platform.urls.issuer}/`,
    `http://[::1]:${port}/x`,
    `http://a.localhost:${port}`,
  ]) {
    expect(await reason(iss)).toBe(`403 verifying token: its issuer "${iss}" is this platform under another name`);
  }
  expect(issuer.requests).toEqual([]);
});

test('a token of an issuer that the identity does not name makes no connection', async () => {
  const setup = await start({ issuer: 'https://issuer.example' });
  const { issuer } = setup;
  const token = await issuer.sign(await issuer.addKey('ES256'), audience(setup));
  expect((await exchange(setup, token)).body.message).toContain(`accepts tokens of issuer "${issuer.url}"`);
  expect(issuer.requests).toEqual([]);
});

// An engine that tries each way would need longer than the universe is old; how long ours takes is for the benchmarks.
test('a hostile pattern of an identity is answered as any other', async () => {
  const setup = await start({ issuerPattern: '(h|t|p|.)+' });
  const { platform, issuer } = setup;
  const key = await issuer.addKey('ES256');
  platform.store.transact((tx) => {
    tx.run('DELETE FROM identities WHERE id = ?', setup.identity);
    insertIdentity(tx, {
      id: setup.identity,
      name: 'hostile',
      description: '',
      relationship: { kind: 'claimMatch', claimMatch: { issuer: issuer.url, subjectPattern: '(a+)+$' } },
    });
  });
  const token = await issuer.sign(key, { ...audience(setup), sub: `${'a'.repeat(4000)}!` });
  const answer = await exchange(setup, token);
  expect([answer.status, answer.body.code]).toEqual([403, 7]);
});

describe('a login that nobody has registered', () => {
  const register = ({ platform }: Setup, bearer: string) =>
    platform.call(bearer, 'POST', '/auth/v1/register', { body: {} });

  test('sends the platform nowhere unless an identity or a provider names its issuer', async () => {
    const setup = await start({ issuerPattern: 'http://127\\.0\\.0\\.1:.*' });
    const { platform, issuer } = setup;
    const token = await issuer.sign(await issuer.addKey('RS256'), { ...audience(setup), sub: 'newcomer' });
    const stranger = await register(setup, token);
    expect([stranger.status, stranger.body.message]).toEqual([
      403,
      `no identity and no identity provider names issuer "${issuer.url}", so its tokens make no account here`,
    ]);
    expect(issuer.requests).toEqual([]);
    platform.store.transact((tx) => createUser(tx, { issuer: issuer.url, subject: 'somebody' }));
    expect((await register(setup, token)).status).toBe(200);
  });
});

test.each([
  ['http://169.254.169.254/latest', 'it is not an https URL'],
  ['https://169.254.169.254/latest', 'it is at 169.254.169.254, where no issuer is'],
  ['https://[::ffff:169.254.169.254]/', /it is at .*, where no issuer is/],
  ['https://metadata.google.internal/', 'it is a metadata service'],
  ['https://192.168.1.1/', /private address; CHAINCTL_LOCAL_ISSUER_ORIGINS/],
  ['https://10.0.0.7:8443/', /private address/],
  ['https://[fd12::1]/', /private address/],
  ['https://100.64.0.1/', /private address/],
])('no issuer is looked up at %s', async (url, reason) => {
  await expect(createFetchUpstream(new Set())(new URL(url))).rejects.toThrow(reason);
});

test('a public name that leads into the private network, or to this machine, is not followed there', async () => {
  // What the system says of a name is asked once and used; here it is the name of this very machine.
  const name = hostname();
  const addresses = await lookup(name, { all: true }).catch(() => []);
  if (addresses.length === 0 || name.endsWith('localhost')) return;
  const url = new URL(`https://${name}:9/`);
  await expect(createFetchUpstream(new Set())(url)).rejects.toThrow(/private address|where no issuer is/);
  await expect(createFetchUpstream(new Set([url.origin]))(url)).rejects.toThrow(/ECONNREFUSED/);
});

test('origins are read as origins', () => {
  expect([...parseOrigins(' https://gitlab.corp.example, http://127.0.0.1:8080 ,')]).toEqual([
    'https://gitlab.corp.example',
    'http://127.0.0.1:8080',
  ]);
  for (const wrong of ['gitlab.corp.example', 'https://host/path', 'file:///etc', 'https://user@host']) {
    expect(() => parseOrigins(wrong)).toThrow(/is not an origin like/);
  }
});
