import { invalidArgument } from '../failures.ts';

const defaultSize = 50;
const largestSize = 200;

export interface PageRequest {
  readonly pageSize?: number | string | undefined;
  readonly pageToken?: string | undefined;
  readonly skip?: number | undefined;
}

export interface PageOf<T> {
  readonly items: readonly T[];
  /** Empty at the end. */
  readonly nextPageToken: string;
  readonly totalCount: string;
  /** Items passed over so far, skipped ones and earlier pages' skips. */
  readonly skipped: number;
}

/**
 * One page of a list that is in order (semantics 6). Tokens hold the key of the last item, so that what comes or goes
 * between two pages neither repeats nor hides others; one that cannot be read starts over.
 */
export function pageOf<T>(all: readonly T[], keyOf: (item: T) => string, request: PageRequest): PageOf<T> {
  const size = sizeOf(request.pageSize);
  const skip = request.skip ?? 0;
  if (skip < 0) throw invalidArgument('skip must not be negative');
  const token = readToken(request.pageToken);
  const start = token === undefined ? 0 : all.findIndex((item) => keyOf(item) > token.last);
  const from = start < 0 ? all.length : start + skip;
  const items = all.slice(from, from + size);
  const skipped = (token?.skipped ?? 0) + skip;
  const last = items.at(-1);
  const isEnd = last === undefined || from + size >= all.length;
  return {
    items,
    nextPageToken: isEnd ? '' : Buffer.from(JSON.stringify({ last: keyOf(last), skipped })).toString('base64url'),
    totalCount: String(all.length),
    skipped,
  };
}

function sizeOf(text: number | string | undefined): number {
  const size = Number(text ?? 0);
  if (size < 0) throw invalidArgument('page_size must not be negative');
  return size === 0 ? defaultSize : Math.min(size, largestSize);
}

function readToken(text: string | undefined): { last: string; skipped: number } | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    const { last, skipped } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
    return typeof last === 'string' && typeof skipped === 'number' ? { last, skipped } : undefined;
  } catch {
    return undefined;
  }
}
