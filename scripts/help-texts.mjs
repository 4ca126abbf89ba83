// Lays out help for 80 columns while a build is made, so that a program that is asked for help has only to write it.

import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { root } from './build-constants.mjs';

/** What runs commands, and the commands, are not what is told. */
const leaveOutCommands = {
  name: 'leave-out-commands',
  resolveId: (source, _importer, { kind }) =>
    kind === 'dynamic-import' && !source.endsWith('.gen.ts') ? { id: 'node:fs', external: true } : undefined,
};

/** Resolves to `{ texts, docsPlace }`: pages by the words they are asked for with, and what stands for the place of the documentation. */
export async function helpTexts() {
  const folder = mkdtempSync(join(tmpdir(), 'chainctl-help-'));
  try {
    const file = join(folder, 'help-texts.cjs');
    const bundle = await rolldown({
      cwd: root,
      input: 'scripts/help-texts.ts',
      platform: 'node',
      plugins: [leaveOutCommands],
      external: (id) => id.startsWith('node:'),
      onLog() {},
    });
    await bundle.write({ file, format: 'cjs', codeSplitting: false });
    await bundle.close();
    const { helpTexts: laidOut, docsPlace } = createRequire(import.meta.url)(file);
    return { texts: await laidOut(), docsPlace };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
