import type {
  IamCreateIdentityProviderRequest,
  IamDeleteIdentityProviderRequest,
  IamIdentityProvider,
  IamIdentityProviderFilter,
  IamIdentityProviderList,
  IamIdentityProviderOIDC,
} from '../../api/schema/types/iam.gen.ts';
import type { Empty } from '../../api/schema/types.ts';
import { newChildId } from '../../api/uidp.ts';
import { checkDescription, checkIssuerUrl, checkName } from '../api/field-rules.ts';
import { optionalUidp, type Resource, requiredUidp, type Selection, selectVisible } from '../api/selection.ts';
import { groupsWith } from '../authorization/access.ts';
import { alreadyExists, failedPrecondition, invalidArgument, notFound } from '../core/failures.ts';
import type { CallContext } from '../core/handler.ts';
import type { Caller } from '../core/types.ts';
import { endSessionsOf } from '../sessions/refresh-tokens.ts';
import type { SqlValue, Tx } from '../store/database.ts';
import { requireGrantableRole } from './grantable-roles.ts';
import { findGroup } from './groups.ts';
import { requireAccountsGrantable, requireProviderGrantable } from './provider-worth.ts';
import {
  oidRule,
  requireProvider,
  type StoredProvider,
  subRule,
  toStoredProvider,
  toWireProvider,
} from './stored-provider.ts';

const resource: Resource = { table: 'identity_providers', parent: 'parent' };

/**
 * `yes` or `no`, as the provider's discovery document lists PKCE with S256; `unknown` when it says nothing or cannot be
 * asked.
 */
export type PkceSupport = 'yes' | 'no' | 'unknown';

export function createIdentityProvider(
  tx: Tx,
  caller: Caller,
  request: IamCreateIdentityProviderRequest,
  { urls }: CallContext,
  pkce: PkceSupport,
): IamIdentityProvider {
  const parent = requiredUidp('parent_id', request.parentId);
  findGroup(tx, parent);
  const given = request.identityProvider ?? {};
  const fields = checkProvider(tx, caller, parent, given);
  const oidc = requireOidc(given);
  const clientSecret = oidc.clientSecret ?? '';
  checkClient(clientSecret, fields.pkceEnabled, pkce);
  assertNameAvailable(tx, parent, fields.name);
  requireAccountsGrantable(tx, caller, parent, fields.issuer);
  const id = newChildId(parent, (count) => tx.randomBytes(count));
  tx.run(
    `INSERT INTO identity_providers (id, parent, ${columns.join(', ')}, correlation_rule, created_at, updated_at)
     VALUES (?, ?, ${columns.map(() => '?').join(', ')}, ?, ?, ?)`,
    id,
    parent,
    ...columnValues(fields, clientSecret),
    checkRule(oidc.correlationRule) ?? subRule,
    tx.now,
    tx.now,
  );
  return toWireProvider(requireProvider(tx, id), urls.api, tx.now);
}

/**
 * Replaces everything but the correlation rule, which cannot change, and a client secret that the body does not name:
 * the secret is never given out, so whoever changes something else cannot send it back. Empty text clears it.
 */
export function updateIdentityProvider(
  tx: Tx,
  caller: Caller,
  request: IamIdentityProvider,
  { urls, hasField }: CallContext,
  pkce: PkceSupport,
): IamIdentityProvider {
  const before = requireProvider(tx, requiredUidp('id', request.id));
  const { id, parent } = before;
  const fields = checkProvider(tx, caller, parent, request, before);
  if (!hasSameTrust(before, fields)) {
    requireProviderGrantable(tx, caller, before);
    requireAccountsGrantable(tx, caller, parent, fields.issuer);
  }
  const oidc = requireOidc(request);
  const rule = checkRule(oidc.correlationRule);
  if (rule !== undefined && rule !== before.correlationRule) {
    throw invalidArgument('oidc.correlation_rule cannot be changed: create another identity provider');
  }
  const named = hasField('oidc', 'client_secret') || hasField('oidc', 'clientSecret');
  const clientSecret = named ? (oidc.clientSecret ?? '') : before.clientSecret;
  checkClient(clientSecret, fields.pkceEnabled, before.pkceEnabled ? 'unknown' : pkce);
  if (fields.name !== before.name) assertNameAvailable(tx, parent, fields.name);
  tx.run(
    `UPDATE identity_providers SET ${columns.map((column) => `${column} = ?`).join(', ')}, updated_at = ? WHERE id = ?`,
    ...columnValues(fields, clientSecret),
    tx.now,
    id,
  );
  return toWireProvider(requireProvider(tx, id), urls.api, tx.now);
}

