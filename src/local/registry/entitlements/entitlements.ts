import { registrySchema } from '../../../api/schema/messages/registry.gen.ts';
import type {
  RegistryCreateEntitlementRequest,
  RegistryDeleteEntitlementRequest,
  RegistryEntitledImage,
  RegistryEntitlement,
  RegistryEntitlementFilter,
  RegistryEntitlementList,
  RegistryEntitlementSummaryRequest,
  RegistryEntitlementSummaryResponse,
  RegistryGetEffectiveEntitlementsRequest,
  RegistryGetEffectiveEntitlementsResponse,
  RegistryGetFeaturesRequest,
  RegistryGetFeaturesResponse,
} from '../../../api/schema/types/registry.gen.ts';
import type { Empty } from '../../../api/schema/types.ts';
import { newChildId } from '../../../api/uidp.ts';
import { requiredUidp } from '../../api/selection.ts';
import { toWireTime } from '../../api/wire-time.ts';
import { invalidArgument } from '../../core/failures.ts';
import type { Caller } from '../../core/types.ts';
import type { SqlRow, Tx } from '../../store/database.ts';
import { timeOf } from '../catalog/tags.ts';
import {
  activeOf,
  byName,
  entitlementsOf,
  findEntitlement,
  imagesOf,
  quotaOf,
  removalsOf,
  requireParent,
  sumQuota,
  swapWindow,
  type Terms,
  termsOf,
  toEntitled,
} from './stored-entitlement.ts';

const tierNames = Object.keys(registrySchema.enums['chainguard.platform.registry.CatalogTier'] ?? {}).slice(1);
export function listEntitlements(tx: Tx, _caller: Caller, request: RegistryEntitlementFilter): RegistryEntitlementList {
  const parent = requireParent(tx, request.parent);
  return { items: entitlementsOf(tx, parent).map((row) => toWire(tx, row)) };
}

/** An organization can have several; what it may use is all of them together. */
export function createEntitlement(
  tx: Tx,
  _caller: Caller,
  request: RegistryCreateEntitlementRequest,
): RegistryEntitlement {
  const parent = requireParent(tx, request.parent);
  const entitlement = request.entitlement ?? {};
  const expires = timeOf('entitlement.expiration_time', entitlement.expirationTime);
  if (expires !== undefined && expires <= tx.now) {
    throw invalidArgument('entitlement.expiration_time must be in the future');
  }
  const quota = Object.entries(entitlement.quota ?? {}).map(([tier, { max = 0 }]): [string, number] => {
    if (!tierNames.includes(tier))
      throw invalidArgument(`entitlement.quota: ${JSON.stringify(tier)} is not a valid tier`);
    if (max < 0) throw invalidArgument(`entitlement.quota: the most images of ${tier} cannot be negative`);
    return [tier, max];
  });
  const tiers = (entitlement.tiers ?? []).map(String);
  const unknown = tiers.find((tier) => !tierNames.includes(tier));
  if (unknown !== undefined) throw invalidArgument(`entitlement.tiers: ${JSON.stringify(unknown)} is not a valid tier`);
  const terms: Terms = {
    ...(typeof entitlement.type === 'string' ? { type: entitlement.type } : {}),
    externalId: entitlement.externalId ?? '',
    tiers,
    quota: Object.fromEntries(quota),
  };
  const id = newChildId(parent, (count) => tx.randomBytes(count));
  tx.run(
    'INSERT INTO entitlements (id, parent, attributes, expires_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)',
    id,
    parent,
    JSON.stringify(terms),
    expires ?? null,
    tx.now,
    tx.now,
  );
  return toWire(tx, findEntitlement(tx, id));
}

/** With what it names. Repositories that were made because of it stay. */
export function deleteEntitlement(tx: Tx, _caller: Caller, request: RegistryDeleteEntitlementRequest): Empty {
  const id = requiredUidp('id', request.id);
  findEntitlement(tx, id);
  tx.run('DELETE FROM entitlements WHERE id = ?', id);
  return {};
}

export function summarizeEntitlements(
  tx: Tx,
  _caller: Caller,
  request: RegistryEntitlementSummaryRequest,
): RegistryEntitlementSummaryResponse {
  const rows = activeOf(tx, requireParent(tx, request.parent));
  const updated = Math.max(0, ...rows.map((row) => Number(row['updated_at'])));
  return { quota: sumQuota(tx, rows), ...(updated === 0 ? {} : { lastUpdatedTime: toWireTime(updated) }) };
}

export function getEffectiveEntitlements(
  tx: Tx,
  _caller: Caller,
  request: RegistryGetEffectiveEntitlementsRequest,
): RegistryGetEffectiveEntitlementsResponse {
  const rows = activeOf(tx, requireParent(tx, request.parent));
  const images = new Map<string, RegistryEntitledImage>();
  for (const row of rows) {
    for (const image of imagesOf(tx, row)) {
      const known = images.get(String(image['id']));
      const entitled = toEntitled(image, row);
      const isLonger = entitled.expirationTime === undefined || String(known?.expirationTime) < entitled.expirationTime;
      if (known === undefined || (known.expirationTime !== undefined && isLonger)) {
        images.set(String(image['id']), entitled);
      }
    }
  }
  const terms = rows.map(termsOf);
  const tiers = [...new Set(terms.flatMap((one) => one.tiers ?? []))].sort();
  const swapQuota = terms.some((one) => one.swaps === undefined) ? -1 : sum(terms.map((one) => one.swaps ?? 0));
  const removals = rows.flatMap((row) => removalsOf(tx, row)).sort((a, b) => a - b);
  // The removal that has to age out before there is room for one more.
  const blocking = swapQuota > 0 ? removals[removals.length - swapQuota] : undefined;
  return {
    plan: rows.length === 0 ? 'PLAN_UNSPECIFIED' : planOf(terms),
    activeTiers: tiers,
    activeImages: byName([...images.values()]),
    quota: sumQuota(tx, rows),
    maxTotalImages: -1,
    swapQuota,
    swapsUsed: removals.length,
    ...(blocking === undefined ? {} : { swapRefillTime: toWireTime(blocking + swapWindow) }),
  };
}

export function getFeatures(tx: Tx, _caller: Caller, request: RegistryGetFeaturesRequest): RegistryGetFeaturesResponse {
  requireParent(tx, request.parent);
  // Both work here for everybody.
  return { customAssembly: true, uniqueTags: true };
}

function planOf(terms: readonly Terms[]): 'STARTER' | 'CATALOG' | 'PER_IMAGE' {
  if (terms.every((one) => one.type === 'STARTER')) return 'STARTER';
  return terms.some((one) => (one.tiers ?? []).length > 0) ? 'CATALOG' : 'PER_IMAGE';
}

function toWire(tx: Tx, row: SqlRow): RegistryEntitlement {
  const { type, externalId, tiers } = termsOf(row);
  return {
    id: String(row['id']),
    externalId: externalId ?? '',
    createTime: toWireTime(Number(row['created_at'])),
    updateTime: toWireTime(Number(row['updated_at'])),
    ...(row['expires_at'] === null ? {} : { expirationTime: toWireTime(Number(row['expires_at'])) }),
    type: type ?? 'UNKNOWN',
    quota: quotaOf(tx, row),
    tiers: [...(tiers ?? [])],
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
