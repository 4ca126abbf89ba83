import type { RegistryAddChartResult } from '../../../api/schema/types/registry.gen.ts';
import { defineCommand, defineView } from '../../../cli/define.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { group } from '../../../cli/inputs/references.ts';
import { boolean, named } from '../../../cli/inputs/values.ts';

/** A chart of the community, or one of the hardened catalog by `iamguarded-charts/NAME`. */
const chartKind: Kind<string> = {
  metavar: 'CHART',
  parse: (text) => {
    if (!/^(?:iamguarded-charts\/)?[a-z0-9][a-z0-9._-]*$/.test(text)) {
      throw new Error('must be the name of a chart, or "iamguarded-charts/" and a name');
    }
    return text;
  },
};

const view = defineView<RegistryAddChartResult>({
  id: ({ id = '' }) => id,
  columns: [
    { head: 'REPO', value: ({ name }) => name },
    { head: 'RESULT', value: ({ created }) => (created === true ? 'created' : 'skipped') },
    { head: 'ID', value: ({ id }) => id },
  ],
  json: ({ name = '', created = false, id = '' }) => ({ name, created, ...(id === '' ? {} : { id }) }),
  envelope: 'items',
});

export default defineCommand({
  path: ['images', 'helm', 'add-chart'],
  summary: 'Add a chart and its images to an organization.',
  description: 'Each becomes a repository that follows its source. Repositories that exist are left as they are.',
  inputs: {
    parent: {
      kind: group,
      aliases: ['group'],
      required: true,
      config: 'default.group',
      help: 'Organization or folder that gets the repositories.',
      question: 'Which organization gets the chart?',
    },
    chart: {
      kind: chartKind,
      positional: 'CHART',
      flag: false,
      required: true,
      help: 'Name of a community chart, or "iamguarded-charts/" and a name.',
      question: 'Which chart?',
      example: 'postgresql',
    },
    tag: { kind: named('TAG'), help: 'Version whose images are added. Defaults to the newest.' },
    dryRun: { kind: boolean, help: 'Only show what would be added.' },
  },
  examples: [
    { text: 'The newest version', args: 'argo-cd --parent=my-org' },
    { text: 'A certain version', args: 'argo-cd --tag=9.5.20 --parent=my-org' },
    { text: 'From the hardened catalog', args: 'iamguarded-charts/redis --parent=my-org --dry-run' },
  ],
  view,
  formats: ['table', 'json', 'id', 'csv', 'markdown'],
  run: async (context, { parent, chart, tag, dryRun }) => {
    const api = await context.api();
    const isGuarded = chart.startsWith('iamguarded-charts/');
    const { sourceRepoId = '' } = await api.call('registry.v1.Charts.FindChart', {
      name: isGuarded ? chart.slice('iamguarded-charts/'.length) : chart,
      catalog: isGuarded ? 'CHART_CATALOG_IAMGUARDED' : 'CHART_CATALOG_COMMUNITY',
    });
    const { repos = [] } = await api.call('registry.v1.Charts.AddChart', {
      parentId: parent.id,
      sourceRepoId,
      ...(tag === undefined ? {} : { tag }),
      ...(dryRun ? { dryRun: true } : {}),
    });
    if (dryRun) context.io.note('Nothing was changed.');
    return repos;
  },
});
