// Keeps the configurations of the webhook pointing at this process. Guarantees: whoever applies the manifests anew finds
// the address written again; nothing else of a configuration is changed.

import type { KubernetesClient } from '../../kubernetes/client.ts';

/** Target of the API server's calls: an address or name of this process, or a Service of the cluster that leads to it. */
export type WebhookPlace =
  | { readonly host: string }
  | { readonly service: { readonly namespace: string; readonly name: string; readonly port: number } };

export interface ServedWebhook {
  readonly place: WebhookPlace;
  /** Port that is listened on. */
  readonly port: number;
  /** First segment of its paths. */
  readonly secret: string;
  /** PEM. */
  readonly certificate: string;
}

export interface KeptWebhook {
  /** Both configurations are there and point here. */
  readonly works: boolean;
  /** Undefined when there is no configuration. */
  readonly failsOpen: boolean | undefined;
}

interface ClientConfig {
  readonly url?: string;
  readonly service?: object;
  readonly caBundle?: string;
}

const configurations = ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'] as const;
const webhookName = 'enforcer.chainguard.dev';

/** Names that the certificate of the webhook has to be for. */
export const namesOf = (place: WebhookPlace): readonly string[] =>
  'host' in place ? [place.host, 'localhost'] : [`${place.service.name}.${place.service.namespace}.svc`, 'localhost'];

/** Throws what the API server refuses. */
export async function keepWebhook(client: KubernetesClient, served: ServedWebhook): Promise<KeptWebhook> {
  let works = true;
  let failsOpen: boolean | undefined;
  for (const kind of configurations) {
    const path = `/apis/admissionregistration.k8s.io/v1/${kind}/${webhookName}`;
    const found = await client.get(path);
    const [hook] = (found?.['webhooks'] ?? []) as { clientConfig?: ClientConfig; failurePolicy?: string }[];
    if (hook === undefined) {
      works = false;
      continue;
    }
    failsOpen = hook.failurePolicy === 'Ignore';
    const wanted = wantedConfig(served, kind.startsWith('validating') ? 'validations' : 'mutations');
    if (isSame(hook.clientConfig, wanted)) continue;
    await client.send(
      'PATCH',
      path,
      [{ op: 'replace', path: '/webhooks/0/clientConfig', value: wanted }],
      'application/json-patch+json',
    );
  }
  return { works, failsOpen };
}

function wantedConfig({ place, port, secret, certificate }: ServedWebhook, what: string): ClientConfig {
  const path = `/${secret}/${what}`;
  const caBundle = Buffer.from(certificate).toString('base64');
  if ('service' in place) return { service: { ...place.service, path }, caBundle };
  const host = place.host.includes(':') ? `[${place.host}]` : place.host;
  return { url: `https://${host}:${port}${path}`, caBundle };
}

/** Whatever order the API server gives fields in. */
const isSame = (there: ClientConfig | undefined, wanted: ClientConfig): boolean =>
  there?.caBundle === wanted.caBundle &&
  there?.url === wanted.url &&
  sorted(there?.service ?? {}) === sorted(wanted.service ?? {});

const sorted = (value: object): string => JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
