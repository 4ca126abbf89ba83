import type {
  RegistryGetRegistrySettingsRequest,
  RegistryRegistrySettings,
} from '../../../api/schema/types/registry.gen.ts';
import { isRoot } from '../../../api/uidp.ts';
import { requiredUidp } from '../../api/selection.ts';
import { invalidArgument } from '../../core/failures.ts';
import type { Caller } from '../../core/types.ts';
import { findGroup } from '../../iam/groups.ts';
import type { Tx } from '../../store/database.ts';
import { queueBuilds } from '../builds/build-queue.ts';
import { type RegistryDefaults, registryDefaults } from '../sources.ts';
import { copyFromSource } from '../sync.ts';
import { attributesOf } from './repos.ts';

export function getRegistrySettings(
  tx: Tx,
  _caller: Caller,
  request: RegistryGetRegistrySettingsRequest,
): RegistryRegistrySettings {
  const id = requireRegistry(tx, request.registryId);
  return toWire(id, registryDefaults(tx, id));
}

/**
 * Defaults of all repositories of the organization. A repository's own switches are plain booleans that cannot say "not
 * here", so what either asks for is done.
 */
export function updateRegistrySettings(
  tx: Tx,
  _caller: Caller,
  request: RegistryRegistrySettings,
): RegistryRegistrySettings {
  const id = requireRegistry(tx, request.registryId);
  const before = registryDefaults(tx, id);
  const after = { uniqueTags: request.uniqueTags === true, gracePeriod: request.eolGracePeriod === true };
  tx.run(
    `INSERT INTO registry_settings (registry, unique_tags, eol_grace_period) VALUES (?, ?, ?)
     ON CONFLICT (registry) DO UPDATE SET unique_tags = excluded.unique_tags, eol_grace_period = excluded.eol_grace_period`,
    id,
    after.uniqueTags ? 1 : 0,
    after.gracePeriod ? 1 : 0,
  );
  // As when one repository asks for unique tags: for what is there already, too.
  if (after.uniqueTags && !before.uniqueTags) copyAll(tx, id);
  return toWire(id, after);
}

function copyAll(tx: Tx, registry: string): void {
  const rows = tx.all('SELECT id, attributes FROM repos WHERE parent >= ? AND parent < ?', registry, `${registry}0`);
  for (const row of rows) {
    const { sync_config, customOverlay } = attributesOf(row);
    if (sync_config?.source === undefined || sync_config.uniqueTags === true) continue;
    if (customOverlay === undefined) copyFromSource(tx, String(row['id']));
    else queueBuilds(tx, String(row['id']));
  }
}

function requireRegistry(tx: Tx, id: string | undefined): string {
  const registry = requiredUidp('registry_id', id);
  if (!isRoot(registry)) throw invalidArgument(`registry_id: ${registry} is not an organization`);
  findGroup(tx, registry);
  return registry;
}

const toWire = (registryId: string, { uniqueTags, gracePeriod }: RegistryDefaults): RegistryRegistrySettings => ({
  registryId,
  uniqueTags,
  eolGracePeriod: gracePeriod,
});
