// Ours, beside the API: what became of deliveries, and events as they happen. A reserved path below `/local/v1/events/`
// that Chainguard's API does not have, with the same tokens. Guarantees: whoever may not list the subscriptions of a
// group sees none of its events, nor from the moment that right is taken away.
//
//   GET  /local/v1/events/deliveries?group=<UIDP>[&subscription=<UIDP>][&state=pending|delivered|dead]
//            [&page_size=<1–200>][&page_token=…]         needs `subscriptions.list` at the group; newest first
//   POST /local/v1/events/deliveries/<id>:redeliver       needs `subscriptions.update` at the subscription
//   GET  /local/v1/events:listen?group=<UIDP>[&after=<cursor>]   needs `subscriptions.list` at the group
//
// `listen` answers lines of JSON until either side ends it: first `{"ready":true,"cursor":"17"}`, then for each event
// `{"cursor":"18","headers":{…},"data":"…"}`, where headers and data are what a webhook of that group would get, token
// included, and empty lines as a sign of life. `after` goes on behind a cursor seen before, so nothing is missed
// between two connections; without it the stream begins now. Events may come twice, never in another order.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { besideOperations } from '../../api/schema/beside.ts';
import { grpcCodes } from '../../api/status.ts';
import { requiredUidp } from '../api/selection.ts';
import { toWireTime } from '../api/wire-time.ts';
import { requireCapabilities } from '../authorization/access.ts';
import { requireLiveIdentity } from '../authorization/live-identity.ts';
import { invalidArgument, notFound } from '../core/failures.ts';
import { type Caller, type HttpHandler, type PlatformClock, type PlatformUrls, StatusError } from '../core/types.ts';
import { sendJson } from '../http/answers.ts';
import { authenticate } from '../http/credentials.ts';
import { customerEventsAfter, newestSeq, requireEvent } from '../outbox/stored-events.ts';
import type { SqlRow, SqlValue, Store, Tx } from '../store/database.ts';
import { type StoredEvent, toStoredEvent, type WebhookSigner } from './cloud-event.ts';
import type { Dispatcher } from './dispatcher.ts';

export interface EventRoutesOptions {
  readonly store: Store;
  readonly urls: PlatformUrls;
  readonly clock: PlatformClock;
  readonly dispatcher: Dispatcher;
  readonly signer: WebhookSigner;
  /** Throws StatusError UNAUTHENTICATED. */
  readonly verifyAccessToken: (token: string) => Promise<Caller>;
}

export interface EventRoutes extends HttpHandler {
  /** Ends the streams. */
  stop(): void;
}

const {
  'local.v1.Deliveries.List': listing,
  'local.v1.Deliveries.Redeliver': redelivering,
  'local.v1.Events.Listen': listening,
} = besideOperations;

const base = '/local/v1/events';
const batchSize = 100;
const signOfLifeMs = 15_000;
const defaultPage = 50;
const maxPageSize = 200;
const states: readonly string[] = ['pending', 'delivered', 'dead'];

export function createEventRoutes(options: EventRoutesOptions): EventRoutes {
  const { store, dispatcher } = options;
  const streams = new Set<() => void>();

  return {
    async handle(request, response, url) {
      const redeliver = /^\/local\/v1\/events\/deliveries\/([0-9]{1,15}):redeliver$/.exec(url.pathname)?.[1];
      const isKnown = url.pathname === `${base}/deliveries` || url.pathname === `${base}:listen`;
      if (redeliver === undefined && !isKnown) return false;
      if (request.method !== (redeliver === undefined ? 'GET' : 'POST'))
        throw new StatusError(grpcCodes.UNIMPLEMENTED, 'Method Not Allowed');
      const caller = await authenticate(request.headers.authorization, [options.urls.api], options.verifyAccessToken);
      if (redeliver !== undefined) {
        const id = Number(redeliver);
        const item = store.transact((tx) => {
          const row = tx.get('SELECT subscription FROM deliveries WHERE id = ?', id);
          // The same words whether it is there or not for the caller's eyes.
          if (row === undefined) throw notFound(`delivery ${id} not found`);
          requireCapabilities(tx, caller, redelivering.capabilities, String(row['subscription']));
          dispatcher.redeliver(tx, id);
          return deliveries(tx, 'd.id = ?', [id], 1)[0];
        });
        sendJson(response, 200, JSON.stringify(item));
      } else if (url.pathname === `${base}/deliveries`) {
        sendJson(response, 200, JSON.stringify(store.read((tx) => listDeliveries(tx, caller, url.searchParams))));
      } else {
        await listen(options, streams, request, response, caller, url.searchParams);
      }
      return true;
    },
    stop() {
      for (const end of streams) end();
    },
  };
}

