// Who holds what, from lists that are written here.

import { describe, expect, test } from 'vitest';
import { hiddenPlaces, holdingsAt, holdingsOf } from '../../src/access/authority.ts';
import { decide, type Facts, whoCan } from '../../src/access/grants.ts';
import { nearMisses, smallestBuiltIn } from '../../src/access/near-misses.ts';

const root = 'a'.repeat(40);
const folder = `${root}/1111111111111111`;
const below = `${folder}/2222222222222222`;
const beside = `${root}/3333333333333333`;
const user = 'b'.repeat(40);
const robot = `${root}/4444444444444444`;
const owner = { id: 'c'.repeat(40), name: 'owner', capabilities: ['groups.create', 'groups.list'] };
const viewer = { id: 'd'.repeat(40), name: 'viewer', capabilities: ['groups.list'] };
const now = Date.parse('2026-03-27T12:00:00Z');

const facts = (some: Partial<Facts>): Facts => ({
  ...{ now, roles: [owner, viewer], bindings: [], identities: [], providers: [], mappings: [], invites: [] },
  hidden: new Set(),
  ...some,
});

const bound = (place: string, role: object, identity = user) => ({
  id: `${place}/5555555555555555`,
  group: { id: place },
  identity,
  role,
  email: identity === user ? 'u@example.com' : '',
});
const provider = (scim: boolean) => ({ id: `${root}/6666666666666666`, name: 'okta', scim: { enabled: scim } });
const mapping = {
  id: `${root}/6666666666666666/7777777777777777`,
  identityProviderUidp: `${root}/6666666666666666`,
  externalGroupId: 'admins',
  roleUidp: owner.id,
  scope: root,
};
const asked = (some: Partial<Facts>, place = folder, subject = { id: user, name: 'u@example.com' }) =>
  decide(facts(some), subject, 'groups.create', place).answer;

test('a binding counts where it is made and below, and nowhere else', () => {
  const bindings = [bound(folder, owner)];
  expect([root, folder, below, beside].map((place) => asked({ bindings }, place))).toEqual(['no', 'yes', 'yes', 'no']);
  // One id that begins like another does not hold it.
  expect(asked({ bindings }, `${folder.slice(0, -1)}2`)).toBe('no');
  expect(asked({ bindings: [bound(folder, viewer)] })).toBe('no');
  expect(asked({ bindings: [bound(folder, owner, robot)] })).toBe('no');
});

test('a role that the binding names without what it allows is looked up', () => {
  expect(asked({ bindings: [bound(folder, { id: owner.id, name: 'owner' })] })).toBe('yes');
  expect(asked({ bindings: [bound(folder, { id: 'e'.repeat(40), name: 'unseen' })] })).toBe('no');
});

describe('an identity that has ended', () => {
  const bindings = [bound(folder, owner, robot)];
  const ends = (expiration: string) => [{ id: robot, name: 'robot', static: { expiration } }];
  const answerOf = (expiration: string) =>
    asked({ bindings, identities: ends(expiration) }, folder, { id: robot, name: 'robot' });

  test('gives nothing from that moment on', () => {
    expect(answerOf('2026-03-27T12:00:01Z')).toBe('yes');
    expect(answerOf('2026-03-27T12:00:00Z')).toBe('no');
  });

  test('is in no list of who can, and one that has not is there by name', () => {
    const listed = (expiration: string) =>
      whoCan(facts({ bindings, identities: ends(expiration) }), 'groups.create', folder).map(({ who }) => who);
    expect(listed('2026-03-27T12:00:00Z')).toEqual([]);
    expect(listed('2027-01-01T00:00:00Z')).toEqual(['robot']);
  });
});

