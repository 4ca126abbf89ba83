import type {
  RegistryEntitledImage,
  RegistryEntitlementImage,
  RegistryImageQuota,
} from '../../../api/schema/types/registry.gen.ts';
import { requiredUidp } from '../../api/selection.ts';
import { toWireTime } from '../../api/wire-time.ts';
import { notFound } from '../../core/failures.ts';
import { findGroup } from '../../iam/groups.ts';
import type { SqlRow, Tx } from '../../store/database.ts';
import { attributesOf } from '../catalog/repos.ts';

/** Column `attributes` of an entitlement. `quota` is the most images by tier; `swaps` the most removals in 30 days. */
export interface Terms {
  readonly type?: string;
  readonly externalId?: string;
  readonly tiers?: readonly string[];
  readonly quota?: Readonly<Record<string, number>>;
  readonly swaps?: number;
}

/** Milliseconds in which a removal counts. */
export const swapWindow = 30 * 24 * 60 * 60 * 1000;

export function requireParent(tx: Tx, parent: string | undefined): string {
  const id = requiredUidp('parent', parent);
  findGroup(tx, id);
  return id;
}

export function findEntitlement(tx: Tx, id: string): SqlRow {
  const row = tx.get('SELECT * FROM entitlements WHERE id = ?', id);
  if (row === undefined) throw notFound(`${id} not found`);
  return row;
}

export function entitlementsOf(tx: Tx, parent: string): SqlRow[] {
  return tx.all('SELECT * FROM entitlements WHERE parent = ? ORDER BY id', parent);
}

export function activeOf(tx: Tx, parent: string): SqlRow[] {
  return entitlementsOf(tx, parent).filter((row) => isActive(tx, row));
}

export function isActive(tx: Tx, row: SqlRow): boolean {
  return row['expires_at'] === null || Number(row['expires_at']) > tx.now;
}

/** Repositories an entitlement names. */
export function imagesOf(tx: Tx, entitlement: SqlRow): SqlRow[] {
  return tx.all(
    'SELECT r.* FROM entitlement_images e JOIN repos r ON r.id = e.repo WHERE e.entitlement = ? ORDER BY r.name',
    String(entitlement['id']),
  );
}

/** Times of the removals that still count. */
export function removalsOf(tx: Tx, entitlement: SqlRow): number[] {
  return tx
    .all(
      'SELECT removed_at FROM entitlement_removals WHERE entitlement = ? AND removed_at > ? ORDER BY removed_at',
      String(entitlement['id']),
      tx.now - swapWindow,
    )
    .map((row) => Number(row['removed_at']));
}

export function quotaOf(tx: Tx, entitlement: SqlRow): Record<string, Required<RegistryImageQuota>> {
  const images = imagesOf(tx, entitlement);
  const tiers = Object.entries(termsOf(entitlement).quota ?? {});
  return Object.fromEntries(
    tiers.map(([tier, max]) => {
      const current = images.filter((image) => attributesOf(image).catalogTier === tier).length;
      return [tier, { current, max }];
    }),
  );
}

export function sumQuota(tx: Tx, rows: readonly SqlRow[]): Record<string, RegistryImageQuota> {
  const total: Record<string, { current: number; max: number }> = {};
  for (const row of rows) {
    for (const [tier, { current, max }] of Object.entries(quotaOf(tx, row))) {
      const known = total[tier] ?? { current: 0, max: 0 };
      total[tier] = { current: known.current + current, max: known.max + max };
    }
  }
  return total;
}

export function toImage(row: SqlRow): RegistryEntitlementImage {
  return { id: String(row['id']), tier: attributesOf(row).catalogTier ?? 'UNKNOWN', name: String(row['name']) };
}

export function toEntitled(image: SqlRow, entitlement: SqlRow): RegistryEntitledImage {
  const expires = entitlement['expires_at'];
  return {
    id: String(image['id']),
    name: String(image['name']),
    catalogTier: attributesOf(image).catalogTier ?? 'UNKNOWN',
    type: termsOf(entitlement).type ?? 'UNKNOWN',
    ...(expires === null || expires === undefined ? {} : { expirationTime: toWireTime(Number(expires)) }),
  };
}

export function termsOf(row: SqlRow): Terms {
  // Only the seed and `createEntitlement` write it.
  return JSON.parse(String(row['attributes'])) as Terms;
}

export function byName<T extends { readonly name?: string }>(list: T[]): T[] {
  return list.sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1));
}
