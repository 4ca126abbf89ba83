// Docker finds a credential helper by its name on PATH. This puts ours there.

import { accessSync, constants, realpathSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { isExecutable } from '../build.ts';
import { CliError } from '../errors.ts';
import { codeOf, replaceFile, toFileError } from '../files.ts';
import type { Host } from '../host.ts';
import { lstatIfExists } from '../stats.ts';

const helperName = 'docker-credential-cgr';

export interface InstalledHelper {
  /** Path where Docker finds the helper, or would if the folder were on PATH. */
  readonly path: string;
  /** False when it was there already. */
  readonly changed: boolean;
  /** One sentence when Docker will not find it as things are. */
  readonly warning: string | undefined;
}

/** Throws kind `local` when there is no folder for it that can be written. */
export function installHelper(host: Host): InstalledHelper {
  const script = helperScript(host);
  const found = firstOnPath(host);
  if (found !== undefined && isOurs(host, found, script)) return { path: found, changed: false, warning: undefined };

  const folders = pathFolders(host);
  const beside = dirname(resolve(host.cwd, host.program));
  const wanted = [beside, ...homeFolders(host)].filter((folder) => folders.includes(folder) && isWritable(folder));
  const problems: unknown[] = [];
  for (const folder of [...wanted, dirname(script)]) {
    const path = join(folder, fileName(host));
    try {
      if (!place(host, script, path)) continue;
    } catch (error) {
      problems.push(error);
      continue;
    }
    return { path, changed: true, warning: warningFor(host, script, path, folders) };
  }
  throw problems.length > 0
    ? toFileError(problems.at(-1), 'write', join(dirname(script), fileName(host)))
    : new CliError('local', `No folder on PATH can take ${helperName}`, {
        code: 'local.no-helper-folder',
        hint: `link "${script}" as ${helperName} into a folder on PATH`,
      });
}

export interface HelperOnPath {
  /** The one that Docker starts. */
  readonly first: { readonly path: string; readonly isOurs: boolean } | undefined;
  /** A link on PATH that leads nowhere, where no helper is found. */
  readonly dead: string | undefined;
  /** A folder that holds ours, and that comes too late on PATH or is not on it. */
  readonly own: string | undefined;
}

/** Looks for the helper as Docker does, and changes nothing. */
export function lookForHelper(host: Host): HelperOnPath {
  const script = scriptOrNothing(host);
  const found = firstOnPath(host);
  const folders = pathFolders(host);
  const isHere = (folder: string) => script !== undefined && isOurs(host, join(folder, fileName(host)), script);
  return {
    first:
      found === undefined ? undefined : { path: found, isOurs: script !== undefined && isOurs(host, found, script) },
    dead: folders.map((folder) => join(folder, fileName(host))).find((path) => isDeadLink(path)),
    own: [...folders, dirname(resolve(host.cwd, host.program)), ...homeFolders(host)].find(isHere),
  };
}

function isDeadLink(path: string): boolean {
  try {
    return lstatIfExists(path)?.isSymbolicLink() === true && !exists(path);
  } catch {
    return false;
  }
}

function scriptOrNothing(host: Host): string | undefined {
  try {
    return helperScript(host);
  } catch {
    return undefined;
  }
}

/**
 * Returns what a link to the helper leads to: our script, wherever this program was started from, or the executable
 * itself.
 */
function helperScript(host: Host): string {
  let real: string;
  try {
    real = realpathSync(host.program);
  } catch (error) {
    throw toFileError(error, 'read', host.program);
  }
  if (isExecutable) return real;
  // Beside the program as installed, or in bin/ when it runs from its sources.
  const places = [dirname(real), join(dirname(real), '..', 'bin'), join(dirname(real), '..', '..', 'bin')];
  for (const place of places) {
    const script = join(place, `${helperName}.js`);
    if (lstatIfExists(script)?.isFile()) return script;
  }
  throw new CliError('local', `${helperName}.js is missing beside "${real}"`, {
    code: 'local.no-helper',
    hint: 'install chainctl again',
  });
}

function pathFolders(host: Host): string[] {
  return (host.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => resolve(host.cwd, folder));
}

function homeFolders(host: Host): string[] {
  try {
    return [join(host.home(), '.local', 'bin'), join(host.home(), 'bin')];
  } catch {
    return [];
  }
}

const fileName = (host: Host) => (host.platform === 'win32' ? `${helperName}.cmd` : helperName);

function firstOnPath(host: Host): string | undefined {
  const names = host.platform === 'win32' ? [`${helperName}.exe`, `${helperName}.cmd`] : [helperName];
  for (const folder of pathFolders(host)) {
    for (const name of names) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not there, or not to be run: Docker looks further too.
      }
    }
  }
  return undefined;
}

/** True when it is there now; false when something that is not ours is in the way. */
function place(host: Host, script: string, path: string): boolean {
  const before = lstatIfExists(path);
  if (before !== undefined && isSame(path, script)) return true;
  if (host.platform === 'win32') {
    // Links need special rights on Windows. Not tried on a real one yet.
    if (before !== undefined) return false;
    replaceFile(path, windowsScript(script), { mode: 0o755 });
    return true;
  }
  // A link that leads nowhere is what an older installation leaves; anything else belongs to somebody.
  if (before !== undefined && !(before.isSymbolicLink() && !exists(path))) return false;
  const temporary = `${path}.new`;
  removeQuietly(temporary);
  symlinkSync(script, temporary);
  try {
    renameSync(temporary, path);
  } catch (error) {
    removeQuietly(temporary);
    throw error;
  }
  return true;
}

/** Scripts of Windows do not tell a program by which name it was started; the word does. */
function windowsScript(script: string): string {
  return isExecutable ? `@"${script}" __${helperName} %*\r\n` : `@node "${script}" %*\r\n`;
}

function warningFor(host: Host, script: string, path: string, folders: readonly string[]): string | undefined {
  const folder = dirname(path);
  const first = firstOnPath(host);
  if (first === undefined && !folders.includes(folder)) {
    return `Docker will not find "${path}" yet: put its folder on PATH with \`export PATH="${folder}:$PATH"\``;
  }
  if (first === undefined || isOurs(host, first, script) || first === path) return undefined;
  return `Docker will start "${first}" instead of "${path}", because it comes first on PATH`;
}

/**
 * The helper's script, or a link to the program itself, which knows by its name what it is asked for (protocols 7.1).
 */
function isOurs(host: Host, path: string, script: string): boolean {
  return isSame(path, script) || isSame(path, host.program);
}

function isSame(path: string, script: string): boolean {
  try {
    return realpathSync(path) === realpathSync(script);
  } catch {
    return false;
  }
}

function exists(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ENOENT';
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    return;
  }
}
