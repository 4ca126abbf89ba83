import { type CellContext, defineCommand, defineView, type State } from '../../../cli/define.ts';
import { string } from '../../../cli/inputs/values.ts';
import { sinceCell } from '../../../cli/output/age.ts';
import { activeWithin, clusterInput } from '../cluster.ts';
import { shortAge } from '../view.ts';
import type { ImageFacts } from './facts.ts';

interface Shown extends ImageFacts {
  readonly remoteId: string;
}

/** `Pod:1 Deployment:2`. */
function counted(kinds: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${kind}:${count}`).join('\n');
}

const policiesCell = ({ results }: Shown, cell: CellContext): string =>
  results
    .map(({ name, result = '', lastChecked }) => `${name}:${result.toLowerCase()}:${shortAge(lastChecked, cell)}`)
    .join('\n');

function stateOf({ results }: Shown): State | undefined {
  const found = results.map(({ result }) => result);
  if (found.includes('FAIL')) return 'fail';
  if (found.includes('WARN')) return 'warn';
  return found.length > 0 ? 'pass' : undefined;
}

const brief = (image: string): string => image.replace(/@sha256:([0-9a-f]{6})[0-9a-f]+$/, '@sha256:$1…');

const view = defineView<Shown>({
  id: ({ record: { id = '' } }) => id,
  columns: [
    { head: 'CLUSTER', id: true, wide: true, value: ({ remoteId }) => remoteId },
    {
      head: 'IMAGE',
      value: ({ record: { image = '' } }) => image,
      brief: ({ record: { image = '' } }) => brief(image),
    },
    { head: 'POLICIES', value: policiesCell, state: stateOf },
    { head: 'WORKLOADS', rank: 1, value: ({ workloads }) => counted(workloads.map(({ kind = '' }) => kind)) },
    { head: 'LAST SEEN', rank: 2, value: ({ record }, cell) => sinceCell(record.lastSeen, cell) },
    {
      head: 'LAST REFRESHED',
      rank: 3,
      value: ({ record: { lastRefreshed = {} } }, cell) =>
        Object.entries(lastRefreshed)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([what, time]) => `${what}:${shortAge(time, cell)}`)
          .join(' '),
    },
    {
      head: 'DIAGNOSTIC',
      wide: true,
      value: ({ results }) => results.flatMap(({ diagnostic }) => diagnostic || []).join('\n'),
    },
  ],
  json: ({ record, results, workloads, signatures }) => ({
    ...record,
    policies: results,
    workloads: workloads.map(({ id, kind, name, remoteId }) => ({ id, kind, name, remoteId })),
    signatures,
  }),
  envelope: 'items',
  empty: 'No records found.',
});

export default defineCommand({
  path: ['clusters', 'records', 'list'],
  summary: 'List the images that a cluster runs, with policy results.',
  aliases: ['ls'],
  inputs: {
    cluster: clusterInput,
    activeWithin,
    image: { kind: string, help: 'Only images with this name, or the end of it.' },
  },
  examples: [
    { text: 'By the id that Kubernetes gave', args: 'ba5eba11-ba5e-ba11-aa6a-95fc2398fe16' },
    { text: 'One image, with the reason why it breaks a policy', args: 'production --image=busybox --output=wide' },
  ],
  view,
  formats: ['table', 'json', 'wide', 'id', 'csv'],
  run: async (context, { cluster, activeWithin: within, image }) => {
    const { imagesOf } = await import('./facts.ts');
    return (await imagesOf(context, cluster, { within, image })).map((facts) => ({
      ...facts,
      remoteId: cluster.remoteId ?? '',
    }));
  },
});
