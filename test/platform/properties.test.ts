// Authorization and integrity against chance. The evaluator below knows nothing of the platform's code: it walks from a
// place to its root along explicit parents and asks, at each step, whether somebody was given the capability there.

import { expect, test } from 'vitest';
import { authorityOf, groupsWith, hasCapabilities } from '../../src/local/authorization/access.ts';
import { anonymous, type Caller } from '../../src/local/core/types.ts';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { insertGroup, listGroups } from '../../src/local/iam/groups.ts';
import { createUser } from '../../src/local/iam/stored-identity.ts';
import { mintThirdPartyToken } from '../../src/local/issuer/simulated.ts';
import type { Store, Tx } from '../../src/local/store/database.ts';
import { builtInRoleId } from '../support/ids.ts';
import { type Answer, startTestPlatform, TestClock, type TestPlatform } from '../support/platform.ts';
import { forSeeds, type Random } from '../support/random.ts';

// ---------------------------------------------------------------------------------------------------------------------
// May this identity do that there?

/** A world as plain data. Places are numbered; `parentOf[i]` is the number of the place that contains place i. */
interface World {
  readonly parentOf: readonly (number | undefined)[];
  readonly roles: readonly ReadonlySet<string>[];
  /** Who was given which role where. */
  readonly grants: readonly { readonly who: number; readonly role: number; readonly place: number }[];
  readonly people: number;
  /** Who has been deactivated by the provider of which place without parent: it holds nothing there and below. */
  readonly off: readonly { readonly who: number; readonly place: number }[];
}

/** What a token was minted with: capabilities by number of the place they were filed under. */
type Ceiling = ReadonlyMap<number, ReadonlySet<string>>;

function mayReference(world: World, who: number, ceiling: Ceiling, capability: string, place: number): boolean {
  let granted = false;
  let minted = false;
  for (let at: number | undefined = place; at !== undefined; at = world.parentOf[at]) {
    if (world.off.some((off) => off.who === who && off.place === at)) return false;
    for (const grant of world.grants) {
      if (grant.who === who && grant.place === at && world.roles[grant.role]?.has(capability)) granted = true;
    }
    if (ceiling.get(at)?.has(capability)) minted = true;
  }
  return granted && minted;
}

const capabilities = [
  'groups.create',
  'groups.delete',
  'groups.list',
  'groups.update',
  'identity.create',
  'identity.list',
  'repo.list',
  'role_bindings.create',
  'roles.list',
  'tag.list',
];

function randomWorld(random: Random): World {
  const places = 1 + random.below(25);
  const parentOf = Array.from({ length: places }, (_, index) =>
    index === 0 || random.chance(0.15) ? undefined : random.below(index),
  );
  const roles = Array.from({ length: 1 + random.below(6) }, () => new Set(random.some(capabilities, 0.35)));
  const people = 1 + random.below(6);
  const grants = Array.from({ length: random.below(30) }, () => ({
    who: random.below(people),
    role: random.below(roles.length),
    place: random.below(places),
  }));
  const off = Array.from({ length: random.below(3) }, () => ({
    who: random.below(people),
    place: random.pick(parentOf.flatMap((parent, place) => (parent === undefined ? [place] : []))),
  }));
  return { parentOf, roles, grants, people, off };
}

interface Built {
  readonly placeIds: readonly string[];
  readonly personIds: readonly string[];
}

/** The same world in a store. Some of what is granted comes through a provider's groups instead of a binding. */
function build(tx: Tx, world: World, random: Random): Built {
  const placeIds: string[] = [];
  for (const [index, parent] of world.parentOf.entries()) {
    const group = { parent: parent === undefined ? '' : (placeIds[parent] ?? ''), name: `g${index}`, description: '' };
    placeIds.push(String(insertGroup(tx, group).id));
  }
  const idOf = (place: number): string => placeIds[place] ?? '';
  const roleIds = world.roles.map((role, index) => {
    const id = `${index}`.padStart(40, 'a');
    tx.run(
      'INSERT INTO roles (id, parent, name, description, capabilities, created_at, updated_at) VALUES (?, NULL, ?, ?, ?, 0, 0)',
      id,
      `role-${index}`,
      '',
      JSON.stringify([...role]),
    );
    return id;
  });
  const personIds = Array.from({ length: world.people }, (_, index) =>
    createUser(tx, { issuer: 'https://issuer.example', subject: `p${index}` }),
  );
  for (const [index, { who, role, place }] of world.grants.entries()) {
    const identity = personIds[who] ?? '';
    const roleId = roleIds[role] ?? '';
    const way = world.parentOf[place] === undefined ? random.below(3) : 0;
    if (way === 0) bindRole(tx, { group: idOf(place), identity, role: roleId });
    else giveByProvider(tx, { organization: idOf(place), identity, role: roleId, index, scim: way === 2 });
  }
  for (const [index, { who, place }] of world.off.entries()) {
    const provider = `${idOf(place)}/${`0ff${index}`.padStart(16, '0')}`;
    insertProvider(tx, idOf(place), provider);
    insertScimUser(tx, provider, personIds[who] ?? '', `off-${index}`, false);
  }
  return { placeIds, personIds };
}

