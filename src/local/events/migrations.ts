import type { Migration } from '../store/database.ts';

/** Migrations after the founding schema. Only ever appended to. */
export const eventMigrations: readonly Migration[] = [
  {
    name: '016-pulls',
    sql: `
      -- To find the pulls that are too many; the literal is what SQLite knows the index by.
      CREATE INDEX outbox_pulls ON outbox(seq) WHERE type = 'dev.chainguard.registry.pull.v1';
    `,
  },
  {
    name: 'events/001-views',
    sql: `
      -- What the outbox must know before it forgets an event.
      CREATE VIEW pending_deliveries AS SELECT event FROM deliveries WHERE state = 'pending';
      -- Every subscription has been given the events up to this one; all of them where there is no subscription.
      CREATE VIEW distributed_events AS
        SELECT MAX((SELECT seq FROM event_cursor), (SELECT COALESCE(MIN(after_seq), 9007199254740991) FROM subscriptions))
          AS seq;
    `,
  },
];
