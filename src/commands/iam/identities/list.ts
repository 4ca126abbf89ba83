import { expirationOf, identityTypes, typeOf } from '../../../api/identity-rules.ts';
import { isRoot, parentOf } from '../../../api/uidp.ts';
import { defineCommand } from '../../../cli/define.ts';
import { byNameThenId, group } from '../../../cli/inputs/references.ts';
import { boolean, choice, string } from '../../../cli/inputs/values.ts';
import { identityView, shown } from './view.ts';

export default defineCommand({
  path: ['iam', 'identities', 'list'],
  summary: 'List the identities that can be assumed.',
  description: 'Identities with an expiration in the past are left out; `--expired` lists those instead.',
  aliases: ['ls'],
  inputs: {
    parent: {
      kind: group,
      aliases: ['group'],
      config: 'default.group',
      help: 'Only identities of this organization or folder.',
    },
    name: { kind: string, help: 'Only identities with exactly this name.' },
    type: {
      kind: choice(...identityTypes),
      aliases: ['relationship'],
      help: 'Only identities that are proved in this way. Before, this was --relationship.',
    },
    expired: { kind: boolean, help: 'Only identities that have expired.' },
    recursive: {
      kind: boolean,
      default: 'true',
      help: 'Also identities of folders below. `--recursive=false` leaves them out.',
    },
  },
  examples: [
    { text: 'Everything you may see', args: '' },
    { text: 'The id of one identity, for a script', args: '--parent=example.com --name=my-app --output=id' },
    { text: 'Pull tokens that can no longer be used', args: '--type=pull_token --expired' },
    { text: 'Identities of the organization itself', args: '--parent=example.com --recursive=false' },
  ],
  view: identityView,
  formats: ['table', 'json', 'id', 'csv', 'wide', 'markdown'],
  run: async (context, { parent, name, type, expired, recursive }) => {
    const place = parent?.id;
    const answer = await (await context.api()).call('iam.v1.Identities.List', {
      ...(place === undefined ? {} : { uidp: recursive ? { descendantsOf: place } : { childrenOf: place } }),
    });
    const now = context.host.now();
    return (
      (answer.items ?? [])
        // Without a location the places looked at are the organizations.
        .filter(({ id = '' }) => recursive || place !== undefined || isRoot(parentOf(id)))
        .filter((identity) => name === undefined || identity.name === name)
        .filter((identity) => type === undefined || typeOf(identity) === type)
        .filter((identity) => (expirationOf(identity) ?? Number.POSITIVE_INFINITY) <= now === expired)
        .sort(byNameThenId)
        .map((identity) => shown(context, identity, place ?? ''))
    );
  },
});
