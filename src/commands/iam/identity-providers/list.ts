import type { Context } from '../../../cli/context.ts';
import { defineCommand } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { nameThenId, ordered } from '../../../cli/output/ordered.ts';
import { isListed, type Recursion, uidpFilter } from '../recursion.ts';
import { providerView, type ShownProvider, shown } from './view.ts';

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
  run: (context, input) => ordered(listed(context, input), ({ provider }) => nameThenId(provider)),
});

async function* listed(context: Context, input: Recursion): AsyncGenerator<ShownProvider> {
  for await (const provider of (await context.api()).list('iam.v1.IdentityProviders.List', uidpFilter(input))) {
    if (isListed(provider, input)) yield shown(context, provider);
  }
}