function listDeliveries(tx: Tx, caller: Caller, query: URLSearchParams): object {
  const conditions: string[] = [];
  const values: SqlValue[] = [];
  const subscription = query.get('subscription') ?? '';
  const place = subscription === '' ? requiredGroup(query) : requiredUidp('subscription', subscription);
  requireCapabilities(tx, caller, listing.capabilities, place);
  if (subscription !== '') {
    conditions.push('d.subscription = ?');
    values.push(subscription);
  } else {
    conditions.push('d.subscription >= ? AND d.subscription < ?');
    values.push(`${place}/`, `${place}0`);
  }
  const state = query.get('state') ?? '';
  if (state !== '') {
    if (!states.includes(state))
      throw invalidArgument(`state: ${JSON.stringify(state)} is not one of ${states.join(', ')}`);
    conditions.push('d.state = ?');
    values.push(state);
  }
  const token = query.get('page_token') ?? '';
  if (token !== '') {
    if (!/^[0-9]{1,15}$/.test(token)) throw invalidArgument('page_token is not one of this list');
    conditions.push('d.id < ?');
    values.push(Number(token));
  }
  const asked = Number(query.get('page_size') ?? '0');
  if (!Number.isInteger(asked) || asked < 0) throw invalidArgument('page_size must be a number that is not negative');
  const size = asked === 0 ? defaultPage : Math.min(asked, maxPageSize);
  const items = deliveries(tx, conditions.join(' AND '), values, size + 1);
  const page = items.slice(0, size);
  return { items: page, nextPageToken: items.length > size ? (page.at(-1)?.id ?? '') : '' };
}

interface WireDelivery {
  readonly id: string;
  readonly [field: string]: unknown;
}

function deliveries(tx: Tx, where: string, values: readonly SqlValue[], limit: number): WireDelivery[] {
  const rows = tx.all(
    `SELECT d.id AS delivery, d.subscription, d.state, d.tries, d.next_try_at, d.created_at AS queued_at, d.finished_at,
       s.sink, d.event FROM deliveries d
     JOIN subscriptions s ON s.id = d.subscription
     WHERE ${where} ORDER BY d.id DESC LIMIT ?`,
    ...values,
    limit,
  );
  return rows.map((row) => toWire(tx, row));
}

function toWire(tx: Tx, row: SqlRow): WireDelivery {
  const event = toStoredEvent(requireEvent(tx, Number(row['event'])));
  const attempts = tx.all(
    'SELECT * FROM delivery_attempts WHERE delivery = ? ORDER BY number',
    Number(row['delivery']),
  );
  const isPending = row['state'] === 'pending';
  return {
    id: String(row['delivery']),
    subscription: String(row['subscription']),
    sink: String(row['sink']),
    state: String(row['state']),
    tries: Number(row['tries']),
    createTime: toWireTime(Number(row['queued_at'])),
    ...(row['finished_at'] === null ? {} : { finishTime: toWireTime(Number(row['finished_at'])) }),
    ...(isPending ? { nextTryTime: toWireTime(Number(row['next_try_at'])) } : {}),
    event: {
      id: event.id,
      type: event.type,
      subject: event.subject,
      group: event.group,
      time: toWireTime(event.createdAt),
    },
    attempts: attempts.map((attempt) => ({
      number: Number(attempt['number']),
      startTime: toWireTime(Number(attempt['started_at'])),
      durationMs: Number(attempt['duration_ms']),
      ...(attempt['status'] === null ? {} : { status: Number(attempt['status']) }),
      ...(attempt['error'] === null ? {} : { error: String(attempt['error']) }),
      answer: String(attempt['answer']),
    })),
  };
}

