// Who may do what, from rows: each way to hold a role, each way that it ends, and what a token leaves of it.

import { beforeEach, describe, expect, test } from 'vitest';
import {
  capabilitiesAt,
  grantsOf,
  groupsWith,
  hasCapabilities,
  requireCapabilities,
} from '../../src/local/authorization/access.ts';
import { requireLiveIdentity } from '../../src/local/authorization/live-identity.ts';
import { anonymous, type Caller } from '../../src/local/core/types.ts';
import { requireActive } from '../../src/local/iam/active-user.ts';
import { effectiveRolesOf } from '../../src/local/iam/effective-roles.ts';
import { requireGrantableRole } from '../../src/local/iam/grantable-roles.ts';
import { narrow, toLimits } from '../../src/local/issuer/narrowing.ts';
import type { Tx } from '../../src/local/store/database.ts';
import { builtInRoleId, demoFolders, demoOrganizations } from '../support/ids.ts';
import { standIns, testStore } from '../support/store.ts';

const organization = demoOrganizations.private;
const other = demoOrganizations.public;
const { engineering, platform, sandbox } = demoFolders;
const places = [organization, engineering, platform, sandbox, other];

let world: Awaited<ReturnType<typeof testStore>> & ReturnType<typeof standIns>;
beforeEach(async () => {
  const opened = await testStore();
  world = { ...opened, ...standIns(opened.store) };
});

const read = <T>(work: (tx: Tx) => T): T => world.store.read(work);
const run = (sql: string, ...values: (string | number)[]) => world.store.transact((tx) => tx.run(sql, ...values));
const holds = (identity: string, at = places) =>
  at.filter((place) => read((tx) => capabilitiesAt(tx, callerOf(identity), place).has('groups.list')));
const everywhere = new Map([organization, other].map((place) => [place, new Set(['groups.list', 'roles.list'])]));
const callerOf = (identity: string, ceiling: Caller['ceiling'] = everywhere): Caller => ({
  ...anonymous,
  identity,
  ceiling,
});

describe('a role binding', () => {
  test('counts where it is made and below, for its identity', () => {
    const holder = world.holder(['groups.list'], engineering);
    expect(holds(holder)).toEqual([engineering, platform]);
    expect(holds(world.account())).toEqual([]);
    expect(read((tx) => grantsOf(tx, holder))).toEqual(new Map([[engineering, new Set(['groups.list'])]]));
    expect(read((tx) => effectiveRolesOf(tx, holder))).toMatchObject([{ place: engineering, parent: null }]);
  });

  test('adds to another of the same place', () => {
    const holder = world.holder(['groups.list'], engineering);
    world.bind(holder, world.role(['roles.list']), engineering);
    expect(read((tx) => grantsOf(tx, holder))).toEqual(
      new Map([[engineering, new Set(['groups.list', 'roles.list'])]]),
    );
  });
});

describe('a group of a provider', () => {
  const enter = (row: Record<string, string | number> = {}) => {
    const provider = world.provider(organization);
    const account = world.account();
    const role = world.role(['groups.list']);
    world.insert('external_group_role_mappings', {
      ...{ id: `${provider}/${'1'.repeat(16)}`, identity_provider: provider, external_group_id: 'admins' },
      ...{ role, scope: engineering, created_at: 0 },
    });
    world.insert('identity_provider_logins', {
      ...{ identity: account, identity_provider: provider, external_groups: '["staff","admins"]' },
      ...{ groups_expire_at: world.clock.now() + 1_000, created_at: 0, updated_at: 0 },
      ...row,
    });
    return { provider, account };
  };

  test('counts until the session ends, to the millisecond', () => {
    const { account } = enter();
    expect(holds(account)).toEqual([engineering, platform]);
    world.clock.advance(999);
    expect(holds(account)).toEqual([engineering, platform]);
    world.clock.advance(1);
    expect(holds(account)).toEqual([]);
  });

  test('counts for no other name, no other provider and nobody else', () => {
    expect(holds(enter({ external_groups: '["Admins","admins2",""]' }).account)).toEqual([]);
    expect(holds(enter({ external_groups: '[]' }).account)).toEqual([]);
    expect(holds(enter({ identity_provider: world.provider(organization) }).account)).toEqual([]);
    enter();
    expect(holds(world.account())).toEqual([]);
  });
});

