// An organization of another platform, written here under its own ids, and read back. Guarantees: one transaction; what
// is here of other organizations stays; no secret and no key is written: who would need one here has to be given it
// here.

import { createHmac } from 'node:crypto';
import type {
  IamAccountAssociations,
  IamExternalGroupRoleMapping,
  IamGroup,
  IamIdentity,
  IamIdentityProvider,
  IamRole,
  IamRoleBindingListBinding,
} from '../../api/schema/types/iam.gen.ts';
import { isRoot, newChildId, parentOf } from '../../api/uidp.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { type MetaKey, readMeta, writeMeta } from '../store/meta.ts';
import { toWireAssociations, writeAssociations } from './account-associations.ts';
import { builtInRoleId, isBuiltInRoleName } from './built-in-roles.ts';
import { insertGroup, toWireGroup } from './groups.ts';
import { developerIssuer, subjectOfEmail } from './people.ts';
import {
  createUser,
  findIdentity,
  findUser,
  insertIdentity,
  type Relationship,
  toStoredIdentity,
  toWireIdentity,
} from './stored-identity.ts';
import { subRule, toStoredProvider, toWireProvider } from './stored-provider.ts';

/** Answers of the lists of an organization. */
export interface CopiedOrganization {
  readonly organization: IamGroup;
  readonly folders: readonly IamGroup[];
  readonly roles: readonly IamRole[];
  readonly providers: readonly IamIdentityProvider[];
  readonly identities: readonly IamIdentity[];
  readonly mappings: readonly IamExternalGroupRoleMapping[];
  readonly bindings: readonly IamRoleBindingListBinding[];
  readonly associations: readonly IamAccountAssociations[];
}

export type People = 'keep' | 'pseudonyms';

export interface Written {
  readonly folders: number;
  readonly roles: number;
  readonly identities: number;
  readonly people: number;
  readonly bindings: number;
  /** Built-in roles that this version lacks or knows with other capabilities, by name. */
  readonly otherRoles: readonly string[];
  /** Bindings of identities that no list showed. */
  readonly orphans: number;
}

/** How the people of an organization were copied before; undefined when it was not. */
export function copiedPeople(tx: Tx, organization: string): People | undefined {
  const people = readMeta(tx, keyOf(organization));
  return people === 'keep' || people === 'pseudonyms' ? people : undefined;
}

const keyOf = (organization: string): MetaKey => `copied.${organization}`;

export const isOrganizationHere = (tx: Tx, id: string): boolean =>
  tx.get('SELECT 1 AS found FROM groups WHERE id = ?', id) !== undefined;

/**
 * Turns addresses into names that stay the same on this platform and tell nobody who it is. Everything that looks like
 * an address is one, wherever it stands.
 */
export function pseudonymized(tx: Tx, copy: CopiedOrganization): CopiedOrganization {
  const salt = readMeta(tx, 'copied.salt') ?? '';
  const name = (address: string) =>
    `person-${createHmac('sha256', salt).update(address.toLowerCase().replaceAll('\\', '')).digest('hex').slice(0, 10)}@example.com`;
  const hidden = (value: unknown): unknown => {
    if (typeof value === 'string') return value.replace(/[\w.+-]+@[\w-]+(?:\\?\.[\w-]+)+/g, name);
    if (Array.isArray(value)) return value.map(hidden);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [hidden(key), hidden(member)]));
  };
  // An email without an address keeps its shape.
  return hidden(copy) as CopiedOrganization;
}

/** Makes the salt of pseudonyms on the first use. */
export function keepSalt(tx: Tx): void {
  if (readMeta(tx, 'copied.salt') === undefined)
    writeMeta(tx, 'copied.salt', Buffer.from(tx.randomBytes(32)).toString('hex'));
}

