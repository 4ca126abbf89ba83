import { defineGroup } from '../cli/define.ts';

export default defineGroup({
  path: [],
  summary: 'Work with the Chainguard platform, or with a local one of your own.',
  description:
    'Sign in, manage organizations, roles and assumable identities, and let Docker and CI pull images. ' +
    'Without an account, `chainctl local start` gives you a complete platform on this machine.',
});
