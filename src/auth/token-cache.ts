// The tokens on disk (semantics 3.4, protocols 6). Guarantees: the layout other tools read, files 0600 from the start
// in folders 0700, nothing believed that others could have planted, and no token in an error.

import { chmodSync, type Dirent, readdirSync, rmdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CliError } from '../errors.ts';
import { codeOf, isLeftover, makeFolder, removeFile, replaceFile, toFileError } from '../files.ts';
import { cacheDir, type Host } from '../host.ts';
import { parseObject } from '../json.ts';
import { isLoopbackHost } from '../loopback.ts';
import {
  audienceFolder,
  cacheRootIn,
  checkCacheFolder,
  contextsFolderName,
  readSecret,
  recordFileName,
  refreshFileName,
  tokenFileName,
  UnsafeCacheError,
} from './cache-files.ts';
import { audiencesOf, decodeClaims, expiryOf, refreshExpiryOf } from './jwt.ts';

type CacheHost = Pick<Host, 'platform' | 'env' | 'home'>;

/** How a login was made, so that it can be made again; never holds a token (protocols Q10). */
export interface LoginRecord {
  /** The issuer the tokens came from; a refresh token is sent to no other. */
  readonly issuer: string;
  /** `sub` of the token this belongs to. A token of another subject was written by another tool: then this is stale. */
  readonly subject: string;
  /** The identity that was asked for. */
  readonly identity?: string;
  readonly identityProvider?: string;
  readonly source: LoginSource;
  /** Storage of the refresh token, when it is not in the file beside this. */
  readonly refreshIn?: 'keychain';
  /** The refresh token stays in the file, where programs of the SDK look for it, whatever `auth.token-store` says. */
  readonly shared?: true;
}

export type LoginSource =
  | { readonly kind: 'browser' }
  /** A literal token: cannot be made again. */
  | { readonly kind: 'token' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'ambient'; readonly provider: string };

export interface CachedTokens {
  readonly token: string | undefined;
  readonly refreshToken: string | undefined;
  /** Only while it belongs to the token beside it. */
  readonly record: LoginRecord | undefined;
}

export interface NewTokens {
  readonly token: string;
  /** Undefined keeps the one that is there, null removes it. */
  readonly refreshToken: string | null | undefined;
  /** Undefined keeps the one that is there. */
  readonly record?: LoginRecord;
}

/** Names of the contexts whose logins lie apart, by the outside world they were chosen in. */
const contexts = new WeakMap<CacheHost, string>();

/**
 * From now on the logins are those of this context, below `chainguard/contexts`: another one has its audiences, and the
 * folder of a token is named by its audience alone (script-contracts 6).
 */
export function keepLoginsApart(host: CacheHost, context: string): void {
  contexts.set(host, context);
}

/** The folder that the folders of audiences lie in. */
export function cacheRoot(host: CacheHost): string {
  return cacheRoots(host).at(-1) ?? '';
}

/** The same and those above it that are chainctl's own, outermost first. */
function cacheRoots(host: CacheHost): string[] {
  const root = cacheRootIn(cacheDir(host));
  const context = contexts.get(host);
  const apart = join(root, contextsFolderName);
  return context === undefined ? [root] : [root, apart, join(apart, context)];
}

/** The folder of one audience. Throws kind `usage` for what cannot be a folder's name. */
export function audiencePath(host: CacheHost, audience: string): string {
  const name = audienceFolder(audience, host.platform);
  if (!isFolderName(name)) {
    throw new CliError('usage', `"${audience}" cannot be an audience`, { code: 'usage.bad-audience' });
  }
  return join(cacheRoot(host), name);
}

function isFolderName(name: string): boolean {
  return name !== '' && !name.startsWith('.') && !/[\\\0-\x1f\x7f]/.test(name) && name.length <= 255;
}

/**
 * Returns what `withLock` locks while the tokens of an audience change. Throws kind `local` where that would lie
 * behind a link or in a folder of others: then nothing is made there.
 */
export function audienceLock(host: CacheHost, audience: string): string {
  const folder = join(cacheRoot(host), '.locks');
  guarded('read', folder, () => {
    for (const path of [...cacheRoots(host), folder]) checkCacheFolder(path);
  });
  return join(folder, basename(audiencePath(host, audience)));
}

