// Ids that are the same on every seeded platform, and what they are made of. Tests take them from here, so that they know
// nothing of how the platform is laid out.

import { demoOrganizations, personId } from '../../src/local/iam/seed.ts';

export { builtInRoleId } from '../../src/local/iam/built-in-roles.ts';
export { developerIssuer, people } from '../../src/local/iam/people.ts';
export { demoFolders, demoOrganizations, personId } from '../../src/local/iam/seed.ts';

/** An owner of `organization`. */
export const dev = personId('dev@example.com');
/** A viewer of `organization`. */
export const guest = personId('guest@example.com');
/** `example.com`. */
export const organization = demoOrganizations.private;
