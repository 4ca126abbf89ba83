// Inputs that creating and updating an identity provider share, with the platform's rules told before it is asked.

import { issuerUrlProblem } from '../../../api/identity-rules.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { choice, named, secret } from '../../../cli/inputs/values.ts';

export const issuerUrl: Kind<string> = {
  metavar: 'ISSUER',
  noun: 'issuer',
  parse: (text) => {
    const problem = issuerUrlProblem(text);
    if (problem !== undefined) throw new Error(problem);
    return text;
  },
};

export const clientId: Kind<string> = {
  metavar: 'CLIENT_ID',
  parse: (text) => {
    if (text.trim() === '') throw new Error('must not be empty');
    return text;
  },
};

/** Repeated or a comma list, as the usage line of the reference writes it. RFC 6749, 3.3. */
export const scope: Kind<string> = {
  metavar: 'SCOPE',
  splitsCommas: true,
  parse: (text) => {
    if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text)) throw new Error('must be the name of an OIDC scope');
    return text;
  },
};

/** There is one type so far; scripts may say so. */
export const configurationType = {
  kind: choice('OIDC'),
  default: 'OIDC',
  help: 'Protocol of the identity provider.',
} as const;

export const clientSecret = secret('CLIENT_SECRET');

export const groupsClaim = {
  kind: named('CLAIM'),
  help: 'Claim of the tokens that lists groups, for group mappings; empty switches mappings off.',
} as const;
