// A project's `.npmrc`. Guarantees: lines that are not about our registry stay as they are, in their order and with
// their ends; a symbolic link stays one, and leads to no file outside of the project; the file is readable by its owner
// only, because it now holds a credential.

import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { CliError } from '../errors.ts';
import { followLinks, isDeviceOrPipe, readTextIfExists, replaceFile, toFileError } from '../files.ts';
import type { Host } from '../host.ts';
import { lstatIfExists } from '../stats.ts';

/** How npm proves itself to the registry (protocols 12, Q15). */
export type NpmCredential =
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'basic'; readonly user: string; readonly password: string };

export interface NpmRegistry {
  /** Registry of the packages, with a slash at its end. */
  readonly url: string;
  /** The credential counts for the whole host, which pnpm needs to follow upstream fallbacks. */
  readonly hostScope: boolean;
}

/**
 * The file that is read and written: `.npmrc` of this folder, or what it links to within it. Throws kind `local` for a
 * link that leads out of the folder: whoever wrote it into a repository would choose where the credential goes.
 */
export function npmrcPath(host: Host): string {
  const path = join(host.cwd, '.npmrc');
  try {
    if (!lstatIfExists(path)?.isSymbolicLink()) return path;
    const target = followLinks(path);
    const real = join(realpathSync(dirname(target)), basename(target));
    const inside = relative(realpathSync(host.cwd), real);
    if (!inside.startsWith(`..${sep}`) && inside !== '..' && !isAbsolute(inside)) return real;
    throw new CliError('local', `"${path}" is a link to "${real}", outside of this folder, so nothing was changed`, {
      code: 'local.npmrc-elsewhere',
      hint: 'if that file is the right one, run the command in its folder; else remove the link',
    });
  } catch (error) {
    throw toFileError(error, 'read', path);
  }
}

/** Returns what is there now; throws kind `local` when it cannot be read. */
export function readNpmrc(path: string): string {
  return readTextIfExists(path) ?? '';
}

/** Throws kind `local` when the file cannot be written. `text` is the whole new content. */
export function writeNpmrc(path: string, text: string): void {
  replaceFile(path, text, { mode: 0o600 });
}

const credentialNames = ['_authToken', '_auth', 'username', '_password', 'email', 'always-auth', 'tokenHelper'];

/** The content with our registry as the default one, its credential replaced and everything else kept. */
export function withRegistry(text: string, registry: NpmRegistry, credential: NpmCredential): string {
  const url = new URL(registry.url);
  const pathScope = `//${url.host}${url.pathname}`;
  const hostScope = `//${url.host}/`;
  // A credential left under the other scope, or of the other kind, would win or confuse: one of them is ours.
  const stale = new Set([pathScope, hostScope].flatMap((scope) => credentialNames.map((name) => `${scope}:${name}`)));
  const scope = registry.hostScope ? hostScope : pathScope;
  const secret =
    credential.kind === 'bearer'
      ? `${scope}:_authToken=${credential.token}`
      : `${scope}:_auth=${Buffer.from(`${credential.user}:${credential.password}`).toString('base64')}`;

  // Each line with the end it has: where two systems write, one file has both.
  const lines = text.match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g) ?? [];
  const end = endOf(lines[0] ?? '') || '\n';
  const out: string[] = [];
  let atRegistry = -1;
  let atSecret = -1;
  let inSection = false;
  for (const line of lines) {
    // Text after a section header belongs to it and not to npm's own settings.
    inSection ||= isHeader(line);
    const key = inSection ? undefined : keyOf(line);
    const itsEnd = endOf(line) || end;
    if (key === 'registry') {
      if (atRegistry === -1) atRegistry = out.push(`registry=${registry.url}${itsEnd}`) - 1;
    } else if (key !== undefined && stale.has(key)) {
      if (atSecret === -1) atSecret = out.push(`${secret}${itsEnd}`) - 1;
    } else {
      out.push(endOf(line) === '' ? `${line}${end}` : line);
    }
  }
  const missing = [atRegistry === -1 ? `registry=${registry.url}` : '', atSecret === -1 ? secret : '']
    .filter(Boolean)
    .map((line) => `${line}${end}`);
  const header = out.findIndex(isHeader);
  out.splice(header === -1 ? out.length : header, 0, ...missing);
  return out.join('');
}

const endOf = (line: string): string => /[\r\n]*$/.exec(line)?.[0] ?? '';

const isHeader = (line: string): boolean => /^\s*\[.*\]\s*$/.test(line);

/** The key of `key = value`; undefined for comments and for what is neither. */
function keyOf(line: string): string | undefined {
  if (/^\s*[#;]/.test(line)) return undefined;
  const [, key] = /^\s*"?([^=\s"]+?)"?(?:\[\])?\s*=/.exec(line) ?? [];
  return key;
}

/**
 * Returns what a person should know before the file is shared: Git has it, or would take it. Undefined when there is no
 * danger.
 */
export async function gitDanger(path: string): Promise<string | undefined> {
  const folder = dirname(path);
  const tracked = await gitCode(folder, ['ls-files', '--error-unmatch', '--', path]);
  if (tracked === 0) {
    return `"${path}" is tracked by Git and now holds a credential: do not commit it (\`git rm --cached ${basename(path)}\`)`;
  }
  // 1 says that no rule ignores it; 128 that this is no repository, and anything else that there is no Git.
  if ((await gitCode(folder, ['check-ignore', '-q', '--', path])) !== 1) return undefined;
  return `"${path}" now holds a credential and Git does not ignore it: add \`${basename(path)}\` to .gitignore`;
}

function gitCode(cwd: string, args: readonly string[]): Promise<number | undefined> {
  return new Promise((resolve) => {
    const git = spawn('git', args, { cwd, stdio: 'ignore', timeout: 5_000, windowsHide: true });
    git.once('error', () => resolve(undefined));
    git.once('exit', (code) => resolve(code ?? undefined));
  });
}

/** Before anything is made for it: a file that cannot be changed is an error now. */
export function checkNpmrc(path: string): string {
  // Reading a pipe would wait for whoever writes to it, and not even Ctrl-C would end that.
  if (isDeviceOrPipe(path)) {
    throw new CliError('local', `"${path}" is not a plain file, so nothing was changed`, {
      code: 'local.bad-npmrc',
      hint: 'move it away and try again',
    });
  }
  const text = readNpmrc(path);
  if (text.includes('\0')) {
    throw new CliError('local', `"${path}" is not a text file`, {
      code: 'local.bad-npmrc',
      hint: 'move it away and try again',
    });
  }
  return text;
}
