import { defineDelete } from '../../../cli/noun-commands.ts';
import { dataDirInput } from '../folder.ts';
import { platformFolder, requireSnapshot, snapshotName } from './snapshots.ts';

export default defineDelete({
  path: ['local', 'snapshot', 'delete'],
  changesHere: true,
  summary: 'Delete a snapshot.',
  noun: { kind: snapshotName, positional: 'NAME', help: 'Name of the snapshot.', called: 'snapshot' },
  inputs: { dataDir: dataDirInput },
  examples: [{ text: 'One that is no longer needed', args: 'before --yes' }],
  readsConfig: false,
  describeConsequence: async (context, name, { dataDir }) => {
    await requireSnapshot(platformFolder(context, dataDir), name);
    return { message: `Delete the snapshot "${name}"?`, default: false, isHere: true };
  },
  run: async (context, name, { dataDir }) => {
    const folder = platformFolder(context, dataDir);
    await requireSnapshot(folder, name);
    const { deleteSnapshot } = await import('../../../local/snapshots.ts');
    deleteSnapshot(folder, name);
    context.io.note(`Deleted the snapshot "${name}".`);
  },
});
