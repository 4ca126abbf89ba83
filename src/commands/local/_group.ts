import { defineGroup } from '../../cli/define.ts';

export default defineGroup({
  path: ['local'],
  summary: 'Run a complete platform on this machine, without account or network.',
  description:
    'Issuer, API, registry and console in one process on loopback, with state of its own in one folder. Point chainctl ' +
    'at it in a shell with: eval "$(chainctl local env)"',
});
