import type { TenantCluster } from '../../api/schema/types/tenant.gen.ts';
import { type CellContext, defineCommand, defineView } from '../../cli/define.ts';
import { boolean } from '../../cli/inputs/values.ts';
import { sinceCell } from '../../cli/output/age.ts';
import { activeWithin, clusterInput } from './cluster.ts';
import type { ImagePackages } from './packages.ts';
import type { ImageFacts } from './records/facts.ts';

interface Described {
  readonly cluster: TenantCluster;
  readonly images: readonly ImageFacts[];
  /** Undefined unless they were asked for. */
  readonly packages?: readonly ImagePackages[] | undefined;
  readonly shows: { readonly images: boolean; readonly policies: boolean };
}

/** `apk:45 npm:3`, as records have it. */
function byType(packages: ImagePackages['packages']): string {
  if (packages === undefined) return 'not known';
  const counted = new Map<string, number>();
  for (const { type } of packages) counted.set(type, (counted.get(type) ?? 0) + 1);
  return [...counted].map(([type, count]) => `${type}:${count}`).join(' ') || 'none';
}

function counts(images: readonly ImageFacts[]): Map<string, Record<string, number>> {
  const found = new Map<string, Record<string, number>>();
  for (const { name = '', result = '' } of images.flatMap(({ results }) => results)) {
    const counted = found.get(name) ?? {};
    found.set(name, { ...counted, [result]: (counted[result] ?? 0) + 1 });
  }
  return found;
}

const sentence = (counted: Record<string, number>): string =>
  ['PASS', 'WARN', 'FAIL']
    .flatMap((result) => (counted[result] ? [`${counted[result]} ${result.toLowerCase()}`] : []))
    .join(', ');

function text({ cluster, images, packages, shows }: Described, cell: CellContext): string {
  const {
    name,
    description,
    remoteId,
    id,
    group,
    version,
    agentVersion,
    profiles = [],
    registered,
    lastSeen,
  } = cluster;
  const rows: [string, string | undefined][] = [
    ['Name', name],
    ['Description', description],
    ['Id', id],
    ['Remote id', remoteId],
    ['Group', group?.name],
    ['Kubernetes', version],
    ['Agent', agentVersion],
    ['Profiles', profiles.join(', ')],
    ['Registered', sinceCell(registered, cell)],
    ['Last seen', sinceCell(lastSeen, cell)],
    ['Images', String(images.length)],
  ];
  const lines = rows.flatMap(([head, value]) => (value ? [`${`${head}:`.padEnd(13)}${value}`] : []));
  if (shows.policies)
    lines.push('', 'Policies:', ...[...counts(images)].map(([policy, counted]) => `  ${policy}: ${sentence(counted)}`));
  if (shows.images) lines.push('', 'Images by name:', ...images.map(({ record }) => `  ${record.image}`));
  if (packages !== undefined)
    lines.push('', 'Packages by image:', ...packages.map((one) => `  ${one.image}: ${byType(one.packages)}`));
  return `${lines.join('\n')}\n`;
}

const view = defineView<Described>({
  id: ({ cluster: { id = '' } }) => id,
  text,
  json: ({ cluster, images, packages, shows }) => ({
    ...cluster,
    images: shows.images ? images.map(({ record }) => record.image) : images.length,
    ...(shows.policies ? { policies: Object.fromEntries(counts(images)) } : {}),
    ...(packages === undefined
      ? {}
      : {
          packages: packages.map((one) => ({
            image: one.image,
            known: one.packages !== undefined,
            packages: (one.packages ?? []).map(({ name, version, type }) => ({ name, version, type })),
          })),
        }),
  }),
});

export default defineCommand({
  path: ['clusters', 'describe'],
  summary: 'Show what is known of a cluster.',
  inputs: {
    cluster: clusterInput,
    activeWithin,
    all: { kind: boolean, help: 'Everything below.' },
    images: { kind: boolean, help: 'The images that it runs, by name.' },
    packages: {
      kind: boolean,
      help: 'How many packages of which type each image holds, from the SBOMs in registries.',
    },
    policies: { kind: boolean, help: 'How many images pass and break each policy.' },
  },
  examples: [{ text: 'With its policies', args: 'production --policies' }],
  view,
  formats: ['text', 'json', 'id'],
  run: async (context, { cluster, activeWithin: within, all, images, packages, policies }) => {
    const { imagesOf } = await import('./records/facts.ts');
    const { packagesIn, tellUnread } = await import('./packages.ts');
    const found = all || packages ? await packagesIn(context, cluster, within, []) : undefined;
    if (found !== undefined) tellUnread(context, found);
    return {
      cluster,
      images: await imagesOf(context, cluster, { within }),
      packages: found,
      shows: { images: all || images, policies: all || policies },
    };
  },
});
