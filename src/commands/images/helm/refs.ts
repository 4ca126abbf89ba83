import type { RegistryChartImage } from '../../../api/schema/types/registry.gen.ts';
import { defineCommand, defineView } from '../../../cli/define.ts';
import { choice, named } from '../../../cli/inputs/values.ts';
import { chartInput, getChart } from './chart.ts';

interface ChartReference {
  readonly image: RegistryChartImage;
  /** Registry the image is pulled from, in place of the chart's. */
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
    chart: chartInput,
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
    const { images = [] } = await getChart(context, chart);
    return images
      .filter((image) => requirement === undefined || requirementOf(image) === requirement)
      .map((image) => ({ image, repository }));
  },
});
