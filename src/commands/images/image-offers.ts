// Completes an image: repositories until only one is left, then that one with its tags.

import type { ImageReference } from '../../api/oci-client.ts';
import type { RegistryRepo } from '../../api/schema/types/registry.gen.ts';
import type { Context } from '../../cli/context.ts';
import type { Candidate } from '../../cli/prompts/question.ts';
import { byTagName } from './images.ts';
import { locationOf, publicOrganization, registryHost, registryNames, repositoriesIn } from './repos/repository.ts';

/** Names as `images history` takes them, in a location or wherever there are some. */
export async function namesWithTags(context: Context, place: string | undefined, typed: string): Promise<string[]> {
  const repos = await repositoriesIn(context, place);
  return withTags(context, new Map(repos.map((repo) => [repo.name ?? '', repo])), typed);
}

/**
 * Whole references to the registry of this platform; those of the public catalog, which is long, once its name was
 * begun.
 */
export async function referencesWithTags(context: Context, typed: string): Promise<string[]> {
  const begun = `${registryHost(context)}/${publicOrganization.name[0]}`;
  const [own, open, nameOf] = await Promise.all([
    repositoriesIn(context, undefined),
    typed.startsWith(begun) ? repositoriesIn(context, publicOrganization.id) : [],
    registryNames(context, []),
  ]);
  const written = [...own, ...open].map((repo) => [`${nameOf(locationOf(repo))}/${repo.name ?? ''}`, repo] as const);
  return withTags(context, new Map(written), typed);
}

/**
 * Returns what a person may pick: the repositories of a location, or all that the login sees, by their whole
 * references.
 */
export async function repositoryCandidates(context: Context, place: string | undefined): Promise<Candidate<string>[]> {
  const [repos, nameOf] = await Promise.all([repositoriesIn(context, place), registryNames(context, [])]);
  return repos.map((repo) => {
    const reference = `${nameOf(locationOf(repo))}/${repo.name ?? ''}`;
    const label = reference.slice(registryHost(context).length + 1);
    return {
      value: reference,
      label,
      text: reference,
      ...(repo.description ? { description: repo.description } : {}),
    };
  });
}

/** The tags beside an image of this platform, as references; none of an image that lies elsewhere. */
export async function tagCandidates(context: Context, image: ImageReference): Promise<Candidate<string>[]> {
  if (image.registry !== registryHost(context)) return [];
  const name = `${image.registry}/${image.repository}`;
  const references = await referencesWithTags(context, name);
  return references
    .filter((one) => one.startsWith(`${name}:`) && one !== `${name}:${image.tag ?? 'latest'}`)
    .map((one) => ({ value: one, label: one.slice(image.registry.length + 1), text: one }));
}

async function withTags(context: Context, repos: ReadonlyMap<string, RegistryRepo>, typed: string): Promise<string[]> {
  // A colon behind the last slash begins a tag; one before it belongs to the host.
  const name = typed.replace(/:[^/:]*$/, '');
  const fitting = [...repos.keys()].filter((each) => each.startsWith(typed));
  const written = fitting.length === 1 ? (fitting[0] ?? '') : name;
  const repo = repos.get(written);
  if (repo === undefined) return fitting;
  const { items = [] } = await (await context.api()).call('registry.v1.Registry.ListTags', {
    uidp: { childrenOf: repo.id ?? '' },
    excludeReferrers: true,
  });
  return [...fitting, ...[...items].sort(byTagName).map((tag) => `${written}:${tag.name ?? ''}`)];
}
