// The token exchange straight on the store: each thing that is proved before a token is signed, missing or wrong once, and what
// the token then says. Who signed a third party's token is a stand-in's word here.

import { SignJWT } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { newKeyPair } from '../../src/key-pairs.ts';
import { permissionDenied, unauthenticated } from '../../src/local/core/failures.ts';
import type { Occurrence } from '../../src/local/core/occurrence.ts';
import { anonymous, type Caller } from '../../src/local/core/types.ts';
import { createGroupInvite } from '../../src/local/iam/group-invites.ts';
import { insertIdentity, type Relationship } from '../../src/local/iam/stored-identity.ts';
import type { AccessToken } from '../../src/local/issuer/access-tokens.ts';
import { type BrowserLogin, createSts, type StsOptions } from '../../src/local/issuer/sts.ts';
import { tellOfExchanges } from '../../src/local/issuer/told-exchanges.ts';
import { signingKey } from '../../src/local/keys/signing-keys.ts';
import type { Store } from '../../src/local/store/database.ts';
import { decodeJwt, toTokenClaims } from '../../src/trust/jwt.ts';
import { demoFolders, demoOrganizations, dev } from '../support/ids.ts';
import { standIns, testStore } from '../support/store.ts';

const organization = demoOrganizations.private;
const { engineering } = demoFolders;
const urls = {
  ...{ api: 'https://api.example', issuer: 'https://issuer.example', registry: 'https://registry.example' },
  console: 'https://console.example/console',
};
const github = 'https://github.example';
const people = 'https://people.example';
const day = 24 * 60 * 60 * 1000;

let world: Awaited<ReturnType<typeof begin>>;
beforeEach(async () => {
  world = await begin();
});

async function begin() {
  const { store, clock } = await testStore();
  const stands = standIns(store);
  const signed: AccessToken[] = [];
  const told: Occurrence[] = [];
  const asked: string[] = [];
  const state = {
    /** What the keys of other issuers say of a token. */
    upstream: (): boolean => false,
    /** Platform tokens by their text. */
    callers: new Map<string, Caller>(),
    own: undefined as ReturnType<typeof toTokenClaims> | undefined,
    verifyAws: undefined as StsOptions['verifyAws'],
  };
  const seconds = () => Math.floor(clock.now() / 1000);
  /** A token as far as it can be read; whether somebody signed it is for the stand-ins to say. */
  const jwt = (claims: object) => {
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const all = { iss: github, sub: 'robot', aud: urls.issuer, exp: seconds() + 600, ...claims };
    return `${encode({ alg: 'RS256', kid: 'k' })}.${encode(all)}.c2ln`;
  };
  let commits = 0;
  const counted: Store = {
    ...store,
    read: (work) => store.read(work),
    transact: (work) => store.transact(work),
    commit(work) {
      commits += 1;
      return store.commit(work);
    },
  };
  const options: StsOptions = {
    ...{ store: counted, urls, clock },
    upstream: {
      async verify(bearer) {
        asked.push(bearer);
        return state.upstream();
      },
    },
    accessTokens: {
      async sign(token) {
        signed.push(token);
        return jwt({ iss: urls.issuer, sub: token.identity, aud: token.audience });
      },
      async verify(bearer) {
        const caller = state.callers.get(bearer);
        if (caller === undefined) throw unauthenticated('not ours');
        return caller;
      },
    },
    ownIdTokens: { sign: async () => '', read: async () => state.own },
    verifyAws: (request, identity) =>
      state.verifyAws === undefined ? Promise.reject(permissionDenied('no AWS')) : state.verifyAws(request, identity),
  };
  const sts = tellOfExchanges(createSts(options), (one) => told.push(one));
  const withoutAws = createSts({ ...options, verifyAws: undefined });
  /** Types and bodies of the events so far. */
  const events = () =>
    store
      .read((tx) => tx.all('SELECT type, body FROM outbox ORDER BY rowid'))
      .map(({ type, body }) => [String(type).replace(/^dev\.chainguard\.api\./, ''), JSON.parse(String(body))]);
  let made = 0;
  /** An identity of the organization that may list groups there. */
  const identity = (relationship: Relationship, grant = organization): string => {
    const id = `${organization}/${(++made).toString(16).padStart(16, '0')}`;
    store.transact((tx) => insertIdentity(tx, { id, name: `identity ${made}`, description: '', relationship }));
    stands.bind(id, stands.role(['groups.list', 'repo.list']), grant);
    return id;
  };
  /** A person who signs in with this issuer. */
  const person = (row: Parameters<typeof stands.account>[0] = {}) => {
    const id = stands.account({ issuer: people, subject: 'ann', ...row });
    stands.bind(id, stands.role(['groups.list', 'repo.list']), organization);
    return id;
  };
  /** Who asked, and what the platform's own token of theirs says. */
  const platformToken = (more: Partial<Caller> & { readonly identity: string }) => {
    const bearer = jwt({ iss: urls.issuer, sub: more.identity, email_verified: true });
    state.callers.set(bearer, {
      ...{ issuer: urls.issuer, audience: [urls.api], issuedAt: seconds(), expiresAt: seconds() + 600 },
      ...{ email: 'ann@example.com', actor: { sub: 'ann' }, profile: { name: 'Ann' }, narrowed: false },
      ...{ ceiling: new Map([[organization, new Set(['groups.list', 'repo.list'])]]), ...more },
    });
    return bearer;
  };
  return {
    ...{ store, clock, ...stands, signed, told, asked, state, seconds, jwt, sts, withoutAws, identity, person },
    ...{ platformToken, events, commits: () => commits },
  };
}

