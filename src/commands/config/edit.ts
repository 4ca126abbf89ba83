import { readFileSync } from 'node:fs';
import type { Context } from '../../cli/context.ts';
import { defineCommand } from '../../cli/define.ts';
import { type Draft, openEditor, writeDraft } from '../../cli/editor.ts';
import { configSchema } from '../../config/schema.ts';
import { CliError } from '../../errors.ts';
import { toFileError } from '../../files.ts';
import { changeOptions, reportChange } from './change.ts';

export default defineCommand({
  path: ['config', 'edit'],
  changesHere: true,
  summary: 'Open the configuration file in an editor.',
  description:
    'Uses the program in VISUAL or EDITOR, or the first of nano, vim and vi. What you write is checked before it replaces the file; if it is not valid ' +
    'the file stays as it is and your text is kept, and its path is printed.',
  inputs: {},
  confirmsInRun: 'Do not ask before saving.',
  examples: [
    { text: 'Edit your own configuration', args: '' },
    { text: 'Edit another file', args: '--config ./staging.yaml' },
  ],
  // An editor is how a broken file is mended.
  readsConfig: false,
  run: async (context) => {
    const { configTextToEdit, replaceConfigText } = await import('../../config/edit.ts');
    const options = changeOptions(context);
    const before = configTextToEdit(context.host, options);
    const isNew = before.text === '';
    const start = isNew ? await defaultText(before.path) : before.text;

    const draft = writeDraft('config', 'config.yaml', start);
    const edited = await letEdit(context, draft);
    if (edited === start && !isNew) {
      draft.remove();
      context.io.note('Nothing was changed.');
      return;
    }
    await check(edited, draft, context);
    const question = { message: `Save this to "${before.path}"?`, default: true };
    if (!context.globals.assumeYes && !(await keepOnError(draft, () => context.prompts.confirm(question)))) {
      draft.remove();
      throw new CliError('cancelled', 'Nothing was changed', { code: 'cancelled.declined' });
    }
    const edit = await keepOnError(draft, () => replaceConfigText(context.host, edited, options));
    draft.remove();
    reportChange(context, edit, `Configuration saved to "${edit.path}".`);
  },
});

async function letEdit(context: Context, draft: Draft): Promise<string> {
  try {
    await openEditor(context, draft.path, 'set single properties with `chainctl config set`');
  } catch (error) {
    draft.remove();
    throw error;
  }
  try {
    return readFileSync(draft.path, 'utf8');
  } catch (error) {
    throw toFileError(error, 'read', draft.path);
  }
}

async function check(text: string, draft: Draft, context: Context): Promise<void> {
  const { checkConfigText } = await import('../../config/document.ts');
  const problems = await checkConfigText(text);
  const line = (problem: { readonly line: number; readonly message: string }) =>
    `line ${problem.line}: ${problem.message}`;
  const fatal = problems.filter((problem) => problem.kind !== 'unknown');
  if (fatal.length > 0) {
    throw new CliError('usage', 'The edited configuration is not valid, so nothing was changed', {
      code: 'usage.bad-config',
      details: [...fatal.map(line), `your text is kept in ${draft.path}`],
      hint: 'fix it there and copy it over, or run `chainctl config edit` again',
    });
  }
  for (const problem of problems) context.io.warn(line(problem));
}

/** Whatever goes wrong after the editor has closed, the person's work is not lost. */
async function keepOnError<T>(draft: Draft, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    throw new CliError(error.kind, error.message, {
      code: error.code,
      details: [...error.details, `your text is kept in ${draft.path}`],
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

/** Returns what a person who has no file yet starts from: every property with its default. */
async function defaultText(path: string): Promise<string> {
  const { changeConfigText } = await import('../../config/changed-document.ts');
  const changes = configSchema.map((entry) => [entry.key, entry.default] as const);
  return changeConfigText('', changes, path);
}
