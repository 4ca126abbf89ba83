import type { IndexNode } from './define.ts';

/** Result of looking up the words of a command line in the index. */
export interface Found {
  readonly path: readonly string[];
  readonly node: IndexNode;
  /** The words that are not part of the path. */
  readonly rest: readonly string[];
  /** The word where the search ended, when it could have been a child of the node. */
  readonly stranger: string | undefined;
}
