// Finds the token of another issuer that a login is exchanged for: from a flag, a file, standard input or the
// surroundings (protocols 3).

import { readFileSync, type Stats } from 'node:fs';
import { resolve } from 'node:path';
import { CliError } from '../errors.ts';
import { toFileError } from '../files.ts';
import type { Host } from '../host.ts';
import { statIfExists } from '../stats.ts';
import { type AmbientProvider, ambientHint, ambientProvider } from './ambient.ts';
import type { LoginSource } from './token-cache.ts';

/** Options of a login that decide where the token comes from, as in `LoginOptions`. */
export interface TokenOptions {
  readonly identity?: string | undefined;
  readonly identityToken?: string | undefined;
  readonly preferAmbient?: boolean | undefined;
  readonly allowBrowser?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface IdentityToken {
  /** The most fitting first; a further one only where that is refused for its audience. */
  readonly tokens: readonly [string, ...string[]];
  readonly source: LoginSource;
}

/**
 * Returns undefined where a person has to sign in. Throws kind `auth` where there is none and nobody can, kind `usage`
 * for a flag that holds none.
 */
export async function findIdentityToken(
  host: Host,
  issuer: string,
  options: TokenOptions,
): Promise<IdentityToken | undefined> {
  const ambient = ambientProvider(host);
  if (options.preferAmbient && ambient !== undefined) return fromAmbient(ambient, issuer, options);
  if (options.identityToken === '-') return fromStandardInput(host);
  if (options.identityToken !== undefined) return readIdentityToken(host, options.identityToken);
  if (options.preferAmbient || options.identity !== undefined) {
    const counts = ambient?.isJob || options.preferAmbient || options.allowBrowser === false;
    if (ambient !== undefined && counts) return fromAmbient(ambient, issuer, options);
    const hint = ambientHint(host, options.allowBrowser === false);
    if (hint !== undefined) {
      throw new CliError('auth', 'Cannot login: there is no identity token', { code: 'auth.no-identity-token', hint });
    }
  }
  return undefined;
}

async function fromAmbient(provider: AmbientProvider, issuer: string, options: TokenOptions): Promise<IdentityToken> {
  // The audience every identity accepts that names no other (protocols 3.4).
  const tokens = await provider.tokens({ audience: issuer, identity: options.identity, signal: options.signal });
  return { tokens, source: { kind: 'ambient', provider: provider.name } };
}

async function fromStandardInput(host: Host): Promise<IdentityToken> {
  const token = (await host.stdin.readAll()).trim();
  if (token !== '') return { tokens: [token], source: { kind: 'token' } };
  throw new CliError('usage', '`--identity-token=-` found no token on standard input', {
    code: 'usage.bad-identity-token',
  });
}

/** The token itself, or the content of the file it names; a file wins when there is one (protocols 3.6). */
export function readIdentityToken(host: Host, text: string): IdentityToken {
  const path = resolve(host.cwd, text);
  const stats = text.length < 4096 ? existing(path) : undefined;
  if (stats === undefined || stats.isDirectory()) {
    if (looksLikeToken(text)) return { tokens: [text.trim()], source: { kind: 'token' } };
    // A secret that was mistyped is not repeated; a path is.
    const what = /^[./~]|^\w+[/\\]/.test(text) ? `"${text}"` : 'The value of `--identity-token`';
    throw new CliError('usage', `${what} is neither a token nor the path of a file that holds one`, {
      code: 'usage.bad-identity-token',
    });
  }
  let token: string;
  try {
    token = readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw toFileError(error, 'read', path);
  }
  if (token === '') {
    throw new CliError('local', `"${path}" holds no token: it is empty`, { code: 'local.empty-token-file' });
  }
  // A pipe (`<(command)`) can be read only once.
  return { tokens: [token], source: stats.isFile() ? { kind: 'file', path } : { kind: 'token' } };
}

function existing(path: string): Stats | undefined {
  try {
    return statIfExists(path);
  } catch {
    // A name that no file can have is no file.
    return undefined;
  }
}

// A JWT, or base64 of a signed AWS request (protocols 3.5), which is always long.
function looksLikeToken(text: string): boolean {
  const word = text.trim();
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(word) || /^[\w+/=-]{100,}$/.test(word);
}