/** How it was refused, or what the token says. */
async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'good';
  } catch (error) {
    const { code, message } = error as { code?: number; message: string };
    return `${code} ${message}`;
  }
}
const exchange = (bearer: string, request: Partial<Parameters<typeof world.sts.exchange>[1]> = {}) =>
  world.sts.exchange(bearer, { aud: [urls.api], ...request });
const last = () => world.signed.at(-1);
const held = () => Object.fromEntries([...(last()?.grants ?? [])].map(([place, names]) => [place, [...names].sort()]));
const noKey = () => {
  throw permissionDenied('no key fits');
};
const rule = (more: object = {}): Relationship => ({
  kind: 'claimMatch',
  claimMatch: { issuer: github, subject: 'robot', ...more },
});

describe('an audience', () => {
  test.each([
    [[], '3 Audience must be specified'],
    [[''], '3 Audience must be specified'],
    [Array.from({ length: 10 }, (_, at) => `a${at}`), 'good'],
    [Array.from({ length: 11 }, (_, at) => `a${at}`), '3 a token is for at most 10 audiences'],
    [['a'.repeat(255)], 'good'],
    [['a'.repeat(256)], 'is not an audience'],
    ...['a b', 'a\tb', 'a\u0000', 'a\u009b', 'a\u200b', 'a\u202e'].map((bad) => [[bad], 'is not an audience']),
    [['a', 'good'.repeat(64)], 'is not an audience'],
  ] as [string[], string][])('%j: %s', async (aud, wanted) => {
    world.person();
    const came = await outcome(exchange(world.jwt({ iss: people, sub: 'ann' }), { aud }));
    if (wanted === 'is not an audience') expect(came).toMatch(/^3 .* is not an audience$/s);
    else expect(came).toBe(wanted);
  });

  test('that is named twice stands in the token once', async () => {
    world.person();
    await exchange(world.jwt({ iss: people, sub: 'ann' }), { aud: ['b', '', 'a', 'b'] });
    expect(last()?.audience).toEqual(['b', 'a']);
  });
});

describe('an account', () => {
  const ann = (claims: object = {}) => world.jwt({ iss: people, sub: 'ann', ...claims });

  test('is entered with a token of its issuer for this platform, by URL or host', async () => {
    const id = world.person();
    for (const aud of [urls.issuer, 'issuer.example', ['x', urls.issuer]]) {
      expect(await outcome(exchange(ann({ aud })))).toBe('good');
    }
    expect(last()).toMatchObject({ identity: id, narrowed: false, expiresAt: world.seconds() + 3600 });
    expect(held()).toEqual({ [organization]: ['groups.list', 'repo.list'] });
  });

  test.each([
    ['nobody signed', {}, () => noKey(), '7 no key fits'],
    ['is for somebody else', { aud: urls.api }, undefined, /^7 token has invalid audience.*the platform expects/],
    ['is for nobody', { aud: [] }, undefined, /^7 token has invalid audience/],
    ['is of another subject', { sub: 'bob' }, undefined, /^5 account not found/],
    ['is of another issuer', { iss: github }, undefined, /^5 no account signs in with issuer/],
  ])('is not entered with a token that %s', async (_, claims, upstream, wanted) => {
    world.person();
    if (upstream !== undefined) world.state.upstream = upstream;
    expect(await outcome(exchange(ann(claims)))).toMatch(wanted);
    expect(world.signed).toEqual([]);
  });

  test('a stranger’s token sends the platform nowhere', async () => {
    world.person();
    await outcome(exchange(world.jwt({ iss: 'https://evil.example' })));
    expect(world.asked).toEqual([]);
  });

  test('that was deactivated by all who know it is not entered, nor with a login through who did', async () => {
    const id = world.person({ home: organization });
    const one = world.provider(organization, { issuer: people });
    const two = world.provider(organization, { issuer: people, client_id: 'other', name: 'other' });
    world.directoryUser(one, { identity: id, active: 0 });
    expect(await outcome(exchange(ann()))).toMatch(/^7 the account has been deactivated/);
    world.directoryUser(two, { identity: id, active: 1 });
    expect(await outcome(exchange(ann()))).toBe('good');
    expect(await outcome(exchange(ann({ aud: 'client' }), { identityProvider: one }))).toMatch(/deactivated/);
    expect(await outcome(exchange(ann({ aud: 'other' }), { identityProvider: two }))).toBe('good');
  });

  test('leaves the organization that made it by a login of its own, and by no other', async () => {
    const id = world.person({ home: organization });
    const provider = world.provider(organization, { issuer: people });
    const home = () => world.store.read((tx) => tx.get('SELECT home FROM identities WHERE id = ?', id))?.['home'];
    await exchange(ann({ aud: 'client' }), { identityProvider: provider });
    expect(home()).toBe(organization);
    await exchange(ann());
    expect(home()).toBe(null);
  });

  test('has the address that it signs in with, and a token says what the login said', async () => {
    const id = world.person();
    const row = () => world.store.read((tx) => tx.get('SELECT email, email_verified FROM identities WHERE id = ?', id));
    await exchange(
      ann({ email: 'ann@example.com', email_verified: true, name: 'Ann', picture: 'x'.repeat(1025), x: 1 }),
    );
    expect([row(), last()]).toMatchObject([
      { email: 'ann@example.com', email_verified: 1 },
      { email: 'ann@example.com', emailVerified: true, act: { iss: people, sub: 'ann', aud: urls.issuer } },
    ]);
    expect(last()?.profile).toEqual({ email: 'ann@example.com', email_verified: true, name: 'Ann' });
    // A word is no yes.
    await exchange(ann({ email: 'ann@example.com', email_verified: 'true' }));
    expect([row(), last()?.emailVerified]).toEqual([{ email: 'ann@example.com', email_verified: 0 }, false]);
    await exchange(ann());
    expect([row(), last()?.email, last()?.profile]).toEqual([
      { email: 'ann@example.com', email_verified: 0 },
      undefined,
      undefined,
    ]);
  });
});

