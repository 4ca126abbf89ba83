import { demoOrganizations, personId } from '../../src/local/iam/seed.ts';

/** Ids that are the same on every seeded platform. */

/** An owner of `organization`. */
export const dev = personId('dev@example.com');
/** A viewer of `organization`. */
export const guest = personId('guest@example.com');
/** `example.com`. */
export const organization = demoOrganizations.private;
