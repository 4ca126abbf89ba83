import { defineCommand, defineView } from '../../cli/define.ts';
import { boolean } from '../../cli/inputs/values.ts';
import { renderConfig, renderConfigDiff } from '../../config/render.ts';
import { type ConfigKey, configEntry, configSchema } from '../../config/schema.ts';

interface Shown {
  readonly text: string;
  readonly values: readonly (readonly [ConfigKey, string])[];
}

const configView = defineView<Shown>({
  text: (shown) => shown.text,
  json: (shown) => nested(shown.values),
});

export default defineCommand({
  path: ['config', 'view'],
  summary: 'Show the configuration in force.',
  description:
    'Prints every property as YAML, with the file it starts from in the first line and the environment variables that ' +
    'change it in the last ones.',
  inputs: {
    diff: { kind: boolean, help: 'Only show the properties whose value in force is not what the file says.' },
  },
  examples: [
    { text: 'Everything', args: '' },
    { text: 'What flags and environment change', args: '--diff' },
  ],
  view: configView,
  formats: ['text', 'json'],
  run: async (context, input): Promise<Shown> => {
    const { config, host } = context;
    const keys = configSchema
      .map(({ key }) => key)
      .filter((key) => !input.diff || config.get(key) !== config.inFile(key));
    const text = input.diff ? renderConfigDiff(config) : renderConfig(host, config);
    if (input.diff && text === '') context.io.note('Nothing differs from the file.');
    return { text, values: keys.map((key) => [key, config.get(key)] as const) };
  },
});

/** `platform.api` → `{"platform":{"api":…}}`; flags as booleans, the rest as text. */
function nested(values: Shown['values']): Record<string, unknown> {
  const top: Record<string, unknown> = {};
  for (const [key, value] of values) {
    const words = key.split('.');
    let at = top;
    for (const word of words.slice(0, -1)) {
      at[word] ??= {};
      // Only groups are found on the way: no property's name is the beginning of another's.
      at = at[word] as Record<string, unknown>;
    }
    at[words.at(-1) ?? key] = configEntry(key).kind === 'flag' ? value === 'true' : value;
  }
  return top;
}
