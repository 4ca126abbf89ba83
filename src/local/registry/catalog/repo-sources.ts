// The repository that another one is filled from (semantics 2, repo sync), as callers name it.

import { isUidp } from '../../../api/uidp.ts';
import { hasCapabilities } from '../../authorization/access.ts';
import { notFound } from '../../core/failures.ts';
import type { Caller } from '../../core/types.ts';
import type { Tx } from '../../store/database.ts';
import { splitName } from '../reference.ts';
import { findOrganization, findRepositoryAt } from '../repositories.ts';

/** The organization whose repositories the catalog is made of. */
const catalog = 'chainguard';

/**
 * Returns the UIDP behind a source: itself, `nginx` of the catalog, `chainguard/nginx`, or an image as clients name it,
 * `cgr.dev/chainguard/nginx:latest`. A UIDP is not looked up. Throws NOT_FOUND, also for what the caller may not see.
 */
export function resolveSource(tx: Tx, caller: Caller, reference: string): string {
  if (reference === '' || isUidp(reference)) return reference;
  const whole = reference.replace(/@.*$/s, '').replace(/:[^/:]*$/, '');
  // Organizations may be called like hosts, so the first part is one only when it leads nowhere.
  for (const full of [whole, whole.slice(whole.indexOf('/') + 1), `${catalog}/${whole}`]) {
    const name = splitName(full);
    const organization = name && findOrganization(tx, name.organization);
    const found = organization && findRepositoryAt(tx, organization, name.repository);
    if (found !== undefined && (found.public || hasCapabilities(tx, caller, ['repo.list'], found.id))) return found.id;
  }
  throw notFound(`sync_config.source: ${JSON.stringify(reference)} not found`);
}
