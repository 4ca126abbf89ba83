import type { Migration } from '../store/database.ts';

/** Migrations after the founding schema. Only ever appended to. */
export const advisoryMigrations: readonly Migration[] = [
  {
    name: 'advisories/001-views',
    sql: `
      -- What the registry reads of this module, so that its tables may change.
      CREATE VIEW advised_packages AS SELECT id AS name FROM advisory_documents;
    `,
  },
];
