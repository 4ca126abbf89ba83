import { readFileSync } from 'node:fs';
import type { RegistryCustomOverlay } from '../../../../api/schema/types/registry.gen.ts';
import type { Context } from '../../../../cli/context.ts';
import { defineCommand, type Inputs, type InputValues } from '../../../../cli/define.ts';
import { printableLines } from '../../../../cli/io.ts';
import { remembered } from '../../../../cli/remembered.ts';
import { CliError } from '../../../../errors.ts';
import { repository } from '../repository.ts';
import { buildParent, overlayInputs } from './inputs.ts';
import type { Change } from './plan.ts';
import { type Applied, appliedView } from './view.ts';

const inputs = {
  parent: buildParent,
  repo: {
    kind: repository,
    required: true,
    help: 'Name or id of the repository.',
    question: 'Which repository would you like to customize?',
  },
  ...overlayInputs,
  file: {
    ...overlayInputs.file,
    help: 'Configuration in YAML or JSON, in place of what an editor would be opened on.',
  },
} as const satisfies Inputs;

/** Result of the change; computed once, for the question and for the change. */
const planOf = remembered(async (context: Context, input: InputValues<typeof inputs>): Promise<Change> => {
  const [{ readOverlayFile, withFlags }, { changeOf }] = await Promise.all([
    import('./overlay-file.ts'),
    import('./plan.ts'),
  ]);
  const { file, repo } = input;
  const start = file === undefined ? (repo.customOverlay ?? {}) : await readOverlayFile(file, context);
  const added = await withFlags(start, input, context);
  return changeOf(repo, file === undefined ? await edited(context, added, repo.name ?? '') : added);
});

/** Lets the person write until it is a configuration, or they give up; then the text is kept and its place told. */
async function edited(context: Context, start: RegistryCustomOverlay, repo: string): Promise<RegistryCustomOverlay> {
  const [{ overlayText, parseOverlay }, { openEditor, writeDraft }] = await Promise.all([
    import('./overlay-file.ts'),
    import('../../../../cli/editor.ts'),
  ]);
  const draft = writeDraft('build', 'build.yaml', await overlayText(start, repo));
  let isKept = false;
  try {
    for (;;) {
      await openEditor(context, draft.path, 'name the configuration with `--file`');
      try {
        return await parseOverlay(readFileSync(draft.path, 'utf8'), draft.path);
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        isKept = true;
        const again = { message: printableLines(`${error.message}\nEdit it again?`), default: true };
        if (context.io.interactive && (await context.prompts.confirm(again))) {
          isKept = false;
          continue;
        }
        throw new CliError('usage', error.message, {
          code: error.code,
          details: [...error.details, `your text is kept in ${draft.path}`],
          hint: `fix it there, then \`chainctl images repos build edit --file=${draft.path}\``,
        });
      }
    }
  } finally {
    if (!isKept) draft.remove();
  }
}

/** The failure, after what was edited has been written to where it can be used from. */
async function keeping({ repo, after }: Change, error: unknown): Promise<unknown> {
  if (!(error instanceof CliError)) return error;
  const [{ overlayText }, { writeDraft }] = await Promise.all([
    import('./overlay-file.ts'),
    import('../../../../cli/editor.ts'),
  ]);
  const { path } = writeDraft('build', 'build.yaml', await overlayText(after, repo.name ?? ''));
  return new CliError(error.kind, error.message, {
    code: error.code,
    details: [...error.details, `your text is kept in ${path}`],
    hint: `\`chainctl images repos build edit --file=${path}\` shows the difference to what is there now`,
    cause: error,
    ...(error.number === undefined ? {} : { number: error.number }),
  });
}

export default defineCommand({
  path: ['images', 'repos', 'build', 'edit'],
  summary: 'Edit how the images of a repository are customized.',
  description:
    'Opens the present configuration in the program of VISUAL or EDITOR, shows what your text changes and asks before it is saved. With --file no editor is opened.',
  inputs,
  examples: [
    { text: 'Pick the repository, then edit', args: '' },
    { text: 'One repository', args: '--repo=my-custom-python' },
    {
      text: 'From a file, as a repository of its own',
      args: '--repo=python --file=config.yaml --save-as=my-new-python',
    },
  ],
  view: appliedView,
  formats: ['text', 'json', 'id'],
  confirm: async (input, context) => {
    const change = await planOf(context, input);
    const { changesText } = await import('./plan.ts');
    if (change.sections.length === 0 && input.saveAs === undefined) return undefined;
    const target = input.saveAs === undefined ? `to "${change.repo.name}"` : `as the new repository "${input.saveAs}"`;
    return { message: printableLines(`${changesText([change])}\nApply this ${target}?`), default: false };
  },
  run: async (context, input): Promise<readonly Applied[]> => {
    const change = await planOf(context, input);
    const { applyChanges } = await import('./plan.ts');
    const repos = await applyChanges(context, [change], input.saveAs).catch(async (error: unknown) => {
      throw input.file === undefined ? await keeping(change, error) : error;
    });
    if (input.saveAs === undefined && change.sections.length === 0) context.io.note('Nothing was changed.');
    return repos.map((repo) => ({ repo }));
  },
});
