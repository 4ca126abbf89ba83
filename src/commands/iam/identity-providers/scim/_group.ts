import { defineGroup } from '../../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'identity-providers', 'scim'],
  summary: 'Let an identity provider provision its users.',
  description:
    'Its SCIM connector needs the address and the token that `scim token generate` prints, and is let in once SCIM is enabled.',
});