describe('an account, again', () => {
  const ann = (claims: object = {}) => exchange(world.jwt({ iss: people, sub: 'ann', ...claims }));
  const row = (id: string) =>
    world.store.read((tx) => tx.get('SELECT email, last_seen FROM identities WHERE id = ?', id));

  test('is seen anew each second, also by a clock that was set back, and nothing is written in between', async () => {
    const id = world.person();
    await ann();
    const first = world.clock.now();
    expect([row(id)?.['last_seen'], world.commits()]).toEqual([first, 1]);
    world.clock.advance(999);
    await ann();
    expect([row(id)?.['last_seen'], world.commits()]).toEqual([first, 1]);
    world.clock.advance(1);
    await ann();
    expect([row(id)?.['last_seen'], world.commits()]).toEqual([first + 1_000, 2]);
    await ann();
    expect(world.commits()).toBe(2);
    world.clock.advance(-1);
    await ann();
    expect([row(id)?.['last_seen'], world.commits()]).toEqual([first + 999, 3]);
  });

  test('has its new address at once, and the same one is not written again', async () => {
    const id = world.person();
    const from = async (email: string) => {
      await ann({ email, email_verified: true });
      return [row(id)?.['email'], world.commits()];
    };
    expect(await from('ann@example.com')).toEqual(['ann@example.com', 1]);
    expect(await from('ann@example.com')).toEqual(['ann@example.com', 1]);
    expect(await from('ann@example.org')).toEqual(['ann@example.org', 2]);
  });

  test.each([
    [{ email: '' }, undefined, undefined],
    [{ email: 7, name: '' }, undefined, undefined],
    [{ email: ['ann@example.com'], name: { first: 'Ann' } }, undefined, undefined],
    [{ name: 'n'.repeat(1024), given_name: 'g'.repeat(1025) }, undefined, { name: 'n'.repeat(1024) }],
  ])('that signs in with %o has just what is fit for it', async (claims, email, profile) => {
    world.person();
    await ann(claims);
    expect([last()?.email, last()?.profile]).toEqual([email, profile]);
  });

  test.each([
    ['has another rule by then', "UPDATE identities SET relationship = '{}' WHERE id = ?"],
    ['is gone by then', 'DELETE FROM identities WHERE id = ?'],
  ])('what was found and %s is not entered', async (_, change) => {
    const found = world.identity(rule());
    world.state.upstream = () => {
      world.store.transact((tx) => tx.run(change, found));
      return false;
    };
    expect(await outcome(exchange(world.jwt({}), { identity: found }))).toBe(
      '14 the identity changed while the token was verified; try again',
    );
    expect(world.signed).toEqual([]);
  });

  test('an issuer whose tokens are signed here is known, though nobody has an account', async () => {
    const simulated = 'https://simulated.example';
    const from = () => outcome(exchange(world.jwt({ iss: simulated })));
    expect(await from()).toMatch(/^5 no account signs in with issuer/);
    await signingKey(world.store, simulated);
    expect(await from()).toMatch(/^5 account not found/);
    expect(await outcome(world.sts.verifyLogin(world.jwt({ iss: simulated })))).toBe('good');
  });

  test('the token says when it ends', async () => {
    world.person();
    const { expiry } = await ann();
    expect(Date.parse(expiry ?? '')).toBe((world.seconds() + 3600) * 1000);
  });

  test('of the device flow is entered by the platform’s word for it', async () => {
    const id = world.person();
    world.state.own = toTokenClaims(decodeJwt(world.jwt({ iss: people, sub: 'ann' })));
    expect(await outcome(exchange(world.jwt({ iss: urls.issuer })))).toBe('good');
    expect([last()?.identity, world.asked]).toEqual([id, []]);
  });
});

