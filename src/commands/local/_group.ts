import { defineGroup } from '../../cli/define.ts';

export default defineGroup({
  path: ['local'],
  summary: 'Run a complete platform on this machine, without account or network.',
  description:
    'Issuer, API, registry and console in one process on loopback, with state of its own in one folder. To point the ' +
    'chainctl of this shell at it:\n  eval "$(chainctl local env)"',
});
