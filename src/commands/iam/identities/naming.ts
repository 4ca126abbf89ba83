import type { Inputs, Kind } from '../../../cli/define.ts';
import { group, role } from '../../../cli/inputs/references.ts';
import { boolean } from '../../../cli/inputs/values.ts';

/** The rule of the platform for names (semantics 2), told before it is asked. */
export const nameProblem = 'must be made of lower-case letters, digits, spaces and ". _ -"';

export const identityName: Kind<string> = {
  metavar: 'NAME',
  noun: 'name',
  parse: (text) => {
    if (!/^[a-z0-9 ._-]+$/.test(text)) throw new Error(nameProblem);
    return text;
  },
};

/** Up to 512 characters on one line (semantics 2). */
export const description: Kind<string> = {
  metavar: 'TEXT',
  parse: (text) => {
    if (!/^[^\t\n\f\r]{0,512}$/u.test(text)) throw new Error('must be one line of at most 512 characters');
    return text;
  },
};

const name = {
  kind: identityName,
  positional: 'NAME',
  short: 'n',
  required: true,
  help: 'Name of the new identity.',
  question: 'What is the identity called?',
} as const;

/** Where the new identity belongs and what it may do: declared in this order, because roles depend on the location. */
const place = {
  parent: {
    kind: group,
    aliases: ['group'],
    required: true,
    config: 'default.group',
    help: 'Organization or folder that the identity belongs to.',
    question: 'Where does the identity belong?',
  },
  role: { kind: role, many: true, help: 'Role, by name or id, that the identity gets at its location.' },
  description: { kind: description, short: 'd', help: 'What the identity is for.' },
  yes: { kind: boolean, short: 'y', help: 'Do not ask for confirmation.' },
} as const;

/** Inputs that every way to create an identity has, split so that each puts its own between them. */
export const creation = { name, place } as const satisfies Readonly<Record<string, unknown>> & {
  readonly place: Inputs;
};