describe('a group of a directory', () => {
  const provision = (row: Record<string, string | number> = {}, group: Record<string, string> = {}) => {
    const provider = world.provider(organization);
    const account = world.account();
    const user = world.directoryUser(provider, { identity: account, ...row });
    world.insert('external_group_role_mappings', {
      ...{ id: `${provider}/${'1'.repeat(16)}`, identity_provider: provider, external_group_id: 'admins' },
      ...{ role: world.role(['groups.list']), scope: engineering, created_at: 0 },
    });
    world.insert('scim_groups', {
      ...{ id: `group of ${account}`, identity_provider: provider, display_name: 'Admins of us' },
      ...{ external_id: 'admins', version: 1, created_at: 0, updated_at: 0 },
      ...group,
    });
    world.insert('scim_group_members', { scim_group: `group of ${account}`, scim_user: user });
    return account;
  };

  test('counts by its id there or by its name', () => {
    expect(holds(provision())).toEqual([engineering, platform]);
    expect(holds(provision({}, { external_id: 'other', display_name: 'admins' }))).toEqual([engineering, platform]);
    expect(holds(provision({}, { external_id: 'other' }))).toEqual([]);
  });

  test('counts for its members only', () => {
    const account = provision();
    run('DELETE FROM scim_group_members');
    expect(holds(account)).toEqual([]);
  });

  test('counts no longer once its user has been deactivated', () => {
    expect(holds(provision({ active: 0 }))).toEqual([]);
  });
});

describe('somebody whom a provider has deactivated', () => {
  test('holds nothing in its organization and keeps what is elsewhere', () => {
    const holder = world.holder(['groups.list'], organization);
    world.bind(holder, world.role(['groups.list']), other);
    expect(holds(holder)).toEqual(places);
    world.directoryUser(world.provider(organization), { identity: holder, active: 0 });
    expect(holds(holder)).toEqual([other]);
    // One provider of two is enough: it is one organization.
    world.directoryUser(world.provider(organization), { identity: holder });
    expect(holds(holder)).toEqual([other]);
  });

  test('is nobody else', () => {
    const holder = world.holder(['groups.list'], organization);
    world.directoryUser(world.provider(organization), { identity: world.account(), active: 0 });
    world.directoryUser(world.provider(organization), { active: 0 });
    expect(holds(holder)).toEqual([organization, engineering, platform, sandbox]);
  });

  test('cannot come in through it, nor straight when no other provider knows it as active', () => {
    const identity = world.account();
    const [one, two] = [world.provider(organization), world.provider(organization)];
    const isActive = (through?: string): boolean => {
      try {
        read((tx) => requireActive(tx, identity, through));
        return true;
      } catch (error) {
        expect(error).toMatchObject({ code: 7, message: 'the account has been deactivated by its identity provider' });
        return false;
      }
    };
    expect([isActive(), isActive(one)]).toEqual([true, true]);
    world.directoryUser(one, { identity, active: 0 });
    expect([isActive(), isActive(one), isActive(two)]).toEqual([false, false, true]);
    world.directoryUser(two, { identity });
    expect([isActive(), isActive(one), isActive(two)]).toEqual([true, false, true]);
    run('UPDATE scim_users SET active = 0');
    expect([isActive(), isActive(one), isActive(two)]).toEqual([false, false, false]);
  });
});

describe('a token', () => {
  test('gives what its holder has, as far as it was minted with it, wherever either is filed', () => {
    const holder = world.holder(['groups.list', 'roles.list'], organization);
    const at = (place: string, ceiling: Caller['ceiling']) =>
      [...read((tx) => capabilitiesAt(tx, callerOf(holder, ceiling), place))].sort();
    const folder = new Map([[engineering, new Set(['groups.list', 'roles.delete'])]]);
    expect([at(organization, folder), at(engineering, folder), at(platform, folder), at(sandbox, folder)]).toEqual([
      [],
      ['groups.list'],
      ['groups.list'],
      [],
    ]);
    expect(at(engineering, new Map())).toEqual([]);
    const both = new Map([...folder, [organization, new Set(['roles.list'])]]);
    expect(at(platform, both)).toEqual(['groups.list', 'roles.list']);
  });

  test('has all of several capabilities or not', () => {
    const holder = world.holder(['groups.list', 'roles.list'], organization);
    const has = (...capabilities: string[]) =>
      read((tx) => hasCapabilities(tx, callerOf(holder), capabilities, engineering));
    expect([has(), has('groups.list'), has('groups.list', 'roles.list'), has('groups.list', 'x')]).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });
});

