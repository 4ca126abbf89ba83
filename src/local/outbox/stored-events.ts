// Rows of the outbox, for those who pass events on.

import type { SqlRow, Tx } from '../store/database.ts';
import { newUuid } from '../store/uuid.ts';

export interface NewEvent {
  /** UUID; a new one by default. */
  readonly id?: string;
  readonly type: string;
  readonly source: string;
  readonly subject: string;
  readonly group: string;
  readonly extensions: Readonly<Record<string, string>>;
  readonly body: object;
  readonly actor: object;
  readonly audience: string;
}

export function insertEvent(tx: Tx, event: NewEvent): void {
  tx.run(
    `INSERT INTO outbox (id, type, source, subject, group_id, extensions, body, actor, audience, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    event.id ?? newUuid(tx),
    event.type,
    event.source,
    event.subject,
    event.group,
    JSON.stringify(event.extensions),
    JSON.stringify(event.body),
    JSON.stringify(event.actor),
    event.audience,
    tx.now,
  );
}

/** Returns the number of the newest event; 0 before the first. */
export function newestSeq(tx: Tx): number {
  return Number(tx.get('SELECT COALESCE(MAX(seq), 0) AS seq FROM outbox')?.['seq'] ?? 0);
}

/** Returns `seq`, `subject`, `group_id` and `audience` of the events after `seq`, in order. */
export function eventsAfter(tx: Tx, seq: number, limit: number): SqlRow[] {
  return tx.all('SELECT seq, subject, group_id, audience FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?', seq, limit);
}

/** Returns the rows of customers' events in the group and below it after `seq`, in order. */
export function customerEventsAfter(tx: Tx, group: string, seq: number, limit: number): SqlRow[] {
  return tx.all(
    `SELECT * FROM outbox WHERE seq > ? AND audience = 'customer' AND (group_id = ? OR (group_id >= ? AND group_id < ?))
     ORDER BY seq LIMIT ?`,
    seq,
    group,
    `${group}/`,
    `${group}0`,
    limit,
  );
}

/** Returns the row of an event. Throws TypeError for one that is gone: what refers to an event goes with it. */
export function requireEvent(tx: Tx, seq: number): SqlRow {
  const row = tx.get('SELECT * FROM outbox WHERE seq = ?', seq);
  if (row === undefined) throw new TypeError(`event ${seq} is gone`);
  return row;
}

/** Removes events from before `time`, in milliseconds since the epoch, that no delivery waits for. Returns their number. */
export function removeEventsBefore(tx: Tx, time: number, limit: number): number {
  return tx.run(
    `DELETE FROM outbox WHERE seq IN (
       SELECT o.seq FROM outbox o WHERE o.created_at < ?
         AND NOT EXISTS (SELECT 1 FROM pending_deliveries d WHERE d.event = o.seq)
       LIMIT ?)`,
    time,
    limit,
  );
}

/**
 * Removes all but the newest `most` events of a type. Keeps those that no subscription has been given yet, and those that a
 * delivery waits for. `type` is part of the statement, because SQLite takes a partial index for a literal only.
 */
export function keepNewestOf(tx: Tx, type: `dev.chainguard.${string}`, most: number): void {
  tx.run(
    `DELETE FROM outbox WHERE type = '${type}'
       AND seq <= (SELECT seq FROM outbox WHERE type = '${type}' ORDER BY seq DESC LIMIT 1 OFFSET ?)
       AND seq <= (SELECT seq FROM distributed_events)
       AND NOT EXISTS (SELECT 1 FROM pending_deliveries d WHERE d.event = outbox.seq)`,
    most,
  );
}