/** The tokens of an audience, expired or not. Throws kind `local` when the cache is not to be trusted. */
export function readTokens(host: CacheHost, audience: string): CachedTokens {
  const folder = audiencePath(host, audience);
  const read = (name: string) => readGuarded(host, folder, name);
  const token = read(tokenFileName) || undefined;
  const refreshToken = read(refreshFileName) || undefined;
  const record = token === undefined ? undefined : parseRecord(read(recordFileName));
  const subject = token === undefined ? undefined : decodeClaims(token)?.sub;
  return { token, refreshToken, record: record?.subject === subject ? record : undefined };
}

/** Returns how the login was made, also when the token beside it is another tool's by now. */
export function readRecord(host: CacheHost, audience: string): LoginRecord | undefined {
  const folder = audiencePath(host, audience);
  return parseRecord(readGuarded(host, folder, recordFileName));
}

function readGuarded(host: CacheHost, folder: string, name: string): string | undefined {
  return guarded('read', join(folder, name), () => {
    const roots = cacheRoots(host);
    for (const root of roots.slice(0, -1)) checkCacheFolder(root);
    return readSecret(roots.at(-1) ?? '', folder, name);
  });
}

/**
 * Throws kind `conflict` when the folder of the audience holds a login at a platform elsewhere and `issuer` is one on
 * this machine: a local platform that goes by production's audience never takes the place of production's tokens.
 */
export function requireRoom(host: CacheHost, audience: string, issuer: string | undefined): void {
  if (!isLocalIssuer(issuer)) return;
  const { token } = readTokens(host, audience);
  const kept = token === undefined ? readRecord(host, audience)?.issuer : decodeClaims(token)?.iss;
  if (typeof kept !== 'string' || isLocalIssuer(kept)) return;
  throw new CliError(
    'conflict',
    `The login at ${kept} for "${audience}" is kept, and a local one would take its place`,
    {
      code: 'local.foreign-login',
      hint: 'give the local login a cache of its own: set XDG_CACHE_HOME to another folder in this shell',
    },
  );
}

/** Returns whether tokens come from a platform on this machine. */
export function isLocalIssuer(issuer: unknown): boolean {
  if (typeof issuer !== 'string' || !URL.canParse(issuer)) return false;
  const { protocol, hostname } = new URL(issuer);
  return protocol === 'http:' && isLoopbackHost(hostname);
}

export function writeTokens(host: CacheHost, audience: string, tokens: NewTokens): void {
  const issuer = decodeClaims(tokens.token)?.iss;
  requireRoom(host, audience, typeof issuer === 'string' ? issuer : undefined);
  const folder = audiencePath(host, audience);
  guarded('write', join(folder, tokenFileName), () => {
    for (const path of [...cacheRoots(host), folder]) {
      if (makeFolder(path, 0o700)) chmodSync(path, 0o700);
      checkCacheFolder(path);
    }
  });
  // The refresh token first: should the power fail now, the next one to need a token has the pair's newer half.
  if (tokens.refreshToken === null) removeFile(join(folder, refreshFileName));
  else if (tokens.refreshToken !== undefined) replaceFile(join(folder, refreshFileName), tokens.refreshToken);
  if (tokens.record !== undefined) {
    replaceFile(join(folder, recordFileName), `${JSON.stringify({ version: 1, ...tokens.record })}\n`);
  }
  replaceFile(join(folder, tokenFileName), tokens.token);
}

/** Forgets the refresh token of an audience, for one that the issuer no longer takes. */
export function dropRefreshToken(host: CacheHost, audience: string): void {
  removeFile(join(audiencePath(host, audience), refreshFileName));
}

/** Forgets the tokens of one audience; false when there were none. */
export function deleteTokens(host: CacheHost, audience: string): boolean {
  const folder = audiencePath(host, audience);
  checkRoot(host);
  const found = forget(folder);
  removeFolderIfEmpty(folder);
  return found;
}

/** Forgets every token, also those under an alias (protocols 6); false when there were none. */
export function deleteAllTokens(host: CacheHost): boolean {
  checkRoot(host);
  const root = cacheRoot(host);
  let found = false;
  const visit = (folder: string): void => {
    for (const entry of entriesOf(folder)) {
      // Links are not followed: what they lead to is not ours to remove. Nor are the logins of other contexts.
      if (!entry.isDirectory() || (folder === root && entry.name === contextsFolderName)) continue;
      visit(join(folder, entry.name));
      found = forget(join(folder, entry.name)) || found;
      removeFolderIfEmpty(join(folder, entry.name));
    }
  };
  visit(cacheRoot(host));
  return found;
}

