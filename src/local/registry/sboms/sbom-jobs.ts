// Messages between the platform and the thread that reads attestations.

import type { StatementFacts } from '../../../attestations/statement.ts';

/** All but the first give pieces of JSON. */
export type Job =
  | { readonly kind: 'probe'; readonly path: string }
  | (Read & { readonly kind: 'document'; readonly encoding: 'base64' | 'json' })
  | (Read & { readonly kind: 'nodes' | 'edges' })
  | (Read & { readonly kind: 'metadata'; readonly created: string | undefined })
  /** Packages that are built from one of these. */
  | (Read & { readonly kind: 'packages'; readonly names: readonly string[] });

interface Read {
  readonly path: string;
  readonly facts: StatementFacts;
}

export type ToReader =
  | { readonly id: number; readonly kind: 'start'; readonly job: Job }
  /** A piece was taken. */
  | { readonly id: number; readonly kind: 'more' | 'stop' };

export type FromReader =
  | { readonly id: number; readonly kind: 'piece'; readonly piece: Uint8Array }
  /** The facts, or the digest of a document. */
  | { readonly id: number; readonly kind: 'end'; readonly value: StatementFacts | string }
  | { readonly id: number; readonly kind: 'error'; readonly isUnreadable: boolean; readonly message: string };
