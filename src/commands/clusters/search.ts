import type { TenantCluster } from '../../api/schema/types/tenant.gen.ts';
import type { Package } from '../../attestations/documents.ts';
import type { Context } from '../../cli/context.ts';
import { defineCommand, defineView, type TreeNode } from '../../cli/define.ts';
import { byNameThenId, type Reference } from '../../cli/inputs/references.ts';
import { strings } from '../../cli/inputs/values.ts';
import { forEachConcurrently } from '../../parallel.ts';
import { activeWithin, clusterOrGroup, sinceTime } from './cluster.ts';
import type { ImagePackages } from './packages.ts';

interface Found extends ImagePackages {
  /** Set where an item is one row of a table. */
  readonly row?: Package;
}

const clusterName = ({ cluster }: Found): string => cluster.name || (cluster.remoteId ?? '');

const view = defineView<Found>({
  rows: (found) => (found.packages ?? []).map((row) => ({ ...found, row })),
  columns: [
    { head: 'CLUSTER', value: clusterName },
    {
      head: 'IMAGE',
      value: ({ image }) => image,
      brief: ({ image }) => image.replace(/(@sha256:[0-9a-f]{6}).*/, '$1…'),
    },
    { head: 'PACKAGE', value: ({ row }) => row?.name },
    { head: 'VERSION', value: ({ row }) => row?.version },
    { head: 'TYPE', rank: 1, value: ({ row }) => row?.type },
    { head: 'PURL', wide: true, value: ({ row }) => row?.purl },
  ],
  tree: (items) => treeOf(items),
  json: ({ cluster, image, packages }) => ({
    cluster: { id: cluster.id, name: cluster.name, remoteId: cluster.remoteId },
    image,
    known: packages !== undefined,
    packages: (packages ?? []).map(({ name, version, type, purl }) => ({ name, version, type, purl })),
  }),
  envelope: 'items',
  empty: 'No packages found.',
});

function treeOf(items: readonly Found[]): TreeNode[] {
  const clusters = [...new Set(items.map(clusterName))];
  return clusters.flatMap((name) => {
    const images = items.filter((one) => clusterName(one) === name && (one.packages ?? []).length > 0);
    const children = images.map(({ image, packages = [] }) => ({
      label: image,
      children: packages.map(({ name: label, version }) => ({ label: `${label} ${version}`, children: [] })),
    }));
    return children.length === 0 ? [] : [{ label: `[${name}]`, children }];
  });
}

async function clustersIn(
  context: Context,
  chosen: TenantCluster | Reference | undefined,
  within: number,
): Promise<readonly TenantCluster[]> {
  if (chosen !== undefined && 'remoteId' in chosen) return [chosen];
  const { items = [] } = await (await context.api()).call('tenant.v1.Clusters.List', {
    activeSince: sinceTime(context, within),
    ...(chosen === undefined ? {} : { uidp: { descendantsOf: chosen.id ?? '' } }),
  });
  return [...items].sort(byNameThenId);
}

export default defineCommand({
  path: ['clusters', 'search'],
  summary: 'Look for packages in what clusters run.',
  description:
    'Reads the SBOMs that are attested of running images, SPDX 2 or CycloneDX, from their registries; private ones are read with ' +
    'what `docker login` has stored. An image without an SBOM is named, because what it holds is not known. Signatures of SBOMs ' +
    'are not judged here; `chainctl packages list IMAGE` does.',
  inputs: {
    place: {
      kind: clusterOrGroup,
      positional: 'CLUSTER|GROUP',
      flag: false,
      help: 'A cluster, or an organization or folder for all below it. Every cluster without it.',
    },
    packages: {
      kind: strings('PACKAGE'),
      many: true,
      help: 'Only packages of these names, or NAME@VERSION for one version.',
    },
    activeWithin,
  },
  examples: [
    { text: 'Where one package runs', args: '--packages=log4j-core' },
    { text: 'Two versions, in one cluster', args: 'production --packages=openssl@3.0.1,openssl@3.0.2 --output=table' },
  ],
  view,
  formats: ['tree', 'table', 'json', 'wide', 'csv'],
  run: async (context, { place, packages, activeWithin: within }) => {
    const { packagesIn, tellUnread } = await import('./packages.ts');
    const clusters = await clustersIn(context, place, within);
    const found: ImagePackages[][] = [];
    // One after the other: each reads several images at once.
    await forEachConcurrently(clusters, 1, async (one, at) => {
      found[at] = await packagesIn(context, one, within, packages);
    });
    const all = found.flat();
    tellUnread(context, all);
    return all.filter((one) => packages.length === 0 || one.packages === undefined || one.packages.length > 0);
  },
});
