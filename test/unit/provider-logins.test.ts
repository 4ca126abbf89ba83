// Signing in through an organization's own provider: whose accounts it opens, what a login brings, and what it does not.

import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { anonymous } from '../../src/local/core/types.ts';
import { findProviderFor } from '../../src/local/iam/find-provider.ts';
import { checkEligibility } from '../../src/local/iam/group-access.ts';
import { requireVouchedFor, signInThroughProvider } from '../../src/local/iam/provider-logins.ts';
import { register } from '../../src/local/iam/registration.ts';
import { isScimToken } from '../../src/local/iam/scim-tokens.ts';
import { findIdentity } from '../../src/local/iam/stored-identity.ts';
import { findProvider, oidRule } from '../../src/local/iam/stored-provider.ts';
import { vouchesForAddresses } from '../../src/local/iam/trusted-addresses.ts';
import { linkUser } from '../../src/local/scim/link-user.ts';
import type { SqlValue, Tx } from '../../src/local/store/database.ts';
import { demoFolders, demoOrganizations, developerIssuer } from '../support/ids.ts';
import { standIns, testStore } from '../support/store.ts';

const organization = demoOrganizations.private;
const other = demoOrganizations.public;
const issuer = 'https://i.example.com';

let world: Awaited<ReturnType<typeof testStore>> & ReturnType<typeof standIns>;
beforeEach(async () => {
  const opened = await testStore();
  world = { ...opened, ...standIns(opened.store) };
});

const transact = <T>(work: (tx: Tx) => T): T => world.store.transact(work);
const count = (sql: string, ...values: SqlValue[]) => Number(transact((tx) => tx.get(sql, ...values))?.['n']);

const enter = (provider: string, subject: string, claims: Readonly<Record<string, unknown>> = {}) =>
  transact((tx) => {
    const record = findProvider(tx, provider);
    if (record === undefined) throw new Error('no provider');
    const login = { issuer, subject, email: undefined, emailVerified: false };
    return signInThroughProvider(tx, record, login, { sub: subject, ...claims }, linkUser);
  });
const refused = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    const { code, message } = error as { code: number; message: string };
    return `${code} ${message}`;
  }
  return 'nothing refused';
};
const elsewhere = '7 the account of this login belongs elsewhere: sign in the way it was made';
const deactivated = '7 the account has been deactivated by its identity provider';

describe('a provider opens', () => {
  const opens = (account: string, provider: string): boolean => {
    const outcome = refused(() =>
      transact((tx) => {
        const [record, identity] = [findProvider(tx, provider), findIdentity(tx, account)];
        if (record === undefined || identity === undefined) throw new Error('not there');
        requireVouchedFor(tx, record, identity);
      }),
    );
    expect(['nothing refused', elsewhere]).toContain(outcome);
    return outcome === 'nothing refused';
  };

  test('accounts that its organization made', () => {
    const provider = world.provider(organization);
    const inFolder = world.provider(demoFolders.engineering);
    const account = world.account({ home: organization });
    world.bind(account, world.role(['x']), other);
    expect([opens(account, provider), opens(account, inFolder)]).toEqual([true, true]);
  });

  test('accounts of another organization by the very same client only', () => {
    const account = world.account({ home: other });
    const open = (row: Record<string, string>) => opens(account, world.provider(organization, row));
    expect(open({})).toBe(false);
    world.provider(other, { issuer: 'https://i.example.com', client_id: 'theirs' });
    expect(open({})).toBe(false);
    expect(open({ client_id: 'theirs' })).toBe(true);
    expect(open({ client_id: 'theirs', issuer: 'https://j.example.com' })).toBe(false);
    // Who has the same client somewhere else has nothing to do with this account.
    world.provider(organization, { client_id: 'third' });
    expect(open({ client_id: 'third' })).toBe(false);
  });

  test('accounts without a home that have nothing to lose elsewhere', () => {
    const provider = world.provider(organization);
    const account = world.account();
    expect(opens(account, provider)).toBe(true);
    world.bind(account, world.role(['x']), demoFolders.sandbox);
    expect(opens(account, provider)).toBe(true);
    world.bind(account, world.role(['x']), other);
    expect(opens(account, provider)).toBe(false);
  });

  test('none that an identity elsewhere names', () => {
    const provider = world.provider(organization);
    const account = world.account();
    world.account({ id: `${organization}/${'1'.repeat(16)}`, parent: organization, subject: account });
    expect(opens(account, provider)).toBe(true);
    world.account({ id: `${other}/${'1'.repeat(16)}`, parent: other, subject: account });
    expect(opens(account, provider)).toBe(false);
  });
});

