import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['sigstore', 'ca'],
  summary: 'Manage certificate authorities.',
  aliases: ['cas'],
});
