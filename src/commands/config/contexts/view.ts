import type { Context } from '../../../cli/context.ts';
import { defineView } from '../../../cli/define.ts';
import { printable } from '../../../cli/io.ts';
import type { NamedContext, StoredContexts } from '../../../config/contexts.ts';
import { configSchema } from '../../../config/schema.ts';
import { changeOptions } from '../change.ts';

export interface ShownContext extends NamedContext {
  readonly isSelected: boolean;
}

export const contextView = defineView<ShownContext>({
  id: ({ name }) => name,
  columns: [
    { head: 'SELECTED', value: ({ isSelected }) => (isSelected ? '*' : '') },
    { head: 'NAME', value: ({ name }) => name },
    { head: 'API', value: ({ values }) => values.get('platform.api') },
    { head: 'LOCATION', value: ({ values }) => values.get('default.group') },
    { head: 'ISSUER', value: ({ values }) => values.get('platform.issuer'), wide: true },
    { head: 'REGISTRY', value: ({ values }) => values.get('platform.registry'), wide: true },
    { head: 'DATA', value: ({ dataDir }) => dataDir, wide: true },
  ],
  json: ({ name, isSelected, values, dataDir }) => ({
    name,
    selected: isSelected,
    values: Object.fromEntries(rowsOf(values)),
    dataDir,
  }),
  envelope: 'items',
  text: ({ name, isSelected, values, dataDir }) =>
    [
      ['Name', `${name}${isSelected ? ' (selected)' : ''}`],
      ...rowsOf(values),
      ...(dataDir === undefined ? [] : [['Local platform', dataDir]]),
    ]
      .map(([key = '', value = '']) => `  ${key.padEnd(26)} | ${printable(value)}\n`)
      .join(''),
});

/** In the order of `config view`. */
const rowsOf = (values: NamedContext['values']): [string, string][] =>
  configSchema.flatMap(({ key }): [string, string][] => {
    const value = values.get(key);
    return value === undefined ? [] : [[key, value]];
  });

/** Every context, read anew: the commands here must work also when the selected one is gone. */
export async function contextsOf(context: Context): Promise<StoredContexts> {
  const { storedContexts } = await import('../../../config/edit.ts');
  return storedContexts(context.host, changeOptions(context));
}

export async function shown({ selected, all }: StoredContexts): Promise<ShownContext[]> {
  const { allContexts, production } = await import('../../../config/contexts.ts');
  return allContexts({ selected, all }).map((one) => ({ ...one, isSelected: one.name === (selected ?? production) }));
}
