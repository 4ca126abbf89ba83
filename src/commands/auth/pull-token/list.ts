import { expirationOf, typeOf } from '../../../api/identity-rules.ts';
import { defineCommand } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { pullRole, type Repository } from '../../../pull-tokens.ts';
import { pullTokenListView } from '../../iam/identities/pull-token.ts';
import { type ShownIdentity, shown } from '../../iam/identities/view.ts';
import { repositoryKind, repositoryNames } from './repositories.ts';

export default defineCommand({
  path: ['auth', 'pull-token', 'list'],
  summary: 'List pull tokens.',
  description:
    'Shows who may pull and until when. The credentials themselves are kept nowhere and cannot be shown again.',
  aliases: ['ls'],
  inputs: {
    parent: {
      kind: group,
      config: 'default.group',
      aliases: ['group'],
      help: 'Only those in this organization or folder and below it.',
    },
    expired: { kind: boolean, help: 'Show those that have expired instead of those that have not.' },
    repository: {
      kind: repositoryKind,
      aliases: ['library-ecosystem'],
      help: `Only those that may pull this: ${repositoryNames}.`,
    },
  },
  examples: [
    { text: 'All that are good', args: '' },
    { text: 'Those for Java libraries', args: '--repository=java' },
    { text: 'What can be cleaned up', args: '--parent=example.com --expired' },
  ],
  view: pullTokenListView,
  formats: ['table', 'json', 'id'],
  run: async (context, input): Promise<readonly ShownIdentity[]> => {
    const { visibleIdentities } = await import('../../iam/identities/identity.ts');
    const now = context.host.now();
    const tokens = (await visibleIdentities(context, input.parent?.id))
      .filter((identity) => typeOf(identity) === 'pull_token')
      .filter((identity) => (expirationOf(identity) ?? Number.POSITIVE_INFINITY) <= now === input.expired)
      .map((identity) => shown(context, identity));
    return input.repository === undefined ? tokens : ofRepository(tokens, input.repository);
  },
});

async function ofRepository(tokens: readonly ShownIdentity[], repository: Repository): Promise<ShownIdentity[]> {
  const wanted = pullRole(repository);
  const roles = await Promise.all(tokens.map((token) => token.roles()));
  return tokens.filter((_, at) => roles[at]?.some((line) => line.endsWith(`: ${wanted}`)));
}
