import { type ReportRow, reportOf } from '../../../access/report.ts';
import { rootOf } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand } from '../../../cli/define.ts';
import { groupDirectory, pathOf } from '../../../cli/inputs/references.ts';
import { factsAt } from './facts.ts';
import { inOrganizationInput } from './inputs.ts';
import { reportView } from './report-view.ts';

export default defineCommand({
  path: ['iam', 'access', 'report'],
  summary: 'List everybody’s access in an organization.',
  description:
    'One row for each role that someone holds, or would hold through a group, a default role or an invite, with its end and when ' +
    'the identity was last seen, where the platform tells. As json it also has the capabilities of each role, and is what ' +
    '`iam access diff` compares.',
  lists: true,
  inputs: { in: inOrganizationInput },
  examples: [
    { text: 'For a review', args: '--in=example.com --output=csv' },
    { text: 'To compare with later', args: '--in=example.com --output=json' },
  ],
  view: reportView,
  formats: ['table', 'csv', 'markdown', 'json', 'wide'],
  run: (context, { in: place }) => rows(context, rootOf(place.id)),
});

async function* rows(context: Context, root: string): AsyncGenerator<ReportRow> {
  const [facts, directory] = await Promise.all([factsAt(context, root, true), groupDirectory(context)]);
  const nameOf = (id: string) => {
    const group = directory.byId.get(id);
    return group === undefined ? id : pathOf(group, directory);
  };
  yield* reportOf(facts, nameOf);
  // Beside json too: a report that does not say what it lacks is no review.
  for (const sentence of facts.unseen) context.io.warn(sentence);
}
