import type { Module } from '../core/module.ts';
import { readMeta } from '../store/meta.ts';
import { advisoryMigrations } from './migrations.ts';

export const advisoriesModule: Module = {
  name: 'advisories',
  migrations: advisoryMigrations,
  views: ['advised_packages'],
  tables: ['advisories', 'advisory_events', 'advisory_documents', 'vulnerability_metadata'],
  operations: [
    { prefix: 'advisory.', load: () => import('./handlers.ts') },
    { prefix: 'registry.v1.Registry.GetVulnReport', load: () => import('./handlers.ts') },
    { prefix: 'registry.v1.Vulnerabilities.', load: () => import('./handlers.ts') },
    { prefix: 'vulnerabilities.', load: () => import('./handlers.ts') },
  ],
  /** Those of the demo's packages, once. */
  async seed({ store }) {
    const isWanted = store.read(
      (tx) => readMeta(tx, 'seed') === 'demo' && tx.get('SELECT 1 FROM advisory_documents LIMIT 1') === undefined,
    );
    if (!isWanted) return;
    const { seedAdvisories } = await import('./seed.ts');
    store.transact(seedAdvisories);
  },
  open: () => ({ face: undefined }),
};
