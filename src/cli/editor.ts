// The person's own editor on a file. Guarantees: VISUAL, then EDITOR, then what the machine has; nothing is opened without a
// terminal unless an editor was named, and a failed editor is an error, so that a half-made text is never taken.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../errors.ts';
import { toFileError } from '../files.ts';
import type { Context } from './context.ts';

/** Tried in this order when neither variable is set. */
const usual = 'nano vim vi';
const firstOfUsual = `for each in ${usual}; do command -v "$each" >/dev/null && exec "$each" "$1"; done; exit 127`;

/** Resolves when the editor was closed. `instead` completes the hint for whoever has no terminal. */
export async function openEditor({ host }: Context, path: string, instead: string): Promise<void> {
  const wanted = host.env['VISUAL']?.trim() || host.env['EDITOR']?.trim();
  if (!wanted && !host.stdin.isTty) {
    throw new CliError('usage', 'There is no terminal to edit on, and EDITOR names no program', {
      code: 'usage.no-editor',
      hint: instead,
    });
  }
  let code: number;
  try {
    // The variable may hold flags and quotes ("code --wait"), which only a shell reads as the person meant them.
    code =
      host.platform === 'win32'
        ? await host.runForeground(wanted || 'notepad', [path])
        : await host.runForeground('/bin/sh', ['-c', wanted ? `${wanted} "$1"` : firstOfUsual, 'sh', path]);
  } catch {
    code = 127;
  }
  if (code === 0) return;
  const editor = wanted ? `The editor "${wanted}"` : 'The editor';
  const missing = wanted ? `${editor} cannot be started` : 'There is no nano, vim or vi on this machine';
  const reason = code === 127 ? missing : `${editor} ended with exit code ${code}`;
  throw new CliError('local', `${reason}, so nothing was changed`, {
    code: 'local.editor',
    hint: 'name another program in EDITOR',
  });
}

export interface Draft {
  readonly path: string;
  remove(): void;
}

/** A file in a folder that only this person can look into, so that the real thing never holds a half-made edit. */
export function writeDraft(purpose: string, name: string, text: string): Draft {
  let folder = tmpdir();
  try {
    folder = mkdtempSync(join(folder, `chainctl-${purpose}-`));
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
  } catch (error) {
    throw toFileError(error, 'write', folder);
  }
}