/**
 * The folders of audiences, each as good a name for its audience as the audience itself: also of tokens that are
 * damaged.
 */
export function listFolders(host: CacheHost): string[] {
  return entriesOf(cacheRoot(host))
    .filter((entry) => entry.isDirectory() && isFolderName(entry.name) && entry.name !== contextsFolderName)
    .map(({ name }) => name);
}

/**
 * The audiences there are tokens for, sorted: read from the tokens, since folder names are lossy. A token for several
 * that lies under all of them together is listed as it was asked for, `a,b`.
 */
export function listAudiences(host: CacheHost): string[] {
  const root = cacheRoot(host);
  const found = new Set<string>();
  const visit = (folder: string): void => {
    for (const entry of entriesOf(folder)) {
      if (!entry.isDirectory() || (folder === root && entry.name === contextsFolderName)) continue;
      const inner = join(folder, entry.name);
      visit(inner);
      try {
        const claims = decodeClaims(readSecret(root, inner, tokenFileName) ?? '');
        const audiences = claims === undefined ? [] : audiencesOf(claims);
        const together = audiences.join(',');
        const isTogether = folder === root && entry.name === audienceFolder(together, host.platform);
        for (const audience of isTogether ? [together] : audiences) found.add(audience);
      } catch {
        // A listing shows what can be used; using the rest says what is wrong with it.
      }
    }
  };
  visit(root);
  return [...found].sort();
}

/** Milliseconds a token is still good for, less `marginMs`; 0 when it is missing, expired or unreadable. */
export function remainingMs(now: number, token: string | undefined, marginMs = 0): number {
  return token === undefined ? 0 : Math.max(0, expiryOf(token) - now - marginMs);
}

/** Milliseconds a refresh token is still good for; 0 when it is missing, expired or unreadable. */
export function refreshRemainingMs(now: number, refreshToken: string | undefined): number {
  return refreshToken === undefined ? 0 : Math.max(0, refreshExpiryOf(refreshToken) - now);
}

function forget(folder: string): boolean {
  const found = [tokenFileName, refreshFileName].map((name) => removeFile(join(folder, name)));
  removeFile(join(folder, recordFileName));
  // A process killed while it wrote leaves a token under another name.
  for (const { name } of entriesOf(folder)) {
    if ([tokenFileName, refreshFileName].some((known) => isLeftover(name, known))) removeFile(join(folder, name));
  }
  return found.includes(true);
}

function checkRoot(host: CacheHost): void {
  for (const root of cacheRoots(host)) guarded('remove', root, () => checkCacheFolder(root));
}

function removeFolderIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Somebody else's files are in it, or it is gone already.
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw toFileError(error, 'read', folder);
  }
}

function guarded<T>(verb: 'read' | 'write' | 'remove', path: string, fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    if (error instanceof UnsafeCacheError) {
      throw new CliError('local', `Not using the token cache: ${error.message}`, {
        code: 'local.unsafe-cache',
        hint: error.fix,
        cause: error,
      });
    }
    throw toFileError(error, verb, path);
  }
}

function parseRecord(text: string | undefined): LoginRecord | undefined {
  // Every member is checked below before it is used.
  const { version, issuer, subject, identity, identityProvider, source, refreshIn, shared } =
    parseObject(text ?? '') ?? {};
  if (version !== 1 || typeof issuer !== 'string' || typeof subject !== 'string') return undefined;
  const from = parseSource(source);
  if (from === undefined) return undefined;
  return {
    issuer,
    subject,
    ...(typeof identity === 'string' ? { identity } : {}),
    ...(typeof identityProvider === 'string' ? { identityProvider } : {}),
    source: from,
    ...(refreshIn === 'keychain' ? { refreshIn } : {}),
    ...(shared === true ? { shared } : {}),
  };
}

function parseSource(value: unknown): LoginSource | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  // As above: members are checked before use.
  const { kind, path, provider } = value as Record<string, unknown>;
  if (kind === 'browser' || kind === 'token') return { kind };
  if (kind === 'file' && typeof path === 'string') return { kind, path };
  if (kind === 'ambient' && typeof provider === 'string') return { kind, provider };
  return undefined;
}
