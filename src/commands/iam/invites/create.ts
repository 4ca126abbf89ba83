import { isRoot } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand, exclusive } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { boolean, duration } from '../../../cli/inputs/values.ts';
import { CliError } from '../../../errors.ts';
import { role, visibleRoles } from '../roles/role.ts';
import { email } from './email.ts';
import { newInviteView } from './view.ts';

export default defineCommand({
  path: ['iam', 'invites', 'create'],
  summary: 'Invite people to an organization or folder.',
  description: 'Prints a code. Anyone who logs in with it gets the role; the code is not shown again.',
  inputs: {
    parent: {
      kind: group,
      positional: 'LOCATION',
      aliases: ['group'],
      required: true,
      config: 'default.group',
      help: 'Organization or folder to join, by name or id.',
      question: 'Where are people invited to?',
    },
    role: {
      kind: role,
      requiredUnless: 'cluster',
      help: 'Role of the person who accepts, by name or id.',
      question: 'Which role do they get?',
    },
    ttl: {
      kind: duration({ min: 1000, max: 100 * 365 * 24 * 3_600_000 }),
      default: '168h0m0s',
      help: 'How long the code can be used, such as "24h" or "5d".',
    },
    email: { kind: email, help: 'Only a login with exactly this address can use the code.' },
    singleUse: { kind: boolean, help: 'The code can be used once.' },
    cluster: {
      kind: boolean,
      help: 'Invite the agent of a cluster, with the role that it needs.',
    },
  },
  check: [exclusive('role', 'cluster')],
  examples: [
    { text: 'For five days', args: 'example.com --role=viewer --ttl=5d' },
    { text: 'One person, once', args: 'example.com --role=viewer --email=kim@example.com --single-use' },
    { text: 'A cluster', args: 'example.com --cluster --ttl=1h --single-use' },
    { text: 'The code for a script', args: 'example.com --role=viewer --output=json' },
    { text: 'Pick the location and the role', args: '' },
  ],
  view: newInviteView,
  formats: ['text', 'json', 'table', 'id'],
  run: async (context, { parent, role: wanted, ttl, email: address, singleUse }) =>
    (await context.api()).call('iam.v1.GroupInvites.Create', {
      group: parent.id,
      role: (wanted ?? (await clusterRole(context))).id,
      ttl: `${ttl / 1000}s`,
      ...(address === undefined ? {} : { email: address }),
      ...(singleUse ? { singleUse } : {}),
    }),
});

/** Returns what an agent of a cluster holds, on platforms that have clusters. */
async function clusterRole(context: Context): Promise<{ readonly id: string }> {
  const found = (await visibleRoles(context)).find(({ id = '', name }) => name === 'gulfstream' && isRoot(id));
  if (found?.id !== undefined) return { id: found.id };
  throw new CliError('api', 'This platform has no role for clusters, so it has no clusters', {
    code: 'api.unimplemented',
  });
}
