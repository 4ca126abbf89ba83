import type { Module } from '../core/module.ts';

export const advisoriesModule: Module = {
  name: 'advisories',
  operations: [
    { prefix: 'advisory.', load: () => import('./handlers.ts') },
    { prefix: 'registry.v1.Registry.GetVulnReport', load: () => import('./handlers.ts') },
    { prefix: 'registry.v1.Vulnerabilities.', load: () => import('./handlers.ts') },
    { prefix: 'vulnerabilities.', load: () => import('./handlers.ts') },
  ],
  open: () => ({ face: undefined }),
};
