import type { Migration } from '../store/database.ts';

/** What came after the founding schema. Appended to, never changed. */
export const advisoryMigrations: readonly Migration[] = [
  {
    name: 'advisories/001-views',
    sql: `
      -- What the registry reads of this module, so that its tables may change.
      CREATE VIEW advised_packages AS SELECT id AS name FROM advisory_documents;
    `,
  },
];
