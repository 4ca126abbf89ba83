// Pages on the disk that send a form which only their owner can read, as Jupyter does: the sign-in page of a local
// platform gets its code so. What is in it is in no address, no argument of a program and no log. Guarantees: nobody
// else can read the file, and it goes again.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Host } from '../host.ts';
import { type Html, html } from '../html.ts';
import { isLoopbackHost } from '../loopback.ts';

/** Set by `chainctl local env`. */
export const signInCodeVariable = 'CHAINCTL_LOCAL_SIGN_IN_CODE';

export interface FormFile {
  /** `file:` */
  readonly url: string;
  remove(): void;
}

/**
 * Writes the page for a sign-in at `address`. Undefined where there is no code to show, or the address is not on this
 * machine: then it is opened itself, and asks where it needs to.
 */
export function writeSignInFile(host: Host, address: string): FormFile | undefined {
  const code = host.env[signInCodeVariable];
  const url = new URL(address);
  if (!code || url.protocol !== 'http:' || !isLoopbackHost(url.hostname)) return undefined;
  const fields = { code, next: `${url.pathname}${url.search}` };
  return writeFormFile({ name: 'sign-in', title: 'Sign in', action: `${url.origin}/oauth/code`, fields });
}

export interface FormPage {
  /** Of the file, and what its folder is called by. */
  readonly name: string;
  readonly title: string;
  /** Address that the form is sent to. */
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

export function writeFormFile(page: FormPage): FormFile {
  const folder = mkdtempSync(join(tmpdir(), `chainctl-${page.name}-`));
  const path = join(folder, `${page.name}.html`);
  writeFileSync(path, htmlOf(page).text, { mode: 0o600, flag: 'wx' });
  return {
    url: pathToFileURL(path).href,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function htmlOf({ title, action, fields }: FormPage): Html {
  const inputs = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
</head>
<body>
<form method="post" action="${action}">
${inputs}
<button type="submit">${title}</button>
</form>
<script>document.forms[0].submit();</script>
</body>
</html>
`;
}
