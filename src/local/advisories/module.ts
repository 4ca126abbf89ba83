import type { Module } from '../core/module.ts';

export const advisoriesModule: Module = {
  name: 'advisories',
  tables: ['advisories', 'advisory_events', 'advisory_documents', 'vulnerability_metadata'],
  operations: [
    { prefix: 'advisory.', load: () => import('./handlers.ts') },
    { prefix: 'registry.v1.Registry.GetVulnReport', load: () => import('./handlers.ts') },
    { prefix: 'registry.v1.Vulnerabilities.', load: () => import('./handlers.ts') },
    { prefix: 'vulnerabilities.', load: () => import('./handlers.ts') },
  ],
  open: () => ({ face: undefined }),
};