function insertProvider(tx: Tx, organization: string, id: string): void {
  tx.run(
    `INSERT INTO identity_providers (id, parent, name, issuer, client_id, correlation_rule, created_at, updated_at)
     VALUES (?, ?, ?, 'https://idp.example', 'c', '', 0, 0)`,
    id,
    organization,
    id,
  );
}

function insertScimUser(tx: Tx, provider: string, identity: string, id: string, active: boolean): void {
  tx.run(
    `INSERT INTO scim_users (id, identity_provider, identity, user_name, active, resource, version, created_at, updated_at)
     VALUES (?, ?, ?, 'u', ?, '{}', 1, 0, 0)`,
    id,
    provider,
    identity,
    active ? 1 : 0,
  );
}

function giveByProvider(
  tx: Tx,
  grant: { organization: string; identity: string; role: string; index: number; scim: boolean },
): void {
  const { organization, identity, role, index, scim } = grant;
  const hex = index.toString(16).padStart(16, '0');
  const provider = `${organization}/${hex}`;
  insertProvider(tx, organization, provider);
  tx.run(
    `INSERT INTO external_group_role_mappings (id, identity_provider, external_group_id, role, scope, created_at)
     VALUES (?, ?, 'team', ?, ?, 0)`,
    `${provider}/${hex}`,
    provider,
    role,
    organization,
  );
  if (!scim) {
    tx.run(
      `INSERT INTO identity_provider_logins
         (identity, identity_provider, external_groups, groups_expire_at, created_at, updated_at) VALUES (?, ?, ?, ?, 0, 0)`,
      identity,
      provider,
      JSON.stringify(['other', 'team']),
      tx.now + 1,
    );
    return;
  }
  insertScimUser(tx, provider, identity, `user-${index}`, true);
  tx.run(
    `INSERT INTO scim_groups (id, identity_provider, display_name, version, created_at, updated_at) VALUES (?, ?, 'team', 1, 0, 0)`,
    `group-${index}`,
    provider,
  );
  tx.run('INSERT INTO scim_group_members (scim_group, scim_user) VALUES (?, ?)', `group-${index}`, `user-${index}`);
}

/** A ceiling of some places with some capabilities, or of everything everywhere. */
function randomCeiling(world: World, random: Random): Ceiling {
  const all = world.parentOf.map((_, place) => place);
  if (random.chance(0.3)) return new Map(all.map((place) => [place, new Set(capabilities)]));
  return new Map(random.some(all, 0.4).map((place) => [place, new Set(random.some(capabilities, 0.7))]));
}

function toCaller(identity: string, ceiling: Ceiling, placeIds: readonly string[]): Caller {
  return {
    ...anonymous,
    identity,
    ceiling: new Map([...ceiling].map(([place, held]) => [placeIds[place] ?? '', held])),
  };
}

class Undone extends Error {}

/** Runs in a transaction that leaves nothing behind, so that one platform serves many worlds. */
function withoutTrace(store: Store, work: (tx: Tx) => void): void {
  try {
    store.transact((tx) => {
      work(tx);
      throw new Undone();
    });
  } catch (error) {
    if (!(error instanceof Undone)) throw error;
  }
}

