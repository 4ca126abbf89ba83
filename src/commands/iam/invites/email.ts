import type { Kind } from '../../../cli/inputs/kind.ts';

/** Enough to catch a name or a list; the platform decides what an address is. */
export const email: Kind<string> = {
  metavar: 'EMAIL',
  parse: (text) => {
    if (!/^[^\s@,;<>]+@[^\s@,;<>]+$/.test(text)) throw new Error('must be an e-mail address');
    return text;
  },
};
