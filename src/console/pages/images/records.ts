// Calls to the registry that the pages of images make.

import type { RegistryRepo, RegistryTag } from '../../../api/schema/types/registry.gen.ts';
import { type Package, packagesIn } from '../../../attestations/documents.ts';
import { CallFailure } from '../../caller.ts';
import type { Visit } from '../../page.ts';

export const path = 'images';

export async function reposOf({ caller, organization }: Visit): Promise<readonly RegistryRepo[]> {
  return (
    (await caller.call('registry.v1.Registry.ListRepos', { uidp: { descendantsOf: organization.id } })).items ?? []
  );
}

export type Repository = RegistryRepo & { readonly id: string; readonly name: string };

/** Returns the one that the address names. */
export async function repoOf(visit: Visit): Promise<Repository> {
  const name = visit.query.get('name') ?? '';
  const found = (await reposOf(visit)).find((repo) => repo.name === name);
  if (found?.id === undefined)
    throw new CallFailure('missing', 'The repository was deleted, or you may not see it any more.');
  return { ...found, id: found.id, name };
}

/** Returns it with host and organization, without a tag. */
export const imageOf = ({ platform, organization }: Visit, { name }: Repository): string =>
  `${new URL(platform.registry).host}/${organization.name}/${name}`;

export async function tagOf(visit: Visit, repo: { readonly id: string }, name: string): Promise<RegistryTag> {
  const { items = [] } = await visit.caller.call('registry.v1.Registry.ListTags', {
    uidp: { childrenOf: repo.id },
    name,
  });
  const found = items.find((each) => each.name === name);
  if (found === undefined) throw new CallFailure('missing', 'The tag was deleted, or you may not see it any more.');
  return found;
}

/** Undefined where the platform has none, e.g. of an image without a bill of materials. */
export async function orNone<T>(call: Promise<T>): Promise<T | undefined> {
  return call.catch((error: unknown) => {
    if (error instanceof CallFailure && error.kind !== 'signed-out') return undefined;
    throw error;
  });
}

/** Returns the platforms of an image; none where they are not known. */
export async function archsOf(
  { caller }: Visit,
  { id }: Repository,
  { digest = '' }: RegistryTag,
): Promise<readonly string[]> {
  return (await orNone(caller.call('registry.v1.Registry.GetArchs', { repoId: id, digest })))?.archs ?? [];
}

/** Undefined without a bill of materials that can be read. */
export function packagesOf(
  { caller }: Visit,
  { id }: Repository,
  { digest = '' }: RegistryTag,
  arch: string | undefined,
): Promise<readonly Package[] | undefined> {
  const asked = { repoId: id, digest, ...(arch === undefined ? {} : { arch }) };
  return orNone(caller.call('registry.v1.Registry.GetRawSbom', asked).then(({ rawSbom = '' }) => packagesIn(rawSbom)));
}
