// Findings about an image, authority by authority.

import type { Signed } from './signatures.ts';

/** `githubWorkflowTrigger` and its like, of certificates that have them. */
export type Workflow = Readonly<Record<string, string>>;

export interface Signer {
  /** Digest of the layer. */
  readonly id: string;
  readonly predicateType: string | undefined;
  /** The in-toto statement of an attestation. */
  readonly statement: Signed['statement'];
  readonly signatures: readonly Buffer[];
  /** Undefined for a key. */
  readonly identity: { readonly issuer: string; readonly subject: string } | undefined;
  readonly workflow?: Workflow;
}

export interface AuthorityVerdict {
  readonly name: string;
  readonly isGood: boolean;
  /** Empty when it is good. */
  readonly message: string;
  readonly signatures: readonly Signer[];
  /** By the names that the policy gives them. */
  readonly attestations: readonly {
    readonly name: string;
    /** As the policy has it. */
    readonly predicateType: string;
    readonly signatures: readonly Signer[];
  }[];
}

/** The signer of something signed, or why it does not count. */
export type Check = (signed: Signed) => Signer | string;
