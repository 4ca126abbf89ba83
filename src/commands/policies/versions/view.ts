import { defineCommand } from '../../../cli/define.ts';
import { versionView } from '../policy-view.ts';
import { policyInput, versionInput } from './inputs.ts';

export default defineCommand({
  path: ['policies', 'versions', 'view'],
  summary: 'Print the document of a version.',
  inputs: { policy: policyInput, version: versionInput },
  examples: [{ text: 'The first one', args: 'v1 --policy=sample-policy' }],
  view: versionView,
  formats: ['text', 'json', 'id'],
  run: async (_context, { version }) => version,
});
