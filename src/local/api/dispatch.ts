// The API, served from the operation table; over REST here, for gRPC in ../grpc. Guarantees: a call is authenticated, then
// authorized, then done in one transaction together with its event; whatever is refused has changed nothing.

import type { IncomingMessage } from 'node:http';
import { type OperationId, operations } from '../../api/schema/operations.gen.ts';
import type { Operation } from '../../api/schema/types.ts';
import { grpcCodes } from '../../api/status.ts';
import { createRouteMatcher, type Routed, type RouteMatch, type Wire } from '../../api/wire.ts';
import { requireCapabilities } from '../authorization/access.ts';
import { unauthenticated } from '../core/failures.ts';
import { StreamedAnswer } from '../core/streamed-answer.ts';
import { type Caller, type HttpHandler, nobody, type PlatformUrls, StatusError } from '../core/types.ts';
import { sendJson, sendPieces } from '../http/answers.ts';
import { readText } from '../http/request-body.ts';
import { recordEvent, toEvent } from '../outbox/outbox.ts';
import { isOpenToAll } from '../registry/public-access.ts';
import type { AttestedSboms } from '../registry/sboms/attested-sboms.ts';
import type { Store, Tx } from '../store/database.ts';
import { type CallFacts, handlers } from './handlers.ts';
import { inOnePiece, type Run, sendInParts } from './long-answers.ts';
import type { Outcome, OutsideHandlers } from './outside.ts';
import { type Part, requiredUidp } from './selection.ts';
import { inWordsOf } from './versions/errors.ts';

/** Bytes. The largest message the API takes in REST form; images go to the registry. */
const largestBody = 1024 * 1024;

export interface ApiOptions {
  readonly store: Store;
  readonly urls: PlatformUrls;
  readonly wire: Wire;
  readonly announce: CallFacts['announce'];
  readonly readBlob: CallFacts['readBlob'];
  readonly sboms: AttestedSboms;
  readonly outside: OutsideHandlers;
  /** Throws StatusError UNAUTHENTICATED. */
  readonly verifyAccessToken: (token: string) => Promise<Caller>;
  /** Told what a request turned out to be, for the log. */
  readonly onCall?: (request: IncomingMessage, call: CallNote) => void;
}

/** What the log says of a call. */
export interface CallNote {
  readonly operation: string;
  readonly identity?: string;
}

/** What a route match needs of the table: an id that `handlers` knows. */
export type KnownOperation = Operation & { readonly id: OperationId };

/** A call by whatever protocol it came. */
export interface ApiCall {
  readonly operation: KnownOperation;
  /** The `authorization` header or metadata. */
  readonly authorization: string | undefined;
  /** The canonical message; asked for once the caller is known. */
  readonly read: () => Promise<{ message: object; names: CallFacts['names'] }>;
  readonly onCall?: ((call: CallNote) => void) | undefined;
}

export interface Api extends HttpHandler {
  /** Answers the canonical response, or its JSON in pieces. Throws StatusError or WireError. */
  call(call: ApiCall): Promise<object>;
}

