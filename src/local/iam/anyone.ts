import { demoOrganizations } from '../iam/seed.ts';
import type { Tx } from '../store/database.ts';
import { readMeta, writeMeta } from '../store/meta.ts';
import { findIdentity, insertIdentity, type Relationship, updateIdentity } from './stored-identity.ts';

/** UIDP of the identity that everybody who has an account may assume, as programs have it built in (protocols 3.3). */
export const anyoneId = `${demoOrganizations.public}/a033a6fabe0bfa0d`;

/**
 * Makes that identity once in a platform with the demo seed, and keeps it trusting `issuer`: the platform's own address,
 * which another port changes. It holds no role, because what is public is open to everybody who is somebody.
 */
export function seedAnyone(tx: Tx, issuer: string): void {
  if (readMeta(tx, 'seed') !== 'demo') return;
  // Whichever audience a login asked for: none of them gives more here than another.
  const claimMatch = { issuer, subjectPattern: '.*', audiencePattern: '.*' };
  const identity = {
    id: anyoneId,
    name: 'public',
    description: 'Everybody with an account may assume it to pull public images',
    relationship: { kind: 'claimMatch', claimMatch } satisfies Relationship,
  };
  const isNew = readMeta(tx, 'seed.anyone') === undefined;
  writeMeta(tx, 'seed.anyone', issuer);
  if (isNew) {
    insertIdentity(tx, identity);
    return;
  }
  const known = findIdentity(tx, anyoneId);
  if (known?.relationship.kind === 'claimMatch' && known.relationship.claimMatch.issuer !== issuer) {
    updateIdentity(tx, identity);
  }
}
