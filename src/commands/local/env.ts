import { defineCommand, defineView } from '../../cli/define.ts';
import { boolean } from '../../cli/inputs/values.ts';
import { shellWord } from '../../cli/shell-word.ts';
import { dataDirInput, folderOf, requireRunning } from './folder.ts';
import { environmentOf } from './view.ts';

interface Environment {
  readonly variables: Readonly<Record<string, string>>;
  readonly unset: boolean;
}

const environmentView = defineView<Environment>({
  text: ({ variables, unset }) =>
    unset
      ? `unset ${Object.keys(variables).join(' ')}\n`
      : Object.entries(variables)
          .map(([name, value]) => `export ${name}=${shellWord(value)}\n`)
          .join(''),
  env: ({ variables }) => variables,
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
    if (input.unset) return { variables: environmentOf(nowhere), unset: true };
    const platform = await requireRunning(context, folderOf(context, input.dataDir));
    return { variables: environmentOf(platform), unset: false };
  },
});

/** Only the names matter. */
const nowhere = { api: '', issuer: '', registry: '', console: '', dataDir: '', pid: 0 };
