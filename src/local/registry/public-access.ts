import type { Operation } from '../../api/schema/types.ts';
import { parentOf } from '../../api/uidp.ts';
import type { Tx } from '../store/database.ts';

/**
 * Capabilities of every caller on a public repository and its tags: what pulling takes (roles.md 3, `registry.pull`),
 * and the scan results that belong to it. Writing is never among it.
 */
const openCapabilities: ReadonlySet<string> = new Set([
  'manifest.list',
  'manifest.metadata.list',
  'referrers.list',
  'repo.list',
  'sboms.list',
  'tag.list',
  'vuln_report.list',
  'vuln_reports.list',
]);

/** Returns whether everybody may do this here: a reading operation on a public repository, or on a tag of one. */
export function isPubliclyReadable(tx: Tx, operation: Operation, place: string): boolean {
  if (!operation.readOnly || !operation.capabilities.every((capability) => openCapabilities.has(capability)))
    return false;
  const row = tx.get('SELECT 1 FROM repos WHERE public = 1 AND id IN (?, ?)', place, parentOf(place));
  return row !== undefined;
}
