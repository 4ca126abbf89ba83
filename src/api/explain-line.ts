// The line that tells why a call was not allowed. Guarantees: pure; holds who called, and never the token.

import { decodeJwt, TokenError } from '../trust/jwt.ts';

/**
 * `chainctl iam access explain …` for a refusal that names what is missing, of which the first counts; undefined where it does not,
 * or no place is known.
 */
export function explainLine(message: string, place: string | undefined, bearer: string): string | undefined {
  const [, capability] = /(?:^|; )missing: ([\w.]+)/.exec(message) ?? [];
  if (capability === undefined || place === undefined || !/^[0-9a-f/]+$/.test(place)) return undefined;
  return explainCommand(bearer, capability, place);
}

/** The same about one capability. `place`: an id, or the name of an organization as the registry has it. */
export function explainCommand(bearer: string, capability: string, place: string): string | undefined {
  try {
    const { subject } = decodeJwt(bearer);
    return /^[0-9a-f/]+$/.test(subject)
      ? `chainctl iam access explain ${subject} ${capability} --on=${place}`
      : undefined;
  } catch (error) {
    if (error instanceof TokenError) return undefined;
    throw error;
  }
}
