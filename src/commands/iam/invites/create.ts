import { defineCommand } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { boolean, duration } from '../../../cli/inputs/values.ts';
import { role } from '../roles/role.ts';
import { email } from './email.ts';
import { newInviteView } from './view.ts';

export default defineCommand({
  path: ['iam', 'invites', 'create'],
  summary: 'Invite people to an organization or folder.',
  description: 'Prints a code. Whoever logs in with it gets the role; the code is not shown again.',
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
      required: true,
      help: 'Role, by name or id, that whoever accepts gets.',
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
      help: 'Was for clusters, which are no longer part of the platform; refused with the reason.',
    },
  },
  validate: ({ cluster }) =>
    cluster === true
      ? ['`--cluster` invited a cluster, and clusters are no longer part of the platform; invite people with `--role`']
      : [],
  examples: [
    { text: 'For five days', args: 'example.com --role=viewer --ttl=5d' },
    { text: 'One person, once', args: 'example.com --role=viewer --email=kim@example.com --single-use' },
    { text: 'The code for a script', args: 'example.com --role=viewer --output=json' },
    { text: 'Pick the location and the role', args: '' },
  ],
  view: newInviteView,
  formats: ['text', 'json', 'table', 'id'],
  run: async (context, { parent, role: wanted, ttl, email: address, singleUse }) =>
    (await context.api()).call('iam.v1.GroupInvites.Create', {
      group: parent.id,
      role: wanted.id,
      ttl: `${ttl / 1000}s`,
      ...(address === undefined ? {} : { email: address }),
      ...(singleUse ? { singleUse } : {}),
    }),
});
