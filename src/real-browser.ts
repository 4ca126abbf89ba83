import type { ChildProcess } from 'node:child_process';
import { hasDesktop } from './host.ts';

/** Opens a page in the person's browser. Resolves to whether something was there that opens it. */
export async function openBrowser(url: string): Promise<boolean> {
  // Without a display a Linux browser cannot open; trying would start a text browser on the terminal or hang. Over SSH
  // it would open where nobody looks.
  if (!hasDesktop(process) && !process.env['BROWSER']) return false;
  try {
    // BROWSER names a program, as xdg-open and python's webbrowser take it.
    const program = process.env['BROWSER'];
    const open = program ? undefined : (await import('open')).default;
    const opener = open
      ? await open(url)
      : process.getBuiltinModule('node:child_process').spawn(program ?? '', [url], { stdio: 'ignore', detached: true });
    return await hasOpened(opener);
  } catch {
    return false;
  }
}

/** How long what opens a browser is watched, in milliseconds: what finds none says so soon, and a browser stays. */
const openerWatchMs = 2_000;

function hasOpened(opener: ChildProcess): Promise<boolean> {
  opener.unref();
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), openerWatchMs);
    const settle = (opened: boolean) => {
      clearTimeout(timer);
      resolve(opened);
    };
    opener.once('error', () => settle(false));
    // Windows' Explorer, which WSL users name, ends with 1 whatever it did.
    const tellsNothing = /explorer\.exe$/i.test(opener.spawnfile);
    opener.once('exit', (code) => settle(code === 0 || tellsNothing));
  });
}
