// The API, served from the operation table; over REST here, for gRPC in `grpc/`. Guarantees: a call is authenticated,
// then authorized, then done in one transaction together with its event; whatever is refused has changed nothing.

import type { IncomingMessage } from 'node:http';
import { type OperationId, operations } from '../../api/schema/operations.gen.ts';
import type { Operation } from '../../api/schema/types.ts';
import { grpcCodes } from '../../api/status.ts';
import { isUidp } from '../../api/uidp.ts';
import { createRouteMatcher, type Routed, type RouteMatch, type Wire } from '../../api/wire.ts';
import { requireCapabilities } from '../authorization/access.ts';
import { requireLiveIdentity } from '../authorization/live-identity.ts';
import type { EventFacts } from '../core/event-facts.ts';
import { refuseNullCharacters } from '../core/failures.ts';
import type { CallContext, Outcome } from '../core/handler.ts';
import type { LateReads } from '../core/late-reads.ts';
import type { PublicRead } from '../core/module.ts';
import type { Occurrence, OnOccurrence } from '../core/occurrence.ts';
import { StreamedAnswer } from '../core/streamed-answer.ts';
import { anonymous, type Caller, type HttpHandler, type PlatformUrls, StatusError } from '../core/types.ts';
import { sendJson, sendPieces } from '../http/answers.ts';
import { authenticate, requireToken } from '../http/credentials.ts';
import { readText } from '../http/request-body.ts';
import { recordEvent, toEvent } from '../outbox/outbox.ts';
import type { Store, Tx } from '../store/database.ts';
import { inOnePiece, type Run, sendInParts } from './long-answers.ts';
import type { OperationTables } from './operation-tables.ts';
import { type Part, requiredUidp } from './selection.ts';
import { toVersionedError } from './versions/errors.ts';

/** Bytes. The largest message the API takes in REST form; images go to the registry. */
const maxBodyBytes = 1024 * 1024;

export interface ApiOptions {
  readonly store: Store;
  readonly urls: PlatformUrls;
  readonly wire: Wire;
  /** Event facts of every module. */
  readonly facts: EventFacts;
  readonly announce: CallContext['announce'];
  readonly readBlob: CallContext['readBlob'];
  /** Of the modules that read something for a call outside of its transaction. */
  readonly lateReads: readonly ((call: object) => LateReads)[];
  readonly tables: OperationTables;
  /** Additional readers, besides those whose roles say so. */
  readonly publicReads: readonly PublicRead[];
  /** Throws StatusError UNAUTHENTICATED. */
  readonly verifyAccessToken: (token: string) => Promise<Caller>;
  /** Told of every call whose caller is known. */
  readonly tell?: OnOccurrence;
  /** Told what a request turned out to be, for the log. */
  readonly onCall?: (request: IncomingMessage, call: CallNote) => void;
}

/** Log line of a call. */
export interface CallNote {
  readonly operation: string;
  readonly identity?: string;
}

/** Key of a route match in the table: an operation id. */
export type KnownOperation = Operation & { readonly id: OperationId };

/** A call by whatever protocol it came. */
export interface ApiCall {
  readonly operation: KnownOperation;
  /** The `authorization` header or metadata. */
  readonly authorization: string | undefined;
  /** The canonical message; asked for once the caller is known. */
  readonly read: () => Promise<{ message: object; hasField: CallContext['hasField'] }>;
  readonly onCall?: ((call: CallNote) => void) | undefined;
}

export interface Api extends HttpHandler {
  /** Answers the canonical response, or its JSON in pieces. Throws StatusError or WireError. */
  call(call: ApiCall): Promise<object>;
}

/** Of the whole table, whichever modules a platform has. */
const match = createRouteMatcher<KnownOperation>(Object.values(operations));

