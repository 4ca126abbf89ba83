// Finding the organization of one's own e-mail domain and asking to be let in (groups.proto, LookupGroup). Guarantees:
// whatever the reason for a refusal, the answer is the same NOT_FOUND.

import type {
  IamCheckEligibilityRequest,
  IamCheckEligibilityResponse,
  IamLookupGroupRequest,
  IamLookupGroupResponse,
  IamRequestGroupAccessRequest,
  IamRequestGroupAccessResponse,
} from '../../api/schema/types/iam.gen.ts';
import { invalidArgument, notFound, resourceExhausted } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { toWireGroup } from './groups.ts';
import { findIdentity, isAccount } from './stored-identity.ts';
import { trustedIssuers } from './trusted-addresses.ts';

/** Anybody can have an address there, so it says nothing about who somebody works for. */
const openDomains = new Set([
  'aol.com',
  'fastmail.com',
  'gmail.com',
  'gmx.de',
  'gmx.net',
  'googlemail.com',
  'hotmail.com',
  'icloud.com',
  'live.com',
  'mail.com',
  'mail.ru',
  'me.com',
  'msn.com',
  'outlook.com',
  'pm.me',
  'proton.me',
  'protonmail.com',
  'qq.com',
  'web.de',
  'yahoo.com',
  'yandex.com',
  'yandex.ru',
  'zoho.com',
]);

const pauseMs = 24 * 60 * 60 * 1000;

export function checkEligibility(
  tx: Tx,
  caller: Caller,
  _request: IamCheckEligibilityRequest,
): IamCheckEligibilityResponse {
  return { eligible: domainOf(tx, caller) !== undefined };
}

export function lookupGroup(tx: Tx, caller: Caller, _request: IamLookupGroupRequest): IamLookupGroupResponse {
  return { group: toWireGroup(ownOrganization(tx, caller)) };
}

/** Once a day for each organization. The request is kept for its owners; nobody is sent mail. */
export function requestGroupAccess(
  tx: Tx,
  caller: Caller,
  request: IamRequestGroupAccessRequest,
): IamRequestGroupAccessResponse {
  if (!request.groupId) throw invalidArgument('group_id is required');
  const id = String(ownOrganization(tx, caller)['id']);
  if (id !== request.groupId) throw noSuchGroup();
  const last = tx.get(
    'SELECT requested_at FROM access_requests WHERE identity = ? AND group_id = ?',
    caller.identity,
    id,
  );
  if (last !== undefined && Number(last['requested_at']) > tx.now - pauseMs) {
    throw resourceExhausted('access to this organization has been requested already');
  }
  tx.run(
    `INSERT INTO access_requests (identity, group_id, requested_at) VALUES (?, ?, ?)
     ON CONFLICT (identity, group_id) DO UPDATE SET requested_at = excluded.requested_at`,
    caller.identity,
    id,
    tx.now,
  );
  return {};
}

function ownOrganization(tx: Tx, caller: Caller): SqlRow {
  const domain = domainOf(tx, caller);
  const row =
    domain === undefined
      ? undefined
      : tx.get('SELECT * FROM groups WHERE parent IS NULL AND verified = 1 AND name = ?', domain);
  if (row === undefined) throw noSuchGroup();
  return row;
}

/** The domain of an address that a trusted issuer has verified; undefined when there is none, or it is open to all. */
function domainOf(tx: Tx, caller: Caller): string | undefined {
  const user = findIdentity(tx, caller.identity);
  // Static keys are their maker's, whatever issuer they say they are of.
  if (user === undefined || !isAccount(user) || !trustedIssuers.includes(caller.actor['iss'] ?? '')) return undefined;
  const { email } = caller;
  if (email === undefined || !user.emailVerified || user.email !== email) return undefined;
  const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase();
  return domain === '' || openDomains.has(domain) ? undefined : domain;
}

function noSuchGroup(): Error {
  return notFound('no organization was found for the e-mail domain of the caller');
}
