import type { RegistryRepo } from '../../../api/schema/types/registry.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { changeOf, defineCommand, type Inputs } from '../../../cli/define.ts';
import type { Chosen } from '../../../cli/inputs/kind.ts';
import { date, string } from '../../../cli/inputs/values.ts';
import {
  attributeInputs,
  descriptionProblems,
  parentInput,
  repositoryName,
  sourceId,
  withSource,
} from './repo-changes.ts';
import { presentRepository, repository } from './repository.ts';
import { repoView, shownRepo } from './view.ts';

const chosenRepo = (context: Context, { repo }: Chosen) => presentRepository(context, repo as RegistryRepo);

const inputs = {
  parent: parentInput,
  repo: {
    kind: repository,
    positional: 'REPO_NAME|REPO_ID',
    flag: false,
    required: true,
    help: 'Name or id of the repository.',
    question: 'Which repository would you like to change?',
  },
  name: {
    kind: repositoryName,
    help: 'New name.',
    current: async (context, chosen) => (await chosenRepo(context, chosen)).name,
  },
  ...attributeInputs,
  description: {
    ...attributeInputs.description,
    current: async (context, chosen) => (await chosenRepo(context, chosen)).description,
  },
  bundles: {
    kind: string,
    help: 'Bundles the images belong to, separated by commas.',
    current: async (context, chosen) => (await chosenRepo(context, chosen)).bundles?.join(','),
  },
  expiration: { kind: date, help: 'When it stops being filled from its source.' },
} as const satisfies Inputs;

export default defineCommand({
  path: ['images', 'repos', 'update'],
  summary: 'Change an image repository.',
  description: 'What is not given stays as it is. An empty value takes a text or a list away.',
  inputs,
  check: [changeOf('name', 'description', 'source', 'tier', 'bundles', 'expiration')],
  validate: descriptionProblems,
  examples: [
    { text: 'Another tier', args: 'nginx --parent=example.com --tier=BASE' },
    { text: 'Another name and description', args: 'nginx --parent=example.com --name=web --description="Front ends"' },
    { text: 'Stop following the source at the end of the year', args: 'nginx --expiration=2026-12-31' },
  ],
  view: repoView,
  formats: ['text', 'json', 'id', 'table', 'wide'],
  run: async (context, { repo, parent, name, description, source, tier, bundles, expiration }) => {
    const changed: RegistryRepo = {
      // The platform replaces all of it (semantics 5, PUT), and questions may have been open for long.
      ...(await presentRepository(context, repo)),
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
      ...(tier === undefined ? {} : { catalogTier: tier }),
      ...(bundles === undefined ? {} : { bundles: listOf(bundles) }),
    };
    const sourced = source === undefined ? changed : withSource(changed, await sourceId(context, source));
    const until = expiration === undefined ? {} : { expiration: new Date(expiration).toISOString() };
    const after =
      expiration === undefined ? sourced : { ...sourced, sync_config: { ...sourced.sync_config, ...until } };
    const answer = await (await context.api()).call('registry.v1.Registry.UpdateRepo', after);
    return shownRepo(context, answer, parent === undefined ? [] : [parent]);
  },
});

const listOf = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
