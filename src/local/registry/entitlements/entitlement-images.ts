import type {
  RegistryAddEntitlementImagesRequest,
  RegistryAddEntitlementImagesResponse,
  RegistryEntitledImage,
  RegistryEntitlementImage,
  RegistryEntitlementImagesFilter,
  RegistryEntitlementImagesList,
  RegistryRemoveEntitlementImagesRequest,
  RegistryRemoveEntitlementImagesResponse,
  RegistrySwapEntitlementImagesRequest,
  RegistrySwapEntitlementImagesResponse,
} from '../../../api/schema/types/registry.gen.ts';
import { parentOf } from '../../../api/uidp.ts';
import { requiredUidp } from '../../api/selection.ts';
import { requireCapabilities } from '../../authorization/access.ts';
import { failedPrecondition, invalidArgument, notFound, resourceExhausted } from '../../core/failures.ts';
import type { Caller } from '../../core/types.ts';
import { findGroup } from '../../iam/groups.ts';
import type { SqlRow, Tx } from '../../store/database.ts';
import { attributesOf } from '../catalog/repos.ts';
import {
  activeOf,
  byName,
  findEntitlement,
  imagesOf,
  isActive,
  quotaOf,
  removalsOf,
  requireParent,
  termsOf,
  toEntitled,
  toImage,
} from './stored-entitlement.ts';

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
