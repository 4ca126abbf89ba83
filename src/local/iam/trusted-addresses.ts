// Whose word counts that an e-mail address belongs to who signs in. Anybody can run an issuer that says so of any address,
// and anybody can create an organization with an identity provider.

import { rootOf } from '../../api/uidp.ts';
import { hasSigningKey } from '../keys/signing-keys.ts';
import type { Tx } from '../store/database.ts';
import { developerIssuer } from './people.ts';

/** Issuers that verify addresses themselves. */
export const trustedIssuers: readonly string[] = [developerIssuer, 'https://accounts.google.com'];

export interface Voucher {
  readonly issuer: string;
  /** Id of the identity provider that the login came through. */
  readonly provider?: string | undefined;
}

/** In a group: the trusted ones, issuers that this machine itself simulates, and the provider of the organization. */
export function vouchesForAddresses(tx: Tx, { issuer, provider }: Voucher, group: string): boolean {
  if (trustedIssuers.includes(issuer)) return true;
  if (provider !== undefined && rootOf(provider) === rootOf(group)) return true;
  return hasSigningKey(tx, issuer);
}
