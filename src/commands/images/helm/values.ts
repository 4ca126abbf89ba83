import { defineCommand, defineView } from '../../../cli/define.ts';
import { string } from '../../../cli/inputs/values.ts';
import { CliError } from '../../../errors.ts';
import { chartInput, getChart } from './chart.ts';

interface ChartValues {
  /** Undefined when the chart needs no other values. */
  readonly values: unknown;
}

const view = defineView<ChartValues>({
  text: async ({ values }) => (values === undefined ? '' : (await import('yaml')).stringify(values, { lineWidth: 0 })),
  json: ({ values }) => values ?? {},
});

export default defineCommand({
  path: ['images', 'helm', 'values'],
  summary: 'Print values that make a chart use other image names.',
  description:
    'For `helm install -f`: the places in the values of the chart that name its images, with another registry or organization. Tags and digests stay those of the chart. Without either flag there is nothing to change and the output is empty.',
  inputs: {
    chart: chartInput,
    registry: {
      kind: {
        ...string,
        metavar: 'HOST',
        parse: (text) => {
          if (!/^[A-Za-z0-9.-]+(?::\d+)?(?:\/[\w./-]*[\w-])?$/.test(text)) {
            throw new Error('must be a registry such as "registry.example.com", without "https://"');
          }
          return text;
        },
      },
      help: 'Registry the images are pulled from.',
    },
    org: { kind: string, help: 'Organization the images are pulled from, in place of that of the chart.' },
  },
  examples: [
    {
      text: 'For a mirror',
      args: 'cgr.dev/my-org/charts/nginx:latest --registry myregistry.example.com',
    },
    { text: 'From another organization', args: 'cgr.dev/my-org/charts/nginx --org other-org' },
  ],
  view,
  formats: ['text', 'json'],
  run: async (context, { chart, registry, org }): Promise<ChartValues> => {
    const { values = '', images = [] } = await getChart(context, chart);
    if (registry === undefined && org === undefined) return { values: undefined };
    const [{ parse }, { movedValues }] = await Promise.all([import('yaml'), import('./image-values.ts')]);
    let own: unknown;
    try {
      own = parse(values, { maxAliasCount: 100 });
    } catch (cause) {
      throw new CliError('api', 'The values of the chart are not YAML', { code: 'chart.values', cause });
    }
    const names = images.flatMap(({ image }) => image ?? []);
    const result = movedValues(own, names, { registry, org });
    if (result === undefined) context.io.note('The values of the chart name none of its images.');
    return { values: result };
  },
});
