// What the evaluator of `iam access` says, about oneself and about others, against what the platform answers to every operation
// that needs a capability at a place.

import { expect } from 'vitest';
import { holdingsAt, holdingsOf } from '../../src/access/authority.ts';
import { decide, type Facts } from '../../src/access/grants.ts';
import { schema } from '../../src/api/schema/messages.gen.ts';
import { operations } from '../../src/api/schema/operations.gen.ts';
import type { IamRole } from '../../src/api/schema/types/iam.gen.ts';
import type { Operation } from '../../src/api/schema/types.ts';
import { isAncestor } from '../../src/api/uidp.ts';
import { createWire } from '../../src/api/wire.ts';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { insertIdentity } from '../../src/local/iam/stored-identity.ts';
import { demoFolders, demoOrganizations, personId } from './ids.ts';
import { startTestPlatform, TestClock } from './platform.ts';
import type { Random } from './random.ts';

const organization = demoOrganizations.private;
const { engineering, platform: team, sandbox } = demoFolders;
const places = [organization, engineering, team, sandbox];

const through = ['binding', 'inheritance', 'group mapping', 'SCIM', 'narrowed', 'expired'] as const;

/** Places that have others below them, for roles that are bound above the place that is asked about. */
const parents = [organization, engineering];
const below = (parent: string) => places.filter((place) => isAncestor(parent, place));

/** Operations that ask for capabilities at the place that their message names. */
const scoped = Object.values(operations as Readonly<Record<string, Operation>>).filter(
  ({ scope, unscoped, capabilities, iam }) =>
    scope !== null && !unscoped && capabilities.length > 0 && iam !== 'disabled',
);

interface Seen {
  readonly allowed: number;
  readonly refused: number;
  /** Allowed by a role that is bound above. */
  readonly inherited: number;
}

export interface AccessOracle {
  readonly operations: number;
  readonly roles: number;
  /** Tries so many pairs of role and operation, each in one place and in one way. */
  look(random: Random, count: number): Promise<Seen>;
}

