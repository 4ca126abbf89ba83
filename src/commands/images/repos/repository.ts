// Repositories and image references as they are typed. Guarantees: an id is used as it is, a name is looked up once per
// run, and a name that several repositories have is never guessed.

import type { RegistryRepo } from '../../../api/schema/types/registry.gen.ts';
import { isUidp, parentOf } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import type { Chosen, Kind } from '../../../cli/inputs/kind.ts';
import { byNameThenId, groupDirectory, notEmpty, one, pathOf, type Reference } from '../../../cli/inputs/references.ts';
import type { Candidate } from '../../../cli/prompts/question.ts';
import { remembered } from '../../../cli/remembered.ts';
import { byShortId, isShortId } from '../../../cli/short-id.ts';
import { CliError } from '../../../errors.ts';

/** The catalog that everybody may read: its id is published and the same everywhere. */
export const publicOrganization: Reference = { id: '720909c9f5279097d847ad02a2f24ba8f59de36a', name: 'chainguard' };

interface RepositoryFilter {
  readonly recursive?: boolean;
  readonly name?: string | undefined;
}

/** Repositories directly in a location, or everywhere below it, by name. Without a location: all the caller sees. */
export const repositoriesIn = remembered(
  async (
    context: Context,
    place: string | undefined,
    { recursive = false, name }: RepositoryFilter = {},
  ): Promise<readonly RegistryRepo[]> => {
    const within = place === undefined ? {} : { uidp: recursive ? { descendantsOf: place } : { childrenOf: place } };
    const { items = [] } = await (await context.api()).call('registry.v1.Registry.ListRepos', {
      ...within,
      ...(name === undefined ? {} : { name }),
    });
    return [...items].sort(byNameThenId);
  },
  (place, { recursive = false, name = '' } = {}) => `${place ?? ''}:${recursive}:${name}`,
);

/** The repository of that id, or of that name at the chosen location; undefined when there is none. */
export async function findRepository(
  context: Context,
  text: string,
  place: string | undefined,
): Promise<RegistryRepo | undefined> {
  if (isUidp(text)) {
    const { items = [] } = await (await context.api()).call('registry.v1.Registry.ListRepos', { id: text });
    return items[0];
  }
  const named = await repositoriesIn(context, place, { name: text });
  const matches =
    named.length === 0 && isShortId(text)
      ? byShortId(text, await repositoriesIn(context, place, { recursive: place !== undefined }))
      : named;
  return matches.length === 0 ? undefined : lookUp(context, text, matches, place);
}

/** Returns what was chosen earlier, as it is now. Throws kind `not-found` when it is gone. */
export async function presentRepository(context: Context, { id = '', name = '' }: RegistryRepo): Promise<RegistryRepo> {
  const found = await findRepository(context, id, undefined);
  if (found !== undefined) return found;
  throw new CliError('not-found', `Repository "${name}" not found`, { code: 'not-found.repository' });
}

async function lookUp(
  context: Context,
  text: string,
  matches: readonly RegistryRepo[],
  place: string | undefined,
): Promise<RegistryRepo> {
  const others = matches.length === 0 ? await repositoriesIn(context, place) : [];
  return one(context, text, matches, {
    noun: 'repository',
    missing: `Repository "${text}" not found`,
    names: () => others.map(({ name = '' }) => name),
    candidate: (repo) => ({ ...toCandidate(repo), value: { id: repo.id ?? '', name: repo.name ?? '' } }),
  });
}

const toCandidate = (repo: RegistryRepo): Candidate<RegistryRepo> => ({
  value: repo,
  label: repo.name ?? '',
  ...(repo.description ? { description: repo.description } : {}),
  text: repo.name ?? '',
});

const placeOf = (chosen: Chosen) => (chosen['parent'] as Reference | undefined)?.id;

/** A repository of the location that input `parent` names. */
export const repository: Kind<RegistryRepo> = {
  metavar: 'REPO',
  noun: 'repository',
  parse: notEmpty,
  async resolve(context, text, chosen) {
    const place = placeOf(chosen);
    return (await findRepository(context, text, place)) ?? lookUp(context, text, [], place);
  },
  candidates: async (context, chosen) => (await repositoriesIn(context, placeOf(chosen))).map(toCandidate),
  // The only repository there is may not be the one that is meant.
  onlyCandidate: async () => undefined,
};

/** The same before it is looked up, for commands that live with its absence. */
export const repositoryName: Kind<string> = {
  metavar: 'REPO',
  noun: 'repository',
  parse: notEmpty,
  candidates: async (context, chosen) =>
    (await repositoriesIn(context, placeOf(chosen))).map((repo) => ({ ...toCandidate(repo), value: repo.id ?? '' })),
  onlyCandidate: async () => undefined,
};

/** Host of the registry, with the port if it has one. */
export const registryHost = (context: Context): string =>
  new URL(context.config.get('platform.registry')).host.toLowerCase();

/** Returns where clients pull from, by the id of the location of a repository: `cgr.dev/example.com`. */
export async function registryNames(
  context: Context,
  known: readonly Reference[],
): Promise<(location: string) => string> {
  const host = registryHost(context);
  const names = new Map([publicOrganization, ...known].map(({ id, name }) => [id, name === id ? undefined : name]));
  const directory = await groupDirectory(context);
  return (location) => {
    const group = directory.byId.get(location);
    return `${host}/${group === undefined ? (names.get(location) ?? location) : pathOf(group, directory)}`;
  };
}

/** Id of the location that holds a repository. */
export const locationOf = (repo: RegistryRepo): string => parentOf(repo.id ?? '');
