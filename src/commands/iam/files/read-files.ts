// Reads the files and folders that `--filename` names.

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Context } from '../../../cli/context.ts';
import { CliError } from '../../../errors.ts';
import { toFileError } from '../../../files.ts';
import type { FileText } from '../../../organization/document.ts';
import { statIfExists } from '../../../stats.ts';

/** A folder stands for the `.yaml`, `.yml` and `.json` files directly in it, by name; `-` is standard input. */
export async function readFiles(context: Context, names: readonly string[], flag = '--filename'): Promise<FileText[]> {
  const files: FileText[] = [];
  for (const name of names) {
    if (name === '-') {
      files.push({ path: 'standard input', text: await context.host.stdin.readAll() });
      continue;
    }
    const path = resolve(context.host.cwd, name);
    const stats = statIfExists(path);
    if (stats === undefined) {
      throw new CliError('usage', `\`${flag}\` "${name}" does not exist`, { code: 'usage.iam-file' });
    }
    const parts = stats.isDirectory() ? inFolder(path) : [undefined];
    if (parts.length === 0) {
      throw new CliError('usage', `\`${flag}\` "${name}" has no .yaml, .yml or .json file`, {
        code: 'usage.iam-file',
      });
    }
    for (const part of parts) {
      files.push({
        path: part === undefined ? name : join(name, part),
        text: read(part === undefined ? path : join(path, part)),
      });
    }
  }
  return files;
}

function inFolder(path: string): string[] {
  try {
    return readdirSync(path)
      .filter((name) => /\.(ya?ml|json)$/.test(name) && !name.startsWith('.'))
      .sort();
  } catch (error) {
    throw toFileError(error, 'read', path);
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw toFileError(error, 'read', path);
  }
}
