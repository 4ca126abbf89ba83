// Delivery of events after their commit (semantics 8, protocols 11 and Q14). Guarantees: each event of the customer's
// audience reaches every subscription of its group and of the groups above, at least once or as a dead letter, whatever
// ends the process in between; those about one subject in the order they happened.

import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { PlatformClock } from '../core/types.ts';
import type { Store, Tx } from '../store/database.ts';
import type { StoredEvent, WebhookSigner } from './cloud-event.ts';
import type { Post } from './post.ts';
import { fanOut, nextOf, type Outcome, type Pending, record } from './queued-deliveries.ts';
import { parseSink } from './sink-rules.ts';
import { createSlots, type Slots } from './slots.ts';

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
const graceMs = 1000;

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

/** State of one subscription in the dispatcher. */
interface Share {
  readonly slots: Slots;
  lanes: number;
  /** Subjects whose lane is to begin when another has ended, in the order they came. */
  readonly waiting: Set<string>;
}
