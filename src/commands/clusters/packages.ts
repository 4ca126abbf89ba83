// The packages of running images, from the SBOMs that are attested of them in their registries. Guarantees: an image whose
// SBOM cannot be read is told as not known, and never as one without packages.

import { parseImageReference } from '../../api/oci-client.ts';
import type { TenantCluster } from '../../api/schema/types/tenant.gen.ts';
import type { Package } from '../../attestations/documents.ts';
import type { Platform } from '../../attestations/platforms.ts';
import type { Context } from '../../cli/context.ts';
import { CliError } from '../../errors.ts';
import { forEachConcurrently } from '../../parallel.ts';
import type { SignatureFlags } from '../images/sbom-inputs.ts';
import { imagesOf } from './records/facts.ts';

export interface ImagePackages {
  readonly cluster: TenantCluster;
  readonly image: string;
  /** Undefined when no SBOM could be read. */
  readonly packages: readonly Package[] | undefined;
}

const imagesAtOnce = 4;
const anySignature: SignatureFlags = {
  key: undefined,
  certificateIdentity: undefined,
  certificateOidcIssuer: undefined,
  trustedRoot: undefined,
  requireSignature: false,
};

/** `wanted` are names, or `NAME@VERSION`; all packages without any. */
export async function packagesIn(
  context: Context,
  cluster: TenantCluster,
  within: number,
  wanted: readonly string[],
): Promise<ImagePackages[]> {
  const [images, platform] = await Promise.all([imagesOf(context, cluster, { within }), platformOf(context, cluster)]);
  const found: ImagePackages[] = [];
  await forEachConcurrently(images, imagesAtOnce, async ({ record: { image = '' } }, at) => {
    const packages = await packagesOf(context, image, platform);
    found[at] = { cluster, image, packages: packages?.filter((one) => isWanted(one, wanted)) };
  });
  return found;
}

const isWanted = ({ name, version }: Package, wanted: readonly string[]): boolean =>
  wanted.length === 0 || wanted.includes(name) || wanted.includes(`${name}@${version}`);

async function packagesOf(
  context: Context,
  image: string,
  platform: Platform,
): Promise<readonly Package[] | undefined> {
  const parsed = parseImageReference(image);
  if (parsed === undefined) return undefined;
  const registry = parsed.registry === 'index.docker.io' ? 'docker.io' : parsed.registry;
  const { readSbom } = await import('../images/sbom.ts');
  try {
    return (await readSbom(context, { ...parsed, registry }, platform, anySignature)).packages;
  } catch (error) {
    if (context.signal.aborted || !(error instanceof CliError)) throw error;
    context.debug(() => `no SBOM of ${image}: ${error.message}`);
    return undefined;
  }
}

/** Returns the platform of the nodes of a cluster: of an image index, it runs the image for that. */
async function platformOf(context: Context, { id = '' }: TenantCluster): Promise<Platform> {
  const { items = [] } = await (await context.api()).call('tenant.v1.Nodes.List', { uidp: { descendantsOf: id } });
  const [node] = items;
  return { os: node?.operatingSystem || 'linux', architecture: node?.architecture || 'amd64' };
}

/** Tells which images nothing is known of. */
export function tellUnread(context: Context, images: readonly ImagePackages[]): void {
  const count = images.filter(({ packages }) => packages === undefined).length;
  if (count === 0) return;
  context.io.note(
    `No SBOM could be read of ${count === 1 ? 'one image' : `${count} images`}, so ${count === 1 ? 'its' : 'their'} packages are not known; --verbose says why.`,
  );
}
