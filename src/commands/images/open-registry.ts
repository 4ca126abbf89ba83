import {
  createOciClient,
  type OciClient,
  type OciDescriptor,
  type OciManifest,
  type RegistryLogin,
} from '../../api/oci-client.ts';
import { formatPlatform, isNoPlatform, type Platform, preferredFor } from '../../attestations/platforms.ts';
import type { Context } from '../../cli/context.ts';
import { remembered } from '../../cli/remembered.ts';
import { CliError } from '../../errors.ts';
import { isLoopbackHost } from '../../loopback.ts';

/**
 * A client for the registry at this host. The platform's login is shown to the platform's own registry only; others are
 * read as anybody may, or else with what `docker login` has stored for them.
 */
export function openRegistry(context: Context, registry: string): OciClient {
  const isOwn = ownRegistry(context).host.toLowerCase() === registry;
  return createOciClient({
    host: context.host,
    origin: originOf(context, registry),
    signal: context.signal,
    login: (repository) => (isOwn ? loginFor(context, registry) : storedLoginFor(context, registry, repository)),
    ...(isOwn && { refusedHint: (repository: string) => whyRefused(context, registry, repository) }),
    loginHint: `run \`${isOwn ? 'chainctl auth configure-docker' : `docker login ${registry}`}\``,
  });
}

/** The same, one in a run. */
export const registryClient = remembered(
  async (context: Context, registry: string) => openRegistry(context, registry),
  (registry) => registry,
);

const ownRegistry = (context: Context) => new URL(context.config.get('platform.registry'));

/** Plain HTTP on this machine only, and where the configuration says so. */
export function originOf(context: Context, registry: string): string {
  const own = ownRegistry(context);
  if (own.host.toLowerCase() === registry) return own.origin;
  // Docker's hub is one name for people and another for programs.
  if (registry === 'docker.io') return 'https://registry-1.docker.io';
  const name = registry.replace(/:[0-9]+$/, '');
  return `${isLoopbackHost(name) ? 'http' : 'https'}://${registry}`;
}

/** Without a login the registry's own refusal says more. */
async function loginFor(context: Context, registry: string): Promise<RegistryLogin | undefined> {
  try {
    return { kind: 'password', user: '_token', secret: await context.token(registry), leavesHost: false };
  } catch (error) {
    if (error instanceof CliError && error.kind === 'auth') {
      context.debug(() => `no token for ${registry}: ${error.message}`);
      return undefined;
    }
    throw error;
  }
}

/** Only the platform's own registry goes by its roles. */
async function whyRefused(context: Context, registry: string, repository: string): Promise<string | undefined> {
  const login = await loginFor(context, registry);
  if (login?.kind !== 'password') return undefined;
  const [{ explainCommand }, { besideOperations }] = await Promise.all([
    import('../../api/explain-line.ts'),
    import('../../api/schema/beside.ts'),
  ]);
  const [capability] = besideOperations['distribution.v2.Registry.Pull'].capabilities;
  const [organization = ''] = repository.split('/');
  const line = capability && explainCommand(login.secret, capability, organization);
  return line && `see why with \`${line}\``;
}

async function storedLoginFor(
  context: Context,
  registry: string,
  repository: string,
): Promise<RegistryLogin | undefined> {
  const { storedLogin } = await import('../../docker/stored-login.ts');
  const found = await storedLogin(context.host, registry, repository, context.signal);
  return found && { ...found, leavesHost: true };
}

export interface FoundImage {
  /** Digest of the image's own manifest, which attestations speak of. */
  readonly digest: string;
  /** The index it was found in. */
  readonly index?: { readonly digest: string; readonly manifests: readonly OciDescriptor[] };
}

/** Indexes in indexes; more is a mistake or meant to harm. */
const deepestIndex = 4;

/** The image of one platform. An image that is no index is taken for what it is. Throws kind `not-found`. */
export async function imageOfPlatform(
  client: OciClient,
  repository: string,
  reference: string,
  platform: Platform,
): Promise<FoundImage> {
  const top = await client.manifest(repository, reference);
  if (top.manifests === undefined) return { digest: top.digest };
  const offered: { readonly one: OciDescriptor; readonly index: OciManifest }[] = [];
  let level = [top];
  for (let depth = 0; depth < deepestIndex && level.length > 0; depth += 1) {
    const below: OciDescriptor[] = [];
    for (const index of level) {
      for (const one of index.manifests ?? []) {
        if (isIndex(one)) below.push(one);
        else if (!isNoPlatform(one.platform ?? {})) offered.push({ one, index });
      }
    }
    level = await Promise.all(below.map(({ digest }) => client.manifest(repository, digest)));
  }
  const found = preferredFor(offered, platform, ({ one }) => platformOf(one));
  if (found !== undefined) return { digest: found.one.digest, index: indexOf(found.index) };
  const names = [...new Set(offered.flatMap(({ one }) => platformOf(one) ?? []).map(formatPlatform))];
  throw new CliError('not-found', `${repository} has no image for ${formatPlatform(platform)}`, {
    code: 'not-found.platform',
    ...(names.length === 0 ? {} : { hint: `there are ${names.join(', ')}` }),
  });
}

const isIndex = ({ mediaType }: OciDescriptor): boolean => /image\.index\.|manifest\.list\./.test(mediaType);

const indexOf = ({ digest, manifests = [] }: OciManifest) => ({ digest, manifests });

function platformOf({ platform }: OciDescriptor): Platform | undefined {
  const { os, architecture, variant } = platform ?? {};
  return os === undefined || architecture === undefined ? undefined : { os, architecture, variant };
}
