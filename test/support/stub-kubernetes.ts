// As much of an API server as an agent asks: over HTTPS with a bearer token, objects that are read, listed, watched and
// written, and nothing that a controller would do.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeCertificate } from '../../src/enforce/webhook/certificate.ts';

interface StoredObject {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
  readonly [field: string]: unknown;
}

interface GivenObject {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid?: string };
  readonly [field: string]: unknown;
}

export interface StubKubernetes {
  readonly port: number;
  /** PEM that a caller has to trust. */
  readonly ca: string;
  /** What a caller has to bring; may be changed at any time. */
  token: string;
  /** Tokens that came, without repeats. */
  readonly seen: Set<string>;
  /** Adds or replaces an object of a list such as `/api/v1/pods`, and tells those who watch. */
  put(list: string, object: GivenObject): StoredObject;
  get(list: string, name: string): StoredObject | undefined;
  stop(): void;
}

export async function startStubKubernetes(token: string): Promise<StubKubernetes> {
  const { certificate, key } = makeCertificate(['127.0.0.1'], Date.now());
  const lists = new Map<string, Map<string, StoredObject>>();
  const watchers = new Set<{ readonly list: string; readonly response: ServerResponse }>();
  let version = 1;
  const stub = {
    port: 0,
    ca: certificate,
    token,
    seen: new Set<string>(),
    put(list: string, object: GivenObject): StoredObject {
      const known = lists.get(list) ?? new Map<string, StoredObject>();
      const before = known.get(object.metadata.name);
      version += 1;
      const uid = before?.metadata.uid ?? randomUUID();
      const stored = { ...object, metadata: { uid, ...object.metadata, resourceVersion: String(version) } };
      lists.set(list, known.set(object.metadata.name, stored));
      const event = JSON.stringify({ type: before === undefined ? 'ADDED' : 'MODIFIED', object: stored });
      for (const watcher of watchers) if (watcher.list === list) watcher.response.write(`${event}\n`);
      return stored;
    },
    get: (list: string, name: string) => lists.get(list)?.get(name),
    stop: () => server.close().closeAllConnections(),
  };

  const answer = (request: IncomingMessage, body: string, response: ServerResponse): unknown => {
    const reply = (status: number, value: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const bearer = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
    stub.seen.add(bearer);
    if (bearer !== stub.token) return reply(401, { kind: 'Status', code: 401, message: 'Unauthorized' });
    const url = new URL(request.url ?? '', 'https://stub');
    const path = url.pathname;
    if (path === '/version') return reply(200, { gitVersion: 'v1.34.4' });
    const [, list = '', name = ''] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
    if (request.method === 'GET') {
      const one = lists.get(list)?.get(name);
      if (one !== undefined) return reply(200, one);
      if (url.searchParams.get('watch') === 'true') {
        response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
        const watcher = { list: path, response };
        watchers.add(watcher);
        return response.on('close', () => watchers.delete(watcher));
      }
      if (/^\/api(s\/[^/]+)?\/v1[^/]*\/[a-z]+$/.test(path)) {
        const items = [...(lists.get(path)?.values() ?? [])];
        return reply(200, { items, metadata: { resourceVersion: String(version) } });
      }
      return reply(404, { kind: 'Status', code: 404, message: 'not found' });
    }
    const before = lists.get(list)?.get(name);
    if (request.headers['content-type'] === 'application/json-patch+json') {
      const webhooks = [...((before?.['webhooks'] as object[] | undefined) ?? [])];
      for (const { value } of JSON.parse(body) as { value: object }[]) {
        webhooks[0] = { ...webhooks[0], clientConfig: value };
      }
      return reply(200, stub.put(list, { ...(before as StoredObject), webhooks } as StoredObject));
    }
    return reply(200, stub.put(list, JSON.parse(body) as StoredObject));
  };

  const server = createServer({ cert: certificate, key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(request, Buffer.concat(chunks).toString('utf8'), response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stub.port = (server.address() as AddressInfo).port;
  return stub;
}
