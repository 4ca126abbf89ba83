// Records the changes that a push or a deletion makes besides the content. Guarantees: whatever comes or goes that the
// API has an event for is told of in the API's words, in the same transaction.

import type { Tx } from '../../store/database.ts';
import { findRepo, toWireRepo } from '../catalog/repos.ts';
import { createRepository, type Repository } from '../repositories.ts';
import { deleteTags } from '../stored-tags.ts';
import type { Principal, ResolvedRepository } from './authorization.ts';
import type { RegistryParts } from './exchange.ts';

/** Returns where a push goes; made when it is not there yet. */
export function pushedRepository(
  { announce }: RegistryParts,
  tx: Tx,
  { repository, organization, name }: ResolvedRepository,
  principal: Principal,
): Repository {
  if (repository !== undefined) return repository;
  const made = createRepository(tx, organization, name.repository);
  const message = { request: {}, response: toWireRepo(tx, findRepo(tx, made.id)) };
  announce(tx, 'registry.v1.Registry.CreateRepo', message, actorOf(principal));
  return made;
}

/** Tags by name, or all that name a digest. Gives their number. */
export function removeTags(
  { announce }: RegistryParts,
  tx: Tx,
  repository: Repository,
  which: { readonly name: string } | { readonly digest: string },
  principal: Principal,
): number {
  const ids = deleteTags(tx, repository, which);
  for (const id of ids) {
    announce(tx, 'registry.v1.Registry.DeleteTag', { request: { id }, response: {} }, actorOf(principal));
  }
  return ids.length;
}

/** The gate lets nobody without an identity change anything. */
const actorOf = ({ identity = '', actor }: Principal) => ({ identity, actor });
