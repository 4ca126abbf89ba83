import { defineCommand, defineView } from '../cli/define.ts';
import type { DescribedCommand } from '../cli/described-command.ts';
import { string } from '../cli/inputs/values.ts';

const view = defineView<DescribedCommand>({
  id: ({ command }) => command,
  columns: [
    { head: 'COMMAND', value: ({ command }) => command },
    { head: 'SUMMARY', rank: 1, value: ({ summary }) => summary },
    { head: 'WRITES', rank: 2, value: ({ writes }) => (writes ? 'yes' : 'no') },
    { head: 'FORMATS', wide: true, value: ({ formats }) => formats.join(', ') },
    { head: 'FLAGS', wide: true, value: ({ flags }) => flags.map(({ name }) => name).join(', ') },
  ],
  json: (one) => one,
  envelope: 'items',
  empty: 'No command has that in its name.',
});

export default defineCommand({
  path: ['commands'],
  summary: 'List every command, for people and for programs.',
  description:
    'As JSON with the type of every flag and argument, the formats of the answer and whether it changes anything: what ' +
    'wrappers, agents and reviewers need to know.',
  inputs: {
    word: { kind: string, positional: 'WORD', flag: false, help: 'Only commands with this in their name.' },
  },
  examples: [
    { text: 'All', args: '' },
    { text: 'What changes roles', args: "roles --output=json --query='items[?writes].command'" },
  ],
  lists: true,
  view,
  formats: ['table', 'json', 'id'],
  readsConfig: false,
  run: async (context, { word = '' }): Promise<readonly DescribedCommand[]> => {
    return (await context.commands()).filter(({ command }) => command.includes(word));
  },
});
