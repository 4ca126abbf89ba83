import { defineCommand } from '../../../cli/define.ts';
import { auditInputs, auditView, filterOf, listRecords, type ShownRecord, shownRecord } from './records.ts';

export default defineCommand({
  path: ['events', 'audit', 'list'],
  summary: 'List what has happened, newest first.',
  description:
    'Calls, token exchanges and sign-ins: who, what, where, and by which roles, or why it was refused. Anyone who may give roles ' +
    'at a location, as its owners may, sees what happened there. Reads that are alike are one line. The log keeps thirty days and ' +
    'a hundred thousand records. Only local platforms have it.',
  aliases: ['ls'],
  inputs: auditInputs,
  examples: [
    { text: 'What was refused in the last hour', args: '--parent=example.com --since=1h --refused' },
    { text: 'For a spreadsheet', args: '--parent=example.com --output=csv' },
  ],
  view: auditView,
  formats: ['table', 'json', 'csv', 'wide', 'markdown', 'id'],
  run: async function* (context, input): AsyncGenerator<ShownRecord> {
    for await (const record of listRecords(await context.api(), filterOf(context, input))) {
      yield shownRecord(context, record);
    }
  },
});
