// Interprets `--parent` and `--recursive` of a list together.

import { isRoot, parentOf } from '../../api/uidp.ts';

export interface Recursion {
  readonly parent?: { readonly id: string } | undefined;
  readonly recursive: boolean;
}

/** As a filter of the API, with which the caller's whole world is looked at when there is no location. */
export function uidpFilter({ parent, recursive }: Recursion) {
  if (parent === undefined) return {};
  return { uidp: recursive ? { descendantsOf: parent.id } : { childrenOf: parent.id } };
}

/**
 * Returns whether what that filter found belongs into the list. Without a location the places looked at are the
 * organizations.
 */
export function isListed({ id = '' }: { readonly id?: string }, { parent, recursive }: Recursion): boolean {
  return recursive || parent !== undefined || isRoot(parentOf(id));
}
