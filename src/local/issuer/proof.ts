// Turns the proof of an identity into the claims of a token. Guarantees: a token carries no more than the identity holds in
// the transaction that issues it, and none is issued when the identity's rule changed since it was satisfied.

import { grpcCodes } from '../../api/status.ts';
import { grantsOf } from '../authorization/access.ts';
import { StatusError } from '../core/types.ts';
import { requireActive } from '../iam/active-user.ts';
import { findIdentity, isAccount, leaveHome, noteSeen, type StoredIdentity, setEmail } from '../iam/stored-identity.ts';
import type { Actor, Limits } from '../sessions/session.ts';
import type { Tx } from '../store/database.ts';
import { type Grants, isNarrowing, narrow, underCeiling } from './narrowing.ts';

/** Proof of an identity, before the transaction that issues a token for it. */
export interface Proof {
  readonly identity: string;
  /** The rule that was satisfied, to notice a change meanwhile. */
  readonly rule: string;
  readonly actor: Actor;
  /** Seconds since the epoch beyond which no token of this proof may live. */
  readonly notAfter?: number;
  readonly ceiling?: Grants;
  /** Whether the presented token was narrowed. */
  readonly narrowed?: boolean;
  /** Id of the organization's identity provider that it came through. */
  readonly provider?: string;
  /** The account's own login, at the platform itself. */
  readonly direct?: boolean;
}

const lifeSeconds = 3600;

/** Claims of a token for a proof, as of this transaction. */
export interface Ready {
  readonly identity: string;
  readonly actor: Actor;
  readonly grants: Grants;
  readonly narrowed: boolean;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** The last step of every way in: looks again at who it is, and collects what they hold now. */
export function prepare(tx: Tx, proof: Proof, limits: readonly Limits[]): Ready {
  const record = findIdentity(tx, proof.identity);
  if (record === undefined || ruleOf(record) !== proof.rule) {
    throw new StatusError(grpcCodes.UNAVAILABLE, 'the identity changed while the token was verified; try again');
  }
  requireActive(tx, record.id, proof.provider);
  if (proof.direct === true) leaveHome(tx, record.id);
  let grants: Grants = grantsOf(tx, record.id);
  if (proof.ceiling !== undefined) grants = underCeiling(grants, proof.ceiling);
  for (const limit of limits) grants = narrow(tx, grants, limit);
  const narrowed = proof.narrowed === true || limits.some(isNarrowing);
  noteLogin(tx, record, proof.actor);
  const issuedAt = Math.floor(tx.now / 1000);
  const expiresAt = Math.min(issuedAt + lifeSeconds, proof.notAfter ?? Number.POSITIVE_INFINITY);
  return { identity: record.id, actor: proof.actor, grants, narrowed, issuedAt, expiresAt };
}

export function ruleOf(record: StoredIdentity): string {
  return JSON.stringify(record.relationship);
}

/** Users' addresses follow what they sign in with. */
function noteLogin(tx: Tx, record: StoredIdentity, actor: Actor): void {
  noteSeen(tx, record.id);
  const { email, emailVerified } = actor;
  if (!isAccount(record) || email === undefined) return;
  if (email === record.email && emailVerified === record.emailVerified) return;
  setEmail(tx, record.id, email, emailVerified);
}
