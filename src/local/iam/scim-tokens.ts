// The credential of a SCIM connector and the switch beside it (identity_providers.proto; semantics 2, SCIM token).
// Guarantees: a token is shown once and stored as a digest; tokens never move the switch, nor the switch tokens.

import { createHash } from 'node:crypto';
import type {
  IamGenerateScimTokenRequest,
  IamGenerateScimTokenResponse,
  IamRegenerateScimTokenRequest,
  IamRegenerateScimTokenResponse,
  IamRevokeScimTokenRequest,
  IamRevokeScimTokenResponse,
  IamSetScimEnabledRequest,
  IamSetScimEnabledResponse,
} from '../../api/schema/types/iam.gen.ts';
import { rootOf } from '../../api/uidp.ts';
import { millisecondsOf, toWireDuration } from '../api/durations.ts';
import { requiredUidp } from '../api/selection.ts';
import { toWireTime } from '../api/wire-time.ts';
import { aborted, failedPrecondition, invalidArgument, notFound } from '../core/failures.ts';
import type { CallContext } from '../core/handler.ts';
import type { Caller } from '../core/types.ts';
import type { Tx } from '../store/database.ts';
import { isSameDigest } from './invite-codes.ts';
import { countOwners } from './owners.ts';
import { requireProviderGrantable } from './provider-worth.ts';
import {
  etagOf,
  isCurrentLive,
  isPreviousLive,
  requireProvider,
  type StoredProvider,
  scimEndpoint,
} from './stored-provider.ts';

const hour = 60 * 60 * 1000;
const year = 365 * 24 * hour;
const defaultLife = year;
/** Two calendar years may hold a leap day. */
const maxLifetimeMs = 2 * year + 24 * hour;
const defaultOverlap = hour;
const maxOverlapMs = 24 * hour;
/** A client that asks for exactly the maximum computes it on its own clock. */
const clockSkew = 5 * 60 * 1000;
const fewestOwners = 2;

export function generateScimToken(
  tx: Tx,
  caller: Caller,
  request: IamGenerateScimTokenRequest,
  { urls }: CallContext,
): IamGenerateScimTokenResponse {
  const provider = providerOf(tx, request);
  requireProviderGrantable(tx, caller, provider);
  if (provider.scim.version !== 0) {
    throw failedPrecondition('the identity provider already has a SCIM token: regenerate it');
  }
  const expiresAt = expiryOf(tx, request);
  const token = newToken(tx);
  tx.run(
    'UPDATE identity_providers SET scim_version = 1, scim_digest = ?, scim_expires_at = ?, updated_at = ? WHERE id = ?',
    digestOf(token),
    expiresAt,
    tx.now,
    provider.id,
  );
  return { token, ...describe(tx, provider.id, urls.api, expiresAt) };
}

/** The previous token stays good for the overlap, and never longer than it would have been. */
export function regenerateScimToken(
  tx: Tx,
  caller: Caller,
  request: IamRegenerateScimTokenRequest,
  { urls }: CallContext,
): IamRegenerateScimTokenResponse {
  const provider = providerOf(tx, request);
  requireProviderGrantable(tx, caller, provider);
  const { scim } = provider;
  if (scim.version === 0) throw notFound('the identity provider has no SCIM token: generate one');
  requireEtag(provider, request.etag);
  const overlap = request.overlap === undefined ? defaultOverlap : millisecondsOf(request.overlap);
  if (overlap < 0 || overlap > maxOverlapMs) throw invalidArgument('overlap must be between 0 and 24 hours');
  const expiresAt = expiryOf(tx, request);
  const token = newToken(tx);
  const keeps = isCurrentLive(scim, tx.now) && overlap > 0;
  const previousEnds = keeps ? Math.min(tx.now + overlap, scim.expiresAt ?? Number.POSITIVE_INFINITY) : null;
  tx.run(
    `UPDATE identity_providers SET scim_version = scim_version + 1, scim_digest = ?, scim_expires_at = ?,
       scim_revoked_at = NULL, scim_previous_digest = ?, scim_previous_expires_at = ?, updated_at = ? WHERE id = ?`,
    digestOf(token),
    expiresAt,
    keeps ? scim.digest : null,
    previousEnds,
    tx.now,
    provider.id,
  );
  return {
    token,
    ...describe(tx, provider.id, urls.api, expiresAt),
    ...(previousEnds === null ? {} : { previousTokenExpireTime: toWireTime(previousEnds) }),
    requestedOverlap: toWireDuration(overlap),
  };
}