/** Writes it in place of what is here of the organization. Ids stay, but for those of people with pseudonyms. */
export function writeOrganization(tx: Tx, copy: CopiedOrganization, people: People): Written {
  const { organization, folders, providers, identities, mappings, bindings, associations } = copy;
  const root = organization.id ?? '';
  removeContents(tx, root);
  const places = [organization, ...[...folders].sort((a, b) => (a.id ?? '').length - (b.id ?? '').length)];
  for (const place of places) writeGroup(tx, place);
  removeFoldersBut(tx, root, new Set(places.map(({ id = '' }) => id)));

  const { roles, others, custom } = writeRoles(tx, root, copy.roles);
  for (const one of identities) {
    insertIdentity(tx, {
      id: one.id ?? '',
      name: one.name ?? '',
      description: one.description ?? '',
      relationship: relationshipOf(one),
    });
  }
  for (const one of providers) writeProvider(tx, one, roles);
  for (const one of mappings) {
    tx.run(
      `INSERT INTO external_group_role_mappings (id, identity_provider, external_group_id, role, scope, created_at)
       VALUES (?, ?, ?, ?, ?, ?)`,
      one.id ?? '',
      one.identityProviderUidp ?? '',
      one.externalGroupId ?? '',
      roles.get(one.roleUidp ?? '') ?? '',
      one.scope ?? '',
      tx.now,
    );
  }
  const users = new Map<string, string>();
  const known = new Set(identities.map(({ id }) => id));
  let written = 0;
  for (const one of bindings) {
    const identity = one.identity ?? '';
    if (!isRoot(identity) && !known.has(identity)) continue;
    const holder = isRoot(identity) ? (users.get(identity) ?? writeUser(tx, one, people)) : identity;
    if (isRoot(identity)) users.set(identity, holder);
    tx.run(
      'INSERT INTO role_bindings (id, group_id, identity, role, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)',
      one.id ?? '',
      one.group?.id || parentOf(one.id ?? ''),
      holder,
      roles.get(one.role?.id ?? '') ?? '',
      tx.now,
      tx.now,
    );
    written += 1;
  }
  for (const one of associations) writeAssociations(tx, { ...one, group: one.group ?? root });
  writeMeta(tx, keyOf(root), people);
  return {
    folders: folders.length,
    roles: custom,
    identities: identities.length,
    people: users.size,
    bindings: written,
    otherRoles: others,
    orphans: bindings.length - written,
  };
}

/** Everything below it but folders: what is written anew comes under the same ids. */
function removeContents(tx: Tx, root: string): void {
  const within = (column: string) => `(${column} = ?1 OR substr(${column}, 1, 41) = ?1 || '/')`;
  tx.run(`DELETE FROM role_bindings WHERE ${within('group_id')}`, root);
  tx.run(`DELETE FROM identity_providers WHERE ${within('parent')}`, root);
  tx.run(`DELETE FROM account_associations WHERE ${within('group_id')}`, root);
  tx.run(`DELETE FROM identities WHERE ${within('parent')}`, root);
  tx.run(`DELETE FROM roles WHERE ${within('parent')}`, root);
}

function writeGroup(tx: Tx, group: IamGroup): void {
  const { id = '', name = '', description = '', verified = false } = group;
  if (isOrganizationHere(tx, id)) {
    tx.run(
      'UPDATE groups SET name = ?, description = ?, verified = ?, updated_at = ? WHERE id = ?',
      name,
      description,
      verified ? 1 : 0,
      tx.now,
      id,
    );
    return;
  }
  const parent = isRoot(id) ? '' : parentOf(id);
  const kind = group.kind === undefined ? {} : { kind: group.kind };
  const status = group.status === undefined ? {} : { status: group.status };
  insertGroup(tx, { parent, name, description, verified, ...kind, ...status }, id);
}

/** Folders that hold something of this platform, such as repositories, stay. */
function removeFoldersBut(tx: Tx, root: string, kept: ReadonlySet<string>): void {
  const rows = tx.all("SELECT id FROM groups WHERE substr(id, 1, 41) = ? || '/' ORDER BY length(id) DESC", root);
  for (const { id } of rows) {
    if (kept.has(String(id))) continue;
    try {
      tx.run('DELETE FROM groups WHERE id = ?', String(id));
    } catch {
      // A foreign key says that something stands in it.
    }
  }
}

function writeRoles(tx: Tx, root: string, all: readonly IamRole[]) {
  const roles = new Map<string, string>();
  const others: string[] = [];
  let custom = 0;
  for (const { id = '', name = '', description = '', capabilities = [] } of all) {
    if (isRoot(id) && isBuiltInRoleName(name)) {
      const own = builtInRoleId(name);
      roles.set(id, own);
      const row = tx.get('SELECT capabilities FROM roles WHERE id = ?', own);
      const known = JSON.parse(String(row?.['capabilities'] ?? '[]')) as string[];
      if ([...known].sort().join() !== [...capabilities].sort().join()) others.push(name);
      continue;
    }
    // One that every organization has there and none has here.
    const own = isRoot(id) ? newChildId(root, (count) => tx.randomBytes(count)) : id;
    if (isRoot(id)) others.push(name);
    else custom += 1;
    roles.set(id, own);
    tx.run(
      'INSERT INTO roles (id, parent, name, description, capabilities, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
      own,
      parentOf(own),
      name,
      description,
      JSON.stringify(capabilities),
      tx.now,
      tx.now,
    );
  }
  return { roles, others, custom };
}

