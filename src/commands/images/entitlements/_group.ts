import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['images', 'entitlements'],
  summary: 'See which images an organization may use.',
  aliases: ['entitlement'],
});
