import { registrySchema } from '../../../api/schema/messages/registry.gen.ts';
import type {
  RegistryAddEntitlementImagesRequest,
  RegistryAddEntitlementImagesResponse,
  RegistryCreateEntitlementRequest,
  RegistryDeleteEntitlementRequest,
  RegistryEntitledImage,
  RegistryEntitlement,
  RegistryEntitlementFilter,
  RegistryEntitlementImage,
  RegistryEntitlementImagesFilter,
  RegistryEntitlementImagesList,
  RegistryEntitlementList,
  RegistryEntitlementSummaryRequest,
  RegistryEntitlementSummaryResponse,
  RegistryGetEffectiveEntitlementsRequest,
  RegistryGetEffectiveEntitlementsResponse,
  RegistryGetFeaturesRequest,
  RegistryGetFeaturesResponse,
  RegistryImageQuota,
  RegistryRemoveEntitlementImagesRequest,
  RegistryRemoveEntitlementImagesResponse,
  RegistrySwapEntitlementImagesRequest,
  RegistrySwapEntitlementImagesResponse,
} from '../../../api/schema/types/registry.gen.ts';
import type { Empty } from '../../../api/schema/types.ts';
import { newChildId, parentOf } from '../../../api/uidp.ts';
import { requiredUidp } from '../../api/selection.ts';
import { toWireTime } from '../../api/wire-time.ts';
import { requireCapabilities } from '../../authorization/access.ts';
import { failedPrecondition, invalidArgument, notFound, resourceExhausted } from '../../core/failures.ts';
import type { Caller } from '../../core/types.ts';
import { findGroup } from '../../iam/groups.ts';
import type { SqlRow, Tx } from '../../store/database.ts';
import { attributesOf } from '../catalog/repos.ts';
import { timeOf } from '../catalog/tags.ts';

/** Column `attributes` of an entitlement. `quota` is the most images by tier; `swaps` the most removals in 30 days. */
interface Terms {
  readonly type?: string;
  readonly externalId?: string;
  readonly tiers?: readonly string[];
  readonly quota?: Readonly<Record<string, number>>;
  readonly swaps?: number;
}

const tierNames = Object.keys(registrySchema.enums['chainguard.platform.registry.CatalogTier'] ?? {}).slice(1);
const swapWindow = 30 * 24 * 60 * 60 * 1000;

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

/** Images that are named in the organization's entitlements, by name. */
export function listEntitlementImages(
  tx: Tx,
  _caller: Caller,
  request: RegistryEntitlementImagesFilter,
): RegistryEntitlementImagesList {
  const images = new Map<string, RegistryEntitlementImage>();
  for (const entitlement of activeOf(tx, requireParent(tx, request.parent))) {
    for (const row of imagesOf(tx, entitlement)) images.set(String(row['id']), toImage(row));
  }
  return { images: byName([...images.values()]) };
}

