import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

/** For running a bundle that uses the store: it lies in a temporary folder, far from the database driver of Node 20. */
export const bundleEnv = { ...process.env, NODE_PATH: join(import.meta.dirname, '..', '..', 'node_modules') };

/**
 * Bundles one source file as the shipped program is bundled (CJS, split), for tests that need it as a process of its
 * own. Resolves to the path to run and a function that removes it, from the folder `below`.
 */
export async function bundle(
  entry: string,
  below = tmpdir(),
): Promise<{ path: string; folder: string; remove: () => void }> {
  const folder = mkdtempSync(join(below, 'chainctl-bundle-'));
  const build = await rolldown({
    input: { entry },
    platform: 'node',
    external: ['@napi-rs/keyring'],
    logLevel: 'silent',
  });
  await build.write({ dir: folder, format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: 'chunks/[name].cjs' });
  await build.close();
  return {
    path: join(folder, 'entry.cjs'),
    folder,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
