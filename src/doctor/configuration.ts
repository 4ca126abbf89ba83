// Finds which file, context and variables decide where commands go.

import type { Config } from '../config/load.ts';
import { type ConfigKey, envName } from '../config/schema.ts';
import { type Check, note, ok } from './check.ts';

export const configuration: Check = {
  name: 'configuration',
  async look({ config }) {
    const { place, path, location } = config;
    const [warning] = config.warnings;
    if (warning !== undefined) {
      const fix = 'chainctl config edit';
      return [note(`A value of the configuration is left out: ${warning}`, { file: location.read, fix })];
    }
    const where = place.context === undefined ? `the platform at ${place.name}` : `the context ${place.name}`;
    const isInFile = ['context', 'file'].includes(config.source('platform.api'));
    const key = decider(config, 'platform.api');
    return [ok(`Commands go to ${where}`, { file: isInFile ? path : undefined, key })];
  },
};

/** Returns what decided the value of a key, as a person finds it again; undefined for a default. */
export function decider(config: Config, key: ConfigKey): string | undefined {
  switch (config.source(key)) {
    case 'flag':
      return `--${key.slice(key.lastIndexOf('.') + 1)}`;
    case 'env':
      return envName(key);
    case 'context':
      return `contexts.${config.place.context}.${key}`;
    case 'file':
      return key;
    case 'default':
      return undefined;
  }
}
