// Delivery of events after their commit (semantics 8, protocols 11 and Q14). Guarantees: each event of the customer's
// audience reaches every subscription of its group and of the groups above, at least once or as a dead letter, whatever
// ends the process in between; those about one subject in the order they happened.

import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { ancestry } from '../../api/uidp.ts';
import type { PlatformClock } from '../core/types.ts';
import { eventsAfter, newestSeq, requireEvent } from '../outbox/stored-events.ts';
import type { SqlRow, Store, Tx } from '../store/database.ts';
import { type StoredEvent, toStoredEvent, type WebhookSigner } from './cloud-event.ts';
import type { Post, Posted } from './post.ts';
import { parseSink } from './sink-rules.ts';

export interface DispatcherOptions {
  readonly store: Store;
  readonly clock: PlatformClock;
  readonly signer: WebhookSigner;
  readonly post: Post;
  /** Milliseconds before each further try; one more than there are is the last. */
  readonly retryDelays?: readonly number[];
  /** Milliseconds a sink has for its answer. */
  readonly timeoutMs?: number;
  /** Told of what nobody foresaw; delivery goes on a second later. */
  readonly onDefect?: (error: unknown) => void;
}

export interface Dispatcher {
  /** Goes on with what is left from before, and with what is committed from now on. */
  start(): void;
  /** Queues a delivery once more, whatever came of it. False when there is none of that id. */
  redeliver(tx: Tx, id: number): boolean;
  /** Lets running tries end for a moment, then breaks them off; those are tried again after the next start. */
  stop(): Promise<void>;
}

const defaultDelays = [1000, 2000, 4000, 8000];
const defaultTimeout = 10_000;
/** In all and for one subscription: dozens of sinks have to hang before others wait for them. */
const concurrency = 256;
const tryingAtOnceEach = 8;
/**
 * Subjects of one subscription that are looked after at once, most of them between two tries; the rest waits in line.
 */
const lanesAtOnceEach = 256;
const batchSize = 500;
const graceMs = 1000;

/** One delivery that waits, with all that is needed to try it. */
interface Pending {
  readonly id: number;
  readonly tries: number;
  readonly nextTryAt: number;
  readonly subscription: string;
  readonly group: string;
  readonly sink: string;
  readonly event: StoredEvent;
}

