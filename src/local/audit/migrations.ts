import type { Migration } from '../store/database.ts';

export const migrations: readonly Migration[] = [
  {
    name: 'audit-01-records',
    sql: `
      -- What has happened (src/local/audit); who is as it was called then, because says by which roles or for what it was refused,
      -- and reads that are alike are one record of several times.
      CREATE TABLE audit_records (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        operation TEXT NOT NULL,
        identity TEXT,
        who TEXT NOT NULL,
        place TEXT NOT NULL,
        outcome TEXT NOT NULL,
        because TEXT NOT NULL,
        times INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX audit_records_place ON audit_records(place, id);
      CREATE INDEX audit_records_at ON audit_records(at);
    `,
  },
];
