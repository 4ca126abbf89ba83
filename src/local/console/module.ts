import type { Module } from '../core/module.ts';
import type { ConsoleNeeds } from './console.ts';

export const consoleModule: Module<ConsoleNeeds> = {
  name: 'console',
  open: (parts) => {
    const load = async () => (await import('./console.ts')).createConsoleRoutes(parts);
    return { face: undefined, routes: ['/', '/console'].map((prefix) => ({ prefix, load })) };
  },
};
