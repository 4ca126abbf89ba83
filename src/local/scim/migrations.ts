import type { Migration } from '../store/database.ts';

/** Migrations after the founding schema. Only ever appended to. */
export const scimMigrations: readonly Migration[] = [
  {
    name: 'scim/001-views',
    sql: `
      -- What authorization and iam read of this module, so that its tables may change.
      CREATE VIEW provisioned_users AS SELECT id, identity_provider, external_id, identity, active FROM scim_users;
      CREATE VIEW provisioned_groups AS
        SELECT u.identity, u.identity_provider, g.external_id, g.display_name FROM scim_users u
        JOIN scim_group_members membership ON membership.scim_user = u.id
        JOIN scim_groups g ON g.id = membership.scim_group;
    `,
  },
];
