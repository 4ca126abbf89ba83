import type { RegistryRepo } from '../../../../api/schema/types/registry.gen.ts';
import type { Context } from '../../../../cli/context.ts';
import { defineCommand, type Inputs, type InputValues } from '../../../../cli/define.ts';
import { boolean } from '../../../../cli/inputs/values.ts';
import { printableLines } from '../../../../cli/io.ts';
import { remembered } from '../../../../cli/remembered.ts';
import { CliError } from '../../../../errors.ts';
import { buildParent, overlayInputs } from './inputs.ts';
import type { Change } from './plan.ts';
import { repositoryPattern } from './repository-pattern.ts';
import { type Applied, appliedView } from './view.ts';

const inputs = {
  parent: buildParent,
  repo: {
    kind: repositoryPattern,
    many: true,
    required: true,
    help: 'Name or id of the repository, or a pattern with *, ? and [abc]; several are changed together.',
    question: 'Which repositories would you like to customize?',
  },
  ...overlayInputs,
  dryRun: {
    kind: boolean,
    help: 'Print what would change, ask nothing and change nothing; exits 1 when something would.',
  },
} as const satisfies Inputs;

type ApplyInput = InputValues<typeof inputs>;

/** Result of the change; computed once, for the question and for the change. */
const planOf = remembered(async (context: Context, input: ApplyInput): Promise<readonly Change[]> => {
  const [{ readOverlayFile, withFlags }, { changeOf }] = await Promise.all([
    import('./overlay-file.ts'),
    import('./plan.ts'),
  ]);
  const repos = [...new Map(input.repo.flat().map((repo: RegistryRepo) => [repo.id, repo])).values()];
  if (input.saveAs !== undefined && repos.length > 1) {
    throw new CliError('usage', `\`--save-as\` works with one repository, and \`--repo\` names ${repos.length}`, {
      code: 'usage.save-as',
      details: repos.map(({ name = '' }) => name),
    });
  }
  const written = input.file === undefined ? undefined : await readOverlayFile(input.file, context);
  return Promise.all(
    repos.map(async (repo) => changeOf(repo, await withFlags(written ?? repo.customOverlay ?? {}, input, context))),
  );
});

export default defineCommand({
  path: ['images', 'repos', 'build', 'apply'],
  summary: 'Customize the images of repositories.',
  description:
    'What a file says takes the place of the present configuration; without one the flags add to it. The platform then rebuilds the images: see `chainctl images repos build logs`.',
  inputs,
  check: [
    {
      rule: 'one-of',
      keys: ['file', 'withCertificates', 'withRuntimeRepositories', 'withRuntimeKeys'],
      alternatives: { question: 'What would you like to apply?' },
    },
  ],
  examples: [
    { text: 'See what a file would change', args: '--repo=my-custom-python --file=config.yaml --dry-run' },
    {
      text: 'In every repository whose name matches',
      args: '--parent=my-org --repo="nginx*" --file=config.yaml --yes',
    },
    { text: 'Trust a certificate as well', args: '--repo=my-custom-python --with-certificates=ca1.pem' },
    { text: 'As a repository of its own', args: '--repo=python --file=config.yaml --save-as=my-new-python' },
  ],
  view: appliedView,
  formats: ['text', 'json', 'id'],
  confirm: async (input, context) => {
    if (input.dryRun) return undefined;
    const changes = await planOf(context, input);
    const { changesText } = await import('./plan.ts');
    const differing = changes.filter(({ sections }) => sections.length > 0);
    if (differing.length === 0 && input.saveAs === undefined) return undefined;
    const target =
      input.saveAs === undefined
        ? differing.length === 1
          ? `to "${differing[0]?.repo.name}"`
          : `to these ${differing.length} repositories`
        : `as the new repository "${input.saveAs}"`;
    return { message: printableLines(`${changesText(changes)}\nApply this ${target}?`), default: false };
  },
  run: async (context, input): Promise<readonly Applied[]> => {
    const changes = await planOf(context, input);
    if (input.dryRun) return changes.filter(({ sections }) => sections.length > 0).map((change) => ({ change }));
    const { applyChanges } = await import('./plan.ts');
    const repos = await applyChanges(context, changes, input.saveAs);
    if (input.saveAs === undefined && changes.every(({ sections }) => sections.length === 0)) {
      context.io.note('Nothing to change: the configuration is like that already.');
    }
    return repos.map((repo) => ({ repo }));
  },
  exitError: (applied) => {
    const count = applied.filter((one) => 'change' in one).length;
    if (count === 0) return undefined;
    return new CliError('api', `${count} ${count === 1 ? 'repository' : 'repositories'} would change`, {
      code: 'build.would-change',
    });
  },
});
