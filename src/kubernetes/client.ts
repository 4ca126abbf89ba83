// The API server of a cluster, as far as an agent needs it: read, write, list and watch over HTTPS with a bearer token.
// Guarantees: only the authority that was handed in is trusted; every wait but that of a watch has an end.

import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { createInterface } from 'node:readline';

export interface KubernetesAccess {
  /** Origin, e.g. `https://127.0.0.1:6443`. */
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  token(): Promise<string>;
}

/** An object of Kubernetes, as far as everybody reads it. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly {
      readonly uid: string;
      readonly kind: string;
      readonly name: string;
      readonly controller?: boolean;
    }[];
  };
  readonly [field: string]: unknown;
}

/** The API server refused, in its own words. */
export class KubernetesError extends Error {
  override readonly name = 'KubernetesError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface KubernetesClient {
  /** Undefined for 404. */
  get(path: string): Promise<KubernetesObject | undefined>;
  send(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
    contentType?: string,
  ): Promise<KubernetesObject>;
  /** Every page. */
  list(path: string): Promise<{ readonly items: readonly KubernetesObject[]; readonly resourceVersion: string }>;
  /** Resolves when the server ends it. Throws KubernetesError, 410 when the version is too old. */
  watch(
    path: string,
    resourceVersion: string,
    onEvent: (event: WatchEvent) => void,
    signal: AbortSignal,
  ): Promise<void>;
  close(): void;
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: KubernetesObject;
}

const waitMs = 30_000;
/** The server is asked to end a watch after this, so that one that was lost unseen does not last. Seconds. */
const watchSeconds = 240;
const pageSize = 500;
const maxAnswerBytes = 64 * 1024 * 1024;

export function createKubernetesClient({ server, ca, token }: KubernetesAccess): KubernetesClient {
  const agent = new Agent({ ca, keepAlive: true, maxSockets: 32 });

  const open = async (
    method: string,
    path: string,
    body: string | undefined,
    contentType: string,
    ms: number,
    signal?: AbortSignal,
  ) => {
    const bearer = await token();
    return new Promise<IncomingMessage>((resolve, reject) => {
      const call = request(new URL(path, server), {
        agent,
        method,
        timeout: ms,
        ...(signal === undefined ? {} : { signal }),
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${bearer}`,
          ...(body === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }),
        },
      });
      call.on('timeout', () => call.destroy(new Error(`the API server did not answer within ${ms / 1000} s`)));
      call.on('response', resolve);
      call.on('error', reject);
      call.end(body);
    });
  };

  const whole = async (
    method: string,
    path: string,
    body?: object,
    contentType = 'application/json',
  ): Promise<KubernetesObject> => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const response = await open(method, path, text, contentType, waitMs);
    const answer = await readAll(response);
    if ((response.statusCode ?? 0) >= 300) throw toError(response.statusCode ?? 0, answer);
    // Answers of the API server are objects; what is read of them is checked where it is used.
    return JSON.parse(answer) as KubernetesObject;
  };

  return {
    async get(path) {
      try {
        return await whole('GET', path);
      } catch (error) {
        if (error instanceof KubernetesError && error.status === 404) return undefined;
        throw error;
      }
    },
    send: whole,
    async list(path) {
      const items: KubernetesObject[] = [];
      for (let next = ''; ; ) {
        const query = new URLSearchParams({ limit: String(pageSize), ...(next === '' ? {} : { continue: next }) });
        const page = (await whole('GET', `${path}${path.includes('?') ? '&' : '?'}${query}`)) as unknown as {
          items?: KubernetesObject[];
          metadata?: { resourceVersion?: string; continue?: string };
        };
        items.push(...(page.items ?? []));
        next = page.metadata?.continue ?? '';
        if (next === '') return { items, resourceVersion: page.metadata?.resourceVersion ?? '' };
      }
    },
    async watch(path, resourceVersion, onEvent, signal) {
      const query = new URLSearchParams({
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion,
        timeoutSeconds: String(watchSeconds),
      });
      const url = `${path}${path.includes('?') ? '&' : '?'}${query}`;
      const response = await open('GET', url, undefined, '', (watchSeconds + 30) * 1000, signal);
      if (response.statusCode !== 200) throw toError(response.statusCode ?? 0, await readAll(response));
      for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
        if (line === '') continue;
        const event = JSON.parse(line) as {
          type: string;
          object: KubernetesObject & { code?: number; message?: string };
        };
        if (event.type === 'ERROR')
          throw new KubernetesError(event.object.code ?? 0, event.object.message ?? 'the watch failed');
        onEvent(event as WatchEvent);
      }
    },
    close: () => agent.destroy(),
  };
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new Error('the API server sent more than 64 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function toError(status: number, text: string): KubernetesError {
  try {
    const { message } = JSON.parse(text) as { message?: string };
    return new KubernetesError(status, message ?? `the API server answered ${status}`);
  } catch {
    return new KubernetesError(status, `the API server answered ${status}`);
  }
}
