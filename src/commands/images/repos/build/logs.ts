import { compact } from '../../../../api/compact.ts';
import type { RegistryBuildReport } from '../../../../api/schema/types/registry.gen.ts';
import type { Context } from '../../../../cli/context.ts';
import { defineCommand, defineView } from '../../../../cli/define.ts';
import type { Chosen, Kind } from '../../../../cli/inputs/kind.ts';
import type { Reference } from '../../../../cli/inputs/references.ts';
import { notEmpty } from '../../../../cli/inputs/references.ts';
import { remembered } from '../../../../cli/remembered.ts';
import { CliError } from '../../../../errors.ts';
import { repository } from '../repository.ts';
import { buildParent } from './inputs.ts';
import { listReports, localTime, resultOf, tagsOf } from './reports.ts';

/** A step of a log that may still be growing. */
interface Piece {
  readonly report: RegistryBuildReport;
  readonly text: string;
}

const view = defineView<Piece>({
  text: ({ text }) => text,
  json: ({ report }) => compact(report),
});

const pollMs = 1000;

const build: Kind<RegistryBuildReport> = {
  metavar: 'BUILD_ID',
  noun: 'build',
  parse: notEmpty,
  async resolve(context, text, chosen) {
    const found = (await reportsOf(context, chosen)).find(({ id = '' }) => id === text || id.endsWith(`/${text}`));
    if (found !== undefined) return found;
    throw new CliError('not-found', `Build "${text}" not found among those of the last day`, {
      code: 'not-found.build',
      hint: 'see `chainctl images repos build list`',
    });
  },
  candidates: async (context, chosen) =>
    Promise.all(
      (await reportsOf(context, chosen)).map(async (report) => {
        const tags = (await tagsOf(context, report)).join(', ');
        const times = [localTime(report.startedAt), localTime(report.completedAt)].filter((time) => time !== '');
        const label = `${times.join(' - ')} ${resultOf(report)}${tags === '' ? '' : ` (${tags})`}`;
        return { value: report, label, text: report.id ?? '' };
      }),
    ),
  // A script wants to see the build it just asked for.
  async onlyCandidate(context, chosen) {
    const [newest] = await reportsOf(context, chosen);
    return newest && { value: newest, label: newest.id ?? '', text: newest.id ?? '' };
  },
};

const reportsOf = remembered((context: Context, chosen: Chosen) => {
  const repo = chosen['repo'] as { readonly id?: string } | undefined;
  const parent = chosen['parent'] as Reference | undefined;
  return listReports(context, repo === undefined ? { location: parent?.id, recursive: true } : { repo }, true);
});

export default defineCommand({
  path: ['images', 'repos', 'build', 'logs'],
  summary: 'Show the log of an image build, while it runs.',
  description: 'Ends with the build, and exits 1 when it failed. Without a terminal the newest build is taken.',
  inputs: {
    parent: buildParent,
    repo: {
      kind: repository,
      required: true,
      help: 'Name or id of the repository.',
      question: 'Which repository?',
    },
    buildId: { kind: build, required: true, help: 'Id of the build.', question: 'Which build?' },
  },
  examples: [
    { text: 'Pick the build', args: '--parent=my-org --repo=my-custom-python' },
    { text: 'The newest, when no question can be asked', args: '--repo=my-custom-python' },
  ],
  view,
  formats: ['text', 'json'],
  run: (context, { repo, buildId }) =>
    context.globals.output === 'json' ? whole(context, repo, buildId) : follow(context, repo, buildId),
  exitError: (pieces) => {
    const { result, id = '' } = pieces.at(-1)?.report ?? {};
    if (result !== 'Failure') return undefined;
    return new CliError('api', `Build "${id}" failed`, { code: 'build.failed' });
  },
});

async function whole(
  context: Context,
  repo: { readonly id?: string },
  first: RegistryBuildReport,
): Promise<Piece | undefined> {
  let last: Piece | undefined;
  for await (const piece of follow(context, repo, first)) last = piece;
  return last;
}

/** Yields what is new of the log, until the build is over. */
async function* follow(
  context: Context,
  repo: { readonly id?: string },
  first: RegistryBuildReport,
): AsyncGenerator<Piece, undefined> {
  let report = first;
  let shown = '';
  for (;;) {
    const log = report.log ?? '';
    // A build that begins again after the platform was restarted begins with an empty log.
    const text = log.startsWith(shown) ? log.slice(shown.length) : log;
    if (text !== '' || report.completedAt !== undefined) yield { report, text };
    shown = log;
    if (report.completedAt !== undefined) return undefined;
    await context.host.sleep(pollMs, context.signal);
    const now = (await listReports(context, { repo }, true)).find(({ id }) => id === first.id);
    if (now === undefined) {
      throw new CliError('not-found', `Build "${first.id}" no longer exists: a newer configuration replaced it`, {
        code: 'not-found.build',
      });
    }
    report = now;
  }
}