type Outcome = { readonly startedAt: number; readonly durationMs: number } & (Posted | { readonly error: string });

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { store, clock, signer, post, retryDelays = defaultDelays, timeoutMs = defaultTimeout } = options;
  const { commit } = store;
  const stopped = new AbortController();
  const broken = new AbortController();
  const lanes = new Map<string, Promise<void>>();
  // Every lane listens for the end.
  setMaxListeners(0, stopped.signal, broken.signal);
  const slots = createSlots(concurrency);
  const sharesOf = new Map<string, Share>();
  let stopListening: () => void = () => {};
  let planned = false;
  let retry: NodeJS.Timeout | undefined;

  /** Coalesces the commits of one moment. */
  const plan = (): void => {
    if (planned || stopped.signal.aborted) return;
    planned = true;
    setImmediate(() => {
      planned = false;
      if (stopped.signal.aborted) return;
      try {
        for (const lane of fanOut(store)) wake(lane.subscription, lane.subject);
      } catch (error) {
        options.onDefect?.(error);
        retry = setTimeout(plan, 1000).unref();
      }
    });
  };

  const wake = (subscription: string, subject: string): void => {
    const key = `${subscription} ${subject}`;
    // A running lane looks again before it ends, in the same breath as it is forgotten.
    if (lanes.has(key) || stopped.signal.aborted) return;
    const share = shareOf(subscription);
    if (share.lanes >= lanesAtOnceEach) {
      share.waiting.add(subject);
      return;
    }
    share.lanes += 1;
    const lane = runLane(key, subscription, subject);
    lanes.set(key, lane);
    void lane.finally(() => {
      if (lanes.get(key) === lane) lanes.delete(key);
      share.lanes -= 1;
      const [next] = share.waiting;
      if (next === undefined) return;
      share.waiting.delete(next);
      wake(subscription, next);
    });
  };

  const shareOf = (subscription: string): Share => {
    const share = sharesOf.get(subscription) ?? { slots: createSlots(tryingAtOnceEach), lanes: 0, waiting: new Set() };
    sharesOf.set(subscription, share);
    return share;
  };

  const runLane = async (key: string, subscription: string, subject: string): Promise<void> => {
    // Started from inside a transaction sometimes, which has to end first.
    await new Promise((resolve) => setImmediate(resolve));
    while (!stopped.signal.aborted) {
      try {
        const pending = store.read((tx) => nextOf(tx, subscription, subject));
        if (pending === undefined) {
          lanes.delete(key);
          return;
        }
        await pause(Math.min(pending.nextTryAt - clock.now(), retryDelays.at(-1) ?? 0));
        if (stopped.signal.aborted) return;
        const delay = await attempt(pending);
        if (delay !== undefined) await pause(delay);
      } catch (error) {
        if (broken.signal.aborted) return;
        options.onDefect?.(error);
        await pause(1000);
      }
    }
  };

  /** One try. Milliseconds until the next, or undefined when this delivery is over. */
  const attempt = async (pending: Pending): Promise<number | undefined> => {
    // A sink that hangs takes its own share only.
    const releaseOwn = await shareOf(pending.subscription).slots.take();
    const release = await slots.take();
    let outcome: Outcome;
    try {
      if (stopped.signal.aborted) return undefined;
      outcome = await tryOnce(pending);
    } finally {
      release();
      releaseOwn();
    }
    // Nobody knows what the sink made of a try that we broke off.
    if (broken.signal.aborted && 'error' in outcome) throw new Error('stopped');
    return commit((tx) => record(tx, pending, outcome, retryDelays));
  };

  const tryOnce = async ({ event, group, sink, subscription }: Pending): Promise<Outcome> => {
    const startedAt = clock.now();
    const start = performance.now();
    const took = (): number => Math.round(performance.now() - start);
    try {
      const url = parseSink(sink);
      const headers = {
        ...event.headers,
        'ce-chainguarddev1delivery': 'webhook',
        'ce-chainguarddev1subscription': subscription,
        'ce-chainguarddev1webhook': url.href,
        authorization: `Bearer ${await signer.sign(group, event.data)}`,
        traceparent: traceParent(event),
      };
      const posted = await post(url, headers, event.data, { timeoutMs, signal: broken.signal });
      return { startedAt, durationMs: took(), ...posted };
    } catch (error) {
      return { startedAt, durationMs: took(), error: reasonOf(error) };
    }
  };

  /** Ends early when the dispatcher stops. */
  const pause = (ms: number): Promise<void> => {
    if (ms <= 0 || stopped.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        stopped.signal.removeEventListener('abort', done);
        resolve();
      }
      stopped.signal.addEventListener('abort', done);
    });
  };

  return {
    start() {
      stopListening = store.onCommit(plan);
      const left = store.read((tx) =>
        tx.all("SELECT DISTINCT subscription, subject FROM deliveries WHERE state = 'pending'"),
      );
      for (const row of left) wake(String(row['subscription']), String(row['subject']));
      plan();
    },

    redeliver(tx, id) {
      const row = tx.get('SELECT subscription, subject FROM deliveries WHERE id = ?', id);
      if (row === undefined) return false;
      tx.run(
        "UPDATE deliveries SET state = 'pending', tries = 0, next_try_at = ?, finished_at = NULL WHERE id = ?",
        tx.now,
        id,
      );
      wake(String(row['subscription']), String(row['subject']));
      return true;
    },

    async stop() {
      stopListening();
      stopped.abort();
      clearTimeout(retry);
      const ended = Promise.allSettled(lanes.values());
      const timer = setTimeout(() => broken.abort(), graceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/**
 * Gives the next new events to the subscriptions that get them; returns which lanes have something now. The commit of
 * it has the rest looked for. Internal events are passed over: customers get only `customer` (semantics 8.1).
 */
function fanOut(store: Store): Lane[] {
  // Most platforms have no subscription, and then an event costs no second commit.
  if (!store.read(hasWork)) return [];
  return store.transact((tx) => {
    const lanes: Lane[] = [];
    const cursor = cursorOf(tx);
    const rows = eventsAfter(tx, cursor, batchSize);
    for (const row of rows) {
      if (row['audience'] !== 'customer') continue;
      const seq = Number(row['seq']);
      const subject = String(row['subject']);
      for (const subscription of subscribersOf(tx, String(row['group_id']), seq)) {
        tx.run(
          `INSERT INTO deliveries (event, subscription, subject, next_try_at, created_at) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (event, subscription) DO NOTHING`,
          seq,
          subscription,
          subject,
          tx.now,
          tx.now,
        );
        lanes.push({ subscription, subject });
      }
    }
    tx.run('UPDATE event_cursor SET seq = ?', Number(rows.at(-1)?.['seq'] ?? cursor));
    return lanes;
  });
}

function hasWork(tx: Tx): boolean {
  return newestSeq(tx) > Number(tx.get('SELECT seq FROM distributed_events')?.['seq']);
}

function cursorOf(tx: Tx): number {
  const row = tx.get(
    `SELECT MAX((SELECT seq FROM event_cursor), (SELECT COALESCE(MIN(after_seq), 0) FROM subscriptions)) AS seq`,
  );
  return Number(row?.['seq'] ?? 0);
}

/** Of the group and of everything above it, made before the event. */
function subscribersOf(tx: Tx, group: string, seq: number): string[] {
  const rows = tx.all(
    `SELECT id FROM subscriptions WHERE parent IN (SELECT value FROM json_each(?)) AND after_seq < ? ORDER BY id`,
    JSON.stringify(ancestry(group)),
    seq,
  );
  return rows.map((row) => String(row['id']));
}

function nextOf(tx: Tx, subscription: string, subject: string): Pending | undefined {
  const row = tx.get(
    `SELECT d.id, d.event, d.tries, d.next_try_at, s.parent, s.sink FROM deliveries d
     JOIN subscriptions s ON s.id = d.subscription
     WHERE d.state = 'pending' AND d.subscription = ? AND d.subject = ? ORDER BY d.id LIMIT 1`,
    subscription,
    subject,
  );
  return row === undefined ? undefined : toPending(tx, row, subscription);
}

function toPending(tx: Tx, row: SqlRow, subscription: string): Pending {
  return {
    id: Number(row['id']),
    tries: Number(row['tries']),
    nextTryAt: Number(row['next_try_at']),
    subscription,
    group: String(row['parent']),
    sink: String(row['sink']),
    event: toStoredEvent(requireEvent(tx, Number(row['event']))),
  };
}

/** Notes the try and what follows from it. */
function record(tx: Tx, pending: Pending, outcome: Outcome, delays: readonly number[]): number | undefined {
  // The subscription may have been deleted meanwhile, and its deliveries with it.
  if (tx.get('SELECT 1 FROM deliveries WHERE id = ?', pending.id) === undefined) return undefined;
  const { startedAt, durationMs } = outcome;
  const [status, error, answer] =
    'error' in outcome ? [null, outcome.error, ''] : [outcome.status, null, outcome.answer];
  tx.run(
    `INSERT INTO delivery_attempts (delivery, number, started_at, duration_ms, status, error, answer)
     VALUES (?1, (SELECT COALESCE(MAX(number), 0) + 1 FROM delivery_attempts WHERE delivery = ?1), ?2, ?3, ?4, ?5, ?6)`,
    pending.id,
    startedAt,
    durationMs,
    status,
    error,
    answer,
  );
  const tries = pending.tries + 1;
  const verdict = verdictOn(status);
  const delay = delays[pending.tries];
  if (verdict === 'again' && delay !== undefined) {
    tx.run('UPDATE deliveries SET tries = ?, next_try_at = ? WHERE id = ?', tries, tx.now + delay, pending.id);
    return delay;
  }
  tx.run(
    'UPDATE deliveries SET state = ?, tries = ?, finished_at = ? WHERE id = ?',
    verdict === 'taken' ? 'delivered' : 'dead',
    tries,
    tx.now,
    pending.id,
  );
  return undefined;
}

/** Null for no answer. A redirect is not followed with a token, and asking again would give the same. */
function verdictOn(status: number | null): 'taken' | 'again' | 'refused' {
  if (status === null || status === 408 || status === 429 || status >= 500) return 'again';
  return status >= 200 && status < 300 ? 'taken' : 'refused';
}

/** W3C trace context: one trace for all tries of an event, one span for each. */
function traceParent(event: StoredEvent): string {
  return `00-${event.id.replaceAll('-', '')}-${randomBytes(8).toString('hex')}-01`;
}

/** Sentences of Node and of the operating system; neither holds what was sent. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const causes = error instanceof AggregateError ? error.errors : [error];
  const text = causes.map((cause) => (cause instanceof Error ? cause.message : String(cause))).join('; ');
  return (text === '' ? error.name : text).slice(0, 500);
}

interface Lane {
  readonly subscription: string;
  readonly subject: string;
}

/** State of one subscription in the dispatcher. */
interface Share {
  readonly slots: Slots;
  lanes: number;
  /** Subjects whose lane is to begin when another has ended, in the order they came. */
  readonly waiting: Set<string>;
}

interface Slots {
  /** Resolves with what gives the slot back. */
  take(): Promise<() => void>;
}

/** So many at once; who comes later waits in turn. */
function createSlots(count: number): Slots {
  let free = count;
  const waiting: (() => void)[] = [];
  const release = (): void => {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  };
  return {
    async take() {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      return release;
    },
  };
}
