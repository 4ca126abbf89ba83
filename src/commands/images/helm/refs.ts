import type { RegistryChartImage, RegistryRepo } from '../../../api/schema/types.gen.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand, defineView } from '../../../cli/define.ts';
import { choice, named } from '../../../cli/inputs/values.ts';
import { findTag, imageReference, notFound, repositoryOf } from '../image-reference.ts';

interface ChartReference {
  readonly image: RegistryChartImage;
  /** Where the image is pulled from, in place of what the chart says. */
  readonly repository: string | undefined;
}

/** `cgr.dev/chainguard/nginx:1@sha256:…`, or its last word below another repository. */
const lineOf = ({ image: { image = '' }, repository }: ChartReference) =>
  repository === undefined ? image : `${repository.replace(/\/+$/, '')}/${image.slice(image.lastIndexOf('/') + 1)}`;

const requirementOf = ({ requirement }: RegistryChartImage) =>
  String(requirement ?? '')
    .replace(/^REQUIREMENT_/, '')
    .toLowerCase()
    .replace('unspecified', '');

const view = defineView<ChartReference>({
  text: (reference) => `${lineOf(reference)}\n`,
  json: ({ image }) => ({ name: image.name ?? '', image: image.image ?? '', requirement: requirementOf(image) }),
  envelope: 'array',
  columns: [
    { head: 'NAME', value: ({ image }) => image.name },
    { head: 'IMAGE', value: lineOf },
    { head: 'REQUIREMENT', value: ({ image }) => requirementOf(image) },
  ],
  terse: lineOf,
  empty: 'The chart names no images.',
});

export default defineCommand({
  path: ['images', 'helm', 'refs'],
  summary: 'List the images that a chart names.',
  inputs: {
    chart: {
      kind: imageReference,
      positional: 'CHART_REFERENCE',
      flag: false,
      required: true,
      help: 'Chart in the registry; its highest version unless a tag or digest is given.',
      question: 'Which chart?',
    },
    repository: {
      kind: named('REPOSITORY'),
      help: 'Print the images below this repository. JSON always has what the chart says.',
    },
    requirement: { kind: choice('required', 'optional'), help: 'Only images that the chart needs, or does not need.' },
  },
  examples: [
    { text: 'Of one version', args: 'cgr.dev/my-org/charts/flux:v2.18.4' },
    {
      text: 'As they are called in a mirror',
      args: 'cgr.dev/my-org/charts/flux:v2.18.4 --repository=myregistry.internal/images/chainguard',
    },
    { text: 'Only what the chart cannot do without', args: 'cgr.dev/my-org/charts/flux --requirement=required' },
  ],
  view,
  formats: ['text', 'json', 'table', 'csv', 'terse', 'markdown'],
  run: async (context, { chart, repository, requirement }) => {
    const repo = await repositoryOf(context, chart);
    const tag = chart.tag ?? (chart.digest === undefined ? await highestVersion(context, repo) : '');
    const digest = chart.digest ?? (await findTag(context, repo, tag)).digest ?? '';
    const { images = [] } = await (await context.api()).call('registry.v1.Registry.GetChart', {
      repoId: repo.id ?? '',
      digest,
    });
    return images
      .filter((image) => requirement === undefined || requirementOf(image) === requirement)
      .map((image) => ({ image, repository }));
  },
});

/** Pre-releases never count: nobody gets one without naming it. */
async function highestVersion(context: Context, repo: RegistryRepo): Promise<string> {
  const { items = [] } = await (await context.api()).call('registry.v1.Registry.ListTags', {
    uidp: { childrenOf: repo.id ?? '' },
    excludeReferrers: true,
  });
  const versions = items.flatMap(({ name = '' }) => {
    const match = /^v?([0-9]+)\.([0-9]+)\.([0-9]+)$/.exec(name);
    return match === null ? [] : [{ name, numbers: match.slice(1).map(Number) }];
  });
  const [highest] = versions.sort(
    (a, b) => a.numbers.map((number, at) => (b.numbers[at] ?? 0) - number).find((difference) => difference !== 0) ?? 0,
  );
  if (highest === undefined) throw notFound(`No version of "${repo.name ?? ''}" found; name a tag`);
  return highest.name;
}
