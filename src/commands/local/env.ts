import { defineCommand, defineView } from '../../cli/define.ts';
import { boolean, choice } from '../../cli/inputs/values.ts';
import { dataDirInput, folderOf, notRunning, runningPlatform } from './folder.ts';
import { type Shell, shells, shellWords as words } from './shells.ts';
import { environmentOf } from './view.ts';

interface Environment {
  /** Undefined when there is nothing to point at. */
  readonly variables: Readonly<Record<string, string>> | undefined;
  readonly unset: boolean;
  /** Of the sign-in page; only what a shell evaluates has it. */
  readonly code: Readonly<Record<string, string>>;
  readonly shell: Shell;
  readonly folder: string;
}

const environmentView = defineView<Environment>({
  text: ({ variables, code, unset, shell }) => {
    const lines =
      variables === undefined
        ? [words[shell].fail]
        : unset
          ? [words[shell].unset(Object.keys({ ...variables, ...code }))]
          : Object.entries({ ...variables, ...code }).map(([name, value]) => words[shell].set(name, value));
    return lines.map((line) => `${line}\n`).join('');
  },
  env: ({ variables = {}, code }) => ({ ...variables, ...code }),
  json: ({ variables }) => variables,
});

export default defineCommand({
  path: ['local', 'env'],
  summary: 'Print the variables that select the platform.',
  description:
    'For `eval` in a POSIX shell, and with --shell for fish and PowerShell. They hold for that shell only: no file of yours ' +
    'changes. Variables win over the configuration file and lose against flags. When no platform runs, what is printed ' +
    'fails in the shell, so that `eval "$(chainctl local env)" && …` and `set -e` stop.',
  inputs: {
    dataDir: dataDirInput,
    unset: { kind: boolean, help: 'Print what takes the variables away again.' },
    shell: { kind: choice(...shells), default: 'posix', help: 'Whose words to print.' },
  },
  examples: [
    { text: 'What to put in eval "$(...)"', args: '' },
    { text: 'In fish, before `| source`', args: '--shell=fish' },
    { text: 'In PowerShell, before `| Out-String | Invoke-Expression`', args: '--shell=powershell' },
    { text: 'Back to the usual platform', args: '--unset' },
  ],
  view: environmentView,
  formats: ['text', 'env', 'json'],
  readsConfig: false,
  run: async (context, input): Promise<Environment> => {
    const folder = folderOf(context, input.dataDir);
    const { unset, shell } = input;
    if (unset) return { variables: environmentOf(nowhere), code: { [codeVariable]: '' }, unset, shell, folder };
    const platform = await runningPlatform(folder);
    // Only a shell that runs what is printed needs to be told in its own words.
    if (platform === undefined && context.globals.output) throw notRunning(context, folder);
    if (platform === undefined) return { variables: undefined, code: {}, unset, shell, folder };
    const { readSignInCode } = await import('../../local/sign-in-code.ts');
    const code = readSignInCode(platform.dataDir);
    return {
      variables: environmentOf(platform),
      code: code === undefined ? {} : { [codeVariable]: code },
      unset,
      shell,
      folder,
    };
  },
  afterRender: async (context, [environment]) => {
    if (environment !== undefined && environment.variables === undefined) throw notRunning(context, environment.folder);
  },
});

/** With it `auth login` shows the sign-in page that it is the owner who signs in. */
const codeVariable = 'CHAINCTL_LOCAL_SIGN_IN_CODE';

/** Only the names matter. */
const nowhere = { api: '', issuer: '', registry: '', console: '', dataDir: '', pid: 0 };
