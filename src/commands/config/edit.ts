import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../cli/context.ts';
import { defineCommand } from '../../cli/define.ts';
import { boolean } from '../../cli/inputs/values.ts';
import { configSchema } from '../../config/schema.ts';
import { CliError } from '../../errors.ts';
import { toFileError } from '../../files.ts';
import { changeOptions, tellOf } from './change.ts';

export default defineCommand({
  path: ['config', 'edit'],
  summary: 'Open the configuration file in an editor.',
  description:
    'Uses the program in EDITOR, or nano. What you write is checked before it replaces the file; if it is not valid ' +
    'the file stays as it is and your text is kept, and you are told where.',
  inputs: {
    yes: { kind: boolean, short: 'y', help: 'Do not ask before saving.' },
  },
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

    const draft = writeDraft(start);
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
    tellOf(context, edit, `Configuration saved to "${edit.path}".`);
  },
});

interface Draft {
  readonly path: string;
  remove(): void;
}

/** A file of the person's own to work on, so that the real one never holds a half-made edit. */
function writeDraft(text: string): Draft {
  let folder = tmpdir();
  try {
    folder = mkdtempSync(join(folder, 'chainctl-config-'));
    const path = join(folder, 'config.yaml');
    writeFileSync(path, text, { mode: 0o600 });
    return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
  } catch (error) {
    throw toFileError(error, 'write', folder);
  }
}

async function letEdit(context: Context, draft: Draft): Promise<string> {
  const { host } = context;
  const wanted = host.env['EDITOR']?.trim();
  if (!wanted && !host.stdin.isTty) {
    draft.remove();
    throw new CliError('usage', 'There is no terminal to edit on, and EDITOR names no program', {
      code: 'usage.no-editor',
      hint: 'set single properties with `chainctl config set`',
    });
  }
  const editor = wanted || 'nano';
  let code: number;
  try {
    // EDITOR may hold flags and quotes ("code --wait"), which only a shell reads as the person meant them.
    code =
      host.platform === 'win32'
        ? await host.runForeground(editor, [draft.path])
        : await host.runForeground('/bin/sh', ['-c', `${editor} "$1"`, 'sh', draft.path]);
  } catch {
    code = 127;
  }
  if (code !== 0) {
    draft.remove();
    const reason = code === 127 ? 'cannot be started' : `ended with exit code ${code}`;
    throw new CliError('local', `The editor "${editor}" ${reason}, so nothing was changed`, {
      code: 'local.editor',
      hint: 'name another program in EDITOR',
    });
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
      hint: 'mend it there and copy it over, or run `chainctl config edit` again',
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

/** What a person who has no file yet starts from: every property with its default. */
async function defaultText(path: string): Promise<string> {
  const { changeConfigText } = await import('../../config/document.ts');
  const changes = configSchema.map((entry) => [entry.key, entry.default] as const);
  return changeConfigText('', changes, path);
}