describe('a refusal', () => {
  const refusalOf = (caller: Caller, capabilities: string[], place: string): unknown => {
    try {
      read((tx) => requireCapabilities(tx, caller, capabilities, place));
      return undefined;
    } catch (error) {
      const { code, message } = error as { code: number; message: string };
      return `${code} ${message}`;
    }
  };

  test('says what is missing to who holds something there, and nothing to others', () => {
    const holder = world.holder(['groups.list'], organization);
    const caller = callerOf(holder);
    expect(refusalOf(caller, ['groups.list'], engineering)).toBeUndefined();
    expect(refusalOf(caller, ['groups.list', 'roles.list', 'x'], engineering)).toBe('7 missing: roles.list, x');
    expect(refusalOf(caller, ['groups.list'], other)).toBe(`5 ${other} not found`);
    const nothingThere = `${organization}/${'f'.repeat(16)}`;
    expect(refusalOf(caller, ['roles.list'], nothingThere)).toBe('7 missing: roles.list');
    expect(refusalOf(callerOf(world.account()), ['groups.list'], engineering)).toBe(`5 ${engineering} not found`);
  });

  test('hides neither oneself nor built-in roles, and hides other roots', () => {
    const caller = callerOf(world.account());
    expect(refusalOf(caller, ['x'], caller.identity)).toBe('7 missing: x');
    expect(refusalOf(caller, ['x'], builtInRoleId('owner'))).toBe('7 missing: x');
    const stranger = world.account();
    expect(refusalOf(caller, ['x'], stranger)).toBe(`5 ${stranger} not found`);
    const role = world.role(['groups.list'], organization);
    expect(refusalOf(caller, ['x'], role)).toBe(`5 ${role} not found`);
  });
});

describe('the places where a caller has all of some capabilities', () => {
  const places = (holder: string, ceiling: Caller['ceiling'], ...capabilities: string[]) =>
    read((tx) => groupsWith(tx, callerOf(holder, ceiling), capabilities));
  const allOf = (...names: string[]) => new Set(names);

  test('are the topmost ones', () => {
    const holder = world.holder(['groups.list'], engineering);
    world.bind(holder, world.role(['groups.list']), platform);
    world.bind(holder, world.role(['groups.list']), other);
    expect(places(holder, everywhere, 'groups.list')).toEqual([engineering, other].sort());
  });

  test('are those where token and roles meet, whichever is filed below', () => {
    const holder = world.holder(['groups.list'], organization);
    expect(places(holder, new Map([[platform, allOf('groups.list')]]), 'groups.list')).toEqual([platform]);
    const inner = world.holder(['groups.list'], platform);
    expect(places(inner, new Map([[organization, allOf('groups.list')]]), 'groups.list')).toEqual([platform]);
    expect(places(inner, new Map([[sandbox, allOf('groups.list')]]), 'groups.list')).toEqual([]);
    expect(places(holder, new Map(), 'groups.list')).toEqual([]);
    expect(places(holder, new Map([[organization, allOf('roles.list')]]), 'groups.list')).toEqual([]);
  });

  test('may get each capability from another place above', () => {
    const holder = world.holder(['groups.list'], organization);
    world.bind(holder, world.role(['roles.list']), engineering);
    expect(places(holder, everywhere, 'groups.list', 'roles.list')).toEqual([engineering]);
    expect(places(holder, everywhere, 'groups.list', 'roles.list', 'x')).toEqual([]);
  });
});

