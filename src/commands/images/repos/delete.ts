import { defineCommand } from '../../../cli/define.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { printable } from '../../../cli/io.ts';
import { parentInput } from './repo-changes.ts';
import { findRepository, repository, repositoryName } from './repository.ts';

export default defineCommand({
  path: ['images', 'repos', 'delete'],
  summary: 'Delete an image repository.',
  description: 'Its images and tags go with it. Nothing is asked, because scripts call this in loops.',
  aliases: ['rm'],
  inputs: {
    parent: parentInput,
    repo: {
      kind: repositoryName,
      positional: 'REPO_NAME|REPO_ID',
      flag: false,
      required: true,
      help: 'Name or id of the repository.',
      question: 'Which repository would you like to delete?',
    },
    allowMissing: { kind: boolean, help: 'Succeed when there is no such repository.' },
  },
  examples: [
    { text: 'By name', args: 'backend --parent=example.com' },
    { text: 'Whether it exists or not', args: 'backend --parent=example.com --allow-missing' },
  ],
  run: async (context, { parent, repo, allowMissing }) => {
    const found = await findRepository(context, repo, parent?.id);
    if (found === undefined && allowMissing) {
      context.io.note(printable(`There is no repository "${repo}".`));
      return;
    }
    // Looked up once more for the error with its near misses.
    const { id = '', name = repo } = found ?? (await repository.resolve?.(context, repo, { parent })) ?? {};
    await (await context.api()).call('registry.v1.Registry.DeleteRepo', { id });
    context.io.note(printable(`Deleted the repository "${name}".`));
  },
});
