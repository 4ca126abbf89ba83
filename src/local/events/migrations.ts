import type { Migration } from '../store/database.ts';

/** What came after the founding schema. Appended to, never changed. */
export const eventMigrations: readonly Migration[] = [
  {
    name: '016-pulls',
    sql: `
      -- To find the pulls that are too many; the literal is what SQLite knows the index by.
      CREATE INDEX outbox_pulls ON outbox(seq) WHERE type = 'dev.chainguard.registry.pull.v1';
    `,
  },
];
