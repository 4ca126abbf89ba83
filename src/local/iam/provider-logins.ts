import { rootOf } from '../../api/uidp.ts';
import { grantsOf } from '../authorization/access.ts';
import { permissionDenied } from '../core/failures.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { deactivated, requireActive } from './active-user.ts';
import { bindRole, findBoundRole } from './bind-role.ts';
import { findApplicableRole } from './grantable-roles.ts';
import type { UpstreamLogin } from './registration.ts';
import { createUser, findUser, type StoredIdentity } from './stored-identity.ts';
import { oidRule, type StoredProvider } from './stored-provider.ts';

export interface ProviderLogin {
  /** UIDP of the user. */
  readonly identity: string;
  /** The account was made by this login. */
  readonly isNew: boolean;
  /** Grants by the token's groups, for this session, which is then not refreshed (protocols 9). */
  readonly groupRoles: readonly GroupRole[];
}

/** In the names of the mapping that gives it. */
export interface GroupRole {
  readonly externalGroupId: string;
  readonly roleUidp: string;
  readonly scope: string;
}

/** Links the user that SCIM provisioned under this id with an account. */
export type LinkProvisioned = (tx: Tx, user: string, identity: string) => void;

/** Seconds of a session; group roles of a login end with it (protocols 9). */
const sessionMs = 60 * 60 * 1000;
const maxGroups = 1000;

/**
 * Signs a user of `provider` in, with claims that the provider has signed for our client. The first login makes the
 * account and binds the default role; each one notes the groups that the token names, for the length of a session.
 * Throws PERMISSION_DENIED for who has been deactivated over SCIM, and for accounts that are not the provider's to
 * open.
 */
export function signInThroughProvider(
  tx: Tx,
  provider: StoredProvider,
  login: UpstreamLogin,
  claims: Readonly<Record<string, unknown>>,
  linkProvisioned: LinkProvisioned,
): ProviderLogin {
  const externalId = directoryId(provider, claims);
  const provisioned =
    externalId === null
      ? undefined
      : tx.get(
          'SELECT * FROM provisioned_users WHERE identity_provider = ? AND external_id = ?',
          provider.id,
          externalId,
        );
  if (provisioned !== undefined && provisioned['active'] !== 1) throw deactivated();
  const known = findUser(tx, login.issuer, login.subject);
  if (known !== undefined) {
    requireVouchedFor(tx, provider, known);
    requireActive(tx, known.id, provider.id);
  }
  const identity = known?.id ?? createUser(tx, { ...login, home: rootOf(provider.id) });
  if (provisioned !== undefined) linkTo(tx, provisioned, identity, linkProvisioned);

  const before = tx.get(
    'SELECT 1 FROM identity_provider_logins WHERE identity = ? AND identity_provider = ?',
    identity,
    provider.id,
  );
  // Once: a role that an owner has taken away does not come back with the next login.
  if (before === undefined) bindDefaultRole(tx, provider, identity);
  const groups = JSON.stringify(groupsIn(provider, claims));
  tx.run(
    `INSERT INTO identity_provider_logins
       (identity, identity_provider, external_id, external_groups, groups_expire_at, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (identity, identity_provider) DO UPDATE SET external_id = excluded.external_id,
       external_groups = excluded.external_groups, groups_expire_at = excluded.groups_expire_at,
       updated_at = excluded.updated_at`,
    identity,
    provider.id,
    externalId,
    groups,
    tx.now + sessionMs,
    tx.now,
    tx.now,
  );
  return { identity, isNew: known === undefined, groupRoles: rolesOfGroups(tx, provider, groups) };
}

/** `groups` as JSON. */
function rolesOfGroups(tx: Tx, provider: StoredProvider, groups: string): GroupRole[] {
  return tx
    .all(
      `SELECT external_group_id, role, scope FROM external_group_role_mappings
       WHERE identity_provider = ? AND external_group_id IN (SELECT value FROM json_each(?)) ORDER BY id`,
      provider.id,
      groups,
    )
    .map((row) => ({
      externalGroupId: String(row['external_group_id']),
      roleUidp: String(row['role']),
      scope: String(row['scope']),
    }));
}