describe('an identity', () => {
  const assume = (id: string, claims: object = {}) => exchange(world.jwt(claims), { identity: id });
  const stranger = (id: string, issuer = github) => `7 no identity "${id}" accepts tokens of issuer "${issuer}"`;

  test('is assumed by what its rule says, and tokens carry neither its address nor a profile', async () => {
    const id = world.identity(rule());
    expect(await outcome(assume(id, { email: 'robot@example.com', name: 'Robot' }))).toBe('good');
    expect(last()).toMatchObject({ identity: id, profile: undefined, expiresAt: world.seconds() + 3600 });
    const row = world.store.read((tx) => tx.get('SELECT email FROM identities WHERE id = ?', id));
    expect(row).toEqual({ email: null });
  });

  test.each<[what: string, claims: object, upstream: (() => boolean) | undefined, wanted: string | RegExp]>([
    ['that nobody signed', {}, () => noKey(), '7 no key fits'],
    ['of another subject', { sub: 'evil' }, undefined, '7 token has invalid subject: "evil"'],
    // Who has the platform’s folder may know what was expected.
    [
      'of another subject that is simulated',
      { sub: 'evil' },
      () => true,
      '7 token has invalid subject: "evil": identity expects "robot"',
    ],
    ['for another audience', { aud: urls.api }, undefined, /^7 token has invalid audience: "https:\/\/api.example"/],
  ])('is not assumed with a token %s', async (_, claims, upstream, wanted) => {
    if (upstream !== undefined) world.state.upstream = upstream;
    expect(await outcome(assume(world.identity(rule()), claims))).toMatch(wanted);
    expect(world.signed).toEqual([]);
  });

  test('that is not there, or for another issuer, is refused in the same words, and nobody is asked for keys', async () => {
    const id = world.identity(rule());
    const nowhere = `${organization}/${'f'.repeat(16)}`;
    expect(await outcome(assume(id, { iss: people }))).toBe(stranger(id, people));
    expect(await outcome(assume(nowhere))).toBe(stranger(nowhere));
    expect(await outcome(assume('name'))).toBe('3 "name" is not the id of an identity');
    expect(world.asked).toEqual([]);
  });

  test('and a provider exclude each other', async () => {
    const both = { identity: world.identity(rule()), identityProvider: world.provider(organization) };
    expect(await outcome(exchange(world.jwt({}), both))).toMatch(/^3 .*exclude each other/);
  });

  test('of the platform’s own issuer takes platform tokens that are good, and asks nobody else', async () => {
    const id = world.identity(rule({ issuer: urls.issuer, subject: dev, audience: urls.issuer }));
    const good = world.platformToken({ identity: dev });
    expect(await outcome(exchange(good, { identity: id }))).toBe('good');
    expect(await outcome(assume(id, { iss: urls.issuer, sub: dev }))).toBe('16 not ours');
    expect(world.asked).toEqual([]);
  });

  test('of the platform’s own issuer does not say whom it expected', async () => {
    const id = world.identity(rule({ issuer: urls.issuer, subject: 'somebody', audience: urls.issuer }));
    const asked = exchange(world.platformToken({ identity: dev }), { identity: id });
    expect(await outcome(asked)).toBe(`7 token has invalid subject: "${dev}"`);
  });

  test('takes what the device flow signed by the platform’s word for it', async () => {
    world.state.own = toTokenClaims(decodeJwt(world.jwt({})));
    expect(await outcome(assume(world.identity(rule()), { iss: urls.issuer }))).toBe('good');
    expect(world.asked).toEqual([]);
  });

  test('that is an account says what its login said', async () => {
    const relationship = JSON.stringify({ issuer: github, subject: 'robot' });
    const id = world.person({ relationship, issuer: github, subject: 'robot' });
    expect(await outcome(assume(id, { name: 'Robot' }))).toBe('good');
    expect(last()).toMatchObject({ identity: id, profile: { name: 'Robot' } });
  });

  test('for AWS is assumed by nobody where AWS cannot be asked', async () => {
    const awsIdentity = { awsAccount: '1', arn: 'a', userId: 'u' };
    const identity = world.identity({ kind: 'awsIdentity', awsIdentity });
    const asked = world.withoutAws.exchange('signed request', { aud: [urls.api], identity });
    expect(await outcome(asked)).toMatch(/^12 .* is for AWS, and this platform is not set up to ask AWS/);
  });

  test('for a service of the platform is assumed by nobody', async () => {
    const id = world.identity({ kind: 'servicePrincipal', servicePrincipal: 'COSIGNED' });
    expect(await outcome(assume(id))).toMatch(/^7 .*is for a service of the platform/);
  });

  test.each([
    ['123456789012', 'arn:aws:iam::123456789012:user/a', 'AIDA', 'good'],
    ['999999999999', 'arn:aws:iam::123456789012:user/a', 'AIDA', '7 caller has invalid AWS account'],
    ['123456789012', 'arn:aws:iam::123456789012:user/b', 'AIDA', '7 caller has invalid AWS ARN'],
    ['123456789012', 'arn:aws:iam::123456789012:user/a', 'AIDB', '7 caller has invalid AWS user id'],
  ])('for AWS is assumed by account %s, %s and %s: %s', async (account, arn, userId, wanted) => {
    const awsIdentity = { awsAccount: '123456789012', arn: 'arn:aws:iam::123456789012:user/a', userId: 'AIDA' };
    const id = world.identity({ kind: 'awsIdentity', awsIdentity });
    const bound: string[] = [];
    world.state.verifyAws = async (_, identity) => {
      bound.push(identity);
      return { account, arn, userId };
    };
    expect(await outcome(exchange('signed request', { identity: id }))).toMatch(wanted);
    expect(bound).toEqual([id]);
    if (wanted === 'good') {
      const act = {
        aud: urls.issuer,
        'aws-acct': account,
        'aws-arn': arn,
        iss: 'https://sts.amazonaws.com',
        sub: userId,
      };
      expect(last()).toMatchObject({ act, email: undefined, emailVerified: false, profile: undefined });
    }
  });

  describe('with keys of its own', () => {
    const { publicKey, privateKey } = newKeyPair('P-256');
    const other = newKeyPair('P-256');

    async function begin(more: object = {}) {
      const expiresAt = world.seconds() + 600;
      const id = world.identity({
        kind: 'static',
        static: {
          ...{ issuer: github, subject: 'robot', expiration: new Date(expiresAt * 1000).toISOString() },
          ...{ issuerKeys: JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] }), ...more },
        },
      });
      const ask = async (claims: object = {}, key = privateKey) =>
        outcome(
          exchange(
            await new SignJWT({ iss: github, sub: 'robot', aud: urls.issuer, exp: expiresAt + 86_400, ...claims })
              .setProtectedHeader({ alg: 'ES256' })
              .sign(key),
            { identity: id },
          ),
        );
      return { id, expiresAt, ask };
    }

    test('is assumed until its last moment, by a token that ends with it', async () => {
      const { id, expiresAt, ask } = await begin();
      world.clock.advance(expiresAt * 1000 - world.clock.now() - 1);
      expect([await ask(), last()?.expiresAt]).toEqual(['good', expiresAt]);
      world.clock.advance(1);
      expect(await ask()).toMatch(`7 identity "${id}" expired at`);
    });

    test('is assumed without end where it has none', async () => {
      const { ask } = await begin({ expiration: undefined });
      expect([await ask(), last()?.expiresAt]).toEqual(['good', world.seconds() + 3600]);
    });

    test('is not assumed by other keys, subjects, issuers and audiences', async () => {
      const { id, ask } = await begin();
      expect(await ask({}, other.privateKey)).toMatch(/^7 verifying token/);
      expect(await ask({ sub: 'evil' })).toMatch(/^7 token has invalid subject/);
      expect(await ask({ aud: urls.api })).toMatch(/^7 token has invalid audience/);
      expect(await ask({ iss: people })).toBe(stranger(id, people));
      expect(world.asked).toEqual([]);
    });

    test('takes the audiences that it names, and then no others', async () => {
      const { ask } = await begin({ audiences: ['theirs'] });
      expect([await ask({ aud: 'theirs' }), await ask({ aud: urls.issuer })]).toEqual([
        'good',
        expect.stringMatching(/^7 token has invalid audience/),
      ]);
    });
  });
});

