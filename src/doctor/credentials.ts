// Finds which credentials each client takes for an image: a login of another day may come before the helper.

import { type Client, clients, credentialOrder } from '../docker/client-order.ts';
import { type Check, type Examined, type Finding, note, ok, skip, versionOf, wrong } from './check.ts';

export const credentials: Check = {
  name: 'credentials',
  purposes: ['docker'],
  async look(examined) {
    const { host } = examined;
    const found = await Promise.all(
      clients.map(async (client) => {
        const version = await versionOf(host, client, client === 'crane' ? 'version' : '--version');
        return version === undefined ? undefined : ofClient(examined, client, version);
      }),
    );
    const findings = found.filter((finding) => finding !== undefined);
    return findings.length > 0 ? findings : [skip('Neither docker, podman, skopeo nor crane is on PATH')];
  },
};

function ofClient(examined: Examined, client: Client, version: string): Finding {
  const { host, image, registry: own, purpose } = examined;
  const { registry, repository } = image ?? { registry: own, repository: '' };
  const name = image === undefined ? registry : `${registry}/${repository}`;
  const { places, files } = credentialOrder(client, host, { registry, repository }, version);
  const [first, ...others] = places;
  if (first === undefined) {
    const message = `${client} has no credentials for ${name}`;
    const isAsked = registry === own && (image !== undefined || purpose === 'docker');
    const fix = registry === own ? 'chainctl auth configure-docker' : undefined;
    return isAsked ? wrong(message, fix, { file: files[0] }) : note(message, { fix });
  }
  const where = { file: first.path, key: first.key };
  if (first.helper !== undefined) return ok(`${client} asks docker-credential-${first.helper} for ${name}`, where);
  // Anything that the same file or a later one says of a helper does not count.
  const passedOver = others.find(({ helper }) => helper === 'cgr') ?? helperInFile(examined, client, registry, version);
  const message = `${client} takes the login in "${first.path}" for ${name}`;
  if (registry !== own || passedOver === undefined) return ok(message, where);
  return wrong(`${message}, and not docker-credential-cgr`, logout(client, first.path, registry, first.key), where);
}

/** crane takes an entry for the whole repository before the helper that the same file has for the registry. */
function helperInFile({ host }: Examined, client: Client, registry: string, version: string) {
  const { places } = credentialOrder(client, host, { registry, repository: '' }, version);
  return places.find(({ helper }) => helper === 'cgr');
}

/** The command that takes an entry away, of a client that knows this file and this key. */
function logout(client: Client, path: string, registry: string, key: string): string {
  const name = JSON.parse(/\[(.*)\]$/.exec(key)?.[1] ?? '""') as string;
  if (client === 'docker') return `docker logout ${name}`;
  const program = client === 'crane' ? 'podman' : client;
  return `${program} logout --authfile ${JSON.stringify(path)} ${name.startsWith('http') ? registry : name}`;
}
