// Ids of things that have no name. Guarantees: a whole id is used as it is, and a short one only when it means one thing.

import { isUidp } from '../../api/uidp.ts';
import { CliError } from '../../errors.ts';
import { byShortId, isShortId } from '../short-id.ts';

/** Reads an id, whole or short. `thing` completes "must be the id of …". */
export const parseId =
  (thing: string) =>
  (text: string): string => {
    if (isUidp(text) || isShortId(text)) return text;
    throw new Error(`must be the id of ${thing}`);
  };

/** The same for things that always lie below something: a root's id is refused. */
export const parseBelow =
  (thing: string) =>
  (text: string): string => {
    if (text.includes('/') === isUidp(text)) return parseId(thing)(text);
    throw new Error(`must be the id of ${thing}`);
  };

/** Returns the whole id that a text means among those that `known` gives. Throws kind `not-found` or `usage`. */
export async function wholeId(
  text: string,
  noun: string,
  known: () => Promise<readonly { readonly id?: string }[]>,
): Promise<string> {
  if (isUidp(text)) return text;
  const [found, ...others] = byShortId(text, await known());
  if (found === undefined) {
    throw new CliError('not-found', `No ${noun} found for "${text}"`, {
      code: `not-found.${noun.replaceAll(' ', '-')}`,
    });
  }
  if (others.length === 0) return found.id ?? '';
  throw new CliError('usage', `"${text}" begins the ids of ${others.length + 1} ${noun}s; write more of it`, {
    code: 'usage.ambiguous',
    details: [found, ...others].map(({ id = '' }) => id),
  });
}
