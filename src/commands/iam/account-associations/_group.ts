import { defineGroup } from '../../../cli/define.ts';

export default defineGroup({
  path: ['iam', 'account-associations'],
  summary: 'Manage the cloud accounts of a location.',
  aliases: ['account-association', 'accountassociations', 'accountassociation'],
});
