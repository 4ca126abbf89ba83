import { defineCommand } from '../../../cli/define.ts';
import { dataDirInput } from '../folder.ts';
import { nameInput, platformFolder, snapshotView } from './snapshots.ts';

export default defineCommand({
  path: ['local', 'snapshot', 'save'],
  changesHere: true,
  summary: 'Keep what the platform holds now.',
  description:
    'Everything: people, roles, identities, images, events. The platform may be running. An earlier one of the name goes.',
  inputs: { name: nameInput, dataDir: dataDirInput },
  examples: [{ text: 'Before an experiment', args: 'before' }],
  view: snapshotView,
  formats: ['table', 'json', 'id'],
  readsConfig: false,
  run: async (context, { name, dataDir }) => {
    const folder = platformFolder(context, dataDir);
    const { listSnapshots, saveSnapshot } = await import('../../../local/snapshots.ts');
    saveSnapshot(folder, name);
    return listSnapshots(folder).find((one) => one.name === name);
  },
});
