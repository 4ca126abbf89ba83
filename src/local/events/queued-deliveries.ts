// Deliveries in the store: which events wait for which subscription, and what became of each try.

import { ancestry } from '../../api/uidp.ts';
import { eventsAfter, newestSeq, requireEvent } from '../outbox/stored-events.ts';
import type { SqlRow, Store, Tx } from '../store/database.ts';
import { type StoredEvent, toStoredEvent } from './cloud-event.ts';
import type { Posted } from './post.ts';

/** How many events one transaction hands on. */
const batchSize = 500;

/** One delivery that waits, with all that is needed to try it. */
export interface Pending {
  readonly id: number;
  readonly tries: number;
  readonly nextTryAt: number;
  readonly subscription: string;
  readonly group: string;
  readonly sink: string;
  readonly event: StoredEvent;
}

export type Outcome = { readonly startedAt: number; readonly durationMs: number } & (
  | Posted
  | { readonly error: string }
);

/**
 * Gives the next new events to the subscriptions that get them; returns which lanes have something now. The commit of
 * it has the rest looked for. Internal events are passed over: customers get only `customer` (semantics 8.1).
 */
export function fanOut(store: Store): Lane[] {
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

export function nextOf(tx: Tx, subscription: string, subject: string): Pending | undefined {
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
export function record(tx: Tx, pending: Pending, outcome: Outcome, delays: readonly number[]): number | undefined {
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

/** What is delivered one after the other: events of one subject to one subscription. */
interface Lane {
  readonly subscription: string;
  readonly subject: string;
}