/** Without keys: nobody can assume a copy with the keys of the original. */
function relationshipOf({ claimMatch, static: keys, awsIdentity, servicePrincipal }: IamIdentity): Relationship {
  if (keys !== undefined) return { kind: 'static', static: { ...keys, issuerKeys: '{"keys":[]}' } };
  if (awsIdentity !== undefined) return { kind: 'awsIdentity', awsIdentity };
  if (claimMatch !== undefined) return { kind: 'claimMatch', claimMatch };
  return { kind: 'servicePrincipal', servicePrincipal: String(servicePrincipal ?? 'UNKNOWN') };
}

function writeProvider(tx: Tx, provider: IamIdentityProvider, roles: ReadonlyMap<string, string>): void {
  const { id = '', name = '', description = '', defaultRole = '', oidc = {}, scim } = provider;
  tx.run(
    `INSERT INTO identity_providers (id, parent, name, description, default_role, issuer, client_id, client_secret,
       additional_scopes, groups_claim, correlation_rule, pkce_enabled, scim_enabled, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?)`,
    id,
    parentOf(id),
    name,
    description,
    roles.get(defaultRole) ?? null,
    oidc.issuer ?? '',
    oidc.clientId ?? '',
    JSON.stringify(oidc.additionalScopes ?? []),
    oidc.groupsClaim ?? '',
    oidc.correlationRule ?? subRule,
    oidc.pkceEnabled === true ? 1 : 0,
    scim?.enabled === true ? 1 : 0,
    tx.now,
    tx.now,
  );
}

/** The account that signs in here with the address; one with a pseudonym has an id that tells nothing either. */
function writeUser(tx: Tx, binding: IamRoleBindingListBinding, people: People): string {
  const { identity = '' } = binding;
  const address = binding.email || binding.emailUnverified || '';
  const email =
    address !== ''
      ? address
      : people === 'keep'
        ? undefined
        : `person-${createHmac('sha256', readMeta(tx, 'copied.salt') ?? '')
            .update(identity)
            .digest('hex')
            .slice(0, 10)}@example.com`;
  // No list shows the address of everybody.
  const subject = email === undefined ? `copied|${identity}` : subjectOfEmail(email);
  const there = findUser(tx, developerIssuer, subject);
  if (there !== undefined) return there.id;
  const user = { issuer: developerIssuer, subject, ...(email === undefined ? {} : { email, emailVerified: true }) };
  return people === 'keep' && findIdentity(tx, identity) === undefined
    ? createUser(tx, user, identity)
    : createUser(tx, user);
}

/** Reads an organization of this platform, as lists answer. */
export function readOrganization(tx: Tx, root: string): CopiedOrganization {
  const below = (table: string, column: string) =>
    tx.all(`SELECT * FROM ${table} WHERE ${column} = ?1 OR substr(${column}, 1, 41) = ?1 || '/'`, root);
  const groups = below('groups', 'id').map(toWireGroup);
  const roles = tx
    .all("SELECT * FROM roles WHERE parent IS NULL OR parent = ?1 OR substr(parent, 1, 41) = ?1 || '/'", root)
    .map(toRole);
  const roleById = new Map(roles.map((role) => [role.id, role]));
  return {
    organization: groups.find(({ id }) => id === root) ?? { id: root },
    folders: groups.filter(({ id }) => id !== root),
    roles,
    providers: below('identity_providers', 'parent').map((row) => toWireProvider(toStoredProvider(row), '', tx.now)),
    identities: below('identities', 'parent').map((row) => toWireIdentity(toStoredIdentity(row))),
    mappings: below('external_group_role_mappings', 'scope').map((row) => ({
      id: String(row['id']),
      identityProviderUidp: String(row['identity_provider']),
      externalGroupId: String(row['external_group_id']),
      roleUidp: String(row['role']),
      scope: String(row['scope']),
    })),
    bindings: tx
      .all(
        `SELECT b.*, i.email FROM role_bindings b JOIN identities i ON i.id = b.identity
         WHERE b.group_id = ?1 OR substr(b.group_id, 1, 41) = ?1 || '/'`,
        root,
      )
      .map((row) => {
        const role = roleById.get(String(row['role'])) ?? {};
        const email = row['email'] === null ? {} : { email: String(row['email']) };
        return {
          id: String(row['id']),
          group: { id: String(row['group_id']) },
          identity: String(row['identity']),
          role,
          ...email,
        };
      }),
    associations: below('account_associations', 'group_id').map(toWireAssociations),
  };
}

const toRole = (row: SqlRow): IamRole => ({
  id: String(row['id']),
  name: String(row['name']),
  description: String(row['description']),
  // Written by this module only.
  capabilities: JSON.parse(String(row['capabilities'])) as string[],
});