describe('a login', () => {
  test('makes an account the first time, at home in the organization', () => {
    const provider = world.provider(demoFolders.engineering);
    const first = enter(provider, 'somebody');
    expect(first).toMatchObject({ isNew: true, groupRoles: [] });
    expect(transact((tx) => findIdentity(tx, first.identity))).toMatchObject({ home: organization, parent: null });
    expect(enter(provider, 'somebody')).toEqual({ identity: first.identity, isNew: false, groupRoles: [] });
  });

  test('opens no account that is another’s', () => {
    const account = world.account({ subject: 'somebody', home: other });
    expect(refused(() => enter(world.provider(organization), 'somebody'))).toBe(elsewhere);
    expect(count('SELECT COUNT(*) AS n FROM identity_provider_logins WHERE identity = ?', account)).toBe(0);
  });

  test('binds the default role once, where it applies, and not twice', () => {
    const bindings = (identity: string) =>
      transact((tx) => tx.all('SELECT group_id, role FROM role_bindings WHERE identity = ?', identity));
    const role = world.role(['x']);
    const provider = world.provider(organization, { default_role: role });
    const { identity } = enter(provider, 'somebody');
    expect(bindings(identity)).toEqual([{ group_id: organization, role }]);
    enter(provider, 'somebody');
    expect(bindings(identity)).toHaveLength(1);
    // One that an owner took away stays away.
    transact((tx) => tx.run('DELETE FROM role_bindings WHERE identity = ?', identity));
    enter(provider, 'somebody');
    expect(bindings(identity)).toEqual([]);
    const bound = world.account({ subject: 'bound' });
    world.bind(bound, role, organization);
    enter(provider, 'bound');
    expect(bindings(bound)).toHaveLength(1);
    const lower = world.provider(organization, { default_role: world.role(['x'], demoFolders.sandbox) });
    expect(bindings(enter(lower, 'lower').identity)).toEqual([]);
  });

  test('brings the groups of its token for an hour, where the provider says which claim they are', () => {
    const groupsOf = (claims: Readonly<Record<string, unknown>>, groups_claim = 'groups') => {
      const { identity } = enter(world.provider(organization, { groups_claim }), 'somebody', claims);
      const row = transact((tx) =>
        tx.get('SELECT * FROM identity_provider_logins WHERE identity = ? ORDER BY rowid DESC', identity),
      );
      expect(row?.['groups_expire_at']).toBe(world.clock.now() + 3_600_000);
      return JSON.parse(String(row?.['external_groups']));
    };
    expect(groupsOf({ groups: ['a', 'b', 'a', '', 7, null, ['c']] })).toEqual(['a', 'b']);
    expect(groupsOf({ groups: 'a' })).toEqual([]);
    expect(groupsOf({ groups: { a: 'a' } })).toEqual([]);
    expect(groupsOf({})).toEqual([]);
    expect(groupsOf({ '': ['a'], groups: ['a'] }, '')).toEqual([]);
    expect(groupsOf({ roles: ['a'], groups: ['b'] }, 'roles')).toEqual(['a']);
    expect(groupsOf({ groups: Array.from({ length: 1_001 }, (_, at) => `g${at}`) })).toHaveLength(1_000);
  });

  test('says which roles its groups give, those of this provider', () => {
    const [provider, another] = [1, 2].map(() => world.provider(organization, { groups_claim: 'groups' }));
    const role = world.role(['x']);
    for (const [at, identity_provider] of [provider ?? '', another ?? ''].entries()) {
      world.insert('external_group_role_mappings', {
        ...{ id: `${identity_provider}/${'1'.repeat(16)}`, identity_provider, role, created_at: 0 },
        ...{ external_group_id: at === 0 ? 'a' : 'b', scope: organization },
      });
    }
    expect(enter(provider ?? '', 'somebody', { groups: ['a', 'b'] }).groupRoles).toEqual([
      { externalGroupId: 'a', roleUidp: role, scope: organization },
    ]);
  });

  test('is refused to who was deactivated, before its first login and after', () => {
    const provider = world.provider(organization);
    world.directoryUser(provider, { external_id: 'somebody', active: 0 });
    expect(refused(() => enter(provider, 'somebody'))).toBe(deactivated);
    expect(count('SELECT COUNT(*) AS n FROM identities WHERE subject = ?', 'somebody')).toBe(0);
    // The directory of another provider is not this one's.
    enter(world.provider(organization), 'somebody');
    transact((tx) => tx.run('UPDATE scim_users SET active = 1'));
    const { identity } = enter(provider, 'somebody');
    transact((tx) => tx.run('UPDATE scim_users SET active = 0, external_id = NULL'));
    expect(refused(() => enter(provider, 'somebody'))).toBe(deactivated);
    expect(transact((tx) => tx.get('SELECT identity FROM scim_users'))?.['identity']).toBe(identity);
  });

  test('is linked to its person of the directory by the claim of the rule, and to no second one', () => {
    const linked = (id: string) =>
      transact((tx) => tx.get('SELECT identity FROM scim_users WHERE id = ?', id))?.['identity'];
    const bySubject = world.provider(organization);
    const person = world.directoryUser(bySubject, { external_id: 'somebody' });
    const { identity } = enter(bySubject, 'somebody', { oid: 'else' });
    expect(linked(person)).toBe(identity);
    enter(bySubject, 'somebody');
    expect(linked(person)).toBe(identity);

    const byOid = world.provider(organization, { correlation_rule: oidRule });
    const another = world.directoryUser(byOid, { external_id: 'oid' });
    const second = enter(byOid, 'second', { oid: 'oid' });
    expect(linked(another)).toBe(second.identity);
    expect(refused(() => enter(byOid, 'third', { oid: 'oid' }))).toBe(
      '7 the directory user of this login belongs to another account',
    );
    for (const oid of [undefined, '', 7, ['oid']]) {
      const { identity: alone } = enter(byOid, `without ${JSON.stringify(oid)}`, { oid });
      expect(count('SELECT COUNT(*) AS n FROM scim_users WHERE identity = ?', alone)).toBe(0);
    }
  });
});

