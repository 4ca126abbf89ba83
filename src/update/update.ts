// From "is there a newer one?" to the exchange, without a word to anybody. The command around it asks and tells.

import { join } from 'node:path';
import { cacheRootIn } from '../auth/cache-files.ts';
import { CliError } from '../errors.ts';
import { makeFolder, readTextIfExists, replaceFile } from '../files.ts';
import { cacheDir, type Host } from '../host.ts';
import { withLock } from '../lock.ts';
import { isPrivateUrl } from '../loopback.ts';
import { compareVersions, type Feed, fetchRelease, type Release } from './metadata.ts';
import { checkReplaceable, discard, download, install, type Replacement } from './replace.ts';

export interface UpdateRequest {
  /** Installed version, without a `v`. */
  readonly current: string;
  /** `linux_x86_64_musl` and the like. */
  readonly target: string;
  /** The program's file, behind all links. */
  readonly path: string;
  readonly feed: Feed;
  /** The release to take, whatever is installed and was seen; the latest when undefined. */
  readonly version: string | undefined;
}

export interface UpdatePlan {
  readonly current: string;
  readonly latest: string;
  readonly url: string;
  readonly path: string;
  readonly cache: string;
  readonly isNewer: boolean;
  readonly replacement: Replacement;
}

/**
 * Asks the feed. Throws when it cannot be believed, or offers only what is older than what was seen or is installed.
 */
export async function planUpdate(host: Host, request: UpdateRequest, signal: AbortSignal): Promise<UpdatePlan> {
  const { current, feed, version, path, target } = request;
  refuseOpenFeeds(feed.url);
  const release = await fetchRelease(host, feed, version ?? 'latest', signal);
  const cache = cacheRootIn(cacheDir(host));
  if (version === undefined) refuseOlder(release, current, lastSeen(cache));
  const name = `chainctl_${target}${host.platform === 'win32' ? '.exe' : ''}`;
  const file = release.files.find((one) => one.name === name);
  if (file === undefined) {
    throw new CliError('not-found', `Release ${release.version} has no ${name}`, { code: 'update.no-file' });
  }
  // By its version: a release that comes out meanwhile must not mix with this one.
  const url = `${feed.url}/${release.version}/${name}`;
  const replacement = { target: path, backup: join(cache, 'chainctl.bak'), url, file };
  return { current, latest: release.version, url, path, cache, isNewer: release.version !== current, replacement };
}

/** Resolves to the version block of the new program. `onStep` hears of each step that is over. */
export async function carryOut(
  host: Host,
  plan: UpdatePlan,
  signal: AbortSignal,
  onStep: (step: 'downloaded' | 'replaced') => void,
): Promise<string> {
  checkReplaceable(plan.path);
  makeFolder(plan.cache, 0o700);
  return alone(plan.cache, signal, async () => {
    const downloaded = await download(host, plan.replacement, signal);
    onStep('downloaded');
    try {
      signal.throwIfAborted();
      const answer = await install(host, downloaded, plan.replacement);
      onStep('replaced');
      remember(plan.cache, plan.latest);
      return answer;
    } finally {
      discard(downloaded);
    }
  });
}

async function alone<T>(cache: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  let isMine = false;
  try {
    return await withLock(join(cache, 'update.lock'), { timeoutMs: 1_000, signal }, () => {
      isMine = true;
      return work();
    });
  } catch (error) {
    if (isMine || !(error instanceof CliError) || error.kind !== 'timeout') throw error;
    throw new CliError('conflict', 'Another update is under way', {
      code: 'update.busy',
      hint: 'wait for it',
      cause: error,
    });
  }
}

function refuseOpenFeeds(text: string): void {
  if (isPrivateUrl(new URL(text))) return;
  throw new CliError('usage', `Releases must come from an https address, not from ${text}`, {
    code: 'update.open-feed',
  });
}

function refuseOlder(release: Release, current: string, seen: string | undefined): void {
  const hint = `take it with \`chainctl update --version ${release.version}\``;
  if (seen !== undefined && compareVersions(release.version, seen) < 0) {
    const message = `The feed offers ${release.version}, but ${seen} was seen there before; nothing was changed`;
    throw new CliError('local', message, { code: 'update.older-than-seen', hint });
  }
  if (current !== 'dev' && compareVersions(release.version, current) < 0) {
    const message = `The latest release, ${release.version}, is older than this one, ${current}; nothing was changed`;
    throw new CliError('local', message, { code: 'update.older', hint });
  }
}

const seenFile = (cache: string) => join(cache, 'update-seen');

function lastSeen(cache: string): string | undefined {
  return readTextIfExists(seenFile(cache))?.trim() || undefined;
}

function remember(cache: string, version: string): void {
  const seen = lastSeen(cache);
  if (seen === undefined || compareVersions(version, seen) > 0) replaceFile(seenFile(cache), `${version}\n`);
}
