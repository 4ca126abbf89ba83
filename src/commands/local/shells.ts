// Variables in the words of each shell, for commands whose answer a shell evaluates.

import { shellWord } from '../../shell-word.ts';

export const shells = ['posix', 'fish', 'powershell'] as const;
export type Shell = (typeof shells)[number];

/** How each shell sets, removes and fails. */
export const shellWords: Readonly<
  Record<Shell, { set(name: string, value: string): string; unset(names: readonly string[]): string; fail: string }>
> = {
  posix: {
    set: (name, value) => `export ${name}=${shellWord(value)}`,
    unset: (names) => `unset ${names.join(' ')}`,
    fail: 'false',
  },
  fish: {
    set: (name, value) => `set -gx ${name} '${value.replaceAll(/[\\']/g, '\\$&')}'`,
    unset: (names) => `set -e ${names.join(' ')}`,
    fail: 'false',
  },
  powershell: {
    set: (name, value) => `$Env:${name} = '${value.replaceAll("'", "''")}'`,
    unset: (names) => `Remove-Item -ErrorAction SilentlyContinue ${names.map((name) => `Env:${name}`).join(', ')}`,
    fail: "throw 'No platform is running'",
  },
};
