import { changeOf, defineCommand } from '../../cli/define.ts';
import type { Reference } from '../../cli/inputs/references.ts';
import { descriptionInput } from './inputs.ts';
import { findPolicy, policy } from './policy.ts';
import { policyView, shown } from './policy-view.ts';

export default defineCommand({
  path: ['policies', 'update'],
  summary: 'Change the description of a policy.',
  description: 'The document is changed with `policies apply` or `policies edit`.',
  aliases: ['set'],
  inputs: {
    policy: {
      kind: policy,
      positional: 'POLICY',
      flag: false,
      required: true,
      help: 'Name or id of the policy.',
      question: 'Which policy would you like to change?',
    },
    description: {
      ...descriptionInput,
      current: async (context, { policy: one }) => (await findPolicy(context, (one as Reference).id)).description,
    },
  },
  check: [changeOf('description')],
  examples: [{ text: 'Say what it is for', args: 'sample-policy --description="Signed images only"' }],
  view: policyView,
  formats: ['table', 'wide', 'json', 'id'],
  run: async (context, { policy: { id }, description = '' }) =>
    shown([await (await context.api()).call('iam.v1.Policies.Update', { id, description })]),
});
