import { resolve } from 'node:path';
import { type Difference, differencesOf, type ReportRow } from '../../../access/report.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand, defineView } from '../../../cli/define.ts';
import { file } from '../../../cli/inputs/values.ts';
import { CliError, Ending } from '../../../errors.ts';
import { throughWords } from './view.ts';

const differenceView = defineView<Difference>({
  columns: [
    {
      head: 'CHANGE',
      value: ({ change }) => change,
      state: ({ change }) => (change === 'lost' ? 'pass' : 'warn'),
    },
    { head: 'WHO', value: ({ row }) => row.who },
    { head: 'ROLE', value: ({ row }) => row.role },
    { head: 'LOCATION', value: ({ row }) => row.location },
    { head: 'THROUGH', rank: 1, value: ({ row }) => throughWords[row.through] ?? row.through },
    {
      head: 'CAPABILITIES',
      rank: 2,
      value: ({ change, gained, lost }) =>
        change === 'changed'
          ? [...gained.map((one) => `+${one}`), ...lost.map((one) => `-${one}`)].join(' ')
          : `${gained.length + lost.length} in all`,
    },
  ],
  json: ({ change, row: { capabilities: _all, ...row }, gained, lost }) => ({ change, ...row, gained, lost }),
  envelope: 'items',
  empty: 'Nothing has changed.',
});

const report = { kind: { ...file, metavar: 'REPORT' }, flag: false, required: true } as const;

export default defineCommand({
  path: ['iam', 'access', 'diff'],
  summary: 'Compare two reports of access.',
  description:
    'Says who gained or lost which role where, and which roles allow something else than before, between two reports that ' +
    '`iam access report --output=json` has made. Sends no request. Exits 0 where nothing has changed and 3 where something has.',
  lists: true,
  inputs: {
    old: { ...report, positional: 'OLD', help: 'The report of before.', question: 'Which report is the older one?' },
    fresh: { ...report, positional: 'NEW', help: 'The report of after.', question: 'Which report is the newer one?' },
  },
  examples: [{ text: 'Since the last review', args: 'march.json june.json' }],
  view: differenceView,
  formats: ['table', 'csv', 'markdown', 'json'],
  readsConfig: false,
  run: async (context, { old, fresh }) => {
    const [before, after] = await Promise.all([readReport(context, old), readReport(context, fresh)]);
    return differencesOf(before, after);
  },
  afterRender: async (_, found) => {
    if (found.length > 0) throw new Ending(3);
  },
});

async function readReport({ host }: Context, path: string): Promise<readonly ReportRow[]> {
  const { readTextIfExists } = await import('../../../files.ts');
  const text = readTextIfExists(resolve(host.cwd, path));
  const wrong = (what: string) =>
    new CliError('usage', `"${path}" ${what}`, {
      code: 'usage.report',
      hint: 'make one with `chainctl iam access report --output=json`',
    });
  if (text === undefined) throw wrong('does not exist');
  let items: unknown;
  try {
    items = Object(JSON.parse(text)).items;
  } catch {
    throw wrong('is not JSON');
  }
  if (!Array.isArray(items)) throw wrong('is no report of access: it has no `items`');
  const bad = items.findIndex((item) => !isRow(item));
  if (bad >= 0) throw wrong(`is no report of access: item ${bad + 1} is no row of one`);
  // Every member that is read was looked at.
  return items as ReportRow[];
}

const texts = ['who', 'identityId', 'role', 'roleId', 'location', 'locationId', 'through', 'id'] as const;

function isRow(item: unknown): boolean {
  const row = Object(item) as Readonly<Record<string, unknown>>;
  const { capabilities } = row;
  return (
    texts.every((name) => typeof row[name] === 'string') &&
    Array.isArray(capabilities) &&
    capabilities.every((one) => typeof one === 'string')
  );
}
