import { defineCommand } from '../../../cli/define.ts';
import { findPolicy, policy, versionsOf } from '../policy.ts';
import { versionView } from '../policy-view.ts';

export default defineCommand({
  path: ['policies', 'versions', 'list'],
  summary: 'List the versions of a policy, the newest first.',
  aliases: ['ls'],
  inputs: {
    policy: {
      kind: policy,
      positional: 'POLICY',
      flag: false,
      required: true,
      help: 'Name or id of the policy.',
      question: 'Which policy?',
    },
  },
  examples: [{ text: 'Of one policy', args: 'sample-policy' }],
  view: versionView,
  formats: ['table', 'json', 'id'],
  run: async (context, { policy: { id } }) => {
    const [{ enforcedVersion }, versions] = await Promise.all([findPolicy(context, id), versionsOf(context, id)]);
    return versions.map((one) => ({ ...one, enforced: one.id === enforcedVersion?.id }));
  },
});