export function createApi(options: ApiOptions): Api {
  const { wire, announce, readBlob } = options;

  /** Everything up to the transaction, which may then be done part by part. */
  const admitted = async ({ operation, authorization, read, onCall }: ApiCall): Promise<Run> => {
    onCall?.({ operation: operation.id });
    // The tables pair each id with the function for that id's messages, and `read` makes the message of that id.
    const found = await options.tables.find(operation.id);
    if (found === undefined) {
      throw new StatusError(grpcCodes.UNIMPLEMENTED, notImplemented(operation.id));
    }
    // Such an operation looks at no token (semantics 4).
    const isOpen = operation.iam === 'disabled';
    const caller = isOpen
      ? anonymous
      : await authenticate(authorization, audiencesOf(options.urls, operation), options.verifyAccessToken);
    if (!isOpen) onCall?.({ operation: operation.id, identity: caller.identity });
    const { message, hasField } = await read();
    refuseNullCharacters(message);
    const memory = {};
    const reads = options.lateReads.map((begin) => begin(memory));
    const waiting = () => reads.filter((one) => one.isWaiting());
    const context: CallContext = {
      urls: options.urls,
      hasField,
      readBlob,
      announce,
      call: memory,
    };
    const prepare = async (): Promise<(part?: Part) => Work> => {
      if (found.kind === 'handler') {
        const handler = found.handler as Perform;
        return (part) => (tx) => ({ response: handler(tx, caller, message, withPart(context, part)) });
      }
      // Whoever may not do it does not make us ask anybody; what holds now is looked at again when it is done.
      options.store.read((tx) => admit(tx, options.publicReads, operation, caller, message));
      const prepared = found.handler as Prepare;
      const finish = await prepared(message, isOpen ? requireToken(authorization) : '');
      return () => (tx) => finish(tx, caller, context);
    };
    const occurrence = occurrenceOf(operation, caller, message);
    const inItsWords = (error: unknown): never => {
      options.tell?.(withFailure(occurrence, error));
      throw toVersionedError(operation, error);
    };
    const work = await prepare().catch(inItsWords);
    return async (part) => {
      for (;;) {
        try {
          return await perform(options, operation, caller, message, occurrence, (tx) => {
            const outcome = work(part)(tx);
            // Nothing that was made without them may be kept.
            if (waiting().length > 0) throw new Error('something has to be read first');
            return outcome;
          });
        } catch (error) {
          if (waiting().length === 0) return inItsWords(error);
        }
        for (const one of waiting()) await one.load().catch(inItsWords);
      }
    };
  };

  const call = async (it: ApiCall): Promise<object> => {
    const run = await admitted(it);
    return it.operation.readOnly ? inOnePiece(run) : run();
  };

  return {
    call,
    async handle(request, response, url) {
      const contentType = request.headers['content-type'];
      const route = match(request.method ?? '', url.pathname, contentType);
      if (route.status !== 'found') {
        if (route.status === 'not-found') return refuseUnserved(request.method ?? '', url.pathname, contentType);
        throw new StatusError(grpcCodes.UNIMPLEMENTED, 'Method Not Allowed');
      }
      const { operation } = route;
      const run = await admitted({
        operation,
        authorization: request.headers.authorization,
        onCall: (note) => options.onCall?.(request, note),
        async read() {
          const body = await readText(request, maxBodyBytes);
          const message = wire.decodeRequest(route, { query: url.searchParams, body, contentType });
          // A body that was not JSON has been refused.
          return {
            message,
            hasField: fieldsIn(body === undefined || body.trim() === '' ? undefined : JSON.parse(body)),
          };
        },
      });
      const encode = (answer: object): string => wire.encodeResponse(operation.response, answer);
      const sendWhole = async (answer: object): Promise<void> => {
        if (answer instanceof StreamedAnswer) await sendPieces(response, answer.pieces());
        else sendJson(response, 200, encode(answer));
      };
      if (operation.readOnly) await sendInParts(response, run, { encode, sendWhole });
      else await sendWhole(await run());
      return true;
    },
  };
}

interface Unserved extends Routed {
  readonly id: string;
}
type UnservedMatcher = (method: string, path: string, contentType?: string) => RouteMatch<Unserved>;
let unservedMatcher: Promise<UnservedMatcher> | undefined;

/**
 * Returns false for a path that is no operation's at all. Throws UNIMPLEMENTED with the name of what the SDK could
 * mean: to its programs a 404 says that there is nothing in a list, or no such organization.
 */
async function refuseUnserved(method: string, path: string, contentType: string | undefined): Promise<false> {
  // Loaded at the first such request: most platforms never see one.
  unservedMatcher ??= import('../../api/schema/unserved.gen.ts').then(({ unserved }) =>
    createRouteMatcher<Unserved>(
      unserved.map(([id, method, path]) => ({ id, bindings: [{ method, path, body: null }] })),
    ),
  );
  const match = await unservedMatcher;
  const route = match(method, path, contentType);
  if (route.status === 'not-found') return false;
  throw new StatusError(
    grpcCodes.UNIMPLEMENTED,
    route.status === 'found' ? notImplemented(route.operation.id) : 'Method Not Allowed',
  );
}

const notImplemented = (id: string): string => `${id} is not implemented by this platform`;

/** The same facts, and what part of a list is wanted; what they find out only when asked stays so. */
function withPart(context: CallContext, part: Part | undefined): CallContext {
  return part === undefined ? context : Object.create(context, { part: { value: part, enumerable: true } });
}

type Perform = (tx: Tx, caller: Caller, request: object, context: CallContext) => object;
type Work = (tx: Tx) => Outcome<object>;
type Prepare = (
  request: object,
  bearer: string,
) => Promise<(tx: Tx, caller: Caller, context: CallContext) => Outcome<object>>;

