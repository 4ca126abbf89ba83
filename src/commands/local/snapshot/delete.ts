import { defineCommand } from '../../../cli/define.ts';
import { dataDirInput } from '../folder.ts';
import { nameInput, platformFolder, requireSnapshot } from './snapshots.ts';

export default defineCommand({
  path: ['local', 'snapshot', 'delete'],
  changesHere: true,
  summary: 'Delete a snapshot.',
  aliases: ['rm'],
  inputs: { name: nameInput, dataDir: dataDirInput },
  examples: [{ text: 'One that is no longer needed', args: 'before --yes' }],
  readsConfig: false,
  confirm: async ({ name, dataDir }, context) => {
    await requireSnapshot(platformFolder(context, dataDir), name);
    return { message: `Delete the snapshot "${name}"?`, default: false, isHere: true };
  },
  run: async (context, { name, dataDir }) => {
    const folder = platformFolder(context, dataDir);
    await requireSnapshot(folder, name);
    const { deleteSnapshot } = await import('../../../local/snapshots.ts');
    deleteSnapshot(folder, name);
    context.io.note(`Deleted the snapshot "${name}".`);
  },
});