test('who may do what where is what a walk to the root says, in any world', async () => {
  const platform = await startTestPlatform({ seed: 'empty' });
  let allowed = 0;
  let denied = 0;
  await forSeeds(60, (random) => {
    const world = randomWorld(random);
    withoutTrace(platform.store, (tx) => {
      const { placeIds, personIds } = build(tx, world, random);
      for (let who = 0; who < world.people; who += 1) {
        const ceiling = randomCeiling(world, random);
        const caller = toCaller(personIds[who] ?? '', ceiling, placeIds);
        const may = (capability: string, place: number) => mayReference(world, who, ceiling, capability, place);
        const authority = authorityOf(tx, caller);
        for (const [place, id] of placeIds.entries()) {
          const expected = capabilities.filter((capability) => may(capability, place));
          expect([...authority(id)].sort()).toEqual(expected);
          // What lies in a place without being one itself is ruled from there.
          expect([...authority(`${id}/${'f'.repeat(16)}`)].sort()).toEqual(expected);
          allowed += expected.length;
          denied += capabilities.length - expected.length;
        }
        const both = random.some(capabilities, 0.3);
        const open = placeIds.filter((_, place) => both.every((capability) => may(capability, place)));
        const roots = groupsWith(tx, caller, both);
        expect(placeIds.filter((id) => roots.some((root) => id === root || id.startsWith(`${root}/`)))).toEqual(
          both.length === 0 ? expect.anything() : open,
        );
        // None of them contains another.
        for (const root of roots) expect(roots.filter((other) => root.startsWith(`${other}/`))).toEqual([]);
        const place = random.pick(placeIds);
        expect(hasCapabilities(tx, caller, both, place)).toBe(both.length === 0 || open.includes(place));
        const listed = listGroups(tx, caller, {}).items?.map(({ id }) => id);
        expect(listed).toEqual(placeIds.filter((_, at) => may('groups.list', at)).sort());
      }
    });
  });
  // The worlds are worth something only when both answers are common.
  expect(Math.min(allowed, denied) / (allowed + denied)).toBeGreaterThan(0.02);
}, 60_000);

// ---------------------------------------------------------------------------------------------------------------------
// Whatever is done in whatever order, nothing dangles

interface Actor {
  readonly identity: string;
  readonly subject: string;
}

/** Chooses ids from what there is, and now and then one that is not there. */
class Session {
  readonly #platform: TestPlatform;
  readonly #clock: TestClock;
  readonly random: Random;
  readonly actors: Actor[];
  readonly codes: string[] = [];
  succeeded = 0;
  refused = 0;

  constructor(platform: TestPlatform, clock: TestClock, random: Random, actors: Actor[]) {
    this.#platform = platform;
    this.#clock = clock;
    this.random = random;
    this.actors = actors;
  }

  anyOf(table: string): string {
    const ids = this.#platform.store.read((tx) =>
      tx.all(`SELECT id FROM ${table} ORDER BY id`).map((row) => String(row['id'])),
    );
    if (ids.length === 0 || this.random.chance(0.05)) return `${'0'.repeat(40)}/${'1'.repeat(16)}`;
    return this.random.pick(ids);
  }

  name(): string {
    return `n${this.random.below(12)}`;
  }

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.#platform.call(
      await this.#platform.token(this.#callerFor(path)),
      method,
      path,
      body === undefined ? {} : { body },
    );
    this.note(answer, `${method} ${path} ${JSON.stringify(body)}`);
    return answer;
  }

  /** Mostly somebody who owns the organization that is meant, or little would ever be done. */
  #callerFor(path: string): string {
    const organization = /[0-9a-f]{40}/.exec(path)?.[0] ?? '';
    const owners = this.#platform.store.read((tx) =>
      tx
        .all(
          'SELECT identity FROM role_bindings WHERE group_id = ? AND role = ? ORDER BY identity',
          organization,
          builtInRoleId('owner'),
        )
        .map((row) => String(row['identity'])),
    );
    return owners.length > 0 && this.random.chance(0.85)
      ? this.random.pick(owners)
      : this.random.pick(this.actors).identity;
  }

  async register(code: string): Promise<void> {
    const { subject } = this.random.pick(this.actors);
    const bearer = await mintThirdPartyToken(this.#platform.store, {
      issuer: 'https://login.example',
      subject: this.random.chance(0.5) ? subject : `new-${this.random.below(5)}`,
      audience: this.#platform.urls.issuer,
      now: this.#clock.now(),
    });
    const answer = await this.#platform.call(bearer, 'POST', '/auth/v1/register', {
      body: code === '' ? {} : { code },
    });
    this.note(answer, 'register');
    if (answer.status === 200) this.actors.push({ identity: answer.body.identity, subject });
  }

  note(answer: Answer, what: string): void {
    if (answer.status === 200) this.succeeded += 1;
    else this.refused += 1;
    expect({ what, status: answer.status, body: answer.body }).not.toMatchObject({
      status: expect.toSatisfy((n) => n >= 500),
    });
  }
}

