import { compact } from '../../../../api/compact.ts';
import type { RegistryBuildReport } from '../../../../api/schema/types/registry.gen.ts';
import { defineCommand, defineView } from '../../../../cli/define.ts';
import { boolean } from '../../../../cli/inputs/values.ts';
import { repository } from '../repository.ts';
import { buildParent } from './inputs.ts';
import { isDirectlyIn, listReports, localTime, resultOf, tagsOf } from './reports.ts';

interface Row {
  readonly report: RegistryBuildReport;
  /** Looked up when they are shown. */
  readonly tags: () => Promise<readonly string[]>;
}

const resultState = ({ report }: Row) =>
  report.result === 'Success' ? 'pass' : report.result === 'Failure' ? 'fail' : undefined;

const view = defineView<Row>({
  id: ({ report }) => report.id ?? '',
  columns: [
    { head: 'ID', value: ({ report }) => report.id, wide: true },
    { head: 'START TIME', value: ({ report }) => localTime(report.startedAt) },
    { head: 'COMPLETION TIME', rank: 1, value: ({ report }) => localTime(report.completedAt) },
    { head: 'RESULT', state: resultState, value: ({ report }) => resultOf(report) },
    { head: 'TAGS', rank: 2, value: async ({ tags }) => (await tags()).join(', ') },
  ],
  terse: ({ report }) => report.id ?? '',
  json: ({ report }) => compact(report),
  // The key that scripts read (outputs.md, "images repos build list").
  envelope: 'reports',
  empty: 'No builds in the last day.',
});

export default defineCommand({
  path: ['images', 'repos', 'build', 'list'],
  summary: 'List the image builds of the last day.',
  aliases: ['ls'],
  inputs: {
    parent: { ...buildParent, required: true },
    repo: { kind: repository, help: 'Only builds of this repository, by name or id.' },
    recursive: { kind: boolean, help: 'Also builds of repositories in folders below.' },
  },
  examples: [
    { text: 'Of an organization', args: '--parent=my-org' },
    { text: 'Of one repository, with logs', args: '--parent=my-org --repo=my-custom-python --output=json' },
  ],
  view,
  formats: ['table', 'json', 'id', 'wide', 'csv', 'terse', 'markdown'],
  run: async (context, { parent, repo, recursive }): Promise<readonly Row[]> => {
    const logs = ['json', 'yaml'].includes(context.globals.output ?? '') || context.globals.query !== undefined;
    const found = await listReports(context, repo === undefined ? { location: parent.id, recursive } : { repo }, logs);
    const reports = recursive || repo !== undefined ? found : found.filter((report) => isDirectlyIn(report, parent.id));
    return reports.map((report) => ({ report, tags: () => tagsOf(context, report) }));
  },
});
