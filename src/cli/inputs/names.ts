import type { Kind } from './kind.ts';

/** The rule of the platform for names (semantics 2), told before it is asked. */
export const nameProblem = 'must be made of lower-case letters, digits, spaces and ". _ -"';

/** Name of a group, identity, role and so on. */
export const resourceName: Kind<string> = {
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
