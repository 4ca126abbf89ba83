import type { RegistryRepo } from '../../../api/schema/types/registry.gen.ts';
import { defineCommand } from '../../../cli/define.ts';
import {
  attributeInputs,
  descriptionProblems,
  parentInput,
  repositoryName,
  sourceId,
  withSource,
} from './repo-changes.ts';
import { repoView, shownRepo } from './view.ts';

export default defineCommand({
  path: ['images', 'repos', 'create'],
  summary: 'Create an image repository.',
  description: 'A repository with a source is filled from it and follows it.',
  inputs: {
    parent: { ...parentInput, required: true },
    name: {
      kind: repositoryName,
      positional: 'REPO_NAME',
      flag: false,
      required: true,
      help: 'Name of the new repository.',
      question: 'What is the repository called?',
    },
    ...attributeInputs,
  },
  validate: descriptionProblems,
  examples: [
    { text: 'To push to', args: 'backend --parent=example.com --description="Our services"' },
    { text: 'Filled from a public image', args: 'node --parent=example.com --source=node --tier=BASE' },
  ],
  view: repoView,
  formats: ['text', 'json', 'id', 'table', 'wide'],
  run: async (context, { parent, name, description, source, tier }) => {
    const plain: RegistryRepo = {
      name,
      ...(description === undefined ? {} : { description }),
      ...(tier === undefined ? {} : { catalogTier: tier }),
    };
    const repo = source === undefined ? plain : withSource(plain, await sourceId(context, source));
    const made = await (await context.api()).call('registry.v1.Registry.CreateRepo', {
      parentId: parent.id,
      repo,
      // Without this an existing one would be overwritten (semantics 2, repo v1 create).
      preventExisting: true,
    });
    return shownRepo(context, made, [parent]);
  },
});
