import { randomBytes } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import {
  capabilitiesAt,
  grantsOf,
  groupsWith,
  hasCapabilities,
  requireCapabilities,
} from '../../src/local/authorization/access.ts';
import { anonymous, type Caller } from '../../src/local/core/types.ts';
import { bindRole } from '../../src/local/iam/bind-role.ts';
import { installBuiltInRoles } from '../../src/local/iam/built-in-roles.ts';
import { insertGroup } from '../../src/local/iam/groups.ts';
import { createUser } from '../../src/local/iam/stored-identity.ts';
import { allMigrations } from '../../src/local/modules.ts';
import { openStore, type Store, type Tx } from '../../src/local/store/database.ts';
import { builtInRoleId } from '../support/ids.ts';

const organization = 'a'.repeat(40);
const folder = `${organization}/${'1'.repeat(16)}`;
const inner = `${folder}/${'2'.repeat(16)}`;
const sibling = `${organization}/${'3'.repeat(16)}`;
const elsewhere = 'b'.repeat(40);
const user = 'c'.repeat(40);

let open: Store | undefined;
afterEach(() => open?.close());

function storeWith(...bindings: readonly (readonly [role: string, group: string])[]): Store {
  const store = openStore(':memory:', allMigrations(), { now: () => 0, randomBytes });
  open = store;
  store.transact((tx) => {
    installBuiltInRoles(tx);
    for (const id of [organization, elsewhere, folder, inner, sibling]) {
      const parent = id.includes('/') ? id.slice(0, id.lastIndexOf('/')) : '';
      insertGroup(tx, { parent, name: id, description: '' }, id);
    }
    createUser(tx, { issuer: 'https://issuer.example', subject: 'user' }, user);
    for (const [role, group] of bindings) bindRole(tx, { group, identity: user, role: builtInRoleId(role) });
  });
  return store;
}

/** A caller whose token was minted with these capabilities, or with all that the store gives it now. */
function caller(tx: Tx, ceiling?: Readonly<Record<string, readonly string[]>>): Caller {
  const minted =
    ceiling === undefined
      ? grantsOf(tx, user)
      : new Map(Object.entries(ceiling).map(([group, names]) => [group, new Set(names)]));
  return { ...anonymous, identity: user, ceiling: minted };
}

test('grants are filed under the group they were made at, several roles together', () => {
  const store = storeWith(['registry.pull', folder], ['apk.pull', folder], ['actions.viewer', organization]);
  const grants = store.read((tx) => grantsOf(tx, user));
  expect([...grants.keys()]).toEqual([organization, folder]);
  expect(grants.get(organization)).toEqual(new Set(['actions.list']));
  expect(grants.get(folder)).toContain('manifest.list');
  expect(grants.get(folder)).toContain('apk.list');
});

test('a grant counts at its group and below, not above, not beside', () => {
  const store = storeWith(['viewer', folder]);
  const may = (place: string) => store.read((tx) => hasCapabilities(tx, caller(tx), ['groups.list'], place));
  expect({ folder: may(folder), inner: may(inner), unknown: may(`${inner}/${'9'.repeat(16)}`) }).toEqual({
    folder: true,
    inner: true,
    unknown: true,
  });
  expect({ organization: may(organization), sibling: may(sibling), elsewhere: may(elsewhere) }).toEqual({
    organization: false,
    sibling: false,
    elsewhere: false,
  });
  // A longer segment that begins alike is not below.
  expect(may(`${folder}0`)).toBe(false);
});

test('what the token was not minted with does not count', () => {
  const store = storeWith(['owner', organization]);
  const ceiling = { [organization]: ['groups.list', 'repo.list'] };
  expect(store.read((tx) => [...capabilitiesAt(tx, caller(tx, ceiling), inner)].sort())).toEqual([
    'groups.list',
    'repo.list',
  ]);
});

test('what was taken away does not count any more, whatever the token says', () => {
  const store = storeWith(['owner', organization]);
  const before = store.read((tx) => caller(tx));
  store.transact((tx) => tx.run('DELETE FROM role_bindings'));
  expect(store.read((tx) => capabilitiesAt(tx, before, organization))).toEqual(new Set());
});

test('a token scoped to a folder holds there what was inherited, and nothing above', () => {
  const store = storeWith(['viewer', organization]);
  const ceiling = { [folder]: ['groups.list'] };
  const at = (place: string) => store.read((tx) => capabilitiesAt(tx, caller(tx, ceiling), place).size);
  expect([at(folder), at(inner), at(organization), at(sibling)]).toEqual([1, 1, 0, 0]);
});

test('where nothing is held a thing does not exist, where something is held the missing one is named', () => {
  const store = storeWith(['registry.pull', folder]);
  const need = (capabilities: string[], place: string) => () =>
    store.read((tx) => requireCapabilities(tx, caller(tx), capabilities, place));
  expect(need(['repo.list'], inner)).not.toThrow();
  expect(need(['identity.create', 'repo.list'], inner)).toThrow(
    expect.objectContaining({ code: 7, message: 'missing: identity.create' }),
  );
  expect(need(['repo.list'], sibling)).toThrow(expect.objectContaining({ code: 5, message: `${sibling} not found` }));
});

test('built-in roles are everybody’s to see and nobody’s to change', () => {
  const store = storeWith();
  const id = builtInRoleId('viewer');
  const change = () => store.read((tx) => requireCapabilities(tx, caller(tx), ['roles.update'], id));
  expect(change).toThrow(expect.objectContaining({ code: 7 }));
});

test('an unscoped list shows the topmost places where all capabilities come together', () => {
  // role_bindings.create and manifest.list meet only in the folder: one is from there, the other from above.
  const store = storeWith(
    ['libraries.java.pull_token_creator', organization],
    ['registry.pull', folder],
    ['viewer', inner],
  );
  const places = (...capabilities: string[]) => store.read((tx) => groupsWith(tx, caller(tx), capabilities));
  expect(places('groups.list')).toEqual([organization]);
  expect(places('role_bindings.create', 'manifest.list')).toEqual([folder]);
  expect(places('policies.policy.list')).toEqual([inner]);
  expect(places('groups.delete')).toEqual([]);
});
