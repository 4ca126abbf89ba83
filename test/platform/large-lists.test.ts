// Lists of ten thousand entries stay pleasant. What is counted is statements, which no other load on the machine
// changes; the seconds at the end are only a guard against the absurd.

import { expect, test } from 'vitest';
import { grantsOf } from '../../src/local/access.ts';
import { demoOrganizations, personId } from '../../src/local/seed/demo.ts';
import { validate } from '../../src/local/services/auth.ts';
import { builtInRoleId } from '../../src/local/services/built-in-roles.ts';
import { listExternalGroupRoleMappings } from '../../src/local/services/external-group-role-mappings.ts';
import { listGroupInvites } from '../../src/local/services/group-invites.ts';
import { insertGroup, listGroups } from '../../src/local/services/groups.ts';
import { listIdentities } from '../../src/local/services/identities.ts';
import { createUser, insertIdentity } from '../../src/local/services/identity-records.ts';
import { bindRole } from '../../src/local/services/role-binding-records.ts';
import { listRoleBindings } from '../../src/local/services/role-bindings.ts';
import { listRoles } from '../../src/local/services/roles.ts';
import type { SqlValue, Tx } from '../../src/local/store/database.ts';
import type { Caller } from '../../src/local/types.ts';
import { startTestPlatform } from '../support/platform.ts';

const organization = demoOrganizations.private;
const dev = personId('dev@example.com');
const viewer = builtInRoleId('viewer');

const hex = (index: number): string => index.toString(16).padStart(16, '0');

/** Fills the organization with `count` of everything that lists show. */
function fill(tx: Tx, count: number): void {
  tx.run(
    `INSERT INTO identity_providers (id, parent, name, issuer, client_id, correlation_rule, created_at, updated_at)
     VALUES (?, ?, 'idp', 'https://idp.example', 'c', '', 0, 0)`,
    `${organization}/${hex(0)}`,
    organization,
  );
  for (let index = 0; index < count; index += 1) {
    const group = `${organization}/${hex(index + 1)}`;
    insertGroup(tx, { parent: organization, name: `folder-${index}`, description: '' }, group);
    const identity = `${group}/${hex(index)}`;
    const claimMatch = { issuer: 'https://issuer.example', subject: `s${index}` };
    insertIdentity(tx, {
      id: identity,
      name: 'robot',
      description: '',
      relationship: { kind: 'claimMatch', claimMatch },
    });
    bindRole(tx, { group, identity, role: viewer });
    tx.run(
      `INSERT INTO roles (id, parent, name, description, capabilities, created_at, updated_at)
       VALUES (?, ?, 'role', '', '["groups.list"]', 0, 0)`,
      `${group}/${hex(index + count)}`,
      group,
    );
    tx.run(
      `INSERT INTO group_invites (id, group_id, role, key_id, digest, expires_at, created_at) VALUES (?, ?, ?, ?, '', 0, 0)`,
      `${group}/${hex(index + 2 * count)}`,
      group,
      viewer,
      hex(index),
    );
    tx.run(
      `INSERT INTO external_group_role_mappings (id, identity_provider, external_group_id, role, scope, created_at)
       VALUES (?, ?, ?, ?, ?, 0)`,
      `${organization}/${hex(0)}/${hex(index)}`,
      `${organization}/${hex(0)}`,
      `g${index}`,
      viewer,
      organization,
    );
  }
}

function callerOf(tx: Tx, identity: string): Caller {
  return {
    identity,
    issuer: '',
    audience: [],
    issuedAt: 0,
    expiresAt: 0,
    email: undefined,
    actor: {},
    profile: undefined,
    ceiling: grantsOf(tx, identity),
  };
}

/** The same transaction with its statements counted. */
function counting(tx: Tx): { tx: Tx; statements: () => number } {
  let count = 0;
  const counted =
    <T>(run: (sql: string, ...values: SqlValue[]) => T) =>
    (sql: string, ...values: SqlValue[]): T => {
      count += 1;
      return run(sql, ...values);
    };
  return {
    tx: { ...tx, run: counted(tx.run), get: counted(tx.get), all: counted(tx.all), iterate: counted(tx.iterate) },
    statements: () => count,
  };
}

const lists = {
  groups: listGroups,
  identities: listIdentities,
  roles: listRoles,
  'role bindings': listRoleBindings,
  invites: listGroupInvites,
  'group mappings': listExternalGroupRoleMappings,
};

test('a list takes as many statements for a thousand entries as for ten', async () => {
  const counts: Record<string, number[]> = {};
  for (const size of [10, 1000]) {
    const platform = await startTestPlatform();
    platform.store.transact((tx) => fill(tx, size));
    platform.store.read((tx) => {
      for (const [name, list] of Object.entries(lists)) {
        const counter = counting(tx);
        const { items = [] } = list(counter.tx, callerOf(tx, dev), {});
        expect(items.length).toBeGreaterThanOrEqual(size);
        counts[name] = [...(counts[name] ?? []), counter.statements()];
      }
    });
  }
  for (const [name, [few, many]] of Object.entries(counts)) expect([name, many]).toEqual([name, few]);
});

test('who holds roles in a thousand places is looked up once, not once for each place', async () => {
  const platform = await startTestPlatform();
  platform.store.transact((tx) => {
    fill(tx, 1000);
    const user = createUser(tx, { issuer: 'https://issuer.example', subject: 'everywhere' });
    for (let index = 0; index < 1000; index += 1) {
      bindRole(tx, { group: `${organization}/${hex(index + 1)}`, identity: user, role: viewer });
    }
    const caller = callerOf(tx, user);
    const counter = counting(tx);
    expect(validate(counter.tx, caller, {}).capabilities).toHaveLength(1000);
    // A few for the roles, and one for each group that is named in the answer.
    expect(counter.statements()).toBeLessThanOrEqual(1005);
  });
});

test('ten thousand entries of each kind come within seconds over HTTP', async () => {
  const platform = await startTestPlatform();
  platform.store.transact((tx) => fill(tx, 10_000));
  const token = await platform.token(dev);
  const paths = ['groups', 'identities', 'roles', 'rolebindings', 'group_invites', 'externalGroupRoleMappings'];
  for (const path of paths) {
    const start = performance.now();
    const answer = await platform.call(token, 'GET', `/iam/v1/${path}`);
    const ms = performance.now() - start;
    expect(answer.body.items.length).toBeGreaterThanOrEqual(10_000);
    expect([path, ms < 10_000]).toEqual([path, true]);
    if (process.env['CHAINCTL_TEST_TIMES'] !== undefined) console.log(path, Math.round(ms), 'ms');
  }
}, 120_000);
