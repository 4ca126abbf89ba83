// Occurrences on the platform, told to each module that listens. Guarantees: no token, no secret and no content of
// a message is in it.

import type { Tx } from '../store/database.ts';

export interface Occurrence {
  readonly kind: 'call' | 'exchange' | 'sign-in';
  /** Id of the operation; `exchange`, `refresh` or `sign-in` for those. */
  readonly operation: string;
  /** UIDP of who did it or wanted to; undefined where nobody was recognized. */
  readonly identity: string | undefined;
  /** `issuer subject` of the token that was presented, for an exchange. */
  readonly presented?: string;
  /** UIDP that it is about; undefined where it is about none. */
  readonly place: string | undefined;
  /** Capabilities that were needed there. */
  readonly capabilities: readonly string[];
  /** `refused`: not allowed. `failed`: allowed, and something else was wrong. */
  readonly outcome: 'done' | 'refused' | 'failed';
  /** Nothing has changed by it. */
  readonly isRead: boolean;
  /** For what it was refused, or the kind of failure. */
  readonly reason?: string;
}

/**
 * `tx` is the transaction of the change, where there is one: whatever is written there exists exactly when the change
 * does.
 */
export type OnOccurrence = (occurrence: Occurrence, tx?: Tx) => void;
