import type { Module } from '../core/module.ts';

export const consoleModule: Module = {
  name: 'console',
  open: ({ urls }) => {
    const load = async () => (await import('./console.ts')).createConsole(urls);
    return { face: undefined, routes: ['/', '/console'].map((prefix) => ({ prefix, load })) };
  },
};