/** Needs no etag: it must work at once, whoever else is busy here. */
export function revokeScimToken(
  tx: Tx,
  _caller: Caller,
  request: IamRevokeScimTokenRequest,
): IamRevokeScimTokenResponse {
  const { id, scim } = providerOf(tx, request);
  if (scim.version === 0) throw notFound('the identity provider has no SCIM token');
  const revokedAt = scim.revokedAt ?? tx.now;
  tx.run(
    `UPDATE identity_providers SET scim_version = scim_version + 1, scim_revoked_at = ?, scim_previous_digest = NULL,
       scim_previous_expires_at = NULL, updated_at = ? WHERE id = ?`,
    revokedAt,
    tx.now,
    id,
  );
  const { enabled } = scim;
  const etag = etagOf(requireProvider(tx, id).scim);
  return { identityProviderId: id, etag, enabled, revokeTime: toWireTime(revokedAt) };
}

export function setScimEnabled(tx: Tx, caller: Caller, request: IamSetScimEnabledRequest): IamSetScimEnabledResponse {
  const provider = providerOf(tx, request);
  const { id, scim } = provider;
  if (scim.version === 0) throw notFound('the identity provider has no SCIM token: generate one');
  requireEtag(provider, request.etag);
  const enabled = request.enabled === true;
  if (enabled) requireProviderGrantable(tx, caller, provider);
  // A connector may take members away; two owners whom it did not make can always take it back.
  if (enabled && countOwners(tx, rootOf(id), fewestOwners) < fewestOwners) {
    throw failedPrecondition(`SCIM needs at least ${fewestOwners} role bindings of owners of the organization`);
  }
  if (enabled !== scim.enabled) {
    tx.run(
      'UPDATE identity_providers SET scim_enabled = ?, scim_version = scim_version + 1, updated_at = ? WHERE id = ?',
      enabled ? 1 : 0,
      tx.now,
      id,
    );
  }
  return { identityProviderId: id, enabled, etag: etagOf(requireProvider(tx, id).scim) };
}

/** Returns whether a connector that sends `token` speaks for the provider. */
export function isScimToken(provider: StoredProvider, token: string, now: number): boolean {
  const { scim } = provider;
  const digest = digestOf(token);
  if (isCurrentLive(scim, now) && scim.digest !== null && isSameDigest(scim.digest, digest)) return true;
  return isPreviousLive(scim, now) && scim.previousDigest !== null && isSameDigest(scim.previousDigest, digest);
}

function providerOf(tx: Tx, request: { identityProviderId?: string }): StoredProvider {
  return requireProvider(tx, requiredUidp('identity_provider_id', request.identityProviderId));
}

/** Null for a token without end. */
function expiryOf(tx: Tx, request: { expireTime?: string; neverExpires?: boolean }): number | null {
  if (request.neverExpires === true) {
    if (request.expireTime !== undefined) throw invalidArgument('expire_time and never_expires exclude each other');
    return null;
  }
  if (request.expireTime === undefined) return tx.now + defaultLife;
  const end = Date.parse(request.expireTime);
  if (end <= tx.now) throw invalidArgument('expire_time is in the past');
  if (end > tx.now + maxLifetimeMs + clockSkew) throw invalidArgument('expire_time is more than two years away');
  return end;
}

function requireEtag({ scim }: StoredProvider, etag: string | undefined): void {
  if (!etag) throw invalidArgument('etag: etag is required');
  if (etag !== etagOf(scim)) throw aborted('etag: the SCIM configuration has changed since it was read');
}

function newToken(tx: Tx): string {
  return `cgscim_${Buffer.from(tx.randomBytes(32)).toString('hex')}`;
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function describe(
  tx: Tx,
  id: string,
  apiUrl: string,
  expiresAt: number | null,
): { endpointUrl: string; expireTime?: string; identityProviderId: string; etag: string } {
  return {
    endpointUrl: scimEndpoint(apiUrl, id),
    ...(expiresAt === null ? {} : { expireTime: toWireTime(expiresAt) }),
    identityProviderId: id,
    etag: etagOf(requireProvider(tx, id).scim),
  };
}
