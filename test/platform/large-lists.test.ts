// Lists of ten thousand entries stay pleasant. What is counted is statements, which no other load on the machine
// changes; the seconds at the end are only a guard against the absurd.

import { expect, test } from 'vitest';
import { pageOfSelection, resourceColumns } from '../../src/local/api/paging.ts';
import { type Selection, selectVisible } from '../../src/local/api/selection.ts';
import { grantsOf } from '../../src/local/authorization/access.ts';
import { anonymous, type Caller } from '../../src/local/core/types.ts';
import { validate } from '../../src/local/iam/auth.ts';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { listExternalGroupRoleMappings } from '../../src/local/iam/external-group-role-mappings.ts';
import { listGroupInvites } from '../../src/local/iam/group-invites.ts';
import { insertGroup, listGroups } from '../../src/local/iam/groups.ts';
import { listIdentities } from '../../src/local/iam/identities.ts';
import { listRoleBindings } from '../../src/local/iam/role-bindings.ts';
import { listRoles } from '../../src/local/iam/roles.ts';
import { createUser, insertIdentity } from '../../src/local/iam/stored-identity.ts';
import type { SqlRow, SqlValue, Tx } from '../../src/local/store/database.ts';
import { builtInRoleId, demoOrganizations, personId } from '../support/ids.ts';
import { startTestPlatform } from '../support/platform.ts';
import { createRandom } from '../support/random.ts';

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
  return { ...anonymous, identity, ceiling: grantsOf(tx, identity) };
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

test.each([
  ['one place', 1],
  ['many places', 40],
])('pages of what lies in %s are together the list, whatever their order', async (_name, places) => {
  const platform = await startTestPlatform();
  const random = createRandom(7);
  const visible = Array.from({ length: places }, (_, index) => `${organization}/${hex(index * 2 + 1)}`);
  platform.store.transact((tx) => {
    for (let index = 0; index < 80; index += 1) {
      insertGroup(tx, { parent: organization, name: 'x', description: '' }, `${organization}/${hex(index + 1)}`);
    }
    // Many of the same name and time, and some where nobody may look.
    for (let index = 0; index < 400; index += 1) {
      const parent = `${organization}/${hex(1 + random.below(places * 2))}`;
      const id = `${parent}/${hex(random.below(2 ** 30))}`;
      const name = random.pick(['a', 'B', 'é', '𝒳', '\uFFFD']);
      insertGroup(tx, { parent, name, description: '' }, id);
      tx.run('UPDATE groups SET created_at = ? WHERE id = ?', random.below(4), id);
    }
  });
  platform.store.read((tx) => {
    const selection: Selection = {
      resource: { table: 'groups', parent: 'parent' },
      visible,
      uidp: { descendantsOf: organization },
    };
    const whole = selectVisible(tx, selection);
    expect(whole.length).toBeGreaterThan(150);
    for (const [field, column] of Object.entries(resourceColumns)) {
      for (const direction of ['asc', 'desc']) {
        const found: SqlRow[] = [];
        let pageToken = '';
        const counter = counting(tx);
        let pages = 0;
        do {
          const request = { orderBy: `${field} ${direction}`, pageSize: 7, pageToken };
          const page = pageOfSelection(counter.tx, selection, request, resourceColumns);
          expect(page.totalCount).toBe(String(whole.length));
          found.push(...page.items);
          pageToken = page.nextPageToken;
          pages += 1;
        } while (pageToken !== '');
        // However many places there are: the number of rows, the keys of the page, its rows.
        expect(counter.statements()).toBe(pages * 3);
        expect(new Set(found.map((row) => row['id'])).size).toBe(whole.length);
        const order = (a: SqlRow, b: SqlRow): number => {
          const one = compareValues(a[column], b[column]) * (direction === 'asc' ? 1 : -1);
          return one || compareValues(a['id'], b['id']);
        };
        expect(found.map((row) => row['id'])).toEqual(whole.toSorted(order).map((row) => row['id']));
      }
    }
  });
});

/** Text by its bytes, as databases sort. */
function compareValues(a: SqlValue | undefined, b: SqlValue | undefined): number {
  return typeof a === 'number' ? a - Number(b) : Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
}

test('ten thousand entries of each kind come over HTTP', async () => {
  const platform = await startTestPlatform();
  platform.store.transact((tx) => fill(tx, 10_000));
  const token = await platform.token(dev);
  const paths = ['groups', 'identities', 'roles', 'rolebindings', 'group_invites', 'externalGroupRoleMappings'];
  for (const path of paths) {
    const answer = await platform.call(token, 'GET', `/iam/v1/${path}`);
    expect(answer.body.items.length).toBeGreaterThanOrEqual(10_000);
  }
}, 120_000);
