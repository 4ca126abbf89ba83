import { createHash } from 'node:crypto';
import type { Tx } from '../store/database.ts';
import { bindRole } from './bind-role.ts';
import { builtInRoleId } from './built-in-roles.ts';
import { insertGroup } from './groups.ts';
import { developerIssuer, people } from './people.ts';
import { createUser } from './stored-identity.ts';

const organization = rootId('organization example.com');
const engineering = childId(organization, 'engineering');

/**
 * Ids of the seeded organizations: the one with public images, and the one that the seeded people belong to. The first
 * is published (protocols 3.3), so that `--public` asks for the same place here and elsewhere.
 */
export const demoOrganizations = {
  public: '720909c9f5279097d847ad02a2f24ba8f59de36a',
  private: organization,
} as const;

/** Ids of the folders below `example.com`. */
export const demoFolders = {
  engineering,
  platform: childId(engineering, 'platform'),
  sandbox: childId(organization, 'sandbox'),
} as const;

/** The UIDP of a seeded person. */
export function personId(email: string): string {
  return rootId(`user ${email}`);
}

/** Organizations, folders and people; their ids are the same on every platform, so that guides can name them. */
export function seedDemo(tx: Tx): void {
  const ready = { parent: '', verified: true, kind: 'ORG_KIND_CUSTOMER', status: 'ORG_STATUS_READY' };
  insertGroup(
    tx,
    { ...ready, name: 'example.com', description: 'A company to try things with' },
    demoOrganizations.private,
  );
  // Nobody is bound to it: it is here for the images that everybody may pull. Verified, so that nobody takes its name.
  insertGroup(tx, { ...ready, name: 'chainguard', description: 'Public images' }, demoOrganizations.public);
  const folders = [
    [demoFolders.engineering, organization, 'engineering', 'Everybody who builds'],
    [demoFolders.platform, engineering, 'platform', 'The team that runs the clusters'],
    [demoFolders.sandbox, organization, 'sandbox', 'Try things here'],
  ] as const;
  for (const [id, parent, name, description] of folders) insertGroup(tx, { parent, name, description }, id);

  for (const { email, name, subject, role } of people) {
    const user = { issuer: developerIssuer, subject, name, email, emailVerified: true };
    const identity = createUser(tx, user, personId(email));
    bindRole(tx, { group: organization, identity, role: builtInRoleId(role) });
  }
}

function rootId(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}

function childId(parent: string, name: string): string {
  return `${parent}/${createHash('sha256').update(`${parent} ${name}`).digest('hex').slice(0, 16)}`;
}
