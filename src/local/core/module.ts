// The contract of a module of the platform. Guarantees: to declare and to open a module costs nothing, because what
// does the work is loaded at its first use.

import type { IncomingMessage } from 'node:http';
import type { OperationId } from '../../api/schema/operations.gen.ts';
import type { Operation } from '../../api/schema/types.ts';
import type { BlobStore } from '../store/blob-store.ts';
import type { Migration, Store, Tx } from '../store/database.ts';
import type { EventFacts } from './event-facts.ts';
import type { Announce, Handlers, PreparedHandlers } from './handler.ts';
import type { LateReads } from './late-reads.ts';
import type { OnOccurrence } from './occurrence.ts';
import type { HttpHandler, PlatformClock, PlatformUrls } from './types.ts';

/** Dependencies of every module. */
export interface Parts {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly urls: PlatformUrls;
  readonly clock: PlatformClock;
  /** Tells of what comes about otherwise than by a call of the API; loaded with the tables of events. */
  readonly announcer: () => Promise<Announce>;
  /** Logs an error that belongs to no request. */
  readonly onDefect: (error: unknown) => void;
  /**
   * One operation as the API does it: with a caller's `authorization`, authorized, in a transaction, with its event.
   * Answers the canonical response. Throws StatusError or WireError.
   */
  readonly call: (id: OperationId, message: object, authorization: string) => Promise<object>;
  /** Tells every module that wants to know what has happened. */
  readonly tell: OnOccurrence;
  /** Tells the log what a request turned out to be. */
  readonly onCall: (request: IncomingMessage, call: { readonly operation: string; readonly identity?: string }) => void;
}

/** Operations by the beginning of their ids, e.g. `iam.v1.`; of several that fit, the longest one counts. */
export interface OperationTable {
  readonly prefix: string;
  load(): Promise<{ readonly handlers: Handlers }>;
}

/** Paths that are the prefix, or the prefix and more behind `/` or `:`. */
export interface Route {
  readonly prefix: string;
  load(): Promise<HttpHandler>;
}

/** Kinds that everybody may read without a role. */
export type PublicRead = (tx: Tx, operation: Operation, place: string) => boolean;

/** An operation that reads its credentials itself; `authorization` is the header or the metadata of that name. */
export type DirectOperation = (message: object, authorization: string | undefined) => Promise<object>;

export interface SeedParts {
  readonly store: Store;
  readonly clock: PlatformClock;
  /** Absolute. */
  readonly dataDir: string;
  /** Seed of a new folder. An existing one keeps what it has. */
  readonly scenario: 'demo' | 'empty';
}

export interface Module<Needs = unknown, Face = unknown> {
  /** Its folder, and the beginning of the names of new tables and migrations. */
  readonly name: string;
  /** Tables that only this module's SQL names. */
  readonly tables?: readonly string[];
  /** Views over its tables that every other SQL may read; its migrations create them. */
  readonly views?: readonly string[];
  /** Applied after the founding schema, in the order of the modules. Only ever appended to. */
  readonly migrations?: readonly Migration[];
  readonly publicRead?: PublicRead;
  /** Facts of its messages that events tell; each message that raises an event has one. */
  readonly events?: EventFacts;
  readonly operations?: readonly OperationTable[];
  /** Fills the store once, before anything is answered. */
  seed?(parts: SeedParts): Promise<void> | void;
  /** Reads and starts nothing. */
  open(parts: Parts & Needs): Opened<Face>;
}

export interface Opened<Face = unknown> {
  /** Functions that later modules may use. */
  readonly face: Face;
  readonly routes?: readonly Route[];
  /** Operations that ask another server before their transaction, which are loaded with the first of their prefix. */
  readonly prepared?: { readonly ids: readonly string[]; load(): Promise<PreparedHandlers> };
  readonly direct?: Readonly<Record<string, DirectOperation>>;
  /** Returns what the module reads for one call outside of its transaction. */
  lateReads?(): Promise<(call: object) => LateReads>;
  /** Run one after the other soon after the start and every hour. */
  readonly maintenance?: readonly (() => Promise<unknown>)[];
  /** Told of what happens on the platform; must not throw. */
  readonly onOccurrence?: OnOccurrence;
  /** Writes what depends on the platform's addresses; before anything is answered. */
  begin?(): Promise<void>;
  /**
   * Fills the store with what takes long, once, soon after the start. The API and the module's own routes wait for it.
   * Rejects with the reason of `signal` when the platform stops first; what is missing is made by the next start.
   */
  fill?(signal: AbortSignal): Promise<void>;
  /** Begins its work; every route answers by then. */
  start?(): void;
  stop?(): Promise<void>;
}
