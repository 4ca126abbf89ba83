// Reads the stat of a path, or undefined when there is nothing.

import { lstatSync, type Stats, statSync } from 'node:fs';

/** Follows links. A file in the middle of the path is nothing too: a folder may well hold a file called `chainctl`. */
export function statIfExists(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Does not follow links. Throws the file system's error for everything but absence. */
export function lstatIfExists(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