describe('registering', () => {
  const login = (subject: string, provider?: string) => ({
    ...{ issuer, subject, email: undefined, emailVerified: false },
    ...(provider === undefined ? {} : { provider }),
  });
  const enroll = (subject: string, request: Parameters<typeof register>[2], provider?: string) =>
    transact((tx) => register(tx, login(subject, provider), request));

  test('makes an account once', () => {
    const { identity } = enroll('somebody', {});
    expect(identity).toMatch(/^[0-9a-f]{40}$/);
    expect(refused(() => enroll('somebody', {}))).toBe('6 there is an account for this login already');
    expect(refused(() => enroll('nobody', { identityId: identity ?? '' }))).toBe(
      '5 there is no account for this login',
    );
    expect(enroll('somebody', { identityId: identity ?? '' })).toEqual({ identity });
    expect(refused(() => enroll('somebody', { identityId: 'f'.repeat(40) }))).toBe(
      '7 the account belongs to another login',
    );
  });

  test('is refused to who was deactivated', () => {
    const identity = world.account({ subject: 'somebody' });
    world.directoryUser(world.provider(organization), { identity, active: 0 });
    expect(refused(() => enroll('somebody', { identityId: identity }))).toBe(deactivated);
  });

  test('at the platform itself makes an account its own; through a provider it stays at home', () => {
    const homeOf = (identity: string) => transact((tx) => findIdentity(tx, identity))?.home;
    const [direct, through] = ['direct', 'through'].map((subject) => world.account({ subject, home: organization }));
    enroll('direct', { identityId: direct ?? '' });
    enroll('through', { identityId: through ?? '' }, world.provider(organization));
    expect([homeOf(direct ?? ''), homeOf(through ?? '')]).toEqual([null, organization]);
  });
});

test('addresses are vouched for by trusted issuers, simulated ones and the organization’s own provider', () => {
  const vouches = (of: string, provider?: string) =>
    transact((tx) => vouchesForAddresses(tx, { issuer: of, provider }, demoFolders.engineering));
  const [own, foreign] = [world.provider(organization), world.provider(other)];
  expect(vouches(developerIssuer)).toBe(true);
  expect(vouches('https://accounts.google.com')).toBe(true);
  expect(vouches(issuer)).toBe(false);
  expect([vouches(issuer, own), vouches(issuer, foreign)]).toEqual([true, false]);
  world.insert('signing_keys', { issuer, kid: 'k', private_jwk: '{}', public_jwk: '{}', created_at: 0 });
  expect([vouches(issuer), vouches('https://j.example.com')]).toEqual([true, false]);
});