function audiencesOf({ api, issuer }: PlatformUrls, operation: Operation): readonly [string, ...string[]] {
  return operation.id.startsWith('auth.') ? [api, issuer] : [api];
}

/** One operation on a canonical message, in a transaction of its own. Nothing here knows of HTTP. */
function perform(
  { store, urls, wire, facts, publicReads, tell }: ApiOptions,
  operation: KnownOperation,
  caller: Caller,
  message: object,
  occurrence: Occurrence,
  run: Work,
): object | Promise<object> {
  const work = (tx: Tx): object => {
    admit(tx, publicReads, operation, caller, message);
    const { response, actor = caller } = run(tx);
    const event = toEvent({ wire, facts }, operation, message, response);
    if (event !== undefined) recordEvent(tx, event, actor, urls.api);
    if (!occurrence.isRead) tell?.(actor === caller ? occurrence : { ...occurrence, identity: actor.identity }, tx);
    return response;
  };
  if (!operation.readOnly) return store.commit(work);
  const response = store.read(work);
  tell?.(occurrence);
  return response;
}

/** Returns what the call is, as far as it is known before it is done. */
function occurrenceOf(operation: KnownOperation, caller: Caller, message: object): Occurrence {
  const scope = operation.scope === null ? undefined : valueAt(message, operation.scope);
  return {
    kind: 'call',
    operation: operation.id,
    identity: caller === anonymous ? undefined : caller.identity,
    place: scope || placeIn(message),
    capabilities: operation.capabilities,
    outcome: 'done',
    isRead: operation.readOnly,
  };
}

/** Returns what an operation without a scope is about, where its message has one of the usual members. */
function placeIn(message: object): string | undefined {
  const { uidp, id, group, parent } = message as Readonly<Record<string, unknown>>;
  const { childrenOf, descendantsOf } = Object(uidp) as Readonly<Record<string, unknown>>;
  const found = [childrenOf, descendantsOf, id, group, parent].find((one) => typeof one === 'string' && one !== '');
  return typeof found === 'string' && isUidp(found) ? found : undefined;
}

/** Codes that say "not for you"; whoever holds nothing at a place is told that it is not there (semantics 4). */
function withFailure(occurrence: Occurrence, error: unknown): Occurrence {
  const { code, message } = error instanceof StatusError ? error : { code: grpcCodes.INTERNAL, message: '' };
  const isDenied = code === grpcCodes.PERMISSION_DENIED || code === grpcCodes.UNAUTHENTICATED;
  const isRefused = isDenied || (code === grpcCodes.NOT_FOUND && occurrence.place !== undefined);
  if (isRefused) return { ...occurrence, outcome: 'refused', reason: isDenied ? message : 'holds nothing there' };
  const [name = 'UNKNOWN'] = Object.entries(grpcCodes).find(([, value]) => value === code) ?? [];
  return { ...occurrence, outcome: 'failed', reason: name.toLowerCase().replaceAll('_', ' ') };
}

/** Throws unless the caller is still somebody and may do this. */
function admit(
  tx: Tx,
  publicReads: readonly PublicRead[],
  operation: Operation,
  caller: Caller,
  message: object,
): void {
  if (caller !== anonymous) requireLiveIdentity(tx, caller);
  authorize(tx, publicReads, operation, caller, message);
}

/** Looks keys up in what a caller has sent. */
export function fieldsIn(sent: unknown): CallContext['hasField'] {
  return (...path) => {
    let value = sent;
    return path.every((key) => {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false;
      value = (value as Record<string, unknown>)[key];
      return true;
    });
  };
}

/** Scoped operations only; an unscoped one narrows its answer or checks by itself (semantics 4). */
function authorize(
  tx: Tx,
  publicReads: readonly PublicRead[],
  operation: Operation,
  caller: Caller,
  message: object,
): void {
  if (operation.scope === null || operation.unscoped || operation.capabilities.length === 0) return;
  const place = requiredUidp(operation.scope, valueAt(message, operation.scope));
  if (publicReads.some((isOpen) => isOpen(tx, operation, place))) return;
  requireCapabilities(tx, caller, operation.capabilities, place);
}

/** Text at a proto path such as `group.uid` or `parent_id`. Fields that scopes name keep the default JSON name. */
function valueAt(message: object, path: string): string | undefined {
  let keys = keysAlong.get(path);
  if (keys === undefined) {
    keys = path.split('.').map((step) => step.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
    keysAlong.set(path, keys);
  }
  let value: unknown = message;
  for (const key of keys)
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** Of the paths in the operation table. */
const keysAlong = new Map<string, readonly string[]>();