/**
 * Anybody can create an organization with a provider for an application of their own at an issuer that others use too,
 * and gets a signed token of whoever signs in to that application. It opens the accounts that the organization's own
 * providers made, those of providers with the very same client, and accounts that have nothing to lose elsewhere.
 */
export function requireVouchedFor(tx: Tx, provider: StoredProvider, { id, home }: StoredIdentity): void {
  const organization = rootOf(provider.id);
  if (home === organization) return;
  const isOurs =
    home === null
      ? placesOf(tx, id).every((place) => rootOf(place) === organization)
      : tx.get(
          `SELECT 1 FROM identity_providers
           WHERE issuer = ? AND client_id = ? AND substr(id, 1, 40) = ? LIMIT 1`,
          provider.issuer,
          provider.clientId,
          home,
        ) !== undefined;
  if (isOurs) return;
  throw permissionDenied('the account of this login belongs elsewhere: sign in the way it was made');
}

/**
 * Returns where an account has something to lose: what it holds, and what it may assume because its id is named there.
 */
function placesOf(tx: Tx, id: string): string[] {
  const assumable = tx.all('SELECT parent FROM identities WHERE subject = ? AND parent IS NOT NULL', id);
  return [...grantsOf(tx, id).keys(), ...assumable.map((row) => String(row['parent']))];
}

/** Never by e-mail: whoever may write addresses into a directory could capture another's login (protocols 9). */
function directoryId(provider: StoredProvider, claims: Readonly<Record<string, unknown>>): string | null {
  const id = claims[provider.correlationRule === oidRule ? 'oid' : 'sub'];
  return typeof id === 'string' && id !== '' ? id : null;
}

function linkTo(tx: Tx, provisioned: SqlRow, identity: string, link: LinkProvisioned): void {
  const linked = provisioned['identity'];
  if (linked === identity) return;
  // One person of the directory is one account: another subject under the same directory id is somebody else's.
  if (linked !== null && linked !== undefined) {
    throw permissionDenied('the directory user of this login belongs to another account');
  }
  link(tx, String(provisioned['id']), identity);
}

function bindDefaultRole(tx: Tx, provider: StoredProvider, identity: string): void {
  const { defaultRole, parent: group } = provider;
  const role = defaultRole === null ? undefined : findApplicableRole(tx, group, defaultRole);
  if (role === undefined) return;
  const binding = { group, identity, role: String(role['id']) };
  if (findBoundRole(tx, binding) === undefined) bindRole(tx, binding);
}

/** A list in the token itself; references to a list elsewhere are not followed (protocols 9). */
function groupsIn(provider: StoredProvider, claims: Readonly<Record<string, unknown>>): string[] {
  if (provider.groupsClaim === '') return [];
  const value = claims[provider.groupsClaim];
  if (!Array.isArray(value)) return [];
  const names = value.filter((name): name is string => typeof name === 'string' && name !== '');
  return [...new Set(names)].slice(0, maxGroups);
}

/** Returns the account that has signed in through the provider under this id of its directory. */
export function accountOfDirectoryId(tx: Tx, provider: string, externalId: string): string | undefined {
  const row = tx.get(
    'SELECT identity FROM identity_provider_logins WHERE identity_provider = ? AND external_id = ?',
    provider,
    externalId,
  );
  return row === undefined ? undefined : String(row['identity']);
}

/** Forgets that the account has signed in through the provider; its next login counts as the first. */
export function forgetLogin(tx: Tx, identity: string, provider: string): void {
  tx.run('DELETE FROM identity_provider_logins WHERE identity = ? AND identity_provider = ?', identity, provider);
}
