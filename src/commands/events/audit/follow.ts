import { defineCommand } from '../../../cli/define.ts';
import { auditInputs, filterOf, followedView, followRecords, type ShownRecord, shownRecord } from './records.ts';

const pauseMs = 1_000;

export default defineCommand({
  path: ['events', 'audit', 'follow'],
  summary: 'Print what happens, as it happens.',
  description:
    'Goes on until Ctrl-C. With --since it begins with what has happened already. Only local platforms have it.',
  lists: true,
  inputs: auditInputs,
  examples: [
    { text: 'What is refused', args: '--parent=example.com --refused' },
    { text: 'For a program, a JSON object to a line', args: '--parent=example.com --since=10m --output=json' },
  ],
  view: followedView,
  formats: ['text', 'json'],
  run: async function* (context, input): AsyncGenerator<ShownRecord> {
    const pause = () => context.host.sleep(pauseMs, context.signal);
    for await (const record of followRecords(await context.api(), filterOf(context, input), pause)) {
      yield shownRecord(context, record);
    }
  },
});
