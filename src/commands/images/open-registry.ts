import { createOciClient, type OciClient, type OciDescriptor, type OciManifest } from '../../api/oci-client.ts';
import type { Context } from '../../cli/context.ts';
import { CliError } from '../../errors.ts';

/**
 * A client for the registry at this host. The login is shown to the registry of this platform only; others are read as
 * anybody may.
 */
export function openRegistry(context: Context, registry: string): OciClient {
  const isOwn = ownRegistry(context).host.toLowerCase() === registry;
  return createOciClient({
    host: context.host,
    origin: originOf(context, registry),
    signal: context.signal,
    ...(isOwn ? { token: () => loginFor(context, registry) } : {}),
  });
}

const ownRegistry = (context: Context) => new URL(context.config.get('platform.registry'));

/** Plain HTTP on this machine only, and where the configuration says so. */
export function originOf(context: Context, registry: string): string {
  const own = ownRegistry(context);
  if (own.host.toLowerCase() === registry) return own.origin;
  const name = registry.replace(/:[0-9]+$/, '');
  const isLoopback = name === 'localhost' || name === '[::1]' || /^127\.[0-9.]+$/.test(name);
  return `${isLoopback ? 'http' : 'https'}://${registry}`;
}

/** Without a login the registry's own refusal says more. */
async function loginFor(context: Context, registry: string): Promise<string | undefined> {
  try {
    return await context.token(registry);
  } catch (error) {
    if (error instanceof CliError && error.kind === 'auth') {
      context.debug(() => `no token for ${registry}: ${error.message}`);
      return undefined;
    }
    throw error;
  }
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
}

/** The image of one platform. An image that is no index is taken for what it is. Throws kind `not-found`. */
export async function imageOfPlatform(
  client: OciClient,
  repository: string,
  reference: string,
  platform: Platform,
): Promise<FoundImage> {
  const manifest = await client.manifest(repository, reference);
  if (manifest.manifests === undefined) return { digest: manifest.digest, manifest };
  const found = manifest.manifests.find((one) => isFor(one, platform));
  if (found === undefined) {
    const offered = manifest.manifests.flatMap(({ platform: one }) => (one ? [`${one.os}/${one.architecture}`] : []));
    throw new CliError('not-found', `${repository} has no image for ${platform.os}/${platform.architecture}`, {
      code: 'not-found.platform',
      ...(offered.length === 0 ? {} : { hint: `there are ${offered.join(', ')}` }),
    });
  }
  return { digest: found.digest, manifest: await client.manifest(repository, found.digest) };
}

const isFor = ({ platform }: OciDescriptor, wanted: Platform) =>
  platform?.os === wanted.os &&
  platform.architecture === wanted.architecture &&
  (wanted.variant === undefined || platform.variant === wanted.variant);
