import type { Module } from '../core/module.ts';
import { scimMigrations } from './migrations.ts';

export const scimModule: Module = {
  name: 'scim',
  migrations: scimMigrations,
  views: ['provisioned_users', 'provisioned_groups'],
  tables: ['scim_users', 'scim_groups', 'scim_group_members'],
  open: (parts) => ({
    face: undefined,
    routes: [{ prefix: '/scim/v2', load: async () => (await import('./server.ts')).createScim(parts) }],
  }),
};
