// Calls that only the local platform offers beside the API (src/local/events/event-routes.ts): deliveries and events as
// they happen. The command line asks for it like for everything else; a platform that does not have it says so.

import type { ApiClient } from '../../api/client.ts';
import type { Exchange } from '../../api/http.ts';
import { type BesideId, besideOperations } from '../../api/schema/beside.ts';
import { CliError } from '../../errors.ts';

const base = '/local/v1/events';

export interface Attempt {
  readonly number: number;
  readonly startTime: string;
  readonly durationMs: number;
  /** HTTP status; missing when there was no answer. */
  readonly status?: number;
  /** Why there was none. */
  readonly error?: string;
  /** The beginning of the answer's body. */
  readonly answer: string;
}

export interface Delivery {
  readonly id: string;
  readonly subscription: string;
  readonly sink: string;
  readonly state: 'pending' | 'delivered' | 'dead';
  readonly tries: number;
  readonly createTime: string;
  readonly finishTime?: string;
  readonly nextTryTime?: string;
  readonly event: {
    readonly id: string;
    readonly type: string;
    readonly subject: string;
    readonly group: string;
    readonly time: string;
  };
  readonly attempts: readonly Attempt[];
}

export interface DeliveryFilter {
  /** UIDP. */
  readonly group?: string | undefined;
  readonly subscription?: string | undefined;
  readonly state?: string | undefined;
}

/** Newest first, a page at a time. */
export async function* listDeliveries(api: ApiClient, filter: DeliveryFilter): AsyncGenerator<Delivery> {
  let token = '';
  do {
    const query = new URLSearchParams({ page_size: '200' });
    for (const [key, value] of Object.entries(filter)) if (value !== undefined) query.set(key, value);
    if (token !== '') query.set('page_token', token);
    const page = (await ask(
      api,
      'GET',
      `${base}/deliveries?${query}`,
      'local.v1.Deliveries.List',
      filter.subscription ?? filter.group,
    )) as {
      readonly items?: readonly Delivery[];
      readonly nextPageToken?: string;
    };
    yield* page.items ?? [];
    token = page.nextPageToken ?? '';
  } while (token !== '');
}

export async function redeliver(api: ApiClient, id: string): Promise<Delivery> {
  return (await ask(api, 'POST', `${base}/deliveries/${id}:redeliver`, 'local.v1.Deliveries.Redeliver')) as Delivery;
}

/** An event in HTTP binary mode, token included, and where to go on behind it. */
export interface FeedEvent {
  readonly cursor: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: string;
}

/** The first line only says where the stream begins: it has no headers. */
export type FeedLine = FeedEvent | { readonly cursor: string; readonly ready: true };

/** Ends when the platform does, or with the token. Throws kind `timeout` when nothing came for `silenceMs`. */
export async function* followEvents(
  api: ApiClient,
  group: string,
  after: string | undefined,
  silenceMs: number,
): AsyncGenerator<FeedLine> {
  const query = new URLSearchParams({ group, ...(after === undefined ? {} : { after }) });
  const exchange = {
    ...exchangeOf('GET', `${base}:listen?${query}`, 'local.v1.Events.Listen', group),
    timeoutMs: silenceMs,
  };
  try {
    for await (const line of api.lines(exchange)) yield line as FeedLine;
  } catch (error) {
    throw toReportedError(error, exchange.name);
  }
}

export async function ask(
  api: ApiClient,
  method: 'GET' | 'POST',
  path: string,
  id: BesideId,
  place?: string,
): Promise<unknown> {
  try {
    return await api.path(exchangeOf(method, path, id, place));
  } catch (error) {
    throw toReportedError(error, besideOperations[id].name);
  }
}

const exchangeOf = (method: 'GET' | 'POST', path: string, id: BesideId, place?: string): Exchange => ({
  method,
  path,
  name: besideOperations[id].name,
  // To deliver once more twice is what at-least-once means anyway, but nobody asked for it.
  idempotent: method === 'GET',
  ...(place === undefined ? {} : { place }),
});

/** A gateway that does not know the path answers with these words alone. */
function toReportedError(error: unknown, name: string): unknown {
  const isUnknown = error instanceof CliError && (error.code === 'api.unimplemented' || error.message === 'Not Found');
  if (!isUnknown) return error;
  return new CliError('api', `This platform does not offer the ${name}; a local one does`, {
    code: 'api.unimplemented',
    hint: 'start one with `chainctl local start`',
    cause: error,
  });
}
