import type { RegistryRepo } from '../../api/schema/types/registry.gen.ts';
import type { Context } from '../../cli/context.ts';
import type { Inputs } from '../../cli/define.ts';
import { exclusive } from '../../cli/define.ts';
import type { Kind } from '../../cli/inputs/kind.ts';
import { group, type Reference } from '../../cli/inputs/references.ts';
import { boolean, named } from '../../cli/inputs/values.ts';
import { printable } from '../../cli/io.ts';
import { nearest } from '../../suggest.ts';
import { publicOrganization, repositoriesIn } from './repos/repository.ts';

/** Repositories of the location, or of the public catalog. */
const repositoryInPlace: Kind<string> = {
  ...named('REPO_NAME'),
  completions: async (context, chosen) => {
    const parent = chosen['parent'] as Reference | undefined;
    const place = chosen['public'] === true ? publicOrganization.id : parent?.id;
    return (await repositoriesIn(context, place)).map(({ name = '' }) => name);
  },
};

/** Repositories that a list is about. */
export const placeInputs = {
  parent: {
    kind: group,
    aliases: ['group'],
    requiredUnless: 'public',
    config: 'default.group',
    // Whoever asks for the public images does not mean the organization they work in otherwise.
    configWhen: (given: ReadonlySet<string>) => !given.has('public'),
    help: 'Organization or folder that holds the repositories.',
    question: 'Which organization would you like to list images from?',
  },
  public: { kind: boolean, help: 'The public images instead of those of an organization.' },
  repo: { kind: repositoryInPlace, help: 'Only the repository of this name.' },
  recursive: { kind: boolean, help: 'Also repositories in folders below.' },
} as const satisfies Inputs;

export const placeChecks = [exclusive('public', 'parent')];

export interface Place {
  readonly parent: Reference | undefined;
  readonly public: boolean;
  readonly repo: string | undefined;
  readonly recursive: boolean;
}

/** The location a list is about. */
export const locationIn = (place: Place): Reference =>
  place.public || place.parent === undefined ? publicOrganization : place.parent;

/**
 * Says so where no repository has the name that was given: an empty answer does not tell a slip from a repository
 * without images.
 */
export async function selectRepositories(context: Context, place: Place): Promise<readonly RegistryRepo[]> {
  const { repo, recursive } = place;
  const { id, name } = locationIn(place);
  const found = await repositoriesIn(context, id, { recursive, name: repo });
  const { output = '' } = context.globals;
  if (found.length > 0 || repo === undefined || context.isJsonAlone || ['id', 'none'].includes(output)) return found;
  const others = await repositoriesIn(context, id, { recursive });
  const near = nearest(
    repo,
    others.map((one) => one.name ?? ''),
  );
  const guess = near === undefined ? '' : `; did you mean "${near}"?`;
  context.io.note(printable(`There is no repository "${repo}" in ${name}${guess}`));
  return found;
}
