import { defineCommand, defineView } from '../../cli/define.ts';
import { boolean } from '../../cli/inputs/values.ts';
import { shellWord } from '../../cli/shell-word.ts';
import { dataDirInput, folderOf, requireRunning } from './folder.ts';
import { environmentOf } from './view.ts';

interface Environment {
  readonly variables: Readonly<Record<string, string>>;
  readonly unset: boolean;
  /** Of the sign-in page; only what a shell evaluates has it. */
  readonly code: Readonly<Record<string, string>>;
}

const environmentView = defineView<Environment>({
  text: ({ variables, code, unset }) =>
    unset
      ? `unset ${Object.keys({ ...variables, ...code }).join(' ')}\n`
      : Object.entries({ ...variables, ...code })
          .map(([name, value]) => `export ${name}=${shellWord(value)}\n`)
          .join(''),
  env: ({ variables, code }) => ({ ...variables, ...code }),
  json: ({ variables }) => variables,
});

export default defineCommand({
  path: ['local', 'env'],
  summary: 'Print the variables that select the platform.',
  description:
    'For `eval` in a POSIX shell. They hold for that shell only: no file of yours changes. Variables win over the ' +
    'configuration file and lose against flags.',
  inputs: {
    dataDir: dataDirInput,
    unset: { kind: boolean, help: 'Print what takes the variables away again.' },
  },
  examples: [
    { text: 'What to put in eval "$(...)"', args: '' },
    { text: 'Back to the usual platform', args: '--unset' },
  ],
  view: environmentView,
  formats: ['text', 'env', 'json'],
  readsConfig: false,
  run: async (context, input): Promise<Environment> => {
    if (input.unset) return { variables: environmentOf(nowhere), code: { [codeVariable]: '' }, unset: true };
    const platform = await requireRunning(context, folderOf(context, input.dataDir));
    const { readSignInCode } = await import('../../local/sign-in-code.ts');
    const code = readSignInCode(platform.dataDir);
    return {
      variables: environmentOf(platform),
      code: code === undefined ? {} : { [codeVariable]: code },
      unset: false,
    };
  },
});

/** With it `auth login` shows the sign-in page that it is the owner who signs in. */
const codeVariable = 'CHAINCTL_LOCAL_SIGN_IN_CODE';

/** Only the names matter. */
const nowhere = { api: '', issuer: '', registry: '', console: '', dataDir: '', pid: 0 };
