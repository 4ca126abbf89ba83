// Turns the proof of an identity into the claims of a token. Guarantees: a token carries no more than the identity holds in
// the transaction that issues it, and none is issued when the identity's rule changed since it was satisfied.

import { grpcCodes } from '../../api/status.ts';
import { grantsOf } from '../authorization/access.ts';
import { StatusError } from '../core/types.ts';
import { requireActive } from '../iam/active-user.ts';
import {
  isAccount,
  leaveHome,
  noteSeen,
  recallIdentity,
  type StoredIdentity,
  setEmail,
} from '../iam/stored-identity.ts';
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
  readonly provider?: string | undefined;
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
  const record = provedIdentity(tx, proof);
  const ready = readyFor(tx, record, proof, limits);
  if (leavesHome(record, proof)) leaveHome(tx, record.id);
  if (isSeenAnew(tx, record)) noteSeen(tx, record.id);
  const email = newEmail(record, proof);
  if (email !== undefined) setEmail(tx, record.id, email, proof.actor.emailVerified);
  return ready;
}

/**
 * The same where there is nothing to write down, so that nobody has to wait for the disk: in a transaction that only
 * reads. Undefined where there is something.
 */
export function prepareUnwritten(tx: Tx, proof: Proof, limits: readonly Limits[]): Ready | undefined {
  const record = provedIdentity(tx, proof);
  const isNoted = !leavesHome(record, proof) && !isSeenAnew(tx, record) && newEmail(record, proof) === undefined;
  return isNoted ? readyFor(tx, record, proof, limits) : undefined;
}

function provedIdentity(tx: Tx, proof: Proof): StoredIdentity {
  const record = recallIdentity(tx, proof.identity);
  if (record === undefined || ruleOf(record) !== proof.rule) {
    throw new StatusError(grpcCodes.UNAVAILABLE, 'the identity changed while the token was verified; try again');
  }
  requireActive(tx, record.id, proof.provider);
  return record;
}

function readyFor(tx: Tx, record: StoredIdentity, proof: Proof, limits: readonly Limits[]): Ready {
  let grants: Grants = grantsOf(tx, record.id);
  if (proof.ceiling !== undefined) grants = underCeiling(grants, proof.ceiling);
  for (const limit of limits) grants = narrow(tx, grants, limit);
  const narrowed = proof.narrowed === true || limits.some(isNarrowing);
  const issuedAt = Math.floor(tx.now / 1000);
  const expiresAt = Math.min(issuedAt + lifeSeconds, proof.notAfter ?? Number.POSITIVE_INFINITY);
  return { identity: record.id, actor: proof.actor, grants, narrowed, issuedAt, expiresAt };
}

export function ruleOf(record: StoredIdentity): string {
  return JSON.stringify(record.relationship);
}

const leavesHome = ({ home }: StoredIdentity, { direct }: Proof): boolean => direct === true && home !== null;

/** Milliseconds. Of an identity that many programs share, nobody asks when in this second it was seen last. */
const seenEveryMs = 1_000;

function isSeenAnew({ now }: Tx, { lastSeen }: StoredIdentity): boolean {
  // A clock may have been set back.
  return lastSeen === null || now < lastSeen || now >= lastSeen + seenEveryMs;
}

/** Users' addresses follow what they sign in with. Returns one that has changed. */
function newEmail(record: StoredIdentity, { actor: { email, emailVerified } }: Proof): string | undefined {
  if (!isAccount(record)) return undefined;
  return email === record.email && emailVerified === record.emailVerified ? undefined : email;
}
