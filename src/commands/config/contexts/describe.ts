import { defineCommand } from '../../../cli/define.ts';
import { contextInput } from './input.ts';
import { contextView } from './view.ts';

export default defineCommand({
  path: ['config', 'contexts', 'describe'],
  summary: 'Show one context.',
  inputs: { context: { ...contextInput, help: 'Which one.' } },
  examples: [{ text: 'The addresses of the local platform', args: 'local' }],
  view: contextView,
  formats: ['text', 'table', 'wide', 'json', 'id'],
  readsConfig: false,
  run: async (_context, input) => input.context,
});
