import type { IamPolicyVersion } from '../../../api/schema/types/iam.gen.ts';
import { defineCommand, defineView } from '../../../cli/define.ts';
import { version } from '../policy.ts';
import { policyInput, versionInput } from './inputs.ts';

interface Difference {
  readonly from: IamPolicyVersion;
  readonly to: IamPolicyVersion;
}

const view = defineView<Difference>({
  text: async ({ from, to }) => {
    const { lineDifference } = await import('./line-difference.ts');
    const lines = lineDifference(from.document ?? '', to.document ?? '');
    return [`--- ${from.name} ${from.label}`, `+++ ${to.name} ${to.label}`, ...lines, ''].join('\n');
  },
  json: ({ from, to }) => ({ from, to }),
});

export default defineCommand({
  path: ['policies', 'versions', 'diff'],
  summary: 'Compare two versions of a policy.',
  inputs: {
    policy: policyInput,
    from: { ...versionInput, question: 'Which version is the older one?' },
    to: { ...versionInput, kind: version, positional: 'VERSION_ID', question: 'Which version is the newer one?' },
  },
  examples: [{ text: 'What the second one changed', args: 'v1 v2 --policy=sample-policy' }],
  view,
  formats: ['text', 'json'],
  run: async (_context, { from, to }) => ({ from, to }),
});
