import type { Module } from '../core/module.ts';
import { readMeta, writeMeta } from '../store/meta.ts';
import { installBuiltInRoles } from './built-in-roles.ts';
import { iamEvents } from './event-facts.ts';
import { iamMigrations } from './migrations.ts';

export const iamModule: Module = {
  name: 'iam',
  migrations: iamMigrations,
  views: ['bound_roles', 'mapped_roles', 'login_groups', 'role_capabilities', 'identity_ends', 'identity_deletions'],
  events: iamEvents,
  tables: [
    'groups',
    'roles',
    'identities',
    'deleted_users',
    'role_bindings',
    'group_invites',
    'identity_providers',
    'identity_provider_logins',
    'external_group_role_mappings',
    'account_associations',
    'terms_acceptances',
    'service_bindings',
    'access_requests',
    'identity_metadata',
  ],
  operations: [
    { prefix: 'auth.', load: () => import('./handlers.ts') },
    { prefix: 'events.v1.Identities.', load: () => import('./handlers.ts') },
    { prefix: 'iam.v1.', load: () => import('./handlers.ts') },
    { prefix: 'iam.v2.', load: () => import('./v2/handlers.ts') },
    { prefix: 'iam.v2beta1.', load: () => import('./v2/handlers.ts') },
  ],
  /** Built-in roles always; the demo once, so that what a user deleted stays deleted. */
  async seed({ store, scenario }) {
    const isNew = store.read((tx) => readMeta(tx, 'seed') === undefined);
    const { seedDemo } = isNew && scenario === 'demo' ? await import('./seed.ts') : {};
    store.transact((tx) => {
      installBuiltInRoles(tx);
      if (!isNew) return;
      seedDemo?.(tx);
      writeMeta(tx, 'seed', scenario);
    });
  },
  open: () => ({ face: undefined }),
};
