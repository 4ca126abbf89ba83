import { defineCommand } from '../../../cli/define.ts';
import { dataDirInput } from '../folder.ts';
import { holdingFolder, refuseWhileRunning } from '../standing.ts';
import { nameInput, platformFolder, requireSnapshot } from './snapshots.ts';

export default defineCommand({
  path: ['local', 'snapshot', 'load'],
  changesHere: true,
  summary: 'Go back to a snapshot.',
  description:
    'Replaces everything the platform holds; what it holds now is lost unless another snapshot has it. A running platform must be stopped first.',
  inputs: { name: nameInput, dataDir: dataDirInput },
  examples: [{ text: 'After an experiment', args: 'before --yes' }],
  readsConfig: false,
  confirm: async ({ name, dataDir }, context) => {
    const folder = platformFolder(context, dataDir);
    await requireSnapshot(folder, name);
    await refuseWhileRunning(context, folder);
    return { message: `Replace everything in "${folder}" by the snapshot "${name}"?`, default: false, isHere: true };
  },
  run: async (context, { name, dataDir }) => {
    const folder = platformFolder(context, dataDir);
    await requireSnapshot(folder, name);
    const { loadSnapshot } = await import('../../../local/snapshots.ts');
    await holdingFolder(context, folder, async () => loadSnapshot(folder, name));
    context.io.note(`The platform in "${folder}" is as in "${name}" again.`);
  },
});
