import { compilePattern, PatternError } from '../../trust/claim-match.ts';
import { invalidArgument } from '../core/failures.ts';
import { isLoopbackHttp } from '../core/loopback.ts';

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

/** An address as it is written: nothing is changed, since an invite wants exactly the same one back (protocols 5). */
export function checkEmail(field: string, email: string): string {
  if (email.length > 254 || !/^[^\s@"<>\p{Cc}\p{Cf}]+@[^\s@"<>\p{Cc}\p{Cf}]+$/u.test(email)) {
    throw invalidArgument(`${field}: ${JSON.stringify(email)} is not an e-mail address`);
  }
  return email;
}

/** A URL that tokens can be issued under, whose keys nobody in between can answer for (protocols 3.7). */
export function checkIssuerUrl(field: string, issuer: string): string {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  const isPlain = url !== undefined && url.username === '' && url.password === '' && !/[?#\s]/.test(issuer);
  if (!isPlain || issuer.length > 255 || !(url.protocol === 'https:' || isLoopbackHttp(url))) {
    throw invalidArgument(`${field}: ${JSON.stringify(issuer)} is not an https URL`);
  }
  return issuer;
}

function mismatch(what: string, pattern: string): Error {
  return invalidArgument(`${what} must match ${JSON.stringify(pattern)}`);
}
