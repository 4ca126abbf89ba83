// Types of an API operation, for the module that does it and for the dispatcher that calls it.

import type { OperationId } from '../../api/schema/operations.gen.ts';
import type { OperationTypes } from '../../api/schema/types.gen.ts';
import type { ListContext } from '../api/selection.ts';
import type { Tx } from '../store/database.ts';
import type { StreamedAnswer } from './streamed-answer.ts';
import type { Caller, PlatformUrls } from './types.ts';

/** Tells of a change that came about otherwise than by the API's call for it, in the words of that call. */
export type Announce = (
  tx: Tx,
  id: OperationId,
  message: { readonly request: object; readonly response: object },
  who: Pick<Caller, 'identity' | 'actor'>,
) => void;

/** Facts of a call besides its caller and its request. */
export interface CallContext extends ListContext {
  readonly urls: PlatformUrls;
  /** Returns whether the JSON body has a key at this path; canonical messages leave out what is empty. */
  hasField(...path: string[]): boolean;
  /** Bytes of a small blob (64 MiB at most), read at once; undefined when there is none. Larger ones throw. */
  readBlob(digest: string): Uint8Array | undefined;
  /** Stands for the call, also when its transaction runs again: see `LateReader`. */
  readonly call: object;
  /** For what an operation does that another one has an event for. Its own is the dispatcher's work. */
  readonly announce: Announce;
}

/**
 * One operation on canonical messages. Runs inside a transaction, so it throws to undo. For a scoped operation the
 * dispatcher has checked the capabilities before; an unscoped one checks them itself.
 */
export type Handler<Id extends keyof OperationTypes> = (
  tx: Tx,
  caller: Caller,
  request: OperationTypes[Id]['request'],
  context: CallContext,
) => OperationTypes[Id]['response'] | StreamedAnswer;

/** By operation id. */
export type Handlers = { readonly [Id in keyof OperationTypes]?: Handler<Id> };

/** Work that is left for the transaction, and the caller when none is known before. */
export interface Outcome<Response> {
  readonly response: Response;
  readonly actor?: Pick<Caller, 'identity' | 'actor'>;
}

/** Asks another server before the transaction, and returns the rest of the work. */
export type PreparedHandler<Id extends keyof OperationTypes> = (
  request: OperationTypes[Id]['request'],
  bearer: string,
) => Promise<(tx: Tx, caller: Caller, context: CallContext) => Outcome<OperationTypes[Id]['response']>>;

/** By operation id. */
export type PreparedHandlers = { readonly [Id in keyof OperationTypes]?: PreparedHandler<Id> };