describe('a platform token', () => {
  test('is renewed for no longer than it lives, and for what both it and its identity hold', async () => {
    const id = world.person();
    const ceiling = new Map([[organization, new Set(['groups.list', 'roles.list'])]]);
    const expiresAt = world.seconds() + 60;
    const bearer = world.platformToken({ identity: id, ceiling, expiresAt, narrowed: true });
    expect(await outcome(exchange(bearer))).toBe('good');
    expect(last()).toMatchObject({
      ...{ identity: id, expiresAt, narrowed: true, act: { sub: 'ann' }, email: 'ann@example.com' },
      ...{ emailVerified: true, profile: { name: 'Ann' } },
    });
    expect(held()).toEqual({ [organization]: ['groups.list'] });
  });

  test('that lives longer than an hour is renewed for an hour', async () => {
    await exchange(world.platformToken({ identity: world.person(), expiresAt: world.seconds() + 7200 }));
    expect(last()?.expiresAt).toBe(world.seconds() + 3600);
  });

  test('is narrowed, and says so', async () => {
    const bearer = world.platformToken({ identity: world.person() });
    await exchange(bearer);
    expect(last()?.narrowed).toBe(false);
    await exchange(bearer, { cap: ['groups.list'], scope: engineering });
    expect([last()?.narrowed, held()]).toEqual([true, { [engineering]: ['groups.list'] }]);
  });

  test.each([
    [[urls.api], 'good'],
    [['registry.example'], /^7 a platform token cannot be exchanged for audience "registry.example"/],
    [[urls.api, 'registry.example'], /^7 .*audience "registry.example"/],
  ])('is good for its own audiences: %j', async (aud, wanted) => {
    expect(await outcome(exchange(world.platformToken({ identity: world.person() }), { aud }))).toMatch(wanted);
  });

  test('of an identity that is gone, or that nobody signed, is worth nothing', async () => {
    const gone = world.platformToken({ identity: `${organization}/${'f'.repeat(16)}` });
    expect(await outcome(exchange(gone))).toBe('5 the identity of the token no longer exists');
    expect(await outcome(exchange(world.jwt({ iss: urls.issuer, sub: dev })))).toBe('16 not ours');
  });

  test('says no more of an address than it did', async () => {
    const bearer = world.jwt({ iss: urls.issuer, sub: dev, email_verified: 'true' });
    const known = world.platformToken({ identity: world.person() });
    const caller = world.state.callers.get(known);
    if (caller !== undefined) world.state.callers.set(bearer, caller);
    await exchange(bearer);
    expect(last()?.emailVerified).toBe(false);
  });
});

describe('a provider of an organization', () => {
  const enter = (provider: string, claims: object = {}) =>
    exchange(world.jwt({ iss: people, sub: 'new', aud: 'client', ...claims }), { identityProvider: provider });

  test('makes an account of who it signs in', async () => {
    const provider = world.provider(organization, { issuer: people });
    expect(await outcome(enter(provider))).toBe('good');
    expect(world.store.read((tx) => tx.get("SELECT home FROM identities WHERE subject = 'new'"))).toEqual({
      home: organization,
    });
  });

  test.each<[what: string, claims: object, upstream: (() => boolean) | undefined, wanted: string | RegExp]>([
    ['nobody signed', {}, () => noKey(), '7 no key fits'],
    ['is for another client', { aud: 'other' }, undefined, /^7 token has invalid audience/],
    ['is for the platform and not for the client', { aud: urls.issuer }, undefined, /^7 token has invalid audience/],
    ['is of another issuer', { iss: github }, undefined, /^7 no identity provider ".*" accepts tokens of issuer/],
  ])('is not entered with a token that %s', async (_, claims, upstream, wanted) => {
    const provider = world.provider(organization, { issuer: people });
    if (upstream !== undefined) world.state.upstream = upstream;
    expect(await outcome(enter(provider, claims))).toMatch(wanted);
    expect(world.store.read((tx) => tx.get("SELECT 1 FROM identities WHERE subject = 'new'"))).toBeUndefined();
  });

  test('tells once of the account that it makes, and each time of roles that come with groups', async () => {
    const provider = world.provider(organization, { issuer: people, groups_claim: 'groups' });
    const role = world.role(['repo.list']);
    world.insert('external_group_role_mappings', {
      ...{ id: `${provider}/${'1'.repeat(16)}`, identity_provider: provider, external_group_id: 'admins' },
      ...{ role, scope: organization, created_at: 0 },
    });
    await enter(provider, { name: 'New' });
    const identity = last()?.identity;
    expect(last()?.profile).toEqual({ name: 'New' });
    expect(world.events()).toEqual([['auth.registered.v1', { identity }]]);
    await enter(provider, { groups: ['admins', 'others'] });
    const roles = [{ externalGroupId: 'admins', roleUidp: role, scope: organization }];
    expect(world.events().slice(1)).toEqual([
      ['iam.external_group_role_mappings.granted.v1', { identity, identityProviderUidp: provider, roles }],
    ]);
  });

  test('that is not there is refused in the words of one that is for another issuer', async () => {
    const nowhere = `${organization}/${'f'.repeat(16)}`;
    expect(await outcome(enter(nowhere))).toBe(
      `7 no identity provider "${nowhere}" accepts tokens of issuer "${people}"`,
    );
  });

  test.each(['client_id', 'issuer'])('that gets another %s meanwhile lets nobody in', async (column) => {
    const provider = world.provider(organization, { issuer: people });
    world.state.upstream = () => {
      world.store.transact((tx) =>
        tx.run(`UPDATE identity_providers SET ${column} = 'https://after.example' WHERE id = ?`, provider),
      );
      return false;
    };
    expect(await outcome(enter(provider))).toMatch(/^7 no identity provider/);
  });
});