/** Returns what an entitlement can name: public repositories that belong to a tier. */
export function listCatalogImages(
  tx: Tx,
  _caller: Caller,
  request: RegistryEntitlementImagesFilter,
): RegistryEntitlementImagesList {
  requireParent(tx, request.parent);
  const rows = tx
    .all('SELECT * FROM repos WHERE public = 1')
    .filter((row) => attributesOf(row).catalogTier !== undefined);
  return { images: byName(rows.map(toImage)) };
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

export function addEntitlementImages(
  tx: Tx,
  caller: Caller,
  request: RegistryAddEntitlementImagesRequest,
): RegistryAddEntitlementImagesResponse {
  const { parent, rows } = selectEntitlements(tx, caller, request, 'registry.entitlements.images.add');
  return { images: add(tx, rows, request.imageNames ?? []), parent };
}

export function removeEntitlementImages(
  tx: Tx,
  caller: Caller,
  request: RegistryRemoveEntitlementImagesRequest,
): RegistryRemoveEntitlementImagesResponse {
  const { parent, rows } = selectEntitlements(tx, caller, request, 'registry.entitlements.images.remove');
  return { images: remove(tx, rows, request.imageNames ?? []), parent };
}

/** Both or neither. */
export function swapEntitlementImages(
  tx: Tx,
  caller: Caller,
  request: RegistrySwapEntitlementImagesRequest,
): RegistrySwapEntitlementImagesResponse {
  const { removeImageNames = [], addImageNames = [] } = request;
  if (removeImageNames.length === 0 || addImageNames.length === 0) {
    throw invalidArgument('a swap names images to remove and images to add');
  }
  const both = removeImageNames.find((name) => addImageNames.includes(name));
  if (both !== undefined) throw invalidArgument(`image ${JSON.stringify(both)} cannot be removed and added`);
  const { parent, rows } = selectEntitlements(tx, caller, request, 'registry.entitlements.images.swap');
  const removed = remove(tx, rows, removeImageNames);
  return { removed, added: add(tx, rows, addImageNames), parent };
}

function requireParent(tx: Tx, parent: string | undefined): string {
  const id = requiredUidp('parent', parent);
  findGroup(tx, id);
  return id;
}

/** Either all of an organization or exactly one; the caller needs the capability there (api.json: unscoped). */
function selectEntitlements(
  tx: Tx,
  caller: Caller,
  request: { readonly parent?: string; readonly id?: string },
  capability: string,
): { parent: string; rows: SqlRow[] } {
  if (request.id !== undefined && request.id !== '') {
    const id = requiredUidp('id', request.id);
    requireCapabilities(tx, caller, [capability], id);
    const row = findEntitlement(tx, id);
    return { parent: parentOf(id), rows: isActive(tx, row) ? [row] : [] };
  }
  const parent = requiredUidp('parent', request.parent);
  requireCapabilities(tx, caller, [capability], parent);
  findGroup(tx, parent);
  return { parent, rows: activeOf(tx, parent) };
}

function findEntitlement(tx: Tx, id: string): SqlRow {
  const row = tx.get('SELECT * FROM entitlements WHERE id = ?', id);
  if (row === undefined) throw notFound(`${id} not found`);
  return row;
}

function add(tx: Tx, rows: readonly SqlRow[], names: readonly string[]): RegistryEntitledImage[] {
  if (rows.length === 0) throw failedPrecondition('the organization has no active entitlement');
  const newestFirst = [...rows].sort((a, b) => Number(b['created_at']) - Number(a['created_at']));
  const added: RegistryEntitledImage[] = [];
  for (const name of new Set(names)) {
    const image = tx
      .all('SELECT * FROM repos WHERE public = 1 AND name = ?', name)
      .find((row) => attributesOf(row).catalogTier !== undefined);
    if (image === undefined) throw notFound(`image ${JSON.stringify(name)} is not in the catalog`);
    const id = String(image['id']);
    const has = (row: SqlRow): boolean => imagesOf(tx, row).some((one) => one['id'] === id);
    if (rows.some(has)) continue;
    const tier = attributesOf(image).catalogTier ?? 'UNKNOWN';
    const room = newestFirst.find((row) => {
      const { current = 0, max = 0 } = quotaOf(tx, row)[tier] ?? {};
      return current < max;
    });
    if (room === undefined) {
      throw resourceExhausted(`no entitlement has room for another image of tier ${tier}`);
    }
    tx.run(
      'INSERT INTO entitlement_images (entitlement, repo, added_at) VALUES (?, ?, ?)',
      String(room['id']),
      id,
      tx.now,
    );
    touch(tx, room);
    added.push(toEntitled(image, room));
  }
  return added;
}

function remove(tx: Tx, rows: readonly SqlRow[], names: readonly string[]): RegistryEntitledImage[] {
  const removed: RegistryEntitledImage[] = [];
  for (const row of rows) {
    for (const image of imagesOf(tx, row)) {
      const name = String(image['name']);
      if (!names.includes(name)) continue;
      const { swaps } = termsOf(row);
      if (swaps !== undefined && removalsOf(tx, row).length >= swaps) {
        throw resourceExhausted(`the entitlement allows ${swaps} removals in 30 days`);
      }
      tx.run(
        'DELETE FROM entitlement_images WHERE entitlement = ? AND repo = ?',
        String(row['id']),
        String(image['id']),
      );
      tx.run(
        'INSERT INTO entitlement_removals (entitlement, name, removed_at) VALUES (?, ?, ?)',
        String(row['id']),
        name,
        tx.now,
      );
      touch(tx, row);
      removed.push(toEntitled(image, row));
    }
  }
  return removed;
}

function touch(tx: Tx, row: SqlRow): void {
  tx.run('UPDATE entitlements SET updated_at = ? WHERE id = ?', tx.now, String(row['id']));
}

function entitlementsOf(tx: Tx, parent: string): SqlRow[] {
  return tx.all('SELECT * FROM entitlements WHERE parent = ? ORDER BY id', parent);
}

function activeOf(tx: Tx, parent: string): SqlRow[] {
  return entitlementsOf(tx, parent).filter((row) => isActive(tx, row));
}

function isActive(tx: Tx, row: SqlRow): boolean {
  return row['expires_at'] === null || Number(row['expires_at']) > tx.now;
}

/** Repositories an entitlement names. */
function imagesOf(tx: Tx, entitlement: SqlRow): SqlRow[] {
  return tx.all(
    'SELECT r.* FROM entitlement_images e JOIN repos r ON r.id = e.repo WHERE e.entitlement = ? ORDER BY r.name',
    String(entitlement['id']),
  );
}

/** Times of the removals that still count. */
function removalsOf(tx: Tx, entitlement: SqlRow): number[] {
  return tx
    .all(
      'SELECT removed_at FROM entitlement_removals WHERE entitlement = ? AND removed_at > ? ORDER BY removed_at',
      String(entitlement['id']),
      tx.now - swapWindow,
    )
    .map((row) => Number(row['removed_at']));
}

function quotaOf(tx: Tx, entitlement: SqlRow): Record<string, Required<RegistryImageQuota>> {
  const images = imagesOf(tx, entitlement);
  const tiers = Object.entries(termsOf(entitlement).quota ?? {});
  return Object.fromEntries(
    tiers.map(([tier, max]) => {
      const current = images.filter((image) => attributesOf(image).catalogTier === tier).length;
      return [tier, { current, max }];
    }),
  );
}

function sumQuota(tx: Tx, rows: readonly SqlRow[]): Record<string, RegistryImageQuota> {
  const total: Record<string, { current: number; max: number }> = {};
  for (const row of rows) {
    for (const [tier, { current, max }] of Object.entries(quotaOf(tx, row))) {
      const known = total[tier] ?? { current: 0, max: 0 };
      total[tier] = { current: known.current + current, max: known.max + max };
    }
  }
  return total;
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

function toImage(row: SqlRow): RegistryEntitlementImage {
  return { id: String(row['id']), tier: attributesOf(row).catalogTier ?? 'UNKNOWN', name: String(row['name']) };
}

function toEntitled(image: SqlRow, entitlement: SqlRow): RegistryEntitledImage {
  const expires = entitlement['expires_at'];
  return {
    id: String(image['id']),
    name: String(image['name']),
    catalogTier: attributesOf(image).catalogTier ?? 'UNKNOWN',
    type: termsOf(entitlement).type ?? 'UNKNOWN',
    ...(expires === null || expires === undefined ? {} : { expirationTime: toWireTime(Number(expires)) }),
  };
}

function termsOf(row: SqlRow): Terms {
  // Only the seed and `createEntitlement` write it.
  return JSON.parse(String(row['attributes'])) as Terms;
}

function byName<T extends { readonly name?: string }>(list: T[]): T[] {
  return list.sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