export function listIdentityProviders(
  tx: Tx,
  caller: Caller,
  request: IamIdentityProviderFilter,
  { urls, part }: CallContext,
): IamIdentityProviderList {
  const rows = selectVisible(tx, identityProviderSelection(tx, caller, request), part);
  return { items: rows.map((row) => toWireProvider(toStoredProvider(row), urls.api, tx.now)) };
}

export function identityProviderSelection(
  tx: Tx,
  caller: Caller,
  { id, name, uidp }: IamIdentityProviderFilter,
): Selection {
  return { resource, visible: groupsWith(tx, caller, ['identity_providers.list']), id, name, uidp };
}

/**
 * Its group mappings and what it told over SCIM go with it; the accounts of its users stay (protocols 9). Their
 * sessions end: nobody is left who could tell that one of them has been deactivated.
 */
export function deleteIdentityProvider(tx: Tx, _caller: Caller, request: IamDeleteIdentityProviderRequest): Empty {
  const id = requiredUidp('id', request.id);
  const users = tx.all('SELECT identity FROM identity_provider_logins WHERE identity_provider = ?', id);
  for (const { identity } of users) endSessionsOf(tx, String(identity));
  if (tx.run('DELETE FROM identity_providers WHERE id = ?', id) === 0) throw notFound(`${id} not found`);
  return {};
}

/** Returns whether the same people sign in, and the same of their claims counts. */
function hasSameTrust(before: StoredProvider, after: Fields): boolean {
  const { issuer, clientId, groupsClaim } = after;
  return issuer === before.issuer && clientId === before.clientId && groupsClaim === before.groupsClaim;
}

type Fields = Omit<
  StoredProvider,
  'id' | 'parent' | 'clientSecret' | 'correlationRule' | 'scim' | 'createdAt' | 'updatedAt'
>;

const columns = [
  'name',
  'description',
  'default_role',
  'issuer',
  'client_id',
  'client_secret',
  'additional_scopes',
  'groups_claim',
  'pkce_enabled',
];

/** In the order of `columns`. */
function columnValues(fields: Fields, clientSecret: string): SqlValue[] {
  return [
    fields.name,
    fields.description,
    fields.defaultRole,
    fields.issuer,
    fields.clientId,
    clientSecret,
    JSON.stringify(fields.additionalScopes),
    fields.groupsClaim,
    fields.pkceEnabled ? 1 : 0,
  ];
}

function checkProvider(
  tx: Tx,
  caller: Caller,
  parent: string,
  provider: IamIdentityProvider,
  before?: StoredProvider,
): Fields {
  const name = checkName(provider.name);
  const description = checkDescription(provider.description);
  const defaultRole = optionalUidp('default_role', provider.defaultRole) ?? null;
  // A role that stays was granted by whoever set it.
  if (defaultRole !== null && defaultRole !== before?.defaultRole) {
    requireGrantableRole(tx, caller, parent, defaultRole);
  }
  const oidc = requireOidc(provider);
  if (!oidc.clientId) throw invalidArgument('oidc.client_id is required');
  const additionalScopes = oidc.additionalScopes ?? [];
  for (const scope of additionalScopes) {
    // RFC 6749, 3.3.
    if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)) {
      throw invalidArgument(`oidc.additional_scopes: ${JSON.stringify(scope)} is not a scope`);
    }
  }
  return {
    name,
    description,
    defaultRole,
    issuer: checkIssuerUrl('oidc.issuer', oidc.issuer ?? ''),
    clientId: oidc.clientId,
    additionalScopes,
    groupsClaim: oidc.groupsClaim ?? '',
    pkceEnabled: oidc.pkceEnabled === true,
  };
}

function requireOidc(provider: IamIdentityProvider): IamIdentityProviderOIDC {
  if (provider.oidc === undefined) throw invalidArgument('identity provider needs oidc');
  return provider.oidc;
}

function checkRule(rule: string | undefined): string | undefined {
  if (rule === undefined || rule === 'CORRELATION_RULE_UNSPECIFIED') return undefined;
  if (rule !== subRule && rule !== oidRule) throw invalidArgument('oidc.correlation_rule is not known');
  return rule;
}

/** Something must prove to the provider that it is us who redeem a code (protocols 9). */
function checkClient(clientSecret: string, pkceEnabled: boolean, pkce: PkceSupport): void {
  if (clientSecret === '' && !pkceEnabled) {
    throw invalidArgument('identity provider needs oidc.client_secret or oidc.pkce_enabled');
  }
  if (pkceEnabled && pkce === 'no') {
    throw failedPrecondition('oidc.pkce_enabled: the provider does not support PKCE with S256');
  }
}

function assertNameAvailable(tx: Tx, parent: string, name: string): void {
  if (tx.get('SELECT 1 FROM identity_providers WHERE parent = ? AND name = ?', parent, name) === undefined) return;
  throw alreadyExists(`identity provider ${JSON.stringify(name)} already exists in ${parent}`);
}
