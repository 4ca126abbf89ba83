import type { Module } from '../core/module.ts';

export const scimModule: Module = {
  name: 'scim',
  tables: ['scim_users', 'scim_groups', 'scim_group_members'],
  open: (parts) => ({
    face: undefined,
    routes: [{ prefix: '/scim/v2', load: async () => (await import('./server.ts')).createScim(parts) }],
  }),
};
