import { duration } from '../../../cli/inputs/values.ts';

/** When there were clusters, describing a location counted those seen lately (seed-era.json, 2024). */
export const activeWithin = {
  kind: duration(),
  config: 'default.active-within',
  help: 'Accepted for scripts of the time when clusters were counted; changes nothing.',
} as const;
