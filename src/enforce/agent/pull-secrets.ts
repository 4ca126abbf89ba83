// Logins for registries from secrets of Kubernetes. Guarantees: a login goes to the registry that its secret names, and its
// text stands in no message.

import type { KubernetesClient } from '../../kubernetes/client.ts';

export interface Login {
  readonly user: string;
  readonly password: string;
}

interface DockerConfig {
  readonly auths?: Readonly<
    Record<string, { readonly auth?: string; readonly username?: string; readonly password?: string }>
  >;
}

/** The first login that one of the named secrets has for the registry. */
export async function loginFrom(
  client: KubernetesClient,
  registry: string,
  secrets: readonly { readonly namespace: string; readonly name: string }[],
): Promise<Login | undefined> {
  for (const { namespace, name } of secrets) {
    const secret = await client.get(`/api/v1/namespaces/${namespace}/secrets/${name}`).catch(() => undefined);
    const data = secret?.['data'] as Readonly<Record<string, string>> | undefined;
    const found = data?.['.dockerconfigjson'] ?? data?.['.dockercfg'];
    const login = found === undefined ? undefined : loginIn(Buffer.from(found, 'base64').toString('utf8'), registry);
    if (login !== undefined) return login;
  }
  return undefined;
}

function loginIn(text: string, registry: string): Login | undefined {
  try {
    const config = JSON.parse(text) as DockerConfig & DockerConfig['auths'];
    for (const [key, { auth, username, password }] of Object.entries(config.auths ?? config)) {
      if (hostOf(key) !== hostOf(registry)) continue;
      if (username !== undefined && password !== undefined) return { user: username, password };
      const decoded = Buffer.from(auth ?? '', 'base64').toString('utf8');
      const at = decoded.indexOf(':');
      if (at > 0) return { user: decoded.slice(0, at), password: decoded.slice(at + 1) };
    }
  } catch {
    // A secret that holds something else has no login.
  }
  return undefined;
}

function hostOf(key: string): string {
  const host = key.replace(/^https?:\/\//, '').split('/')[0] ?? '';
  return host === 'docker.io' || host === 'registry-1.docker.io' ? 'index.docker.io' : host;
}

/** Secrets that a pod may pull with: its own, then those of its service account. */
export async function pullSecretsOf(
  client: KubernetesClient,
  namespace: string,
  spec: Readonly<Record<string, unknown>> | undefined,
): Promise<{ readonly namespace: string; readonly name: string }[]> {
  const own = namesIn(spec?.['imagePullSecrets']);
  const account = typeof spec?.['serviceAccountName'] === 'string' ? spec['serviceAccountName'] : 'default';
  const found = await client.get(`/api/v1/namespaces/${namespace}/serviceaccounts/${account}`).catch(() => undefined);
  return [...own, ...namesIn(found?.['imagePullSecrets'])].map((name) => ({ namespace, name }));
}

const namesIn = (value: unknown): string[] =>
  Array.isArray(value)
    ? value.flatMap((one: { name?: unknown }) => (typeof one?.name === 'string' ? one.name : []))
    : [];
