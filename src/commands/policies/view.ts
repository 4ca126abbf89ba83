import type { IamPolicy } from '../../api/schema/types/iam.gen.ts';
import { defineCommand, defineView } from '../../cli/define.ts';
import { findPolicy, policy } from './policy.ts';

const documentView = defineView<IamPolicy>({
  text: ({ document = '' }) => (document.endsWith('\n') ? document : `${document}\n`),
  id: ({ id = '' }) => id,
});

export default defineCommand({
  path: ['policies', 'view'],
  summary: 'Print the document of a policy.',
  inputs: {
    policy: {
      kind: policy,
      positional: 'POLICY',
      flag: false,
      required: true,
      help: 'Name or id of the policy.',
      question: 'Which policy would you like to see?',
    },
  },
  examples: [
    { text: 'One policy', args: 'sample-policy' },
    { text: 'Pick it from a list', args: '' },
  ],
  view: documentView,
  formats: ['text', 'json', 'id'],
  run: (context, { policy: { id } }) => findPolicy(context, id),
});
