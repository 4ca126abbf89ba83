// Caller interface of the pages: somebody calls its operations. Where the platform is, and how the caller signed in to
// it, is known to whoever mounts the console.

import type { GithubRepository } from '../api/github-rules.ts';
import type { OperationTypes } from '../api/schema/types.gen.ts';

/** Operations that pages may call. */
export type CalledId = Extract<
  keyof OperationTypes,
  `${'advisory' | 'auth' | 'events' | 'iam' | 'registry' | 'tenant'}.v1.${string}`
>;

export interface Caller {
  /** Throws CallFailure. */
  call<Id extends CalledId>(id: Id, request: OperationTypes[Id]['request']): Promise<OperationTypes[Id]['response']>;
  /**
   * Returns what platforms may offer beside the API, as JSON. Throws CallFailure, `missing` where this one does not.
   */
  beside(method: 'GET' | 'POST', path: string): Promise<unknown>;
  /**
   * Asks GitHub for the ids of `owner/name`; why they are not known is a clause. Undefined where nobody can be asked.
   */
  readonly githubRepository?: (
    repo: string,
  ) => Promise<{ readonly repository: GithubRepository } | { readonly reason: string }>;
  /** Takes in what the caller was granted since the login, a new organization for one. */
  renew(): Promise<void>;
}

/**
 * `invalid`: the request as such. `refused`: a capability is lacking. `missing`: it is not there, or not for this
 * caller. `taken`: it is there already, or not in a state for this. `signed-out`: the login is over. `unreachable`:
 * nobody answered.
 */
export type FailureKind = 'invalid' | 'refused' | 'missing' | 'taken' | 'signed-out' | 'unreachable' | 'failed';

export class CallFailure extends Error {
  override readonly name = 'CallFailure';
  readonly kind: FailureKind;

  /** `message`: one sentence for a person, without a secret. */
  constructor(kind: FailureKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}
