import type { Context } from '../../cli/context.ts';
import { defineCommand } from '../../cli/define.ts';
import { locateConfig } from '../../config/paths.ts';
import { type ConfigKey, configSchema, envName } from '../../config/schema.ts';
import { changeOptions, reportChange } from './change.ts';

export default defineCommand({
  path: ['config', 'save'],
  changesHere: true,
  summary: 'Write the configuration in force to the file.',
  description:
    'Stores every property with the value it has now, wherever that comes from: a flag of this command, the ' +
    'environment, the file or a default. What the selected context says stays there. An address that a variable holds is ' +
    'saved after a question only, and not with `--yes`. Comments and unknown properties of the file stay.',
  inputs: {},
  examples: [
    { text: 'Keep what the environment says now', args: '' },
    { text: 'Into a file of its own, without a question', args: '--config ./staging.yaml --yes' },
  ],
  confirm: (_input, context) => {
    const file = locateConfig(context.host, context.globals.config).write();
    const variables = addressesOfVariables(context).map((key) => `  ${envName(key)}=${context.config.get(key)}\n`);
    return variables.length === 0
      ? { message: `Write the configuration in force to "${file}"?`, default: true, isHere: true }
      : {
          message:
            `These addresses come from variables, and stay in the file when the variables are unset:\n${variables.join('')}` +
            `Write them to "${file}", with everything else in force?`,
          default: false,
          isHere: true,
        };
  },
  run: async (context) => {
    const { saveConfig } = await import('../../config/edit.ts');
    // Nobody was asked, and who gave these for one shell may not want them in every other.
    const left = context.globals.assumeYes ? addressesOfVariables(context) : [];
    if (left.length > 0) {
      context.io.warn(
        `not saved, because variables say it for this shell only: ${left.map(envName).join(', ')}; ` +
          'save an address with `chainctl config set`, or keep it in a context of its own',
      );
    }
    const edit = await saveConfig(context.host, context.config, left, changeOptions(context));
    reportChange(context, edit, `Configuration saved to "${edit.path}".`);
  },
});

const addressesOfVariables = ({ config }: Context): ConfigKey[] =>
  configSchema.map(({ key }) => key).filter((key) => key.startsWith('platform.') && config.source(key) === 'env');