describe('an address makes eligible for an organization', () => {
  const eligible = (row: Record<string, SqlValue>, caller: Partial<typeof anonymous> = {}) => {
    const identity = world.account({ email: 'a@corp.example', email_verified: 1, ...row });
    const who = { ...anonymous, identity, actor: { iss: developerIssuer }, email: 'a@corp.example', ...caller };
    return transact((tx) => checkEligibility(tx, who, {})).eligible;
  };

  test.each<[string, Record<string, SqlValue>, Partial<typeof anonymous>, boolean]>([
    ['of a verified login at a trusted issuer', {}, {}, true],
    ['of Google', {}, { actor: { iss: 'https://accounts.google.com' } }, true],
    ['not at another issuer', {}, { actor: { iss: issuer } }, false],
    ['not without an issuer', {}, { actor: {} }, false],
    ['not when it is not verified', { email_verified: 0 }, {}, false],
    ['not when the token has none', {}, { email: undefined }, false],
    ['not when the token has another', {}, { email: 'b@corp.example' }, false],
    ['not of a domain that is open to all', { email: 'a@gmail.com' }, { email: 'a@gmail.com' }, false],
    ['not of such a domain in capitals', { email: 'a@GMail.com' }, { email: 'a@GMail.com' }, false],
    ['not without a domain', { email: 'a@' }, { email: 'a@' }, false],
    ['not of static keys', { kind: 'static' }, {}, false],
    ['not of an identity in a group', { parent: organization }, {}, false],
    ['not of who is gone', {}, { identity: 'f'.repeat(40) }, false],
  ])('%s', (_, row, caller, is) => {
    expect(eligible(row, caller)).toBe(is);
  });
});

test('a provider is found by its id, or by the verified name of its organization, the oldest first', () => {
  const find = (text: string) => transact((tx) => findProviderFor(tx, text))?.id;
  const lower = world.provider(demoFolders.engineering, { created_at: 1 });
  expect([find('example.com'), find('engineering')]).toEqual([undefined, undefined]);
  const younger = world.provider(organization, { created_at: 3 });
  const older = world.provider(organization, { created_at: 2 });
  expect([find('example.com'), find(younger), find(lower), find('')]).toEqual([older, younger, lower, undefined]);
  expect(find(`${organization}/${'f'.repeat(16)}`)).toBeUndefined();
  transact((tx) => tx.run('UPDATE groups SET verified = 0 WHERE id = ?', organization));
  expect([find('example.com'), find(older)]).toEqual([undefined, older]);
});

describe('a SCIM token', () => {
  const digest = (text: string) => createHash('sha256').update(text).digest('hex');
  const isToken = (row: Record<string, SqlValue>, token = 'current', advance = 0): boolean => {
    const id = world.provider(organization, { scim_version: 1, scim_digest: digest('current'), ...row });
    world.clock.advance(advance);
    return transact((tx) => {
      const record = findProvider(tx, id);
      return record !== undefined && isScimToken(record, token, tx.now);
    });
  };
  const soon = () => world.clock.now() + 1_000;

  test('is good until its end, and not once it was revoked', () => {
    expect(isToken({})).toBe(true);
    expect(isToken({}, 'other')).toBe(false);
    expect(isToken({}, digest('current'))).toBe(false);
    expect(isToken({ scim_digest: null })).toBe(false);
    expect(isToken({ scim_expires_at: soon() }, 'current', 999)).toBe(true);
    expect(isToken({ scim_expires_at: soon() }, 'current', 1_000)).toBe(false);
    expect(isToken({ scim_revoked_at: world.clock.now() })).toBe(false);
  });

  test('that was replaced is good until its own end', () => {
    const replaced = (row: Record<string, SqlValue> = {}) => ({
      ...{ scim_previous_digest: digest('previous'), scim_previous_expires_at: soon() },
      ...row,
    });
    expect(isToken(replaced(), 'previous')).toBe(true);
    expect(isToken(replaced(), 'current')).toBe(true);
    expect(isToken(replaced(), 'other')).toBe(false);
    expect(isToken(replaced(), 'previous', 999)).toBe(true);
    expect(isToken(replaced(), 'previous', 1_000)).toBe(false);
    expect(isToken(replaced({ scim_previous_digest: null }), 'previous')).toBe(false);
    expect(isToken(replaced({ scim_expires_at: world.clock.now() }), 'current')).toBe(false);
  });
});
