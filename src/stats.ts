// What is at a path, or undefined when there is nothing. Node's own `throwIfNoEntry: false` takes a file in the middle of
// the path for nothing too; Bun throws ENOTDIR there.

import { lstatSync, type Stats, statSync } from 'node:fs';

/** Follows links. Throws the file system's error for everything but absence. */
export function statIfExists(path: string): Stats | undefined {
  return orNothing(() => statSync(path, { throwIfNoEntry: false }));
}

/** Does not follow links. Throws the file system's error for everything but absence. */
export function lstatIfExists(path: string): Stats | undefined {
  return orNothing(() => lstatSync(path, { throwIfNoEntry: false }));
}

function orNothing<T>(stat: () => T): T | undefined {
  try {
    return stat();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOTDIR' || code === 'ENOENT') return undefined;
    throw error;
  }
}