describe('what depends on something', () => {
  test('a group of a provider leaves the answer about a user open, and never about an identity', () => {
    const groups = { mappings: [mapping], providers: [provider(false)] };
    expect(asked(groups)).toBe('unknown');
    expect(asked(groups, folder, { id: robot, name: 'robot' })).toBe('no');
    expect(asked({ ...groups, bindings: [bound(root, owner)] })).toBe('yes');
    expect(asked({ ...groups, roles: [viewer] })).toBe('no');
  });

  test('it is listed as what it comes through', () => {
    const through = (scim: boolean) =>
      whoCan(facts({ mappings: [mapping], providers: [provider(scim)] }), 'groups.create', below).map((grant) => [
        grant.through,
        grant.who,
        grant.place,
      ]);
    expect(through(false)).toEqual([['group-mapping', 'group "admins" of okta', root]]);
    expect(through(true)).toEqual([['scim-group', 'group "admins" of okta', root]]);
    const providers = [{ ...provider(false), defaultRole: owner.id }];
    expect(whoCan(facts({ providers }), 'groups.create', below)).toMatchObject([
      { through: 'default-role', who: 'anyone who first signs in through okta', place: root },
    ]);
  });

  test('an invite is a condition for whom it is for, until it ends', () => {
    const invite = (email: string, expiration: string) => ({
      invites: [{ id: `${folder}/8888888888888888`, keyId: 'k1', role: owner, email, expiration }],
    });
    const conditions = (some: Partial<Facts>) =>
      decide(facts(some), { id: user, name: 'u@example.com' }, 'groups.create', below).conditions.map(({ who }) => who);
    expect(conditions(invite('u@example.com', '2026-03-28T00:00:00Z'))).toEqual(['u@example.com']);
    expect(conditions(invite('', '2026-03-28T00:00:00Z'))).toEqual(['anyone who has the invite k1']);
    expect(conditions(invite('other@example.com', '2026-03-28T00:00:00Z'))).toEqual([]);
    expect(conditions(invite('u@example.com', '2026-03-27T12:00:00Z'))).toEqual([]);
    // It gives nothing before it is accepted.
    expect(asked(invite('u@example.com', '2026-03-28T00:00:00Z'))).toBe('no');
  });

  test('what the caller cannot see leaves a no open', () => {
    expect(asked({ hidden: new Set(['bindings']) })).toBe('unknown');
    expect(asked({ hidden: new Set(['groups']) })).toBe('unknown');
    expect(asked({ hidden: new Set(['groups']) }, folder, { id: robot, name: 'robot' })).toBe('no');
    expect(asked({ hidden: new Set(['bindings']), bindings: [bound(root, owner)] })).toBe('yes');
    expect(asked({ hidden: new Set(['invites', 'identities']) })).toBe('no');
  });
});

describe('what a login may do itself', () => {
  const me = (...capabilities: object[]) => holdingsOf({ capabilities }, [owner, viewer]);

  test('roles and bare capabilities count alike, at the place and below', () => {
    const byRole = me({ group: { id: folder }, role: { id: owner.id, name: 'owner' } });
    const byName = me({ group: { id: folder }, role: { name: 'owner' } });
    const narrowed = me({ group: { id: folder }, capabilities: ['groups.create'] });
    for (const holdings of [byRole, byName, narrowed]) {
      const counts = [root, folder, below, beside].map((place) => holdingsAt(holdings, 'groups.create', place).length);
      expect(counts).toEqual([0, 1, 1, 0]);
    }
    expect(holdingsAt(narrowed, 'groups.list', folder)).toEqual([]);
  });

  test('lists hide what is above the place where the login may look', () => {
    const holdings = me({ group: { id: folder }, role: { id: viewer.id } });
    expect(hiddenPlaces(holdings, ['groups.list'], below)).toEqual([root]);
    expect(hiddenPlaces(holdings, ['groups.list', 'groups.create'], below)).toEqual([root, folder, below]);
    expect(hiddenPlaces(holdings, ['groups.list'], beside)).toEqual([root, beside]);
  });
});

describe('near misses', () => {
  const missed = (some: Partial<Facts>, id = user) =>
    nearMisses(facts(some), { id, name: 'u@example.com' }, 'groups.create', folder).map(({ reason, grant }) => [
      reason,
      grant.place,
    ]);

  test('the right role elsewhere comes before the wrong one here, and what is no reason is left out', () => {
    const bindings = [bound(root, viewer), bound(beside, owner), bound(beside, viewer), bound(beside, owner, robot)];
    expect(missed({ bindings })).toEqual([
      ['elsewhere', beside],
      ['role', root],
    ]);
    expect(missed({ bindings: [bound(root, owner)] })).toEqual([]);
  });

  test('what would do but for its end, of identities and of invites', () => {
    const identities = [{ id: robot, static: { expiration: '2026-01-01T00:00:00Z' } }];
    expect(missed({ identities, bindings: [bound(root, owner, robot), bound(beside, owner, robot)] }, robot)).toEqual([
      ['ended', root],
    ]);
    const invite = { id: `${folder}/8888888888888888`, role: owner, expiration: '2026-01-01T00:00:00Z' };
    expect(missed({ invites: [{ ...invite, email: 'u@example.com' }] })).toEqual([['ended', folder]]);
    expect(missed({ invites: [{ ...invite, email: 'other@example.com' }] })).toEqual([]);
  });

  test('the smallest built-in role has the capability and no custom one is taken for it', () => {
    const custom = { id: `${root}/9999999999999999`, name: 'custom', capabilities: ['groups.list'] };
    const roles = [owner, viewer, custom];
    expect(smallestBuiltIn(roles, 'groups.list')?.name).toBe('viewer');
    expect(smallestBuiltIn(roles, 'groups.create')?.name).toBe('owner');
    expect(smallestBuiltIn(roles, 'groups.delete')).toBeUndefined();
  });
});
