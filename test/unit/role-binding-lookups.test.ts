// Role bindings are asked for by whose they are: an organization may give one role to a hundred thousand.

import { expect, test } from 'vitest';
import { anonymous } from '../../src/local/core/types.ts';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { countOwners, organizationsOwnedBy } from '../../src/local/iam/owners.ts';
import { createRoleBinding, deleteRoleBinding } from '../../src/local/iam/role-bindings.ts';
import type { SqlValue, Tx } from '../../src/local/store/database.ts';
import { builtInRoleId, demoOrganizations } from '../support/ids.ts';
import { standIns, testStore } from '../support/store.ts';

const group = demoOrganizations.private;

/** Keeps how SQLite finds the rows of each SELECT that names role bindings. */
function watched(tx: Tx): { readonly tx: Tx; readonly plans: string[] } {
  const plans: string[] = [];
  const get = (sql: string, ...values: SqlValue[]) => {
    if (/\bFROM role_bindings\b/.test(sql)) {
      const steps = tx.all(`EXPLAIN QUERY PLAN ${sql}`, ...values).map(({ detail }) => String(detail));
      plans.push(...steps.filter((step) => /\b(?:b|role_bindings) USING\b/.test(step)));
    }
    return tx.get(sql, ...values);
  };
  const all = (sql: string, ...values: SqlValue[]) => {
    get(sql, ...values);
    return tx.all(sql, ...values);
  };
  return { tx: { ...tx, get, all }, plans };
}

test('giving and taking a role, and whose organizations these are, read no bindings of others', async () => {
  const { store } = await testStore();
  const world = standIns(store);
  const [owner, other] = [world.account(), world.account()];
  const role = world.role(['groups.list'], group);
  store.transact((it) => {
    bindRole(it, { group, identity: owner, role: builtInRoleId('owner') });
    const { tx, plans } = watched(it);
    const caller = { ...anonymous, identity: owner, ceiling: new Map([[group, new Set(['groups.list'])]]) };
    const made = createRoleBinding(tx, caller, { parent: group, roleBinding: { identity: other, role } });
    expect(() => createRoleBinding(tx, caller, { parent: group, roleBinding: { identity: other, role } })).toThrow(
      String(made.id),
    );
    expect(organizationsOwnedBy(tx, owner)).toEqual([group]);
    const ofIdentity = /role_bindings_identity/;
    expect(plans).toEqual([1, 2, 3].map(() => expect.stringMatching(ofIdentity)));
    deleteRoleBinding(tx, caller, { id: String(made.id) });
  });
});

test('owners are counted up to as many as matter', async () => {
  const { store } = await testStore();
  const world = standIns(store);
  const before = store.read((tx) => countOwners(tx, group, 100));
  for (let at = 0; at < 3; at += 1) world.bind(world.account(), builtInRoleId('owner'), group);
  const counted = [1, 2, 100].map((most) => store.read((tx) => countOwners(tx, group, most)));
  expect(counted).toEqual([1, 2, before + 3]);
});
