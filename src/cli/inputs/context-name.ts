import { isContextName } from '../../config/context-name.ts';
import type { Kind } from './kind.ts';

/** A name a context can have; those there are are offered. */
export const contextName: Kind<string> = {
  metavar: 'NAME',
  noun: 'context',
  parse: (text) => {
    if (!isContextName(text)) {
      throw new Error('must be a name of at most 63 letters, digits, "-" and "_" that begins with a letter');
    }
    return text;
  },
  candidates: async ({ config }) => {
    const { allContexts } = await import('../../config/contexts.ts');
    return allContexts(config.contexts).map(({ name, values }) => ({
      value: name,
      label: name,
      description: values.get('platform.api') ?? '',
      text: name,
    }));
  },
};
