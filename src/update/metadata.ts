// Reads and checks a release's `metadata.json`, signed as a whole. Guarantees: nothing of it is looked at before the
// signature fits the key this program was built with.

import { send } from '../api/transport.ts';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';

export interface ReleaseFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** 64 hex digits. */
  readonly sha256: string;
}

export interface Release {
  /** Without a `v`. */
  readonly version: string;
  readonly files: readonly ReleaseFile[];
}

export interface Feed {
  /** Address of the folder with `latest/` and one folder a version, without a slash at the end. */
  readonly url: string;
  /** PEM. */
  readonly publicKey: string;
}

const maxMetadataBytes = 1024 * 1024;
/** Bytes. No release file comes near it; a signed mistake must not fill the disk. */
const maxFileBytes = 1024 * 1024 * 1024;

/** The release at `place` of the feed: `latest` or a version. Throws kind `local` when it cannot be believed. */
export async function fetchRelease(host: Host, feed: Feed, place: string, signal: AbortSignal): Promise<Release> {
  const url = `${feed.url}/${place}/metadata.json`;
  const [text, signature] = [await fetchSmall(host, url, signal), await fetchSmall(host, `${url}.sig`, signal)];
  if (!(await fits(text, signature, feed.publicKey))) {
    throw new CliError('local', `The signature of ${url} is wrong; nothing was changed`, {
      code: 'update.signature',
      hint: 'tell those who publish these releases',
    });
  }
  const release = parseRelease(text);
  if (release === undefined || (place !== 'latest' && release.version !== place)) {
    throw new CliError('local', `${url} does not describe that release; nothing was changed`, {
      code: 'update.metadata',
    });
  }
  return release;
}

async function fetchSmall(host: Host, url: string, signal: AbortSignal): Promise<string> {
  const answer = await send(host, { method: 'GET', url, signal, maxBytes: maxMetadataBytes });
  if (answer.status === 200) return answer.text;
  // Metadata comes from the configured origin only, so a redirect is no way to get it.
  const what = answer.status === 404 ? 'There is nothing at' : `HTTP ${answer.status} instead of an answer from`;
  throw new CliError('api', `${what} ${url}`, {
    code: 'update.no-release',
    hint: 'check the version and `update.url`',
  });
}

async function fits(text: string, signature: string, publicKey: string): Promise<boolean> {
  const { verify } = await import('node:crypto');
  try {
    return verify('sha256', Buffer.from(text), publicKey, Buffer.from(signature.trim(), 'base64'));
  } catch {
    // The text is no signature.
    return false;
  }
}

/** Undefined for every other shape. */
function parseRelease(text: string): Release | undefined {
  try {
    const { version, files } = JSON.parse(text) as { version?: unknown; files?: unknown };
    if (typeof version !== 'string' || !isVersion(version) || !Array.isArray(files)) return undefined;
    return files.every(isReleaseFile) ? { version, files } : undefined;
  } catch {
    return undefined;
  }
}

function isReleaseFile(file: Partial<Record<keyof ReleaseFile, unknown>>): boolean {
  const { name, size, sha256 } = file;
  if (typeof name !== 'string' || !/^\w[\w.-]*$/.test(name)) return false;
  if (typeof size !== 'number' || !Number.isInteger(size) || size <= 0 || size > maxFileBytes) return false;
  return typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256);
}

/** `1.2.3`, with an optional `-rc.1` behind it. */
export function isVersion(text: string): boolean {
  return /^\d{1,9}\.\d{1,9}\.\d{1,9}(?:-[0-9a-z]+(?:\.[0-9a-z]+)*)?$/.test(text);
}

/** Below zero when `a` is older than `b` (semver.org 11, for versions of `isVersion`). */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => {
    const [numbers = '', ...label] = text.split('-');
    return { numbers: numbers.split('.').map(Number), label: label.join('-') };
  });
  for (let at = 0; at < 3; at += 1) {
    const difference = (left?.numbers[at] ?? 0) - (right?.numbers[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return compareLabels(left?.label ?? '', right?.label ?? '');
}

function compareLabels(a: string, b: string): number {
  // A version with a label comes before the one without.
  if (a === '' || b === '') return Number(a === '') - Number(b === '');
  const [left, right] = [a.split('.'), b.split('.')];
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const [one, other] = [left[at], right[at]];
    if (one === other) continue;
    if (one === undefined || other === undefined) return one === undefined ? -1 : 1;
    const [isNumber, isOtherNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
    if (isNumber && isOtherNumber) return Number(one) - Number(other);
    // Numbers come before words.
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
    return one < other ? -1 : 1;
  }
  return 0;
}
