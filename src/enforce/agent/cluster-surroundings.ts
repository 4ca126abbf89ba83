// Opens what deciding about an image of a cluster may reach: registries, with a login of the policy, the workload or the group's
// cloud account, and Secrets, ConfigMaps and TrustRoots of the cluster.

import type { KubernetesClient } from '../../kubernetes/client.ts';
import type { Place, Repository, Surroundings } from '../verify/surroundings.ts';
import { trustRootFrom } from '../verify/trust-roots.ts';
import { googleKeyLogin } from './google-key.ts';
import { type Login, loginFrom, pullSecretsOf } from './pull-secrets.ts';

export interface ClusterAccess {
  readonly client: KubernetesClient;
  /** One repository, read as anybody may, else with the login, which is asked for only then. */
  readonly openRepository: (place: Place, login: () => Promise<Login | undefined>, signal: AbortSignal) => Repository;
  readonly cloudLogin: (registry: string) => Promise<Login | undefined>;
  /** That of the authority at `url`, where its platform is trusted; else that of sigstore on this machine. */
  readonly trustRoot: (url: string | undefined) => Promise<object | undefined>;
  readonly rules: Pick<Surroundings, 'download' | 'runRule'>;
  readonly now: () => number;
}

/** Whose images are decided about, until `limit` aborts. */
export interface Pod {
  readonly namespace: string | undefined;
  readonly spec: object | undefined;
}

const trustRootsPath = '/apis/policy.sigstore.dev/v1alpha1/trustroots';
/** Of policies that name no namespace. */
const ownNamespace = 'cosign-system';

export function surroundingsOf(access: ClusterAccess, { namespace, spec }: Pod, limit: AbortSignal): Surroundings {
  const { client, openRepository, cloudLogin, trustRoot, rules, now } = access;
  const findLogin = async (registry: string, named: readonly string[]): Promise<Login | undefined> => {
    const system = named.map((name) => ({ namespace: ownNamespace, name }));
    const beside = namespace === undefined ? [] : named.map((name) => ({ namespace, name }));
    const own =
      namespace === undefined
        ? []
        : await pullSecretsOf(client, namespace, spec as Record<string, unknown> | undefined);
    const given = await loginFrom(client, registry, [...system, ...beside, ...own]);
    return given ?? (await googleKeyLogin(client, registry)) ?? cloudLogin(registry);
  };
  const dataOf = async (
    kind: 'secrets' | 'configmaps',
    name: string,
    place: string,
  ): Promise<Readonly<Record<string, string>> | undefined> =>
    (await client.get(`/api/v1/namespaces/${place}/${kind}/${name}`))?.['data'] as
      | Readonly<Record<string, string>>
      | undefined;

  return {
    repository: (place, pullSecrets) => openRepository(place, () => findLogin(place.registry, pullSecrets), limit),
    async secret(name, place = ownNamespace) {
      const data = await dataOf('secrets', name, place);
      return (
        data &&
        Object.fromEntries(
          Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
        )
      );
    },
    configMap: (name, place = ownNamespace) => dataOf('configmaps', name, place),
    async trustRoot(name, url) {
      if (name === undefined) return trustRoot(url);
      const found = await client.get(`${trustRootsPath}/${name}`);
      return found === undefined ? undefined : trustRootFrom(name, found['spec']);
    },
    ...rules,
    now,
  };
}
