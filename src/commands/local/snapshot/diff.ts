import { defineCommand, defineView } from '../../../cli/define.ts';
import { Ending, exitCodes } from '../../../errors.ts';
import type { TableDifference } from '../../../local/snapshots.ts';
import { dataDirInput } from '../folder.ts';
import { nameInput, platformFolder, requireSnapshot } from './snapshots.ts';

const differenceView = defineView<TableDifference>({
  id: ({ table }) => table,
  columns: [
    { head: 'TABLE', value: ({ table }) => table },
    { head: 'NOW ONLY', align: 'right', value: ({ added }) => added },
    { head: 'SNAPSHOT ONLY', align: 'right', value: ({ removed }) => removed },
  ],
  envelope: 'items',
  empty: 'The platform is as in the snapshot.',
});

export default defineCommand({
  path: ['local', 'snapshot', 'diff'],
  summary: 'Count what differs from a snapshot.',
  description:
    'Rows of each table that only the platform or only the snapshot has; a row that was changed counts on both sides. Exits 0 ' +
    'when nothing differs and 3 when something does.',
  lists: true,
  inputs: { name: nameInput, dataDir: dataDirInput },
  examples: [{ text: 'What an experiment has touched', args: 'before' }],
  view: differenceView,
  formats: ['table', 'json', 'csv', 'wide', 'markdown', 'id'],
  readsConfig: false,
  exitError: (results) => (results.length > 0 ? new Ending(exitCodes.differs) : undefined),
  run: async (context, { name, dataDir }) => {
    const folder = platformFolder(context, dataDir);
    await requireSnapshot(folder, name);
    const { compareSnapshot } = await import('../../../local/snapshots.ts');
    return compareSnapshot(folder, name);
  },
});
