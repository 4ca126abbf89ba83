import { defineCommand } from '../../../cli/define.ts';
import { dataDirInput, folderOf } from '../folder.ts';
import { snapshotView } from './snapshots.ts';

export default defineCommand({
  path: ['local', 'snapshot', 'list'],
  summary: 'List the snapshots of the platform.',
  aliases: ['ls'],
  inputs: { dataDir: dataDirInput },
  examples: [{ text: 'All of them', args: '' }],
  view: snapshotView,
  formats: ['table', 'json', 'id', 'csv', 'wide', 'markdown'],
  readsConfig: false,
  run: async (context, { dataDir }) => {
    const { listSnapshots } = await import('../../../local/snapshots.ts');
    return listSnapshots(folderOf(context, dataDir));
  },
});
