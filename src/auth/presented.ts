// Describes a refused identity token, for whoever has to find out why. Guarantees: never the signature, and with it
// never the token.

import { CliError } from '../errors.ts';
import { quote } from '../quote.ts';
import { testWords } from '../trust/test-words.ts';
import { audiencesOf, decodeClaims } from './jwt.ts';

/** The same error with issuer, subject and audience of the token, and the line that compares them with the identity. */
export function withPresented(error: unknown, token: string, identity: string, issuer: string): unknown {
  const claims = decodeClaims(token);
  const isRefused = error instanceof CliError && (error.kind === 'auth' || error.kind === 'permission');
  if (!isRefused || typeof claims?.iss !== 'string' || typeof claims.sub !== 'string') return error;
  const { kind, message, code, number, details, cause } = error;
  const audiences = audiencesOf(claims);
  const words = testWords({ issuer: claims.iss, subject: claims.sub, audiences, all: claims }, issuer);
  return new CliError(kind, message, {
    code,
    cause,
    ...(number === undefined ? {} : { number }),
    details: [
      ...details,
      `presented issuer    ${quote(claims.iss)}`,
      `presented subject   ${quote(claims.sub)}`,
      `presented audience  ${audiences.map(quote).join(', ') || 'none'}`,
    ],
    hint: `see why with \`chainctl iam identities test ${[identity, ...words].join(' ')}\``,
  });
}
