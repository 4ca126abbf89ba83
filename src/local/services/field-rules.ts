import { invalidArgument } from '../failures.ts';
import { compilePattern, PatternError } from '../issuer/claim-match.ts';

const namePattern = '^[a-z0-9 ._-]{1,}$';
const descriptionPattern = '^[\\S ]{0,512}$';
const awsAccountPattern = '^[0-9]{12}$';

/** Names of groups, identities and roles (semantics 2). The pattern in the message is Go-quoted. */
export function checkName(name: string | undefined): string {
  if (name === undefined || !/^[a-z0-9 ._-]+$/.test(name)) throw mismatch('name', namePattern);
  return name;
}

/** Up to 512 code points, none of TAB, LF, FF, CR: what Go's `\S` and space leave out (semantics 2). */
export function checkDescription(description = ''): string {
  if (!/^[^\t\n\f\r]{0,512}$/u.test(description)) throw mismatch('description', descriptionPattern);
  return description;
}

export function checkAwsAccount(account: string | undefined): string {
  if (account === undefined || !/^[0-9]{12}$/.test(account)) throw mismatch('AWS account ID', awsAccountPattern);
  return account;
}

/** A regular expression that the issuer will be able to run when somebody wants to be this identity (protocols 3.4). */
export function checkPattern(field: string, pattern: string): string {
  try {
    compilePattern(pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw invalidArgument(`${field}: ${JSON.stringify(pattern)} is not usable: ${error.message}`);
  }
  return pattern;
}

function mismatch(what: string, pattern: string): Error {
  return invalidArgument(`${what} must match ${JSON.stringify(pattern)}`);
}
