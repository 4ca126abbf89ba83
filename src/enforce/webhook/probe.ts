// Finds which address of this machine an API server can reach (enforce.md 3): found by asking it to call several.
// Guarantees: nothing is denied or changed by that, and what was opened and applied for it is gone afterwards.

import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeCertificate } from './certificate.ts';

export interface WebhookAddress {
  /** Host that the API server calls: an address, or a name. */
  readonly host: string;
  /** Address that the webhook listens on. */
  readonly listen: string;
}

/** The first is the best. Containers of Docker Desktop reach the loopback of their machine by a name. */
export function candidateAddresses(): WebhookAddress[] {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80'))
    .sort((a, b) => (a.family < b.family ? -1 : a.family > b.family ? 1 : 0));
  return [
    { host: '127.0.0.1', listen: '127.0.0.1' },
    ...own.map(({ address }) => ({ host: address, listen: address })),
    { host: 'host.docker.internal', listen: '127.0.0.1' },
  ];
}

/**
 * Returns what a person names: an address of this machine, or a name that leads to one. Undefined when it leads
 * nowhere.
 */
export async function namedAddress(host: string): Promise<WebhookAddress | undefined> {
  if (isIP(host) !== 0) return { host, listen: host };
  const found = await lookup(host).catch(() => undefined);
  return found && { host, listen: found.address };
}

/** The part of kubectl that is needed. */
interface Kubectl {
  run(args: readonly string[], input?: string): Promise<string>;
}

export const probeName = 'probe.enforcer.chainguard.dev';
const labelKey = 'chainctl.dev/probe';
/** For the API server to hear of the configuration, and to try each address. */
const longestMs = 15_000;
/** Once one was reached, a better one has this long. */
const graceMs = 1_000;
const mostCandidates = 16;

/**
 * The best of the candidates that the API server has called; undefined when it called none. Throws what kubectl throws.
 */
export async function reachableAddress(
  kubectl: Kubectl,
  candidates: readonly WebhookAddress[],
  now: () => number,
  signal: AbortSignal,
): Promise<WebhookAddress | undefined> {
  const word = randomBytes(12).toString('hex');
  const called = new Set<number>();
  const opened: { server: Server; port: number; candidate: WebhookAddress; at: number }[] = [];
  const certificate = makeCertificate([...new Set(candidates.flatMap(({ host }) => host))], now(), 1);
  for (const [at, candidate] of candidates.slice(0, mostCandidates).entries()) {
    const server = createServer({ cert: certificate.certificate, key: certificate.key }, (request, response) => {
      if (request.url?.startsWith(`/${word}/${at}`)) called.add(at);
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(admitting(Buffer.concat(chunks).toString('utf8')));
      });
    });
    const isOpen = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(0, candidate.listen, () => resolve(true));
    });
    if (isOpen) opened.push({ server, candidate, at, port: (server.address() as AddressInfo).port });
  }
  if (opened.length === 0) return undefined;
  try {
    const caBundle = Buffer.from(certificate.certificate).toString('base64');
    const webhooks = opened.map(({ candidate: { host }, port, at }) =>
      webhookOf(`https://${host.includes(':') ? `[${host}]` : host}:${port}/${word}/${at}`, at, caBundle, word),
    );
    await kubectl.run(['apply', '--filename=-'], JSON.stringify(configurationOf(webhooks)));
    const until = now() + longestMs;
    for (let first = 0; now() < until && !signal.aborted; ) {
      await kubectl.run(['create', '--dry-run=server', '--filename=-'], JSON.stringify(objectOf(word)));
      if (called.has(0)) break;
      if (called.size > 0) {
        first ||= now();
        if (now() - first >= graceMs) break;
      }
      await sleep(300, undefined, { signal }).catch(() => undefined);
    }
    const [best] = [...called].sort((a, b) => a - b);
    return best === undefined ? undefined : candidates[best];
  } finally {
    for (const { server } of opened) {
      server.close();
      server.closeAllConnections();
    }
    await kubectl
      .run(['delete', 'validatingwebhookconfiguration', probeName, '--ignore-not-found', '--wait=false'])
      // `clusters uninstall` takes it away as well.
      .catch(() => undefined);
  }
}

const webhookOf = (url: string, at: number, caBundle: string, word: string) => ({
  name: `a${at}.${probeName}`,
  admissionReviewVersions: ['v1'],
  clientConfig: { url, caBundle },
  failurePolicy: 'Ignore',
  matchPolicy: 'Exact',
  objectSelector: { matchLabels: { [labelKey]: word } },
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'gulfstream' } },
  rules: [
    { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'], scope: 'Namespaced' },
  ],
  sideEffects: 'None',
  timeoutSeconds: 2,
});

const configurationOf = (webhooks: readonly object[]) => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: probeName, labels: { 'app.kubernetes.io/managed-by': 'chainctl' } },
  webhooks,
});

const objectOf = (word: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: `probe-${word}`, namespace: 'gulfstream', labels: { [labelKey]: word } },
});

function admitting(body: string): string {
  let uid = '';
  try {
    ({ uid = '' } = (JSON.parse(body) as { request?: { uid?: string } }).request ?? {});
  } catch {
    // Whoever sends no review gets an answer that is none.
  }
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, allowed: true },
  });
}
