import type { Inputs } from '../../../cli/define.ts';
import { description, resourceName } from '../../../cli/inputs/names.ts';
import { group } from '../../../cli/inputs/references.ts';
import { role } from '../roles/role.ts';

const name = {
  kind: resourceName,
  positional: 'NAME',
  short: 'n',
  required: true,
  help: 'Name of the new identity.',
  question: 'What is the identity called?',
} as const;

/** Place and roles of the new identity: declared in this order, because roles depend on the location. */
const place = {
  parent: {
    kind: group,
    aliases: ['group'],
    required: true,
    config: 'default.group',
    help: 'Organization or folder that the identity belongs to.',
    question: 'Where does the identity belong?',
  },
  role: {
    kind: role,
    many: true,
    asksWith: true,
    help: 'Role, by name or id, that the identity gets at its location.',
    question: 'Which roles does it get there? Without one it can do nothing yet',
  },
  description: { kind: description, short: 'd', help: 'What the identity is for.' },
} as const;

/** Inputs that every way to create an identity has, split so that each puts its own between them. */
export const creation = { name, place } as const satisfies Readonly<Record<string, unknown>> & {
  readonly place: Inputs;
};
