import type { Module } from '../core/module.ts';

export const pingModule: Module = {
  name: 'ping',
  operations: [{ prefix: 'ping.', load: () => import('./handlers.ts') }],
  open: () => ({ face: undefined }),
};