/** Writes events of the group until the client, the platform, the token or the right to see them ends. */
async function listen(
  { store, clock, signer }: EventRoutesOptions,
  streams: Set<() => void>,
  request: IncomingMessage,
  response: ServerResponse,
  caller: Caller,
  query: URLSearchParams,
): Promise<void> {
  const group = requiredGroup(query);
  const after = query.get('after') ?? '';
  if (after !== '' && !/^[0-9]{1,15}$/.test(after)) throw invalidArgument('after is not a cursor');
  let cursor = store.read((tx) => {
    requireCapabilities(tx, caller, listening.capabilities, group);
    return after === '' ? newestSeq(tx) : Number(after);
  });

  let ended = false;
  let ring: () => void = () => {};
  const wake = (): void => ring();
  const end = (): void => {
    ended = true;
    wake();
  };
  streams.add(end);
  const stopListening = store.onCommit(wake);
  const life = setInterval(() => response.write('\n'), signOfLifeMs);
  response.once('close', end);
  request.resume();
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  // Two lines that go out at once would otherwise wait for each other's acknowledgement.
  response.socket?.setNoDelay(true);
  try {
    response.write(`${JSON.stringify({ ready: true, cursor: String(cursor) })}\n`);
    while (!ended) {
      const rang = new Promise<void>((resolve) => {
        ring = resolve;
      });
      const batch = caller.expiresAt * 1000 > clock.now() ? readBatch(store, caller, group, cursor) : undefined;
      if (batch === undefined) break;
      for (const event of batch.events) {
        const authorization = `Bearer ${await signer.sign(group, event.data)}`;
        const line = { cursor: String(event.seq), headers: { ...event.headers, authorization }, data: event.data };
        if (ended) break;
        if (!response.write(`${JSON.stringify(line)}\n`)) await drained(response);
      }
      cursor = batch.cursor;
      const end = Math.min(caller.expiresAt * 1000, batch.expiresAt);
      if (batch.events.length < batchSize && !ended) await Promise.race([rang, expiry(end, clock, rang)]);
    }
  } finally {
    clearInterval(life);
    stopListening();
    streams.delete(end);
    response.end();
  }
}

/** Undefined once the caller may not see them any more. */
function readBatch(
  store: Store,
  caller: Caller,
  group: string,
  cursor: number,
): { events: StoredEvent[]; cursor: number; expiresAt: number } | undefined {
  return store.read((tx) => {
    let expiresAt: number;
    try {
      expiresAt = requireLiveIdentity(tx, caller);
      requireCapabilities(tx, caller, listening.capabilities, group);
    } catch {
      return undefined;
    }
    const events = customerEventsAfter(tx, group, cursor, batchSize).map(toStoredEvent);
    const isLast = events.length < batchSize;
    return { events, expiresAt, cursor: isLast ? Math.max(cursor, newestSeq(tx)) : (events.at(-1)?.seq ?? cursor) };
  });
}

/** Resolves at `end`, in milliseconds since the epoch, or when `first` does. */
function expiry(end: number, clock: PlatformClock, first: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    // Timers hold 31 bits of milliseconds; tokens live for an hour.
    const timer = setTimeout(resolve, Math.min(end - clock.now(), 2 ** 31 - 1));
    void first.then(() => clearTimeout(timer));
  });
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('drain', resolve);
    response.once('close', resolve);
  });
}

function requiredGroup(query: URLSearchParams): string {
  return requiredUidp('group', query.get('group') ?? '');
}
