// The kubelet's image credential provider (credentialprovider.kubelet.k8s.io/v1): one request on standard input, one
// answer on standard output. Guarantees: only images of the registry in its arguments get a credential, and it is the
// pod's own service account that asks for it: nothing is read from the node and nothing is kept there.

import { parseArgs } from 'node:util';
import { exchange } from '../api/sts.ts';
import { closeTransport } from '../api/transport.ts';
import { isUidp } from '../api/uidp.ts';
import { expiryOf } from '../auth/jwt.ts';
import { CliError, exitCodes } from '../errors.ts';
import type { Host } from '../host.ts';
import { isPrivateUrl } from '../loopback.ts';
import { providerApi, providerName } from './names.ts';

interface Settings {
  /** UIDP of the identity to assume. */
  readonly identity: string;
  readonly issuer: string;
  /** Host of the registry, with its port. */
  readonly registry: string;
}

interface Request {
  readonly image: string;
  readonly token: string;
}

/** The kubelet forgets a credential this long before it ends, in seconds: a pull takes a while. */
const marginSeconds = 60;

/** Answers one request. Resolves to the exit code; what went wrong is one line on standard error, for the kubelet's log. */
export async function runProvider(host: Host, words: readonly string[], signal: AbortSignal): Promise<number> {
  try {
    const settings = settingsOf(words);
    const request = requestOf(await host.stdin.readAll());
    host.stdout.write(`${JSON.stringify(await answer(host, settings, request, signal))}\n`);
    return exitCodes.done;
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown failure';
    host.stderr.write(`${providerName}: ${reason.replaceAll(/[\0-\x1f\x7f-\x9f]+/g, ' ')}\n`);
    return error instanceof CliError && error.kind === 'usage' ? exitCodes.usage : exitCodes.failed;
  } finally {
    await closeTransport(host);
  }
}

async function answer(host: Host, settings: Settings, { image, token }: Request, signal: AbortSignal): Promise<object> {
  const registry = image.slice(0, Math.max(0, image.indexOf('/')));
  if (registry !== settings.registry && !registry.endsWith(`.${settings.registry}`)) {
    throw new CliError('local', `The image is not in ${settings.registry}, which is all this provider is for`);
  }
  const { identity, issuer } = settings;
  const issued = await exchange(host, { issuer, identity, token, audience: [settings.registry], signal });
  const seconds = Math.floor((expiryOf(issued.token) - host.now()) / 1000) - marginSeconds;
  return {
    apiVersion: providerApi,
    kind: 'CredentialProviderResponse',
    cacheKeyType: 'Registry',
    cacheDuration: `${Math.max(0, seconds)}s`,
    auth: { [registry]: { username: '_token', password: issued.token } },
  };
}

function settingsOf(words: readonly string[]): Settings {
  const options = { identity: { type: 'string' }, issuer: { type: 'string' }, registry: { type: 'string' } } as const;
  let values: Partial<Settings>;
  try {
    ({ values } = parseArgs({ args: [...words], options }));
  } catch {
    throw usage('the arguments must be --identity=ID --issuer=URL --registry=HOST');
  }
  const { identity = '', issuer = '', registry = '' } = values;
  if (!isUidp(identity)) throw usage('--identity must be the id of an identity');
  if (!URL.canParse(issuer) || !isPrivateUrl(new URL(issuer))) throw usage('--issuer must be an https address');
  if (!/^[a-z0-9][a-z0-9.-]*(?::\d{1,5})?$/.test(registry)) throw usage('--registry must be the host of a registry');
  return { identity, issuer, registry };
}

function requestOf(text: string): Request {
  let request: Readonly<Record<string, unknown>> | null;
  try {
    request = JSON.parse(text);
  } catch {
    throw new CliError('local', 'Standard input is not the JSON of the kubelet');
  }
  if (request?.['kind'] !== 'CredentialProviderRequest' || request['apiVersion'] !== providerApi) {
    throw new CliError('local', `Standard input must be a CredentialProviderRequest of ${providerApi}`);
  }
  const { image, serviceAccountToken: token } = request;
  if (typeof image !== 'string' || image === '') throw new CliError('local', 'The request names no image');
  if (typeof token === 'string' && token !== '') return { image, token };
  throw new CliError(
    'local',
    'The request has no token of a service account; the kubelet sends one from Kubernetes 1.34 on, with tokenAttributes',
  );
}

const usage = (message: string) => new CliError('usage', message);
