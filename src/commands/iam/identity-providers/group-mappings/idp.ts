import { identityProvider } from '../identity-provider.ts';

export const idpInput = {
  kind: identityProvider,
  positional: 'IDENTITY_PROVIDER',
  flag: false,
  required: true,
  help: 'Name or id of the identity provider.',
  question: 'Which identity provider names the groups?',
} as const;