describe('the identity of a token', () => {
  const check = (identity: string, issuedAt = Math.floor(world.clock.now() / 1000)) =>
    read((tx) => requireLiveIdentity(tx, { identity, issuedAt }));
  const gone = expect.objectContaining({ code: 16, message: 'the identity of the token no longer exists' });

  test('has to be there', () => {
    expect(check(world.account())).toBe(Number.POSITIVE_INFINITY);
    expect(() => check('f'.repeat(40))).toThrow(gone);
  });

  test('ends, to the millisecond', () => {
    const end = world.clock.now() + 1_000;
    const identity = world.account({ expires_at: end });
    expect(check(identity)).toBe(end);
    world.clock.advance(999);
    expect(check(identity)).toBe(end);
    world.clock.advance(1);
    const ended = expect.objectContaining({ code: 16, message: 'the identity of this token has expired' });
    expect(() => check(identity)).toThrow(ended);
  });

  test('is another one when it was deleted and made again after the token', () => {
    const identity = world.account();
    const deletedAt = 1_774_619_700_500;
    world.insert('deleted_users', { id: identity, deleted_at: deletedAt });
    // Issue times are whole seconds, so a token of the second of the deletion may be younger.
    expect(check(identity, 1_774_619_700)).toBe(Number.POSITIVE_INFINITY);
    expect(() => check(identity, 1_774_619_699)).toThrow(gone);
    run('UPDATE deleted_users SET deleted_at = ?', 1_774_619_700_000);
    expect(() => check(identity, 1_774_619_699)).toThrow(gone);
    expect(check(world.account(), 0)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('a role is granted', () => {
  const grant = (holder: string, group: string, role: string): unknown => {
    try {
      return read((tx) => requireGrantableRole(tx, callerOf(holder), group, role))['id'] === role;
    } catch (error) {
      return (error as { code: number }).code;
    }
  };

  test('by who holds all of it there', () => {
    const holder = world.holder(['groups.list'], engineering);
    const role = world.role(['groups.list']);
    expect([grant(holder, engineering, role), grant(holder, platform, role), grant(holder, sandbox, role)]).toEqual([
      true,
      true,
      7,
    ]);
    expect(grant(holder, engineering, world.role(['groups.list', 'roles.list']))).toBe(7);
    expect(grant(holder, engineering, 'f'.repeat(40))).toBe(5);
  });

  test('at its own place and below', () => {
    const holder = world.holder(['groups.list'], organization);
    const role = world.role(['groups.list'], engineering);
    const at = (place: string) => grant(holder, place, role);
    expect([at(engineering), at(platform), at(organization), at(sandbox)]).toEqual([true, true, 5, 5]);
  });
});

describe('what a token is narrowed to', () => {
  const held = new Map([
    [organization, new Set(['groups.list', 'roles.list'])],
    [sandbox, new Set(['roles.delete'])],
  ]);
  const narrowed = (request: Parameters<typeof toLimits>[0], grants = held): unknown => {
    try {
      return Object.fromEntries([...read((tx) => narrow(tx, grants, toLimits(request)))].map(([a, b]) => [a, [...b]]));
    } catch (error) {
      const { code, message } = error as { code: number; message: string };
      return `${code} ${message}`;
    }
  };
  const nothing = '7 the identity holds none of the requested capabilities in the requested scope';

  test('is everything without limits, empty ones included', () => {
    const all = { [organization]: ['groups.list', 'roles.list'], [sandbox]: ['roles.delete'] };
    expect(narrowed({})).toEqual(all);
    expect(narrowed({ scope: '', scopes: [''], cap: [''] })).toEqual(all);
    expect(narrowed({}, new Map())).toEqual({});
  });

  test('is what is held there and above, and filed there', () => {
    expect(narrowed({ scope: sandbox })).toEqual({ [sandbox]: ['roles.delete', 'groups.list', 'roles.list'] });
    expect(narrowed({ scopes: [engineering, engineering], scope: organization })).toEqual({
      [engineering]: ['groups.list', 'roles.list'],
      [organization]: ['groups.list', 'roles.list'],
    });
    expect(narrowed({ scope: other })).toBe(nothing);
    expect(narrowed({ scopes: [other, platform] })).toEqual({ [platform]: ['groups.list', 'roles.list'] });
  });

  test('is the capabilities asked for, those that are held', () => {
    expect(narrowed({ cap: ['groups.list', 'groups.delete'] })).toEqual({ [organization]: ['groups.list'] });
    expect(narrowed({ cap: ['roles.delete'], scope: sandbox })).toEqual({ [sandbox]: ['roles.delete'] });
    expect(narrowed({ cap: ['roles.delete'], scope: engineering })).toBe(nothing);
    expect(narrowed({ cap: ['groups.delete'] })).toBe(nothing);
    expect(narrowed({ cap: ['groups.list', 'groups.destroy'] })).toBe('3 "groups.destroy" is not a capability');
  });

  test('is found by a name where something is held, and by one such name only', () => {
    expect(narrowed({ scope: 'engineering' })).toMatchObject({ [engineering]: expect.anything() });
    expect(narrowed({ scope: 'chainguard' })).toContain('3 scope "chainguard" is not the name of a group you have');
    expect(narrowed({ scope: 'nowhere' })).toContain('3 scope "nowhere" is not the name');
    const twin = `${sandbox}/${'9'.repeat(16)}`;
    const foreign = `${other}/${'9'.repeat(16)}`;
    for (const id of [foreign, twin]) {
      world.insert('groups', { id, parent: id.slice(0, -17), name: 'engineering', created_at: 0, updated_at: 0 });
      // Of a place where nothing is held, nobody is told.
      if (id === foreign)
        expect(narrowed({ scope: 'engineering' })).toMatchObject({ [engineering]: expect.anything() });
    }
    expect(narrowed({ scope: 'engineering' })).toBe('3 scope "engineering" is the name of several groups: give its id');
  });
});
