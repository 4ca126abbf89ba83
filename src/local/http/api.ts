// The REST API, served from the operation table. Promises: a call is authenticated, then authorized, then done in one
// transaction together with its event; whatever is refused has changed nothing.

import type { IncomingMessage } from 'node:http';
import { type OperationId, operations } from '../../api/schema/operations.gen.ts';
import type { Operation } from '../../api/schema/types.ts';
import { grpcCodes } from '../../api/status.ts';
import { createRouteMatcher, type Wire } from '../../api/wire.ts';
import { requireCapabilities } from '../access.ts';
import { recordEvent, toEvent } from '../events/outbox.ts';
import { unauthenticated } from '../failures.ts';
import { isOpenToAll } from '../registry/public-access.ts';
import { type CallFacts, handlers } from '../services/handlers.ts';
import type { Outcome, OutsideHandlers } from '../services/outside.ts';
import { requiredUidp } from '../services/selection.ts';
import type { Store, Tx } from '../store/database.ts';
import { type Caller, type HttpHandler, type PlatformUrls, StatusError } from '../types.ts';
import { sendJson } from './answers.ts';
import { readText } from './request-body.ts';

/** Bytes. The largest message the API takes in REST form; images go to the registry. */
const largestBody = 1024 * 1024;

export interface ApiOptions {
  readonly store: Store;
  readonly urls: PlatformUrls;
  readonly wire: Wire;
  readonly announce: CallFacts['announce'];
  readonly readBlob: CallFacts['readBlob'];
  readonly outside: OutsideHandlers;
  /** Throws StatusError UNAUTHENTICATED. */
  readonly verifyAccessToken: (token: string) => Promise<Caller>;
  /** Told what a request turned out to be, for the log. */
  readonly onCall?: (request: IncomingMessage, call: { operation: string; identity?: string }) => void;
}

/** What a route match needs of the table: an id that `handlers` knows. */
type KnownOperation = Operation & { readonly id: OperationId };

export function createApi(options: ApiOptions): HttpHandler {
  const { wire, announce, readBlob } = options;
  const match = createRouteMatcher<KnownOperation>(Object.values(operations));

  return {
    async handle(request, response, url) {
      const route = match(request.method ?? '', url.pathname, request.headers['content-type']);
      if (route.status !== 'found') {
        if (route.status === 'not-found') return false;
        throw new StatusError(grpcCodes.UNIMPLEMENTED, 'Method Not Allowed');
      }
      const { operation, binding, pathValues } = route;
      options.onCall?.(request, { operation: operation.id });
      const asks = options.outside[operation.id] as AskOutside | undefined;
      if (handlers[operation.id] === undefined && asks === undefined) {
        throw new StatusError(grpcCodes.UNIMPLEMENTED, `${operation.id} is not implemented by this platform`);
      }
      const isOpen = operation.iam === 'disabled';
      const caller = isOpen ? nobody : await authenticate(options, operation, request.headers.authorization);
      if (!isOpen) options.onCall?.(request, { operation: operation.id, identity: caller.identity });
      const text = await readText(request, largestBody);
      const type = request.headers['content-type'];
      const message = wire.decodeRequest(operation, binding, pathValues, url.searchParams, text, type);
      const facts: CallFacts = { urls: options.urls, names: namesIn(text), readBlob, announce };
      let run: Work;
      if (asks === undefined) {
        // The table pairs each id with the function for that id's messages, and decodeRequest made the message of that id.
        const handler = handlers[operation.id] as Perform;
        run = (tx) => ({ response: handler(tx, caller, message, facts) });
      } else {
        // Whoever may not do it does not make us ask anybody; what holds now is looked at again when it is done.
        options.store.read((tx) => admit(tx, operation, caller, message));
        const finish = await asks(message, isOpen ? requireBearer(request.headers.authorization) : '');
        run = (tx) => finish(tx, caller, facts);
      }
      const answer = perform(options, wire, operation, caller, message, run);
      sendJson(response, 200, wire.encodeResponse(operation.response, answer));
      return true;
    },
  };
}

/** Who calls an operation that looks at no token (semantics 4, `disabled`). */
const nobody: Caller = {
  identity: '',
  issuer: '',
  audience: [],
  issuedAt: 0,
  expiresAt: 0,
  email: undefined,
  actor: {},
  profile: undefined,
  ceiling: new Map(),
};

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
  { store, urls }: Pick<ApiOptions, 'store' | 'urls'>,
  wire: Wire,
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

/** Looks keys up in a body that has been found to be JSON, or in none. */
function namesIn(text: string | undefined): CallFacts['names'] {
  return (...path) => {
    let value: unknown = text === undefined || text.trim() === '' ? undefined : JSON.parse(text);
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
