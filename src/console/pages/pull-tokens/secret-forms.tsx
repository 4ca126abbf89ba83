// A pull token in the forms that programs take it in.

import { npmRegistryOf } from '../../../npm/npm-registry.ts';
import type { Repository } from '../../../pull-tokens.ts';
import type { PlatformAddresses } from '../../page.ts';
import { Copied } from '../../parts/copied.tsx';
import { When } from '../../parts/time.tsx';

export interface MadeToken {
  /** UIDP: the user name. */
  readonly id: string;
  readonly name: string;
  readonly repository: Repository;
  /** The password. */
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export function SecretForms({
  made,
  platform,
  now,
}: {
  readonly made: MadeToken;
  readonly platform: PlatformAddresses;
  readonly now: number;
}) {
  const { id, name, repository, token, expiresAt } = made;
  const { host } = new URL(platform.registry);
  return (
    <div data-secret>
      <p>
        <strong>{name}</strong> expires <When time={expiresAt} now={now} />.
      </p>
      <p class="warning">Copy what you need now: the password is shown this once and is kept nowhere.</p>
      {repository === 'oci' && (
        <>
          <Copied id="docker-login" label="Docker" text={dockerLogin(host, id, token)} />
          <Copied id="kubernetes" label="Kubernetes" text={kubernetesSecret(host, id, token)} />
        </>
      )}
      {repository.startsWith('javascript') && (
        <Copied id="npmrc" label=".npmrc" text={npmrc(platform.registry, id, token)} />
      )}
      <Copied id="user-name" label="User name" text={id} />
      <Copied id="password" label="Password" text={token} />
    </div>
  );
}

/** By standard input: an argument would be seen by every program on the machine. */
const dockerLogin = (host: string, id: string, token: string): string =>
  `docker login ${host} --username ${id} --password-stdin <<'END'\n${token}\nEND\n`;

function kubernetesSecret(host: string, id: string, token: string): string {
  const auth = Buffer.from(`${id}:${token}`).toString('base64');
  const config = JSON.stringify({ auths: { [host]: { username: id, password: token, auth } } });
  return [
    'apiVersion: v1',
    'kind: Secret',
    'metadata:',
    '  name: regcred',
    'type: kubernetes.io/dockerconfigjson',
    'stringData:',
    `  .dockerconfigjson: '${config}'`,
    '',
  ].join('\n');
}

function npmrc(registry: string, id: string, token: string): string {
  const { url } = npmRegistryOf(registry);
  const { host, pathname } = new URL(url);
  return `registry=${url}\n//${host}${pathname}:_auth=${Buffer.from(`${id}:${token}`).toString('base64')}\n`;
}
