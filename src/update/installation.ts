// How this program came here, and so who may replace it: only an executable that nobody else looks after replaces
// itself.

import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { toFileError } from '../files.ts';
import type { Host } from '../host.ts';

export type Installation =
  /** The path of the file itself, behind all links. */
  | { readonly kind: 'executable'; readonly path: string }
  /** Command to type instead, and who maintains the installation. */
  | { readonly kind: 'managed'; readonly path: string; readonly by: string; readonly command: string };

const debianFiles = '/var/lib/dpkg/info/chainctl.list';

/** Throws kind `local` when the program's own file is not to be found. */
export function installationOf(host: Pick<Host, 'program'>, isExecutable: boolean): Installation {
  let path: string;
  try {
    path = realpathSync(host.program);
  } catch (error) {
    throw toFileError(error, 'read', host.program);
  }
  const managed = (by: string, command: string): Installation => ({ kind: 'managed', path, by, command });
  if (!isExecutable) {
    return /[/\\]node_modules[/\\]chainctl[/\\]/.test(path)
      ? managed('npm', 'npm install --global chainctl@latest')
      : managed('git', 'git pull && npm ci && npm run build');
  }
  if (/[/\\](?:Cellar|homebrew)[/\\]/i.test(path)) return managed('Homebrew', 'brew upgrade chainctl');
  if (/[/\\]scoop[/\\]apps[/\\]/i.test(path)) return managed('Scoop', 'scoop update chainctl');
  if (isDebians(path)) return managed('Debian', 'sudo apt-get install --only-upgrade chainctl');
  return { kind: 'executable', path };
}

function isDebians(path: string): boolean {
  return existsSync(debianFiles) && readFileSync(debianFiles, 'utf8').split('\n').includes(path);
}
