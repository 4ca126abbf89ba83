// A page on the disk that shows a local platform's sign-in page the code which only its owner can read, as Jupyter does. So
// the code is in no address, no argument of a program and no log. Guarantees: nobody else can read the file, and it goes again.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Host } from '../host.ts';
import { isLoopbackHost } from '../loopback.ts';

/** Set by `chainctl local env`. */
export const signInCodeVariable = 'CHAINCTL_LOCAL_SIGN_IN_CODE';

export interface SignInFile {
  /** `file:` */
  readonly url: string;
  remove(): void;
}

/**
 * Writes the page for a sign-in at `address`. Undefined where there is no code to show, or the address is not on this machine:
 * then it is opened itself, and asks where it needs to.
 */
export function writeSignInFile(host: Host, address: string): SignInFile | undefined {
  const code = host.env[signInCodeVariable];
  const url = new URL(address);
  if (!code || url.protocol !== 'http:' || !isLoopbackHost(url.hostname)) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'chainctl-sign-in-'));
  const path = join(folder, 'sign-in.html');
  writeFileSync(path, pageOf(url, code), { mode: 0o600, flag: 'wx' });
  return {
    url: pathToFileURL(path).href,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function pageOf(url: URL, code: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<title>Sign in</title>
</head>
<body>
<form method="post" action="${escapeHtml(url.origin)}/oauth/code">
<input type="hidden" name="code" value="${escapeHtml(code)}">
<input type="hidden" name="next" value="${escapeHtml(`${url.pathname}${url.search}`)}">
<button type="submit">Go on to sign in</button>
</form>
<script>document.forms[0].submit();</script>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
