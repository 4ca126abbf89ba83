import type { RegistryRepo } from '../../../../api/schema/types/registry.gen.ts';
import type { Kind } from '../../../../cli/inputs/kind.ts';
import type { Reference } from '../../../../cli/inputs/references.ts';
import { CliError } from '../../../../errors.ts';
import { locationOf, publicOrganization, repositoriesIn, repository } from '../repository.ts';

/** One repository by name or id, or every repository whose name matches `*`, `?` and `[abc]`. */
export const repositoryPattern: Kind<readonly RegistryRepo[]> = {
  metavar: 'REPO',
  noun: 'repository',
  parse: repository.parse,
  async resolve(context, text, chosen) {
    if (!/[*?[]/.test(text)) return [(await repository.resolve?.(context, text, chosen)) as RegistryRepo];
    const place = (chosen['parent'] as Reference | undefined)?.id;
    const pattern = globPattern(text);
    const all = await repositoriesIn(context, place);
    // A repository that everybody may pull is not customized unless that is asked for.
    const own = place === undefined ? all.filter((repo) => locationOf(repo) !== publicOrganization.id) : all;
    const matches = own.filter(({ name = '' }) => pattern.test(name));
    if (matches.length > 0) return matches;
    throw new CliError('not-found', `No repository matches "${text}"`, { code: 'not-found.repository' });
  },
  candidates: async (context, chosen) =>
    (await repository.candidates?.(context, chosen))?.map((each) => ({ ...each, value: [each.value] })),
  onlyCandidate: async () => undefined,
};

/** As file names are matched in a shell; a bracket that is not closed stands for itself. */
export function globPattern(glob: string): RegExp {
  const source = glob.replaceAll(
    /\[(!?)([^\]]+)\]|[*?]|[^*?]/g,
    (part, not: string | undefined, set: string | undefined) => {
      if (part === '*') return '.*';
      if (part === '?') return '.';
      if (set !== undefined) return `[${not ? '^' : ''}${set.replaceAll(/[\\\]^]/g, '\\$&')}]`;
      return part.replaceAll(/[\\^$.|+(){}[\]]/g, '\\$&');
    },
  );
  return new RegExp(`^${source}$`);
}
