// Rows of table `identity_providers` on their way to the wire. Guarantees: neither the client secret nor a SCIM token ever
// is on that way.

import type { IamIdentityProvider, IamIdentityProviderSCIM } from '../../api/schema/types/iam.gen.ts';
import { toWireTime } from '../api/wire-time.ts';
import { notFound } from '../core/failures.ts';
import type { SqlRow, Tx } from '../store/database.ts';

export const subRule = 'CORRELATION_RULE_SUB_EQUALS_EXTERNAL_ID';
export const oidRule = 'CORRELATION_RULE_OID_EQUALS_EXTERNAL_ID';

export interface StoredProvider {
  readonly id: string;
  readonly parent: string;
  readonly name: string;
  readonly description: string;
  readonly defaultRole: string | null;
  readonly issuer: string;
  readonly clientId: string;
  /** Empty for a public client. */
  readonly clientSecret: string;
  readonly additionalScopes: readonly string[];
  /** Empty: groups in tokens are not looked at. */
  readonly groupsClaim: string;
  readonly correlationRule: string;
  readonly pkceEnabled: boolean;
  readonly scim: StoredScim;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface StoredScim {
  readonly enabled: boolean;
  /** 0 before the first token; counts changes from then on. */
  readonly version: number;
  readonly digest: string | null;
  /** Milliseconds since the epoch; null when it does not end. */
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly previousDigest: string | null;
  readonly previousExpiresAt: number | null;
}

export function findProvider(tx: Tx, id: string): StoredProvider | undefined {
  const row = tx.get('SELECT * FROM identity_providers WHERE id = ?', id);
  return row === undefined ? undefined : toStoredProvider(row);
}

export function requireProvider(tx: Tx, id: string): StoredProvider {
  const provider = findProvider(tx, id);
  if (provider === undefined) throw notFound(`${id} not found`);
  return provider;
}

export function toStoredProvider(row: SqlRow): StoredProvider {
  return {
    id: String(row['id']),
    parent: String(row['parent']),
    name: String(row['name']),
    description: String(row['description']),
    defaultRole: textOrNull(row['default_role']),
    issuer: String(row['issuer']),
    clientId: String(row['client_id']),
    clientSecret: String(row['client_secret']),
    // Written by the identity provider service only.
    additionalScopes: JSON.parse(String(row['additional_scopes'])) as string[],
    groupsClaim: String(row['groups_claim']),
    correlationRule: String(row['correlation_rule']),
    pkceEnabled: row['pkce_enabled'] === 1,
    scim: {
      enabled: row['scim_enabled'] === 1,
      version: Number(row['scim_version']),
      digest: textOrNull(row['scim_digest']),
      expiresAt: numberOrNull(row['scim_expires_at']),
      revokedAt: numberOrNull(row['scim_revoked_at']),
      previousDigest: textOrNull(row['scim_previous_digest']),
      previousExpiresAt: numberOrNull(row['scim_previous_expires_at']),
    },
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
  };
}

/** `now` in milliseconds: the state of the token depends on it. */
export function toWireProvider(provider: StoredProvider, apiUrl: string, now: number): IamIdentityProvider {
  return {
    id: provider.id,
    name: provider.name,
    description: provider.description,
    defaultRole: provider.defaultRole ?? '',
    oidc: {
      issuer: provider.issuer,
      clientId: provider.clientId,
      additionalScopes: [...provider.additionalScopes],
      groupsClaim: provider.groupsClaim,
      correlationRule: provider.correlationRule,
      pkceEnabled: provider.pkceEnabled,
    },
    scim: toWireScim(provider, apiUrl, now),
  };
}

/**
 * Returns where the provider's connector goes, e.g. `https://platform/scim/v2/<ORG>/<IDP>` (outputs.md, scim token).
 */
export function scimEndpoint(apiUrl: string, id: string): string {
  return `${apiUrl}/scim/v2/${id}`;
}

/** Opaque; empty until there is a token, so that nothing can be switched before (outputs.md, scim enable). */
export function etagOf({ version }: StoredScim): string {
  return version === 0 ? '' : Buffer.from(`scim ${version}`).toString('base64url');
}

function toWireScim({ id, scim }: StoredProvider, apiUrl: string, now: number): IamIdentityProviderSCIM {
  const { expiresAt, revokedAt, previousExpiresAt } = scim;
  const rotating = isPreviousLive(scim, now);
  const ends = revokedAt ?? expiresAt;
  const state =
    scim.version === 0
      ? 'NOT_ISSUED'
      : revokedAt !== null
        ? 'REVOKED'
        : expiresAt !== null && expiresAt <= now
          ? 'EXPIRED'
          : rotating
            ? 'ROTATING'
            : 'LIVE';
  return {
    enabled: scim.enabled,
    endpointUrl: scimEndpoint(apiUrl, id),
    ...(ends === null ? {} : { tokenExpireTime: toWireTime(ends) }),
    ...(rotating && previousExpiresAt !== null ? { previousTokenExpireTime: toWireTime(previousExpiresAt) } : {}),
    credentialState: `CREDENTIAL_STATE_${state}`,
    etag: etagOf(scim),
  };
}

export function isCurrentLive(scim: StoredScim, now: number): boolean {
  return scim.digest !== null && scim.revokedAt === null && (scim.expiresAt === null || scim.expiresAt > now);
}

export function isPreviousLive(scim: StoredScim, now: number): boolean {
  return scim.previousDigest !== null && scim.previousExpiresAt !== null && scim.previousExpiresAt > now;
}

function textOrNull(value: SqlRow[string] | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

function numberOrNull(value: SqlRow[string] | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}
