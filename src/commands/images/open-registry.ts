import {
  createOciClient,
  type OciClient,
  type OciDescriptor,
  type OciManifest,
  type RegistryLogin,
} from '../../api/oci-client.ts';
import type { Context } from '../../cli/context.ts';
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
    login: () => (isOwn ? loginFor(context, registry) : storedLoginFor(context, registry)),
    loginHint: `run \`${isOwn ? 'chainctl auth configure-docker' : `docker login ${registry}`}\``,
  });
}

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
    return { user: '_token', secret: await context.token(registry), leavesHost: false };
  } catch (error) {
    if (error instanceof CliError && error.kind === 'auth') {
      context.debug(() => `no token for ${registry}: ${error.message}`);
      return undefined;
    }
    throw error;
  }
}

async function storedLoginFor(context: Context, registry: string): Promise<RegistryLogin | undefined> {
  const { storedLogin } = await import('../../docker/stored-login.ts');
  const found = await storedLogin(context.host, registry, context.signal);
  return found && { ...found, leavesHost: true };
}

/** `linux/arm64` or `linux/arm/v7`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string | undefined;
}

export interface FoundImage {
  /** Digest of the image's own manifest, which attestations speak of. */
  readonly digest: string;
  readonly manifest: OciManifest;
  /** Manifests of attestations that the image's index lists beside it, as BuildKit does. */
  readonly attestations: readonly string[];
}

/** The image of one platform. An image that is no index is taken for what it is. Throws kind `not-found`. */
export async function imageOfPlatform(
  client: OciClient,
  repository: string,
  reference: string,
  platform: Platform,
): Promise<FoundImage> {
  const manifest = await client.manifest(repository, reference);
  if (manifest.manifests === undefined) return { digest: manifest.digest, manifest, attestations: [] };
  const found = manifest.manifests.find((one) => isFor(one, platform));
  if (found === undefined) {
    const offered = manifest.manifests.flatMap(({ platform: one }) => (one ? [`${one.os}/${one.architecture}`] : []));
    throw new CliError('not-found', `${repository} has no image for ${platform.os}/${platform.architecture}`, {
      code: 'not-found.platform',
      ...(offered.length === 0 ? {} : { hint: `there are ${offered.join(', ')}` }),
    });
  }
  const attestations = manifest.manifests.filter(
    ({ annotations }) =>
      annotations?.['vnd.docker.reference.type'] === 'attestation-manifest' &&
      annotations['vnd.docker.reference.digest'] === found.digest,
  );
  return {
    digest: found.digest,
    manifest: await client.manifest(repository, found.digest),
    attestations: attestations.map(({ digest }) => digest),
  };
}

const isFor = ({ platform }: OciDescriptor, wanted: Platform) =>
  platform?.os === wanted.os &&
  platform.architecture === wanted.architecture &&
  (wanted.variant === undefined || platform.variant === wanted.variant);
