import { copyFileSync, fstatSync, ftruncateSync, statSync } from 'node:fs';

/** Bytes of a log. The one before it is kept as well. */
export const maxLogBytes = 1024 * 1024;

/**
 * Returns what to tell the bytes of each line that was written to `descriptor`: where that is the log at `path`, opened for
 * appending, what is in it moves to `<path>.old` whenever it has grown beyond `most`. Does nothing for any other output.
 */
export function boundLog(path: string, descriptor: number, most = maxLogBytes): (bytes: number) => void {
  if (!isSameFile(path, descriptor)) return () => {};
  let size = fstatSync(descriptor).size;
  return (bytes) => {
    size += bytes;
    if (size <= most) return;
    size = 0;
    try {
      // Nothing else writes to it: whatever is in the copy may go.
      copyFileSync(path, `${path}.old`);
      ftruncateSync(descriptor);
    } catch {
      // The disk is full: a log that grows is better than one that is lost.
    }
  };
}

function isSameFile(path: string, descriptor: number): boolean {
  try {
    const [one, other] = [statSync(path), fstatSync(descriptor)];
    return one.isFile() && one.dev === other.dev && one.ino === other.ino;
  } catch {
    return false;
  }
}
