import type { RegistryRepo } from '../../../api/schema/types/registry.gen.ts';
import { isUidp } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import type { Inputs } from '../../../cli/define.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { group } from '../../../cli/inputs/references.ts';
import { choice, string } from '../../../cli/inputs/values.ts';
import { CliError } from '../../../errors.ts';
import { publicOrganization, repositoriesIn } from './repository.ts';

export const parentInput = {
  kind: group,
  aliases: ['group'],
  config: 'default.group',
  help: 'Organization or folder that holds the repository.',
  question: 'Which organization holds the repository?',
} as const;

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const namePattern = new RegExp(`^${component}(?:/${component})*$`);

/** A name that every registry client can write (distribution specification, "Pulling manifests"). */
export const repositoryName: Kind<string> = {
  metavar: 'REPO_NAME',
  parse: (text) => {
    if (namePattern.test(text)) return text;
    throw new Error('must be lower-case letters and digits, with ".", "_", "-" or "/" between them');
  },
};

export const attributeInputs = {
  description: { kind: string, help: 'What the repository is for; at most 255 characters.' },
  source: {
    kind: string,
    help: 'Repository to keep it filled from: an id, or the name of a public image such as "nginx".',
  },
  tier: {
    kind: choice('APPLICATION', 'BASE', 'FIPS', 'AI', 'DEVTOOLS', 'COMMERCIAL'),
    help: 'Catalog tier of the images.',
  },
} as const satisfies Inputs;

export const descriptionProblems = ({ description }: { readonly description?: string | undefined }): string[] =>
  description !== undefined && [...description].length > 255 ? ['`--description` is longer than 255 characters'] : [];

/** Id of the repository to fill from. */
export async function sourceId(context: Context, text: string): Promise<string> {
  if (text === '' || isUidp(text)) return text;
  const name = text.replace(/^(?:cgr\.dev\/)?chainguard\//, '');
  const [repo] = await repositoriesIn(context, publicOrganization.id, { name });
  if (repo?.id === undefined) {
    throw new CliError('not-found', `Public image "${text}" not found`, { code: 'not-found.repository' });
  }
  return repo.id;
}

export const withSource = (repo: RegistryRepo, source: string): RegistryRepo => ({
  ...repo,
  sync_config: { ...repo.sync_config, source },
});
