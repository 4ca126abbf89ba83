// What a build says of itself, the same for both builds: version, commit and the commit's date, so that two builds of one
// commit are the same bytes.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Empty outside a git checkout: a packed tarball is built before it is packed. */
function git(...args) {
  try {
    return execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}

/** Returns `{ version, commit, date }`; the commit ends with `-dirty` when files differ from it. */
export function describeBuild() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const commit = git('rev-parse', 'HEAD');
  const dirty = commit !== '' && git('status', '--porcelain') !== '';
  return {
    version,
    commit: commit === '' ? '' : `${commit}${dirty ? '-dirty' : ''}`,
    date: git('log', '-1', '--format=%cI'),
  };
}

/**
 * Returns the constants of src/build.ts as source text. `publicKey` (PEM) and `updateUrl` belong to a release; without
 * them that build does not update itself.
 */
export function constants({ version, commit, date }, { target = '', publicKey = '', updateUrl = '' } = {}) {
  return {
    CHAINCTL_VERSION: JSON.stringify(version),
    CHAINCTL_COMMIT: JSON.stringify(commit),
    CHAINCTL_DATE: JSON.stringify(date),
    CHAINCTL_TARGET: JSON.stringify(target),
    CHAINCTL_UPDATE_KEY: JSON.stringify(publicKey),
    CHAINCTL_UPDATE_URL: JSON.stringify(updateUrl),
  };
}
