// Rows of table `identities`. Guarantees: `kind` and `relationship` always agree, `issuer` and `subject` hold the
// literal pair a login is looked up by (null when a pattern stands in their place), `expires_at` is a static identity's
// end.

import { createHash } from 'node:crypto';
import type {
  IamIdentity,
  IamIdentityAWSIdentity,
  IamIdentityClaimMatch,
  IamIdentityStaticKeys,
} from '../../api/schema/types/iam.gen.ts';
import { newChildId, parentOf } from '../../api/uidp.ts';
import { toWireTime } from '../api/wire-time.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import type { Memory } from '../store/memory.ts';

/** How an identity is proved, in the JSON names of the `relationship` oneof. Users are `claimMatch` with literals. */
export type Relationship =
  | { readonly kind: 'claimMatch'; readonly claimMatch: IamIdentityClaimMatch }
  | { readonly kind: 'static'; readonly static: IamIdentityStaticKeys }
  | { readonly kind: 'servicePrincipal'; readonly servicePrincipal: string }
  | { readonly kind: 'awsIdentity'; readonly awsIdentity: IamIdentityAWSIdentity };

export interface StoredIdentity {
  readonly id: string;
  /** The group it lives in; null for a user. */
  readonly parent: string | null;
  readonly name: string;
  readonly description: string;
  readonly relationship: Relationship;
  readonly company: string;
  readonly email: string | null;
  readonly emailVerified: boolean;
  /** The organization whose identity provider made the account; null when none did, or when its owner came without. */
  readonly home: string | null;
  /** Milliseconds since the epoch; null when it does not end. */
  readonly expiresAt: number | null;
  readonly lastSeen: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A person's account: nobody signs in as static keys that lie at the root as well (root-identities.ts). */
export function isAccount({ parent, relationship }: StoredIdentity): boolean {
  return parent === null && relationship.kind === 'claimMatch';
}

export function findIdentity(tx: Tx, id: string): StoredIdentity | undefined {
  const row = tx.get('SELECT * FROM identities WHERE id = ?', id);
  return row === undefined ? undefined : toStoredIdentity(row);
}

/** The user who signs in with this pair. Only users' pairs are unique (protocols 3.3). */
export function findUser(tx: Tx, issuer: string, subject: string): StoredIdentity | undefined {
  // Static keys at the root belong to no login (root-identities.ts).
  const row = tx.get(
    "SELECT * FROM identities WHERE issuer = ? AND subject = ? AND parent IS NULL AND kind = 'claimMatch'",
    issuer,
    subject,
  );
  return row === undefined ? undefined : toStoredIdentity(row);
}

const identitiesById: Memory<StoredIdentity | undefined> = {
  tables: [],
  rows: ['identities'],
  most: 1_000,
  until: (identity) => (identity === undefined ? 0 : Number.POSITIVE_INFINITY),
};
const usersByPair: Memory<StoredIdentity | undefined> = { tables: ['identities'], most: 1_000 };

/** The same as `findIdentity`, for who asks often and writes seldom: the exchange of tokens. */
export function recallIdentity(tx: Tx, id: string): StoredIdentity | undefined {
  return tx.recall(identitiesById, id, () => findIdentity(tx, id));
}

/** The same as `findUser`. */
export function recallUser(tx: Tx, issuer: string, subject: string): StoredIdentity | undefined {
  return tx.recall(usersByPair, JSON.stringify([issuer, subject]), () => findUser(tx, issuer, subject));
}

export interface NewUser {
  readonly issuer: string;
  readonly subject: string;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly emailVerified?: boolean | undefined;
  readonly home?: string | undefined;
}

/**
 * The UIDP of the user who signs in with this pair, before the first time too: whoever knows the pair can be told it
 * (v2 LookupIdentity). Older users have another, which `findUser` knows.
 */
export function userIdOf(issuer: string, subject: string): string {
  return newChildId('', (count) =>
    createHash('sha256')
      .update(JSON.stringify([issuer, subject]))
      .digest()
      .subarray(0, count),
  );
}

/** Makes a user that is bound to nothing yet; `id` only for users that are the same on every platform. */
export function createUser(tx: Tx, user: NewUser, id = userIdOf(user.issuer, user.subject)): string {
  insertIdentity(tx, {
    id,
    name: user.name ?? '',
    description: '',
    relationship: { kind: 'claimMatch', claimMatch: { issuer: user.issuer, subject: user.subject } },
    email: user.email ?? null,
    emailVerified: user.emailVerified ?? false,
    home: user.home ?? null,
  });
  return id;
}

/**
 * Anyone who signs in at the platform itself is nobody's: an organization may have opened the account before its owner
 * came, with a token for an application of its own, and must not share what the owner is given later
 * (provider-logins.ts).
 */
export function leaveHome(tx: Tx, id: string): void {
  tx.run('UPDATE identities SET home = NULL WHERE id = ? AND home IS NOT NULL', id);
}

export type NewIdentity = Pick<StoredIdentity, 'id' | 'name' | 'description' | 'relationship'> &
  Partial<Pick<StoredIdentity, 'email' | 'emailVerified' | 'home'>>;

/** Returns what clients are shown of it, as reading it again would. */
export function insertIdentity(tx: Tx, identity: NewIdentity): ShownIdentity {
  const parent = parentOf(identity.id);
  tx.run(
    `INSERT INTO identities (id, parent, name, description, kind, relationship, issuer, subject, email, email_verified,
       home, expires_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    identity.id,
    parent === '/' ? null : parent,
    identity.name,
    identity.description,
    ...relationshipColumns(identity.relationship),
    identity.email ?? null,
    identity.emailVerified === true ? 1 : 0,
    identity.home ?? null,
    expiryOf(identity.relationship),
    tx.now,
    tx.now,
  );
  const { id, name, description, relationship } = identity;
  return { id, name, description, relationship, lastSeen: null, createdAt: tx.now, updatedAt: tx.now };
}

export function updateIdentity(tx: Tx, identity: NewIdentity): void {
  tx.run(
    `UPDATE identities SET name = ?, description = ?, kind = ?, relationship = ?, issuer = ?, subject = ?,
       expires_at = ?, updated_at = ? WHERE id = ?`,
    identity.name,
    identity.description,
    ...relationshipColumns(identity.relationship),
    expiryOf(identity.relationship),
    tx.now,
    identity.id,
  );
}

/** Representation of an identity for clients. */
type ShownIdentity = Pick<
  StoredIdentity,
  'id' | 'name' | 'description' | 'relationship' | 'lastSeen' | 'createdAt' | 'updatedAt'
>;

/** The columns that `toShownIdentity` reads. */
export const shownColumns: readonly string[] = [
  'id',
  'name',
  'description',
  'kind',
  'relationship',
  'last_seen',
  'created_at',
  'updated_at',
];

export function toShownIdentity(row: SqlRow): ShownIdentity {
  return {
    id: String(row['id']),
    name: String(row['name']),
    description: String(row['description']),
    // Written by relationshipColumns only, so kind and body agree.
    relationship: { kind: row['kind'], [String(row['kind'])]: JSON.parse(String(row['relationship'])) } as Relationship,
    lastSeen: numberOrNull(row['last_seen']),
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
  };
}

export function toStoredIdentity(row: SqlRow): StoredIdentity {
  return {
    ...toShownIdentity(row),
    parent: textOrNull(row['parent']),
    company: String(row['company']),
    email: textOrNull(row['email']),
    emailVerified: row['email_verified'] === 1,
    home: textOrNull(row['home']),
    expiresAt: numberOrNull(row['expires_at']),
  };
}

export function toWireIdentity(record: ShownIdentity): IamIdentity {
  const { kind, ...relationship } = record.relationship;
  const createdAt = toWireTime(record.createdAt);
  return {
    id: record.id,
    name: record.name,
    description: record.description,
    createdAt,
    updatedAt: record.updatedAt === record.createdAt ? createdAt : toWireTime(record.updatedAt),
    ...(record.lastSeen === null ? {} : { lastSeen: toWireTime(record.lastSeen) }),
    ...relationship,
  };
}

function relationshipColumns(relationship: Relationship): [string, string, string | null, string | null] {
  const { kind } = relationship;
  switch (kind) {
    case 'claimMatch': {
      const { claimMatch } = relationship;
      return [kind, JSON.stringify(claimMatch), claimMatch.issuer ?? null, claimMatch.subject ?? null];
    }
    case 'static': {
      const keys = relationship.static;
      return [kind, JSON.stringify(keys), keys.issuer ?? null, keys.subject ?? null];
    }
    case 'servicePrincipal':
      return [kind, JSON.stringify(relationship.servicePrincipal), null, null];
    case 'awsIdentity':
      return [kind, JSON.stringify(relationship.awsIdentity), null, null];
  }
}

function expiryOf(relationship: Relationship): number | null {
  if (relationship.kind !== 'static' || relationship.static.expiration === undefined) return null;
  return Date.parse(relationship.static.expiration);
}

function textOrNull(value: SqlRow[string] | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

function numberOrNull(value: SqlRow[string] | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

/** Returns whether an account signs in with this issuer. */
export function hasAccountOfIssuer(tx: Tx, issuer: string): boolean {
  return tx.get('SELECT 1 FROM identities WHERE issuer = ? AND parent IS NULL LIMIT 1', issuer) !== undefined;
}

/** Returns whether an account, an identity or an identity provider names this issuer. */
export function isIssuerKnown(tx: Tx, issuer: string): boolean {
  const found =
    tx.get('SELECT 1 FROM identities WHERE issuer = ? LIMIT 1', issuer) ??
    tx.get('SELECT 1 FROM identity_providers WHERE issuer = ? LIMIT 1', issuer);
  return found !== undefined;
}

/** Returns the rows of the issuer's accounts, oldest first. */
export function accountsOfIssuer(tx: Tx, issuer: string, limit: number): SqlRow[] {
  return tx.all(
    'SELECT * FROM identities WHERE parent IS NULL AND issuer = ? ORDER BY created_at, email, id LIMIT ?',
    issuer,
    limit,
  );
}

export function noteSeen(tx: Tx, id: string): void {
  tx.run('UPDATE identities SET last_seen = ? WHERE id = ?', tx.now, id);
}

export function setEmail(tx: Tx, id: string, email: string, isVerified: boolean): void {
  tx.run(
    'UPDATE identities SET email = ?, email_verified = ?, updated_at = ? WHERE id = ?',
    email,
    isVerified ? 1 : 0,
    tx.now,
    id,
  );
}
