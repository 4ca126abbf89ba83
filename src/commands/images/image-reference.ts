import { type ImageReference, parseImageReference } from '../../api/oci-client.ts';
import type { RegistryRepo, RegistryTag } from '../../api/schema/types/registry.gen.ts';
import type { Context } from '../../cli/context.ts';
import type { Kind } from '../../cli/inputs/kind.ts';
import { groupDirectory, pathOf } from '../../cli/inputs/references.ts';
import { CliError } from '../../errors.ts';
import { publicOrganization, registryHost, repositoriesIn } from './repos/repository.ts';

/** A reference as every registry client writes it; the registry of this platform when no host is given. */
export const imageReference: Kind<ImageReference> = {
  metavar: 'IMAGE_REF',
  noun: 'image',
  parse: (text) => {
    if (parseImageReference(text) === undefined)
      throw new Error('must be an image such as "cgr.dev/chainguard/nginx:latest"');
    return text;
  },
  completions: async (context, _chosen, typed) =>
    (await import('./image-offers.ts')).referencesWithTags(context, typed),
  resolve: async (context, text) => {
    const parsed = parseImageReference(text);
    if (parsed === undefined) throw new TypeError('it was parsed before');
    if (parsed.registry !== '') return parsed;
    const registry = registryHost(context);
    // `nginx` alone may be in any organization, and here nobody says in which.
    if (!parsed.repository.includes('/')) {
      throw new CliError('usage', `"${text}" does not say which organization the image is in`, {
        code: 'usage.image',
        hint: `write it as \`${registry}/ORGANIZATION/${text}\``,
      });
    }
    return { ...parsed, registry };
  },
};

/** The same, picked where a person left it out: a repository, and next to another image the tags of its repository. */
export const pickedImage: Kind<ImageReference> = {
  ...imageReference,
  candidates: async (context, chosen) => {
    const { repositoryCandidates, tagCandidates } = await import('./image-offers.ts');
    const other = chosen['from'] as ImageReference | undefined;
    const tags = other === undefined ? [] : await tagCandidates(context, other);
    const found = tags.length > 0 ? tags : await repositoryCandidates(context, undefined);
    if (found.length === 0) return undefined;
    return found.flatMap((one) => {
      const value = parseImageReference(one.text);
      return value === undefined ? [] : [{ ...one, value }];
    });
  },
  // The only image there is may not be the one that is meant.
  onlyCandidate: async () => undefined,
};

/** The repository of this platform that a reference with organization names. Throws kind `not-found`. */
export async function repositoryOf(context: Context, reference: ImageReference): Promise<RegistryRepo> {
  const host = registryHost(context);
  const directory = await groupDirectory(context);
  const places = new Map([[publicOrganization.name, publicOrganization.id]]);
  for (const group of directory.groups) places.set(pathOf(group, directory), group.id ?? '');
  // An organization that is called like a domain reads as a host: `example.com/nginx`.
  const isPlace = reference.registry !== host && places.has(reference.registry);
  if (reference.registry !== host && !isPlace) {
    throw new CliError('usage', `"${reference.registry}" is not the registry of this platform, which is "${host}"`, {
      code: 'usage.registry',
    });
  }
  const words = [...(isPlace ? [reference.registry] : []), ...reference.repository.split('/')];
  // Names of repositories may hold slashes too; the longest location that has the rest wins.
  for (let at = words.length - 1; at > 0; at -= 1) {
    const place = places.get(words.slice(0, at).join('/'));
    if (place === undefined) continue;
    const [repo] = await repositoriesIn(context, place, { name: words.slice(at).join('/') });
    if (repo !== undefined) return repo;
  }
  throw notFound(`Repository "${reference.repository}" not found`);
}

/** A tag of a repository by name. Throws kind `not-found`. */
export async function findTag(context: Context, repo: RegistryRepo, name: string): Promise<RegistryTag> {
  const { items = [] } = await (await context.api()).call('registry.v1.Registry.ListTags', {
    uidp: { childrenOf: repo.id ?? '' },
    name,
  });
  const [tag] = items;
  if (tag === undefined) throw notFound(`Tag "${name}" not found in "${repo.name ?? ''}"`);
  return tag;
}

export const notFound = (message: string): CliError => new CliError('not-found', message, { code: 'not-found.image' });
