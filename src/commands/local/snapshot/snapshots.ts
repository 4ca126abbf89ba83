// Shared code of the commands on snapshots.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../../cli/context.ts';
import { defineView } from '../../../cli/define.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { CliError } from '../../../errors.ts';
import type { Snapshot } from '../../../local/snapshots.ts';
import { folderOf } from '../folder.ts';

export const snapshotName: Kind<string> = {
  metavar: 'NAME',
  noun: 'snapshot',
  parse: (text) => {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/.test(text)) {
      throw new Error('must be at most 64 letters, digits and ". _ -", and begin with a letter or digit');
    }
    return text;
  },
};

export const nameInput = {
  kind: snapshotName,
  positional: 'NAME',
  flag: false,
  required: true,
  help: 'Name of the snapshot.',
  question: 'What is the snapshot called?',
} as const;

export const snapshotView = defineView<Snapshot>({
  id: ({ name }) => name,
  columns: [
    { head: 'NAME', value: ({ name }) => name },
    { head: 'SAVED', value: ({ savedAt }) => new Date(savedAt).toISOString().replace(/\.\d+Z$/, 'Z') },
    { head: 'SIZE', align: 'right', value: ({ size }) => `${Math.ceil(size / 1024)} kB` },
  ],
  json: ({ name, savedAt, size }) => ({ name, savedAt: new Date(savedAt).toISOString(), size }),
  envelope: 'items',
  empty: 'No snapshots.',
});

/** The folder, which must hold a platform. */
export function platformFolder(context: Context, dataDir: string | undefined): string {
  const folder = folderOf(context, dataDir);
  if (existsSync(join(folder, 'platform.db'))) return folder;
  throw new CliError('not-found', `There is no platform in "${folder}"`, {
    code: 'local.not-running',
    hint: 'start one with `chainctl local start`',
  });
}

/** Throws kind `not-found` that names those there are. */
export async function requireSnapshot(folder: string, name: string): Promise<void> {
  const { hasSnapshot, listSnapshots } = await import('../../../local/snapshots.ts');
  if (hasSnapshot(folder, name)) return;
  const names = listSnapshots(folder).map((one) => one.name);
  throw new CliError('not-found', `No snapshot is called "${name}"`, {
    code: 'not-found.snapshot',
    hint: names.length === 0 ? 'save one with `chainctl local snapshot save NAME`' : `there are ${names.join(', ')}`,
  });
}
