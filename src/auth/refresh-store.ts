// Stores refresh tokens: in the keychain, or the file beside the access token (`auth.token-store`). Guarantees: a token
// is in one place, because one kept twice would be used twice; changing the setting loses none, because a token is
// found where it is and kept where it should be; forgetting forgets both.

import type { Config } from '../config/load.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { type Keychain, KeychainError } from './keychain.ts';
import {
  audiencePath,
  type CachedTokens,
  dropRefreshToken,
  type LoginRecord,
  type NewTokens,
  readRecord,
  readTokens,
  writeTokens,
} from './token-cache.ts';

export interface AllTokens extends CachedTokens {
  /** Why the keychain does not give the refresh token that it holds. */
  readonly keychainProblem?: string;
}

/** The tokens of an audience, the refresh token from wherever it is. */
export async function readAllTokens(host: Host, audience: string): Promise<AllTokens> {
  const tokens = readTokens(host, audience);
  // Another tool writes the file only; what it wrote last is what counts.
  if (tokens.refreshToken !== undefined || tokens.record?.refreshIn !== 'keychain') return tokens;
  try {
    const refreshToken = await (await open(host)).read(account(host, audience));
    return { ...tokens, refreshToken };
  } catch (error) {
    if (!(error instanceof KeychainError)) throw error;
    return { ...tokens, keychainProblem: error.message };
  }
}

export interface KeepOptions {
  /** Told when the refresh token of a new login goes into a file because there is no keychain. */
  readonly warn?: ((line: string) => void) | undefined;
  /** Told when `auto` has put it into the keychain, which programs of the SDK cannot read. */
  readonly note?: ((line: string) => void) | undefined;
}

/**
 * Keeps tokens with the refresh token where `auth.token-store` says. Without a record, which other tools do not write,
 * everything stays in files. Throws kind `local` when only the keychain is allowed and cannot be used.
 */
export async function keepTokens(
  host: Host,
  config: Config,
  audience: string,
  tokens: Omit<NewTokens, 'record'> & { readonly record: LoginRecord | undefined },
  options: KeepOptions = {},
): Promise<void> {
  const wasIn = readRecord(host, audience)?.refreshIn;
  const { refreshToken } = tokens;
  const record = tokens.record === undefined ? undefined : without(tokens.record);
  if (typeof refreshToken !== 'string') {
    // Undefined keeps what is there, also where it is.
    const stays = refreshToken === undefined && wasIn === 'keychain';
    if (refreshToken === null && wasIn === 'keychain') await removeFromKeychain(host, audience);
    write(host, audience, tokens, stays && record !== undefined ? { ...record, refreshIn: 'keychain' } : record);
    return;
  }
  const wantsFile = record === undefined || record.shared === true;
  if (!wantsFile && (await putIntoKeychain(host, config, audience, refreshToken, options))) {
    write(host, audience, { ...tokens, refreshToken: null }, { ...record, refreshIn: 'keychain' });
    if (config.get('auth.token-store') === 'auto') options.note?.(unreadable);
    return;
  }
  write(host, audience, tokens, record);
  // Last: until here a power cut leaves the token in one place at least.
  if (wasIn === 'keychain') await removeFromKeychain(host, audience);
}

const unreadable =
  'The refresh token is in the keychain, where Terraform and other programs of the SDK cannot read it: when they should ' +
  'use this login, sign in with `chainctl auth login --share-login`';

/** Returns where the refresh token of a login lies; undefined when there is none. */
export function refreshStoreOf(host: Host, audience: string): 'keychain' | 'file' | undefined {
  // As readAllTokens looks for it.
  const { refreshToken, record } = readTokens(host, audience);
  if (refreshToken !== undefined) return 'file';
  return record?.refreshIn === 'keychain' ? 'keychain' : undefined;
}

/** For a token that the issuer no longer takes. */
export async function forgetRefreshToken(host: Host, audience: string): Promise<void> {
  dropRefreshToken(host, audience);
  if (readRecord(host, audience)?.refreshIn === 'keychain') await removeFromKeychain(host, audience);
}

/** Before the files of an audience are removed. Throws kind `local` when the keychain keeps its part. */
export async function emptyKeychain(host: Host, audience: string): Promise<boolean> {
  if (readRecord(host, audience)?.refreshIn !== 'keychain') return false;
  try {
    return await (await open(host)).remove(account(host, audience));
  } catch (error) {
    if (!(error instanceof KeychainError)) throw error;
    throw new CliError('local', `The refresh token for "${audience}" is still in the keychain: ${error.message}`, {
      code: 'local.keychain-closed',
      hint: 'unlock the keychain and log out again',
      cause: error,
    });
  }
}

async function putIntoKeychain(
  host: Host,
  config: Config,
  audience: string,
  refreshToken: string,
  options: KeepOptions,
): Promise<boolean> {
  const store = config.get('auth.token-store');
  if (store === 'file') return false;
  try {
    await (await open(host)).write(account(host, audience), refreshToken);
    return true;
  } catch (error) {
    if (!(error instanceof KeychainError)) throw error;
    if (store === 'keychain') {
      throw new CliError('local', `The keychain cannot be used: ${error.message}`, {
        code: 'local.no-keychain',
        hint: 'unlock it, or keep refresh tokens in files with `chainctl config set auth.token-store file`',
        cause: error,
      });
    }
    // Once: who has such a file already has been told.
    if (readTokens(host, audience).refreshToken === undefined) {
      options.warn?.(
        `There is no keychain (${error.message}), so the refresh token is kept in a file that only you can read; ` +
          'silence this with `chainctl config set auth.token-store file`',
      );
    }
    return false;
  }
}

function write(host: Host, audience: string, tokens: Omit<NewTokens, 'record'>, record: LoginRecord | undefined): void {
  const { token, refreshToken } = tokens;
  writeTokens(host, audience, { token, refreshToken, ...(record === undefined ? {} : { record }) });
}

async function removeFromKeychain(host: Host, audience: string): Promise<void> {
  try {
    await (await open(host)).remove(account(host, audience));
  } catch (error) {
    // It is of no use any more, and a closed keychain keeps nothing else from being done.
    if (!(error instanceof KeychainError)) throw error;
  }
}

async function open(host: Host): Promise<Keychain> {
  const { openKeychain } = await import('./keychain.ts');
  return openKeychain(host);
}

/** The folder of the audience: two homes of one user have a keychain in common, and must not share tokens. */
function account(host: Host, audience: string): string {
  return audiencePath(host, audience);
}

function without({ refreshIn: _, ...record }: LoginRecord): LoginRecord {
  return record;
}
