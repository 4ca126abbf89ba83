// Pull secrets of a namespace: whether there is one for the registry, whether pods use it, and whether it is still good.

import type { Host } from '../host.ts';
import {
  type Check,
  type Examined,
  endOf,
  type Finding,
  missing,
  note,
  ok,
  roughly,
  skip,
  versionOf,
  wrong,
} from './check.ts';

const patience = 10_000;

export const kubectl: Check = {
  name: 'kubectl',
  purposes: ['kubectl'],
  async look(examined) {
    const { host, purpose, registry } = examined;
    if (purpose !== 'kubectl') return [skip('Clusters are looked at with --for kubectl')];
    if ((await versionOf(host, 'kubectl', 'help')) === undefined) {
      return [wrong('kubectl is not on PATH', undefined, { key: 'PATH' })];
    }
    const context = (await host.answerOf('kubectl', ['config', 'current-context'], patience))?.trim();
    const key = 'current-context';
    if (!context) return [wrong('kubectl has no context selected', 'kubectl config get-contexts', { key })];
    const text = await ask(host, ['get', 'secrets', '--field-selector=type=kubernetes.io/dockerconfigjson']);
    if (text === undefined) {
      const message = `The cluster of the context ${context} does not show its secrets`;
      return [wrong(message, 'kubectl auth can-i list secrets', { key })];
    }
    const found = secretsFor(text, registry);
    const secret = found[0];
    if (secret === undefined) {
      const message = `The namespace of the context ${context} has no pull secret for ${registry}`;
      const fix =
        'chainctl auth pull-token create --output=json | jq -r \'"kubectl create secret docker-registry regcred ' +
        `--docker-server=${registry} --docker-username=\\(.identity_id) --docker-password=\\(.token)"' | sh`;
      return [missing(examined, 'kubectl', message, fix, { key: 'type=kubernetes.io/dockerconfigjson' })];
    }
    return [await stateOf(examined, secret), await useOf(host, secret.name)];
  },
};

const ask = (host: Host, words: readonly string[]) =>
  host.answerOf('kubectl', [...words, '--output=json', '--request-timeout=8s'], patience);

interface PullSecret {
  readonly name: string;
  readonly password: string;
}

function secretsFor(text: string, registry: string): PullSecret[] {
  const { items = [] } = parse(text) as {
    items?: readonly { metadata?: { name?: string }; data?: Record<string, string> }[];
  };
  return items.flatMap(({ metadata, data }) => {
    const file = parse(Buffer.from(data?.['.dockerconfigjson'] ?? '', 'base64').toString()) as {
      auths?: Record<string, { auth?: string; password?: string }>;
    };
    const key = Object.keys(file.auths ?? {}).find((one) => one.replace(/^https?:\/\//, '').split('/')[0] === registry);
    if (key === undefined) return [];
    const { auth = '', password } = file.auths?.[key] ?? {};
    const inside = Buffer.from(auth, 'base64').toString();
    return [{ name: metadata?.name ?? '', password: password ?? inside.slice(inside.indexOf(':') + 1) }];
  });
}

async function stateOf({ host, registry }: Examined, { name, password }: PullSecret): Promise<Finding> {
  const where = { key: `secret/${name}` };
  const end = await endOf(password);
  if (end === undefined) return ok(`There is a pull secret for ${registry}`, where);
  const left = end - host.now();
  if (left > 0) return ok(`The pull secret for ${registry} is good for ${roughly(left)}`, where);
  return wrong(
    `The token in the pull secret for ${registry} has expired ${roughly(left)} ago`,
    `kubectl delete secret ${name}`,
    where,
  );
}

/** A secret that no pod names is not used, unless the service account of the pods does. */
async function useOf(host: Host, name: string): Promise<Finding> {
  const text = await ask(host, ['get', 'serviceaccount', 'default']);
  const { imagePullSecrets = [] } = parse(text ?? '') as { imagePullSecrets?: readonly { name?: string }[] };
  const where = { key: 'serviceaccount/default: imagePullSecrets' };
  if (imagePullSecrets.some((one) => one.name === name)) return ok('Pods of the default service account use it', where);
  const patch = JSON.stringify({ imagePullSecrets: [{ name }] });
  const fix = `kubectl patch serviceaccount default -p '${patch}'`;
  return note('Pods use it only where their imagePullSecrets name it', { ...where, fix });
}

function parse(text: string): object {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