const roleBody = (session: Session) => ({
  name: session.name(),
  capabilities: session.random.some(['groups.list', 'groups.create', 'identity.list', 'repo.list'], 0.6),
});
const oidc = { issuer: 'https://idp.example', clientId: 'c', clientSecret: 's' };

const steps: readonly ((session: Session) => Promise<unknown>)[] = [
  (s) => s.call('POST', '/iam/v1/groups', { name: s.name() }),
  (s) => s.call('POST', `/iam/v1/groups/${s.anyOf('groups')}`, { name: s.name() }),
  (s) => s.call('POST', `/iam/v1/groups/${s.anyOf('groups')}`, { name: s.name() }),
  (s) => s.call('PUT', `/iam/v1/groups/${s.anyOf('groups')}`, { name: s.name() }),
  (s) => s.call('DELETE', `/iam/v1/groups/${s.anyOf('groups')}`),
  (s) => s.call('DELETE', `/iam/v1/groups/${s.anyOf('groups')}`),
  (s) => s.call('POST', `/iam/v1/roles/${s.anyOf('groups')}`, roleBody(s)),
  (s) => s.call('PUT', `/iam/v1/roles/${s.anyOf('roles')}`, roleBody(s)),
  (s) => s.call('DELETE', `/iam/v1/roles/${s.anyOf('roles')}`),
  (s) =>
    s.call('POST', `/iam/v1/identities/${s.anyOf('groups')}`, {
      name: s.name(),
      ...(s.random.chance(0.5)
        ? { servicePrincipal: 'CATALOG_SYNCER' }
        : { claimMatch: { issuer: 'https://issuer.example', subject: 's' } }),
    }),
  (s) => s.call('DELETE', `/iam/v1/identities/${s.anyOf('identities')}`),
  (s) =>
    s.call('POST', `/iam/v1/rolebindings/${s.anyOf('groups')}`, {
      identity: s.random.chance(0.5) ? s.anyOf('identities') : s.random.pick(s.actors).identity,
      role: s.random.chance(0.3) ? builtInRoleId('owner') : s.anyOf('roles'),
    }),
  (s) =>
    s.call('POST', `/iam/v1/rolebindings/batch/${s.anyOf('groups')}`, [
      { identity: s.anyOf('identities'), role: s.anyOf('roles') },
      { identity: s.anyOf('identities'), role: s.anyOf('roles') },
    ]),
  (s) =>
    s.call('PUT', `/iam/v1/rolebindings/${s.anyOf('role_bindings')}`, {
      identity: s.anyOf('identities'),
      role: s.anyOf('roles'),
    }),
  (s) => s.call('DELETE', `/iam/v1/rolebindings/${s.anyOf('role_bindings')}`),
  async (s) => {
    const made = await s.call('POST', `/iam/v1/group_invites/${s.anyOf('groups')}`, {
      role: s.anyOf('roles'),
      ttl: '600s',
      singleUse: s.random.chance(0.5),
    });
    if (made.status === 200) s.codes.push(made.body.code);
  },
  (s) => s.call('DELETE', `/iam/v1/group_invites/${s.anyOf('group_invites')}`),
  (s) => s.register(s.codes.length === 0 ? '' : s.random.pick(s.codes)),
  (s) =>
    s.call('POST', `/iam/v1/identityProviders/${s.anyOf('groups')}`, {
      name: s.name(),
      oidc,
      ...(s.random.chance(0.5) ? { defaultRole: s.anyOf('roles') } : {}),
    }),
  (s) => s.call('DELETE', `/iam/v1/identityProviders/${s.anyOf('identity_providers')}`),
  (s) => {
    const provider = s.anyOf('identity_providers');
    return s.call('POST', `/iam/v1/externalGroupRoleMappings/${provider}`, {
      externalGroupId: s.name(),
      roleUidp: s.anyOf('roles'),
      scope: provider.slice(0, 40),
    });
  },
  (s) => s.call('DELETE', `/iam/v1/externalGroupRoleMappings/${s.anyOf('external_group_role_mappings')}`),
  (s) => {
    const identity = s.anyOf('identities');
    const group = s.random.chance(0.7) && identity.includes('/') ? identity.slice(0, -17) : s.anyOf('groups');
    const method = s.random.chance(0.6) ? 'POST' : 'PUT';
    const serviceBindings = s.random.chance(0.7) ? { CATALOG_SYNCER: identity } : {};
    return s.call(method, `/iam/v1/account_associations/${group}`, { chainguard: { serviceBindings } });
  },
  (s) => s.call('DELETE', `/iam/v1/account_associations/${s.anyOf('groups')}`),
];

