import type { Migration } from '../store/database.ts';

/** Migrations after the founding schema. Only ever appended to. */
export const iamMigrations: readonly Migration[] = [
  {
    name: 'iam/001-views',
    sql: `
      -- What authorization reads of this module, so that its tables may change.
      CREATE VIEW bound_roles AS SELECT identity, group_id AS place, role FROM role_bindings;
      CREATE VIEW mapped_roles AS
        SELECT identity_provider, external_group_id, scope AS place, role FROM external_group_role_mappings;
      CREATE VIEW login_groups AS
        SELECT identity, identity_provider, external_groups, groups_expire_at AS ends FROM identity_provider_logins;
      CREATE VIEW role_capabilities AS SELECT id AS role, capabilities FROM roles;
      CREATE VIEW identity_ends AS SELECT id AS identity, expires_at AS ends FROM identities;
      CREATE VIEW identity_deletions AS SELECT id AS identity, deleted_at FROM deleted_users;
    `,
  },
];
