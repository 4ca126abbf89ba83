// Inputs that creating and updating an identity provider share, with the platform's rules told before it is asked.

import type { Kind } from '../../../cli/define.ts';
import { choice, named, secret } from '../../../cli/inputs/values.ts';

/** semantics 2, name. */
export const providerName: Kind<string> = {
  metavar: 'NAME',
  parse: (text) => {
    if (!/^[a-z0-9 ._-]+$/.test(text))
      throw new Error('must be made of lower-case letters, digits, spaces and ". _ -"');
    return text;
  },
};

/** semantics 2, description. */
export const providerDescription: Kind<string> = {
  metavar: 'TEXT',
  parse: (text) => {
    if (!/^[^\t\n\f\r]{0,512}$/u.test(text)) throw new Error('must be one line of at most 512 characters');
    return text;
  },
};

export const issuerUrl: Kind<string> = {
  metavar: 'ISSUER',
  noun: 'issuer',
  parse: (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.host === '') {
      throw new Error('must be a URL such as "https://accounts.example.com"');
    }
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
