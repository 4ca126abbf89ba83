import type { Operation } from '../../api/schema/types.ts';
import { defineCommand, defineView } from '../../cli/define.ts';
import { string } from '../../cli/inputs/values.ts';

const view = defineView<Operation>({
  id: ({ id }) => id,
  columns: [
    { head: 'OPERATION', value: ({ id }) => id },
    { head: 'METHOD', value: ({ bindings }) => bindings[0]?.method },
    { head: 'PATH', rank: 1, value: ({ bindings }) => bindings[0]?.path },
    { head: 'CAPABILITIES', rank: 2, value: ({ capabilities }) => capabilities.join(', ') },
  ],
  json: ({ id, bindings, capabilities, readOnly }) => ({
    id,
    method: bindings[0]?.method,
    path: bindings[0]?.path,
    capabilities,
    readOnly,
  }),
  envelope: 'items',
  empty: 'No operation has that in its name or path.',
});

export default defineCommand({
  path: ['api', 'list'],
  summary: 'List the operations of the API.',
  aliases: ['ls'],
  inputs: {
    word: { kind: string, positional: 'WORD', flag: false, help: 'Only those with this in their name or path.' },
  },
  examples: [
    { text: 'All', args: '' },
    { text: 'About identities', args: 'identities' },
  ],
  view,
  formats: ['table', 'json', 'id'],
  readsConfig: false,
  run: async (_context, { word = '' }): Promise<readonly Operation[]> => {
    const { allOperations } = await import('./operations.ts');
    const wanted = word.toLowerCase();
    return (await allOperations()).filter(({ id, bindings }) =>
      [id, ...bindings.map(({ path }) => path)].some((text) => text.toLowerCase().includes(wanted)),
    );
  },
});
