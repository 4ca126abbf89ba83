import { expirationOf, identityTypes, typeOf } from '../../../api/identity-rules.ts';
import type { Arrivals } from '../../../arrivals.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand, type Inputs, type InputValues } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { boolean, choice, string } from '../../../cli/inputs/values.ts';
import { nameThenId, ordered } from '../../../cli/output/ordered.ts';
import { isListed, uidpFilter } from '../recursion.ts';
import { beginRoles, identityView, type ShownIdentity, shown } from './view.ts';

const inputs = {
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
} as const satisfies Inputs;

export default defineCommand({
  path: ['iam', 'identities', 'list'],
  summary: 'List the identities that can be assumed.',
  description: 'Identities with an expiration in the past are left out; `--expired` lists those instead.',
  aliases: ['ls'],
  inputs,
  examples: [
    { text: 'Everything you may see', args: '' },
    { text: 'The id of one identity, for a script', args: '--parent=example.com --name=my-app --output=id' },
    { text: 'Pull tokens that can no longer be used', args: '--type=pull_token --expired' },
    { text: 'Identities of the organization itself', args: '--parent=example.com --recursive=false' },
  ],
  view: identityView,
  formats: ['table', 'json', 'id', 'csv', 'wide', 'markdown'],
  ahead: (context, { parent }) => beginRoles(context, parent?.id),
  run: async (context, input) => ordered(await listed(context, input), ({ identity }) => nameThenId(identity)),
});

async function listed(context: Context, input: InputValues<typeof inputs>): Promise<Arrivals<ShownIdentity>> {
  const { parent, name, type, expired } = input;
  const now = context.host.now();
  return (await context.api()).list('iam.v1.Identities.List', uidpFilter(input)).map((identity) => {
    if (!isListed(identity, input)) return undefined;
    if (name !== undefined && identity.name !== name) return undefined;
    if (type !== undefined && typeOf(identity) !== type) return undefined;
    if ((expirationOf(identity) ?? Number.POSITIVE_INFINITY) <= now !== expired) return undefined;
    return shown(context, identity, parent?.id ?? '');
  });
}