export function createApi(options: ApiOptions): Api {
  const { wire, announce, readBlob } = options;
  const match = createRouteMatcher<KnownOperation>(Object.values(operations));

  /** Everything up to the transaction, which may then be done part by part. */
  const admitted = async ({ operation, authorization, read, onCall }: ApiCall): Promise<Run> => {
    onCall?.({ operation: operation.id });
    const asks = options.outside[operation.id] as AskOutside | undefined;
    if (handlers[operation.id] === undefined && asks === undefined) {
      throw new StatusError(grpcCodes.UNIMPLEMENTED, notImplemented(operation.id));
    }
    // Such an operation looks at no token (semantics 4).
    const isOpen = operation.iam === 'disabled';
    const caller = isOpen ? nobody : await authenticate(options, operation, authorization);
    if (!isOpen) onCall?.({ operation: operation.id, identity: caller.identity });
    const { message, names } = await read();
    const sboms = options.sboms.forCall();
    const facts: CallFacts = { urls: options.urls, names, readBlob, sboms, announce };
    const prepare = async (): Promise<(part?: Part) => Work> => {
      if (asks === undefined) {
        // The table pairs each id with the function for that id's messages, and `read` made the message of that id.
        const handler = handlers[operation.id] as Perform;
        return (part) => (tx) => ({ response: handler(tx, caller, message, { ...facts, part }) });
      }
      // Whoever may not do it does not make us ask anybody; what holds now is looked at again when it is done.
      options.store.read((tx) => admit(tx, operation, caller, message));
      const finish = await asks(message, isOpen ? requireBearer(authorization) : '');
      return () => (tx) => finish(tx, caller, facts);
    };
    const inItsWords = (error: unknown): never => {
      throw inWordsOf(operation, error);
    };
    const work = await prepare().catch(inItsWords);
    return async (part) => {
      for (;;) {
        try {
          return perform(options, operation, caller, message, (tx) => {
            const outcome = work(part)(tx);
            // Nothing that was made without them may be kept.
            if (sboms.isWaiting()) throw new Error('bills of materials have to be read first');
            return outcome;
          });
        } catch (error) {
          if (!sboms.isWaiting()) return inItsWords(error);
        }
        await sboms.load().catch(inItsWords);
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
          const body = await readText(request, largestBody);
          const message = wire.decodeRequest(route, { query: url.searchParams, body, contentType });
          // A body that was not JSON has been refused.
          return { message, names: namesIn(body === undefined || body.trim() === '' ? undefined : JSON.parse(body)) };
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
 * Returns false for a path that is no operation's at all. Throws UNIMPLEMENTED with the name of what the SDK could mean: to
 * its programs a 404 says that there is nothing in a list, or no such organization.
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

type Perform = (tx: Tx, caller: Caller, request: object, facts: CallFacts) => object;
type Work = (tx: Tx) => Outcome<object>;
type AskOutside = (
  request: object,
  bearer: string,
) => Promise<(tx: Tx, caller: Caller, facts: CallFacts) => Outcome<object>>;

/** With and without `Bearer`: the file credential of the SDK sends the bare token (semantics 3.11). */
function requireBearer(header: string | undefined): string {
  const token = header?.replace(/^bearer\s+/i, '').trim();
  if (token === undefined || token === '') throw unauthenticated('the request has no authorization token');
  return token;
}

async function authenticate(
  { urls, verifyAccessToken }: ApiOptions,
  operation: Operation,
  header: string | undefined,
): Promise<Caller> {
  const caller = await verifyAccessToken(requireBearer(header));
  const audiences = operation.id.startsWith('auth.') ? [urls.api, urls.issuer] : [urls.api];
  if (!caller.audience.some((audience) => audiences.includes(audience.replace(/\/$/, '')))) {
    throw unauthenticated(`the token is not for the audience ${urls.api}`);
  }
  return caller;
}

/** One operation on a canonical message, in a transaction of its own. Nothing here knows of HTTP. */
function perform(
  { store, urls, wire }: ApiOptions,
  operation: KnownOperation,
  caller: Caller,
  message: object,
  run: Work,
): object {
  const work = (tx: Tx): object => {
    admit(tx, operation, caller, message);
    const { response, actor = caller } = run(tx);
    const event = toEvent(wire, operation, message, response);
    if (event !== undefined) recordEvent(tx, event, actor, urls.api);
    return response;
  };
  return operation.readOnly ? store.read(work) : store.transact(work);
}

/** Throws unless the caller is still somebody and may do this. */
function admit(tx: Tx, operation: Operation, caller: Caller, message: object): void {
  if (caller !== nobody) requireIdentity(tx, caller);
  authorize(tx, operation, caller, message);
}

/** Looks keys up in what a caller has sent. */
export function namesIn(sent: unknown): CallFacts['names'] {
  return (...path) => {
    let value = sent;
    return path.every((key) => {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false;
      value = (value as Record<string, unknown>)[key];
      return true;
    });
  };
}

/** A token outlives the identity it was minted for by up to an hour; it is worth nothing then. */
function requireIdentity(tx: Tx, caller: Caller): void {
  const row = tx.get('SELECT expires_at FROM identities WHERE id = ?', caller.identity);
  if (row === undefined) throw unauthenticated('the identity of this token has been deleted');
  if (row['expires_at'] !== null && Number(row['expires_at']) <= tx.now) {
    throw unauthenticated('the identity of this token has expired');
  }
}

/** Scoped operations only; an unscoped one narrows its answer or checks by itself (semantics 4). */
function authorize(tx: Tx, operation: Operation, caller: Caller, message: object): void {
  if (operation.scope === null || operation.unscoped || operation.capabilities.length === 0) return;
  const place = requiredUidp(operation.scope, valueAt(message, operation.scope));
  if (isOpenToAll(tx, operation, place)) return;
  requireCapabilities(tx, caller, operation.capabilities, place);
}

/** Text at a proto path such as `group.uid` or `parent_id`. Fields that scopes name keep the default JSON name. */
function valueAt(message: object, path: string): string | undefined {
  let value: unknown = message;
  for (const step of path.split('.')) {
    const key = step.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }
  return typeof value === 'string' ? value : undefined;
}