describe('a session', () => {
  const login = (more: Partial<BrowserLogin> = {}): BrowserLogin => ({
    upstream: toTokenClaims(decodeJwt(world.jwt({ iss: people, sub: 'ann', aud: urls.issuer }))),
    ...{ audience: [urls.api], scopes: [], identity: undefined, register: false, refreshable: true },
    ...more,
  });
  const refreshTokenOf = async (more: Partial<BrowserLogin> = {}) => {
    const { refreshToken } = await world.sts.signIn(login(more));
    return refreshToken ?? '';
  };
  const refresh = (token: string, more: object = {}) =>
    world.sts.exchangeRefreshToken(token, { aud: [urls.api], ...more });

  test('goes on within what it was signed in for, and within what is asked', async () => {
    world.person();
    const token = await refreshTokenOf({ scopes: [engineering] });
    const next = await refresh(token);
    expect([last()?.narrowed, held()]).toEqual([true, { [engineering]: ['groups.list', 'repo.list'] }]);
    await refresh(next.refreshToken?.token ?? '', { cap: ['repo.list'] });
    expect(held()).toEqual({ [engineering]: ['repo.list'] });
  });

  test('that is refused for what it asks keeps its token', async () => {
    world.person();
    const token = await refreshTokenOf();
    expect(await outcome(refresh(token, { scope: demoOrganizations.public, cap: ['repo.list'] }))).toMatch(/^7 /);
    expect(await outcome(refresh(token))).toBe('good');
  });

  test.each([
    [true, true],
    [false, false],
  ])('leaves a refresh token when that is asked: %s', async (refreshable, left) => {
    world.person();
    expect((await refreshTokenOf({ refreshable })) !== '').toBe(left);
  });

  test('with roles of a provider’s groups ends with its token', async () => {
    const provider = world.provider(organization, { issuer: people, groups_claim: 'groups' });
    world.insert('external_group_role_mappings', {
      ...{ id: `${provider}/${'1'.repeat(16)}`, identity_provider: provider, external_group_id: 'admins' },
      ...{ role: world.role(['repo.list']), scope: organization, created_at: 0 },
    });
    const through = (groups: readonly string[]) =>
      refreshTokenOf({
        provider,
        upstream: toTokenClaims(decodeJwt(world.jwt({ iss: people, sub: 'ann', groups }))),
      });
    expect([await through(['admins']), await through(['others'])]).toEqual(['', expect.stringMatching(/./)]);
  });

  test.each(['gone', 'no longer the account’s', 'deactivated'])(
    'through a provider that is %s does not go on',
    async (what) => {
      const id = world.person({ home: organization });
      const provider = world.provider(organization, { issuer: people });
      const token = await refreshTokenOf({ provider });
      world.store.transact((tx) => {
        if (what === 'gone') tx.run('DELETE FROM identity_providers WHERE id = ?', provider);
        else if (what === 'deactivated') return;
        else tx.run('UPDATE identities SET home = ? WHERE id = ?', demoOrganizations.public, id);
      });
      if (what === 'deactivated') world.directoryUser(provider, { identity: id, active: 0 });
      expect(await outcome(refresh(token))).toMatch(
        { gone: /^7 the identity provider of this session no longer exists|^16 /, deactivated: /^7 .*deactivated/ }[
          what
        ] ?? /^7 .*belongs elsewhere/,
      );
    },
  );

  test('through a provider that deactivated the account does not go on, though another has not', async () => {
    const id = world.person({ home: organization });
    const [one, two] = ['one', 'two'].map((name) => world.provider(organization, { issuer: people, name }));
    world.directoryUser(one ?? '', { identity: id, active: 1 });
    world.directoryUser(two ?? '', { identity: id, active: 1 });
    const token = await refreshTokenOf({ provider: one });
    world.store.transact((tx) => tx.run('UPDATE scim_users SET active = 0 WHERE identity_provider = ?', one ?? ''));
    expect(await outcome(refresh(token))).toMatch(/^7 .*deactivated/);
    expect(await outcome(refreshTokenOf({ provider: two }))).toBe('good');
  });

  test('of its own leaves the organization that made the account, and one through the provider does not', async () => {
    const id = world.person({ home: organization });
    const provider = world.provider(organization, { issuer: people });
    const home = () => world.store.read((tx) => tx.get('SELECT home FROM identities WHERE id = ?', id))?.['home'];
    await world.sts.signIn(login({ provider }));
    expect(home()).toBe(organization);
    await world.sts.signIn(login());
    expect(home()).toBe(null);
  });

  test('carries what the login said, and that of an assumed identity does not', async () => {
    const id = world.person();
    const claims = { iss: people, sub: 'ann', aud: urls.issuer, name: 'Ann', email: 'ann@example.com' };
    const upstream = toTokenClaims(decodeJwt(world.jwt(claims)));
    await world.sts.signIn(login({ upstream }));
    expect(last()).toMatchObject({ identity: id, profile: { name: 'Ann', email: 'ann@example.com' } });
    const identity = world.identity(rule({ issuer: people, subject: 'ann' }));
    await world.sts.signIn(login({ upstream, identity }));
    expect(last()).toMatchObject({ identity, email: 'ann@example.com', profile: undefined });
  });

  test('accepts an invite, with a new account and with one that is there, and tells of it', async () => {
    const invite = () => {
      const owner = { ...anonymous, ceiling: new Map([[organization, new Set(['groups.list'])]]) };
      const holder = world.holder(['groups.list', 'role_bindings.create', 'group_invites.create'], organization);
      const request = { group: engineering, role: world.role(['groups.list'], organization), ttl: '3600s' };
      return world.store.transact((tx) => createGroupInvite(tx, { ...owner, identity: holder }, request).code ?? '');
    };
    const joined = async (more: Partial<BrowserLogin>) => {
      const before = world.events().length;
      await world.sts.signIn(login({ invite: invite(), ...more }));
      const [, body] = world.events()[before] ?? [];
      expect(world.events().slice(before)).toEqual([['auth.registered.v1', body]]);
      return [body, held()];
    };
    const [made, holds] = await joined({ register: true });
    expect(made).toEqual({ identity: last()?.identity, group: engineering });
    expect(holds).toEqual({ [engineering]: ['groups.list'] });
    expect(await joined({})).toEqual([made, holds]);
    const before = world.events().length;
    await world.sts.signIn(login());
    expect(world.events().slice(before)).toEqual([]);
  });

  test('with roles of a provider’s groups ends with its token, also where it accepts an invite or is the first', async () => {
    const provider = world.provider(organization, { issuer: people, groups_claim: 'groups' });
    world.insert('external_group_role_mappings', {
      ...{ id: `${provider}/${'1'.repeat(16)}`, identity_provider: provider, external_group_id: 'admins' },
      ...{ role: world.role(['repo.list']), scope: organization, created_at: 0 },
    });
    const upstream = toTokenClaims(decodeJwt(world.jwt({ iss: people, sub: 'ann', groups: ['admins'] })));
    const holder = world.holder(['groups.list', 'role_bindings.create', 'group_invites.create'], organization);
    const ceiling = new Map([[organization, new Set(['groups.list'])]]);
    const request = { group: engineering, role: world.role(['groups.list'], organization), ttl: '3600s' };
    const code = world.store.transact(
      (tx) => createGroupInvite(tx, { ...anonymous, identity: holder, ceiling }, request).code ?? '',
    );
    expect(await refreshTokenOf({ provider, upstream, invite: code })).toBe('');
    expect(await refreshTokenOf({ provider })).not.toBe('');
  });

  test('of nobody begins only where an account is made', async () => {
    expect(await outcome(world.sts.signIn(login()))).toMatch(/^5 account not found/);
    expect(await outcome(world.sts.signIn(login({ register: true })))).toBe('good');
    expect(await outcome(world.sts.signIn(login()))).toBe('good');
    const provider = `${organization}/${'f'.repeat(16)}`;
    expect(await outcome(world.sts.signIn(login({ provider })))).toMatch(/^5 the identity provider no longer exists/);
  });

  test('assumes an identity that names the login, or the account at the platform, and leaves nothing to refresh', async () => {
    const account = world.person();
    const byLogin = world.identity(rule({ issuer: people, subject: 'ann' }));
    const byAccount = world.identity(rule({ issuer: urls.issuer, subject: account }));
    const as = (identity: string) => world.sts.signIn(login({ identity }));
    for (const identity of [byLogin, byAccount]) {
      expect(await as(identity)).not.toHaveProperty('refreshToken');
      expect(last()).toMatchObject({ identity, profile: undefined });
    }
    const others = world.identity(rule({ issuer: people, subject: 'bob' }));
    expect(await outcome(as(others))).toBe('7 token has invalid subject: "ann"');
    for (const identity of [
      world.identity(rule()),
      `${organization}/${'f'.repeat(16)}`,
      world.identity({ kind: 'servicePrincipal', servicePrincipal: 'COSIGNED' }),
    ]) {
      expect(await outcome(as(identity))).toBe(`7 no identity "${identity}" can be assumed by who signed in`);
    }
    expect(await outcome(as('name'))).toBe('3 "name" is not the id of an identity');
  });

  test('claims of a login cannot say that it is the platform’s', async () => {
    const account = world.person();
    const identity = world.identity(rule({ issuer: urls.issuer, subject: account, claims: { sub: account } }));
    expect(await outcome(world.sts.signIn(login({ identity })))).toBe('good');
    const forged = world.identity(rule({ issuer: urls.issuer, subject: dev, claims: { sub: 'ann' } }));
    expect(await outcome(world.sts.signIn(login({ identity: forged })))).toMatch(/^7 /);
  });
});

