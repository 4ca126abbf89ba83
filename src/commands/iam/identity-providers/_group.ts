import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'identity-providers'],
  summary: 'Manage identity providers of your own.',
  description:
    'With an identity provider of its own an organization decides who signs in, and from where. Its users may bring roles from groups of the provider (group-mappings) and be provisioned by it (scim).',
  aliases: ['identity-provider', 'identityproviders', 'identityprovider', 'idps', 'idp'],
});
