import { fstatSync } from 'node:fs';
import { isNullDevice } from './null-device.ts';

/** Only a character device other than /dev/null can be one, and only then is `node:tty` worth loading. */
export function isTerminal(fd: number): boolean {
  try {
    if (process.platform !== 'win32') {
      const stats = fstatSync(fd);
      if (!stats.isCharacterDevice() || isNullDevice(stats, process.platform)) return false;
    }
  } catch {
    return false;
  }
  return (process.getBuiltinModule('node:tty') as typeof import('node:tty')).isatty(fd);
}
