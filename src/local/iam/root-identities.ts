// The two calls of `events.Identities` (semantics 10, path oddities): identities below no group, and what a user tells
// of itself.

import type { EventsIdentity, EventsIdentityMetadata } from '../../api/schema/types/events.gen.ts';
import { newChildId } from '../../api/uidp.ts';
import { checkIssuerUrl } from '../api/field-rules.ts';
import { groupsWith } from '../authorization/access.ts';
import { alreadyExists, invalidArgument, permissionDenied } from '../core/failures.ts';
import type { CallContext } from '../core/handler.ts';
import type { Caller } from '../core/types.ts';
import type { Tx } from '../store/database.ts';
import { checkRelationship } from './relationships.ts';
import { createUser, findUser, insertIdentity } from './stored-identity.ts';

const maxStaticLifetimeMs = 30 * 24 * 60 * 60 * 1000;

/**
 * A user for whom this pair will sign in, or, with `issuer_keys`, an identity that is proved by those keys. The latter is
 * nobody's account: only who names its id assumes it, so that keys cannot stand in for somebody else's login.
 */
export function createRootIdentity(tx: Tx, caller: Caller, request: EventsIdentity): EventsIdentity {
  if (groupsWith(tx, caller, ['identity.create']).length === 0) throw permissionDenied('missing: identity.create');
  const { issuer = '', subject = '', issuerKeys = '', expiration } = request;
  if (issuer === '') throw invalidArgument('issuer is required');
  if (subject === '') throw invalidArgument('subject is required');
  if (issuerKeys === '') {
    if (expiration !== undefined) throw invalidArgument('expiration is only for identities with issuer_keys');
    checkIssuerUrl('issuer', issuer);
    if (findUser(tx, issuer, subject) !== undefined) {
      throw alreadyExists('there is an account for this issuer and subject already');
    }
    return { id: createUser(tx, { issuer, subject }), issuer, subject };
  }
  const end = expiration === undefined ? undefined : Date.parse(expiration);
  if (end !== undefined && end > tx.now + maxStaticLifetimeMs) {
    throw invalidArgument('expiration is more than 30 days away');
  }
  const relationship = checkRelationship(
    { static: { issuer, subject, issuerKeys, ...(expiration === undefined ? {} : { expiration }) } },
    tx.now,
  );
  const id = newChildId('', (count) => tx.randomBytes(count));
  insertIdentity(tx, { id, name: '', description: '', relationship });
  const set = relationship.kind === 'static' ? relationship.static.expiration : undefined;
  return { id, issuer, subject, issuerKeys, ...(set === undefined ? {} : { expiration: set }) };
}

/** Returns what a user has told of itself so far. */
export function metadataOf(tx: Tx, identity: string): EventsIdentityMetadata {
  const row = tx.get('SELECT body FROM identity_metadata WHERE identity = ?', identity);
  // Written below only.
  return row === undefined ? {} : (JSON.parse(String(row['body'])) as EventsIdentityMetadata);
}

/** Of the caller's own account. What is left out stays; names come from the login and are not written. */
export function updateIdentityMetadata(
  tx: Tx,
  caller: Caller,
  request: EventsIdentityMetadata,
  { hasField }: CallContext,
): EventsIdentityMetadata {
  const before = metadataOf(tx, caller.identity);
  const { onboardingQuestions, updatesOptIn } = request;
  const body: EventsIdentityMetadata = {
    ...before,
    ...(onboardingQuestions === undefined
      ? {}
      : { onboardingQuestions: { ...before.onboardingQuestions, ...onboardingQuestions } }),
    ...(hasField('updatesOptIn') ? { updatesOptIn: updatesOptIn === true } : {}),
  };
  return writeMetadata(tx, caller, body);
}

/** All that the caller tells of itself, with the names that its login says. */
export function writeMetadata(tx: Tx, caller: Caller, body: EventsIdentityMetadata): EventsIdentityMetadata {
  tx.run(
    `INSERT INTO identity_metadata (identity, body, updated_at) VALUES (?, ?, ?)
     ON CONFLICT (identity) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at`,
    caller.identity,
    JSON.stringify(body),
    tx.now,
  );
  const name = (claim: string): string => {
    const value = caller.profile?.[claim];
    return typeof value === 'string' ? value : '';
  };
  return { ...body, name: name('name'), givenName: name('given_name'), familyName: name('family_name') };
}
