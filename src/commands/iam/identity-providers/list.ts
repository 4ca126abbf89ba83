import { isRoot, parentOf } from '../../../api/uidp.ts';
import { defineCommand } from '../../../cli/define.ts';
import { byNameThenId, group } from '../../../cli/inputs/references.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { providerView, shown } from './view.ts';

export default defineCommand({
  path: ['iam', 'identity-providers', 'list'],
  summary: 'List identity providers.',
  aliases: ['ls'],
  inputs: {
    parent: {
      kind: group,
      aliases: ['group'],
      config: 'default.group',
      help: 'Only identity providers of this organization or folder.',
    },
    recursive: {
      kind: boolean,
      default: 'true',
      help: 'Also those of folders below. `--recursive=false` leaves them out.',
    },
  },
  examples: [
    { text: 'Everything you may see', args: '' },
    { text: 'Of an organization', args: '--parent=example.com' },
    { text: 'Of the organization itself', args: '--parent=example.com --recursive=false' },
  ],
  view: providerView,
  formats: ['table', 'json', 'tree', 'id', 'csv', 'wide', 'markdown'],
  run: async (context, { parent, recursive }) => {
    const place = parent?.id;
    const answer = await (await context.api()).call('iam.v1.IdentityProviders.List', {
      ...(place === undefined ? {} : { uidp: recursive ? { descendantsOf: place } : { childrenOf: place } }),
    });
    return (
      (answer.items ?? [])
        // Without a location the places looked at are the organizations.
        .filter(({ id = '' }) => recursive || place !== undefined || isRoot(parentOf(id)))
        .sort(byNameThenId)
        .map((provider) => shown(context, provider))
    );
  },
});