describe('who may make an account with a token', () => {
  test.each<[what: string, claims: object, upstream: (() => boolean) | undefined, wanted: string | RegExp]>([
    ['of an issuer that somebody signs in with', { iss: people }, undefined, 'good'],
    ['of Google', { iss: 'https://accounts.google.com' }, undefined, 'good'],
    ['that nobody signed', { iss: people }, () => noKey(), '7 no key fits'],
    ['for somebody else', { iss: people, aud: urls.api }, undefined, /^7 token has invalid audience/],
    [
      'of an issuer that nobody names',
      { iss: 'https://evil.example' },
      undefined,
      /^7 no identity and no identity provider/,
    ],
    [
      'of the platform itself',
      { iss: urls.issuer },
      undefined,
      /^7 a token of the platform itself cannot be registered/,
    ],
  ])('%s', async (_, claims, upstream, wanted) => {
    world.provider(organization, { issuer: people });
    if (upstream !== undefined) world.state.upstream = upstream;
    expect(await outcome(world.sts.verifyLogin(world.jwt(claims)))).toMatch(wanted);
    if (wanted instanceof RegExp && !wanted.source.includes('audience')) expect(world.asked).toEqual([]);
  });

  test('of the device flow', async () => {
    world.state.own = toTokenClaims(decodeJwt(world.jwt({ iss: people, sub: 'ann', email: 'a@example.com' })));
    expect(await world.sts.verifyLogin(world.jwt({ iss: urls.issuer }))).toMatchObject({
      issuer: people,
      subject: 'ann',
    });
    expect(world.asked).toEqual([]);
  });

  test.each([[{ name: 'Ann' }], [{}], [{ name: true }]])('of somebody whose login says %j', async (claims) => {
    world.provider(organization, { issuer: people });
    const login = await world.sts.verifyLogin(world.jwt({ iss: people, ...claims }));
    const name = 'name' in claims && claims.name === 'Ann' ? { name: 'Ann' } : {};
    const actor = { iss: people, sub: 'robot', aud: urls.issuer };
    expect(login).toStrictEqual({
      issuer: people,
      subject: 'robot',
      email: undefined,
      emailVerified: false,
      ...name,
      actor,
    });
  });
});

