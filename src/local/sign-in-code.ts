// The code of the sign-in page, in a file that only its owner can read. It stays the same from start to start, like the port.

import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const fileName = 'sign-in-code';

/** Returns the code of a platform's folder; undefined when it has none. */
export function readSignInCode(dataDir: string): string | undefined {
  try {
    const text = readFileSync(join(dataDir, fileName), 'utf8').trim();
    return /^[\w-]{22,}$/.test(text) ? text : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Makes one of 128 bits where there is none. Only for whoever holds the folder. */
export function prepareSignInCode(dataDir: string): string {
  const path = join(dataDir, fileName);
  const code = readSignInCode(dataDir) ?? randomBytes(16).toString('base64url');
  writeFileSync(path, `${code}\n`, { mode: 0o600 });
  // The mode above is for a file that is new.
  chmodSync(path, 0o600);
  return code;
}

/** For a platform that asks for none, so that nobody is told one. */
export function removeSignInCode(dataDir: string): undefined {
  rmSync(join(dataDir, fileName), { force: true });
}
