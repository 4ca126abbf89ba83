import { defineCommand } from '../../../cli/define.ts';
import { policyView, shown } from '../policy-view.ts';
import { policyInput, versionInput } from './inputs.ts';

export default defineCommand({
  path: ['policies', 'versions', 'activate'],
  summary: 'Make a version of a policy the one that counts.',
  inputs: { policy: policyInput, version: versionInput },
  examples: [{ text: 'Go back to the first one', args: 'v1 --policy=sample-policy' }],
  view: policyView,
  formats: ['table', 'wide', 'json', 'id'],
  run: async (context, { version: { id = '' } }) =>
    shown([await (await context.api()).call('iam.v1.Policies.ActivateVersion', { versionId: id })]),
});
