import { organization, type Reference } from '../../../cli/inputs/references.ts';
import type { Noun } from '../../../cli/noun-commands.ts';

export const organizationNoun: Noun<Reference> = {
  kind: organization,
  positional: 'ORGANIZATION',
  help: 'Name or id of the organization.',
  called: 'organization',
};