test.each<[what: string, claims: object, upstream: (() => boolean) | undefined, wanted: string | RegExp]>([
  ['for the agent of a cluster', { aud: 'gulfstream' }, undefined, 'good'],
  ['for somebody else', {}, undefined, /^7 token has invalid audience/],
  ['that nobody signed', { aud: 'gulfstream' }, () => noKey(), '7 no key fits'],
  ['of the platform itself', { aud: 'gulfstream', iss: urls.issuer }, undefined, /^7 .* is of no cluster/],
])('an agent is believed with a token %s', async (_, claims, upstream, wanted) => {
  if (upstream !== undefined) world.state.upstream = upstream;
  expect(await outcome(world.sts.verifyAgent(world.jwt(claims)))).toMatch(wanted);
});

describe('what is told of it', () => {
  const refused = 'refused';
  test.each<[what: string, request: () => Promise<unknown>, told: readonly unknown[]]>([
    ['a token', () => exchange(world.jwt({ iss: people, sub: 'ann' })), ['exchange', 'done', `${people} ann`, false]],
    [
      'no account',
      () => exchange(world.jwt({ iss: people, sub: 'bob' })),
      ['exchange', refused, `${people} bob`, true],
    ],
    ['a token that is none', () => exchange('x'), ['exchange', refused, undefined, true]],
    ['a bad request', () => exchange(world.jwt({}), { aud: [] }), ['exchange', 'failed', `${github} robot`, false]],
    [
      'a refresh',
      () => world.sts.exchangeRefreshToken('secret', { aud: ['a'] }),
      ['refresh', refused, undefined, true],
    ],
  ])('%s', async (_, request, wanted) => {
    world.person();
    await outcome(request());
    // The reason only of what was refused: what failed may quote what somebody sent.
    expect(world.told.map((one) => [one.operation, one.outcome, one.presented, one.reason !== undefined])).toEqual([
      wanted,
    ]);
    // Issuer and subject, and never what somebody else could show.
    expect(JSON.stringify(world.told)).not.toMatch(/c2ln|secret/);
  });

  test('whose session begins and goes on', async () => {
    const id = world.person();
    const upstream = toTokenClaims(decodeJwt(world.jwt({ iss: people, sub: 'ann' })));
    const wanted = { audience: [urls.api], scopes: [], identity: undefined, register: false };
    await world.sts.signIn({ upstream, ...wanted, refreshable: false });
    const { refreshToken = '' } = await world.sts.signIn({ upstream, ...wanted, refreshable: true });
    await world.sts.exchangeRefreshToken(refreshToken, { aud: [urls.api] });
    expect(world.told.map(({ kind, operation, identity, outcome }) => [kind, operation, identity, outcome])).toEqual([
      ...[1, 2].map(() => ['sign-in', 'sign-in', id, 'done']),
      ['exchange', 'refresh', id, 'done'],
    ]);
  });

  test('where it was wanted, when it is refused', async () => {
    const identity = world.identity(rule());
    await outcome(exchange(world.jwt({ iss: people }), { identity }));
    await outcome(
      world.sts.signIn({
        upstream: toTokenClaims(decodeJwt(world.jwt({ iss: people, sub: 'ann' }))),
        ...{ audience: [urls.api], scopes: [], identity, register: true, refreshable: false },
      }),
    );
    expect(world.told).toMatchObject([
      { kind: 'exchange', identity: undefined, place: identity, outcome: 'refused' },
      { kind: 'sign-in', identity: undefined, place: identity, outcome: 'refused' },
    ]);
  });

  test('who it was and when they were seen, once it is done', async () => {
    const id = world.person();
    world.clock.advance(day);
    await exchange(world.jwt({ iss: people, sub: 'ann' }));
    expect(world.told).toMatchObject([
      { kind: 'exchange', operation: 'exchange', identity: id, place: id, isRead: false, capabilities: [] },
    ]);
    const row = world.store.read((tx) => tx.get('SELECT last_seen FROM identities WHERE id = ?', id));
    expect(row).toEqual({ last_seen: world.clock.now() });
  });
});
