// As much of an API server as `kubectl auth can-i` asks, and a kubeconfig for it.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Returns the file. Its contexts are all of the same cluster, the first is current. */
export function kubeconfigOf(server: string, contexts: readonly string[] = ['here']): string {
  const file = join(mkdtempSync(join(tmpdir(), 'kubeconfig-')), 'config');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user: {} }],
    contexts: contexts.map((name) => ({ name, context: { cluster: 'c', user: 'u' } })),
    'current-context': contexts[0],
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

export interface AccessReviews {
  readonly config: string;
  readonly server: string;
  /** Changes that were asked for; none is made. */
  readonly written: string[];
  /** How often it was asked what is allowed. */
  reviews(): number;
  stop(): void;
}

/** It allows everything or nothing, and keeps what else was asked. */
export async function startAccessReviews(allowed: boolean): Promise<AccessReviews> {
  const written: string[] = [];
  let reviews = 0;
  const server = createServer((request, response) => {
    const { url = '', method } = request;
    request.resume();
    const answers: Record<string, object> = {
      '/api': { kind: 'APIVersions', versions: ['v1'] },
      '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
      '/api/v1': { kind: 'APIResourceList', groupVersion: 'v1', resources: [] },
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews': {
        kind: 'SelfSubjectAccessReview',
        apiVersion: 'authorization.k8s.io/v1',
        status: { allowed },
      },
    };
    const found = answers[url.replace(/\?.*/, '')];
    if (url.includes('selfsubjectaccessreviews')) reviews += 1;
    else if (method !== 'GET') written.push(`${method} ${url}`);
    response.writeHead(found === undefined ? 404 : 201, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    config: kubeconfigOf(`http://127.0.0.1:${port}`),
    server: `http://127.0.0.1:${port}`,
    written,
    reviews: () => reviews,
    stop: () => server.close().closeAllConnections(),
  };
}
