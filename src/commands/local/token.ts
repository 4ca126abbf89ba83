import { defineCommand, exclusive, needs } from '../../cli/define.ts';
import { named } from '../../cli/inputs/values.ts';
import { type Minted, mint, mintedView, mintInputs } from './mint.ts';

export default defineCommand({
  path: ['local', 'token'],
  summary: 'Print an ID token as a third party would sign it.',
  description:
    'Without flags it is the token of the seeded developer, dev@example.com, from the sign-in of the platform. With ' +
    '--issuer and --subject it is one of any issuer. The platform trusts these issuers because it holds their keys, ' +
    'and nobody else does.',
  inputs: {
    email: { kind: named('EMAIL'), help: 'E-mail address of the account. Defaults to dev@example.com.' },
    issuer: { kind: named('URL'), help: 'The issuer that signs, as its URL.' },
    subject: { kind: named('SUBJECT'), help: 'Value of the `sub` claim.' },
    ...mintInputs,
  },
  check: [
    exclusive('email', 'issuer'),
    exclusive('email', 'subject'),
    needs('issuer', 'subject'),
    needs('subject', 'issuer'),
  ],
  examples: [
    { text: 'The seeded developer', args: '' },
    { text: 'Somebody else who signs in', args: '--email=guest@example.com' },
    {
      text: 'What another issuer would sign',
      args: '--issuer=https://ci.example.com --subject=job-7 --claim branch=main --ttl=10m',
    },
  ],
  view: mintedView,
  formats: ['text', 'json'],
  readsConfig: false,
  run: async (context, input): Promise<Minted> => {
    const { issuer, subject } = input;
    if (issuer !== undefined && subject !== undefined) return mint(context, input, { issuer, subject, claims: {} });
    const { developerToken } = await import('../../local/issuer/simulated.ts');
    return mint(context, input, developerToken(input.email ?? 'dev@example.com'));
  },
});