export async function accessOracle(): Promise<AccessOracle> {
  const clock = new TestClock();
  const platform = await startTestPlatform({ clock });
  const { store } = platform;
  const owner = await platform.token(personId('dev@example.com'));
  const wire = createWire(schema);
  const send = async (token: string, method: string, path: string, body?: object) =>
    platform.call(token, method, path, body === undefined ? {} : { body });
  const ok = async (method: string, path: string, body?: object) => {
    const answer = await send(owner, method, path, body);
    expect([path, answer.status, answer.body.message]).toEqual([path, 200, undefined]);
    return answer.body;
  };
  await ok('POST', `/iam/v1/roles/${organization}`, { name: 'maker', capabilities: ['groups.create', 'groups.list'] });
  await ok('POST', `/iam/v1/roles/${organization}`, { name: 'reader', capabilities: ['identity.list', 'roles.list'] });
  // Held by everybody everywhere, so that a refusal says what is missing and not that nothing is there.
  const marker = await ok('POST', `/iam/v1/roles/${organization}`, { name: 'marker', capabilities: ['terms.list'] });
  const oidc = { issuer: 'https://idp.example', clientId: 'c', clientSecret: 's' };
  const provider = (await ok('POST', `/iam/v1/identityProviders/${organization}`, { name: 'okta', oidc })).id;
  const roles = ((await ok('GET', '/iam/v1/roles')).items as IamRole[]).filter(({ id }) => id !== marker.id);

  let made = 0;
  /** Somebody who has the role there in that way. Returns who, and the token to send. */
  const somebody = async (role: IamRole, place: string, way: (typeof through)[number]) => {
    made += 1;
    const email = `person-${made}@example.com`;
    const group = `group-${made}`;
    if (way === 'expired') {
      const id = `${organization}/${made.toString(16).padStart(16, '0')}`;
      store.transact((tx) => {
        const keys = { issuer: 'https://x.example', subject: 's', issuerKeys: '{"keys":[]}' };
        const ends = tx.now + 1000;
        const expiration = new Date(ends).toISOString();
        insertIdentity(tx, {
          id,
          name: email,
          description: '',
          relationship: { kind: 'static', static: { ...keys, expiration } },
        });
        bindRole(tx, { identity: id, role: role.id ?? '', group: place });
        bindRole(tx, { identity: id, role: marker.id, group: organization });
      });
      const token = await platform.token(id);
      clock.advance(2000);
      return { id, email, token };
    }
    const id = platform.user(email, [marker.id, organization]);
    if (way === 'binding' || way === 'inheritance' || way === 'narrowed') {
      store.transact((tx) => void bindRole(tx, { identity: id, role: role.id ?? '', group: place }));
    } else {
      store.transact((tx) => {
        // Not by the API: nobody here may give every role.
        tx.run(
          `INSERT INTO external_group_role_mappings (id, identity_provider, external_group_id, role, scope, created_at)
           VALUES (?, ?, ?, ?, ?, ?)`,
          ...[`${provider}/${made.toString(16).padStart(16, '0')}`, provider, group, role.id ?? '', place, tx.now],
        );
        if (way === 'group mapping') {
          tx.run(
            `INSERT INTO identity_provider_logins (identity, identity_provider, external_groups, groups_expire_at, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?, ?)`,
            ...[id, provider, JSON.stringify([group]), tx.now + 3_600_000, tx.now, tx.now],
          );
          return;
        }
        tx.run(
          `INSERT INTO scim_users (id, identity_provider, identity, user_name, active, resource, version, created_at, updated_at)
           VALUES (?, ?, ?, ?, 1, '{}', 1, ?, ?)`,
          ...[`u${made}`, provider, id, email, tx.now, tx.now],
        );
        tx.run(
          `INSERT INTO scim_groups (id, identity_provider, display_name, version, created_at, updated_at) VALUES (?, ?, ?, 1, ?, ?)`,
          ...[`g${made}`, provider, group, tx.now, tx.now],
        );
        tx.run('INSERT INTO scim_group_members (scim_group, scim_user) VALUES (?, ?)', `g${made}`, `u${made}`);
      });
    }
    // Half of what the role allows, and the marker.
    const half = new Set((role.capabilities ?? []).filter((_, at) => at % 2 === 0));
    const ceiling = new Map([
      [organization, new Set(['terms.list', ...(place === organization ? half : [])])],
      ...(place === organization ? [] : [[place, half] as const]),
    ]);
    const token = await platform.token(id, { email, ...(way === 'narrowed' ? { ceiling } : {}) });
    return { id, email, token };
  };

  const factsNow = async (): Promise<Facts> => {
    const list = async (path: string) => (await ok('GET', path)).items ?? [];
    const below = `uidp.descendants_of=${organization}`;
    return {
      now: platform.store.read((tx) => tx.now),
      bindings: await list(`/iam/v1/rolebindings?${below}`),
      roles: await list('/iam/v1/roles'),
      identities: await list(`/iam/v1/identities?${below}`),
      providers: await list(`/iam/v1/identityProviders?${below}`),
      mappings: await list(`/iam/v1/externalGroupRoleMappings?${below}`),
      invites: [],
      hidden: new Set(),
    };
  };

  /** Returns whether the platform lets the token do it at something that is not there. */
  const isAllowed = async (token: string, operation: Operation, place: string): Promise<boolean> => {
    const target = `${place}/ffffffffffffffff`;
    const { method, path, query, body } = wire.encodeRequest(operation, nested(operation.scope ?? '', target));
    const answer = await send(
      token,
      method,
      query ? `${path}?${query}` : path,
      body === undefined ? undefined : JSON.parse(body),
    );
    return answer.status !== 403 && answer.status !== 401;
  };

  // Somebody who holds only the marker is refused everything, unless the platform does not have it or wants more said first.
  const nobody = await platform.token(platform.user('nobody@example.com', [marker.id, organization]));
  const asked: Operation[] = [];
  for (const operation of scoped) {
    // Some name more than the place in their path.
    const isWhole = (operation.bindings[0]?.path.match(/\{/g) ?? []).length <= 1;
    if (isWhole && !(await isAllowed(nobody, operation, team))) asked.push(operation);
  }

  return {
    operations: asked.length,
    roles: roles.length,
    async look(random, count) {
      const seen = { allowed: 0, refused: 0, inherited: 0 };
      const perPerson = 12;
      for (let n = 0; n < count; n += perPerson) {
        const [role, way] = [random.pick(roles), random.pick(through)];
        // Mappings of a provider count in its whole organization.
        const place =
          way === 'group mapping' || way === 'SCIM'
            ? organization
            : random.pick(way === 'inheritance' ? parents : places);
        const who = await somebody(role, place, way);
        const { method, path } = wire.encodeRequest(operations['auth.v1.Auth.Validate'] as Operation, {});
        const me = await send(who.token, method, path, method === 'GET' ? undefined : {});
        expect(me.status).toBe(way === 'expired' ? 401 : 200);
        const holdings = me.status === 200 ? holdingsOf(me.body, roles) : [];
        const facts = await factsNow();
        for (let tries = 0; tries < perPerson; tries += 1) {
          const held = asked.filter((one) => one.capabilities.every((each) => role.capabilities?.includes(each)));
          const operation = random.pick(held.length > 0 && random.chance(0.6) ? held : asked);
          const near = random.chance(0.5) ? place : random.pick(places);
          const at = way === 'inheritance' ? random.pick(below(place)) : near;
          const allowed = await isAllowed(who.token, operation, at);
          const about = { operation: operation.id, role: role.name, place, at, way };
          const mine = operation.capabilities.every((one) => holdingsAt(holdings, one, at).length > 0);
          expect({ ...about, mine }).toEqual({ ...about, mine: allowed });
          const subject = { id: who.id, name: who.email };
          const answers = operation.capabilities.map((one) => decide(facts, subject, one, at).answer);
          // About someone else the token is not known; of groups no list says who is in them, so they are never a no.
          const others = answers.includes('no') ? 'no' : answers.includes('unknown') ? 'unknown' : 'yes';
          if (way !== 'narrowed') {
            const fits = others === 'yes' ? allowed : others === 'no' ? !allowed : /group|SCIM/.test(way) || !allowed;
            expect({ ...about, others, allowed, fits }).toEqual({ ...about, others, allowed, fits: true });
            if (way === 'binding' || way === 'inheritance')
              expect({ ...about, others: others === 'yes' }).toEqual({ ...about, others: allowed });
          }
          seen[allowed ? 'allowed' : 'refused'] += 1;
          if (allowed && way === 'inheritance') seen.inherited += 1;
        }
      }
      return seen;
    },
  };
}

function nested(path: string, value: string): Record<string, unknown> {
  const [first = '', ...rest] = path.split('.');
  const name = first.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return { [name]: rest.length === 0 ? value : nested(rest.join('.'), value) };
}
