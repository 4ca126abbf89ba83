import { contextName } from '../../../cli/inputs/context-name.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { production } from '../../../config/contexts.ts';
import { CliError } from '../../../errors.ts';
import { nearest } from '../../../suggest.ts';
import { contextsOf, type ShownContext, shown } from './view.ts';

/** One of the contexts there are. */
export const existingContext: Kind<ShownContext> = {
  metavar: contextName.metavar,
  noun: 'context',
  parse: contextName.parse,
  resolve: async (context, text) => {
    const all = await shown(await contextsOf(context));
    const found = all.find(({ name }) => name === text);
    if (found !== undefined) return found;
    const names = all.map(({ name }) => name);
    const near = nearest(text, names);
    throw new CliError('not-found', `There is no context "${text}"`, {
      code: 'not-found.context',
      hint: `${near === undefined ? 'there' : `did you mean "${near}"? There`} are ${names.join(', ')}`,
    });
  },
  candidates: async (context) =>
    (await shown(await contextsOf(context))).map((one) => ({
      value: one,
      label: one.name,
      description: `${one.values.get('platform.api')}${one.isSelected ? ' (selected)' : ''}`,
      text: one.name,
    })),
};

/** The same without what is built in. */
export const deletableContext: Kind<ShownContext> = {
  ...existingContext,
  parse: (text) => {
    if (text === production) throw new Error(`must not be "${production}": that context is built in`);
    return contextName.parse(text);
  },
  candidates: async (context) =>
    ((await existingContext.candidates?.(context, {})) ?? []).filter(({ text }) => text !== production),
};

export const contextInput = { kind: existingContext, positional: 'NAME', flag: false, required: true } as const;
