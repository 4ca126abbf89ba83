import type { Migration } from '../database.ts';

/** Tables of event delivery. Frozen. */
export const foundingEvents: readonly Migration[] = [
  {
    name: '011-event-delivery',
    sql: `
      CREATE TABLE subscriptions (
        id TEXT PRIMARY KEY,
        parent TEXT NOT NULL REFERENCES groups(id),
        sink TEXT NOT NULL,
        -- Events up to this one were there before the subscription and are none of its business.
        after_seq INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX subscriptions_parent ON subscriptions(parent);

      -- One event on its way to one subscription: pending, delivered, or dead after the last try.
      CREATE TABLE deliveries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        event INTEGER NOT NULL REFERENCES outbox(seq) ON DELETE CASCADE,
        subscription TEXT NOT NULL REFERENCES subscriptions(id) ON DELETE CASCADE,
        -- Deliveries of one subscription about one subject go out one after the other.
        subject TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'pending',
        -- Tries since it was queued last; the log below counts on.
        tries INTEGER NOT NULL DEFAULT 0,
        next_try_at INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        finished_at INTEGER,
        UNIQUE (event, subscription)
      ) STRICT;
      CREATE INDEX deliveries_pending ON deliveries(subscription, subject, id) WHERE state = 'pending';
      CREATE INDEX deliveries_subscription ON deliveries(subscription, id);

      -- Each try and what the sink said: an HTTP status with the beginning of the answer, or why there was none.
      CREATE TABLE delivery_attempts (
        delivery INTEGER NOT NULL REFERENCES deliveries(id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        started_at INTEGER NOT NULL,
        duration_ms INTEGER NOT NULL,
        status INTEGER,
        error TEXT,
        answer TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (delivery, number)
      ) STRICT, WITHOUT ROWID;

      -- Single row: events up to here have been given to the subscriptions that get them.
      CREATE TABLE event_cursor (only INTEGER PRIMARY KEY CHECK (only = 1), seq INTEGER NOT NULL) STRICT;
      INSERT INTO event_cursor (only, seq) SELECT 1, COALESCE(MAX(seq), 0) FROM outbox;
      CREATE INDEX outbox_created ON outbox(created_at);
    `,
  },
];
