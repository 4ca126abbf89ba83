// Recognizes /dev/null by the number of its device.

/** Device 1:3 of Linux, as `stat` numbers it. */
const linuxNull = 0x103;

/** Returns whether an open file is /dev/null. Only Linux is known by number; elsewhere the answer is no. */
export function isNullDevice({ rdev }: { readonly rdev: number }, platform: NodeJS.Platform): boolean {
  return platform === 'linux' && rdev === linuxNull;
}