/** Everything the store must be true to at any time, said once more in plain SQL and loops. */
function checkIntegrity(store: Store): void {
  store.read((tx) => {
    expect(tx.all('PRAGMA foreign_key_check')).toEqual([]);
    const groups = new Map(tx.all('SELECT id, parent, name FROM groups').map((row) => [String(row['id']), row]));
    for (const [id, row] of groups) {
      const seen = new Set<string>();
      for (let at: string | null = id; at !== null; at = groups.get(at)?.['parent'] as string | null) {
        expect(seen.has(at), `cycle at ${at}`).toBe(false);
        expect(groups.has(at), `${at} is gone`).toBe(true);
        seen.add(at);
      }
      // The id says the same as the parent column.
      expect(row['parent'] ?? '').toBe(id.includes('/') ? id.slice(0, id.lastIndexOf('/')) : '');
    }
    const inPlace = [
      ['roles', 'parent'],
      ['identities', 'parent'],
      ['role_bindings', 'group_id'],
      ['group_invites', 'group_id'],
      ['identity_providers', 'parent'],
      ['external_group_role_mappings', 'identity_provider'],
    ] as const;
    for (const [table, column] of inPlace) {
      for (const row of tx.all(`SELECT id, ${column} AS place FROM ${table} WHERE ${column} IS NOT NULL`)) {
        expect(String(row['id'])).toBe(`${String(row['place'])}/${String(row['id']).slice(-16)}`);
      }
    }
    // A custom role reaches no further than the place it was made in.
    const strays = tx
      .all(
        'SELECT b.group_id AS place, r.parent AS home FROM role_bindings b JOIN roles r ON r.id = b.role WHERE r.parent IS NOT NULL',
      )
      .filter((row) => !`${String(row['place'])}/`.startsWith(`${String(row['home'])}/`));
    expect(strays).toEqual([]);
    for (const [table, key] of [
      ['groups', 'parent, name'],
      ['roles', 'parent, name'],
      ['identity_providers', 'parent, name'],
      ['role_bindings', 'group_id, identity, role'],
    ] as const) {
      const container = key.split(',')[0] ?? '';
      const twice = tx.all(
        `SELECT ${key} FROM ${table} WHERE ${container} IS NOT NULL GROUP BY ${key} HAVING COUNT(*) > 1`,
      );
      expect(twice, `${table} has doubles`).toEqual([]);
    }
    const users = tx.all(
      'SELECT issuer, subject FROM identities WHERE parent IS NULL GROUP BY issuer, subject HAVING COUNT(*) > 1',
    );
    expect(users).toEqual([]);
  });
}

test('whatever is done in whatever order, nothing dangles, nothing goes in circles, and nobody loses their last owner', async () => {
  await forSeeds(2, async (random) => {
    const clock = new TestClock();
    const platform = await startTestPlatform({ seed: 'empty', clock });
    const actors = platform.store.transact((tx) =>
      ['a', 'b', 'c'].map((subject) => ({
        subject,
        identity: createUser(tx, { issuer: 'https://login.example', subject }),
      })),
    );
    const session = new Session(platform, clock, random, actors);
    const ownerless = () =>
      platform.store.read((tx) =>
        tx
          .all(
            `SELECT id FROM groups WHERE parent IS NULL AND id NOT IN
               (SELECT group_id FROM role_bindings WHERE role = ?)`,
            builtInRoleId('owner'),
          )
          .map((row) => row['id']),
      );
    for (const subject of ['x', 'y']) await session.call('POST', '/iam/v1/groups', { name: subject });
    for (let count = 0; count < 350; count += 1) {
      const before = { succeeded: session.succeeded, events: platform.events().length };
      await random.pick(steps)(session);
      // One change, one event; a refusal none.
      expect(platform.events().length - before.events).toBe(session.succeeded - before.succeeded);
      expect(ownerless()).toEqual([]);
      if (count % 10 === 0) checkIntegrity(platform.store);
    }
    checkIntegrity(platform.store);
    expect(session.succeeded).toBeGreaterThan(60);
    expect(session.refused).toBeGreaterThan(30);
  });
}, 120_000);
