import type { Migration } from '../store/database.ts';

export const sigstoreMigrations: readonly Migration[] = [
  {
    name: 'sigstore-01-authorities',
    sql: `
      CREATE TABLE sigstore_authorities (
        id TEXT PRIMARY KEY,
        parent TEXT NOT NULL REFERENCES groups(id),
        name TEXT NOT NULL DEFAULT '',
        description TEXT NOT NULL DEFAULT '',
        -- The last part of the id: what its addresses are made of.
        handle TEXT NOT NULL UNIQUE,
        -- Keys and certificates, made by the first request; JSON.
        secrets TEXT,
        created_at INTEGER NOT NULL
      ) STRICT;
    `,
  },
];
