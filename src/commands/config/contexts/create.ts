import { defineCommand } from '../../../cli/define.ts';
import { contextName } from '../../../cli/inputs/context-name.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { boolean, named } from '../../../cli/inputs/values.ts';
import { type ConfigKey, parseValue } from '../../../config/schema.ts';
import { CliError } from '../../../errors.ts';
import { changeOptions, reportChange } from '../change.ts';
import { contextsOf, contextView, shown } from './view.ts';

const property = (key: ConfigKey, metavar: string): Kind<string> => ({
  metavar,
  parse: (text) => {
    const parsed = parseValue(key, text);
    if (!parsed.ok) throw new Error(`must be ${parsed.expected}`);
    return parsed.value;
  },
});

export default defineCommand({
  path: ['config', 'contexts', 'create'],
  changesHere: true,
  summary: 'Create a context for a platform.',
  description:
    'Addresses that are not given are those of production. Properties such as default.group and output.color.pass are ' +
    'set for a context with `chainctl config set --context`.',
  inputs: {
    name: {
      kind: contextName,
      positional: 'NAME',
      flag: false,
      required: true,
      help: 'What to call it.',
      question: 'What should the context be called?',
    },
    api: {
      kind: property('platform.api', 'URL'),
      required: true,
      help: 'Address of the platform API.',
      question: 'What is the address of its API?',
    },
    issuer: {
      kind: property('platform.issuer', 'URL'),
      required: true,
      help: 'Address of the token issuer.',
      question: 'What is the address of its issuer?',
    },
    registry: { kind: property('platform.registry', 'URL'), help: 'Address of the container registry.' },
    console: { kind: property('platform.console', 'URL'), help: 'Address of the web console.' },
    audience: {
      kind: property('platform.audience', 'AUDIENCE'),
      help: 'Audience of tokens for the API; its address when not given.',
    },
    parent: { kind: named('LOCATION'), help: 'Location used there when `--parent` is not given.' },
    use: { kind: boolean, help: 'Select it at once.' },
  },
  examples: [
    { text: 'Be asked for the addresses', args: 'staging' },
    {
      text: 'A second account on production',
      args: 'work --api=https://console-api.enforce.dev --issuer=https://issuer.enforce.dev --parent=example.com',
    },
  ],
  view: contextView,
  formats: ['text', 'json', 'id'],
  readsConfig: false,
  run: async (context, input) => {
    const { name } = input;
    const contexts = await contextsOf(context);
    if ((await shown(contexts)).some((one) => one.name === name)) {
      throw new CliError('conflict', `There is a context "${name}" already`, {
        code: 'conflict.context',
        hint: `change it with \`chainctl config set --context ${name}\`, or choose another name`,
      });
    }
    const given: [ConfigKey, string | undefined][] = [
      ['platform.api', input.api],
      ['platform.issuer', input.issuer],
      ['platform.registry', input.registry],
      ['platform.console', input.console],
      ['platform.audience', input.audience],
      ['default.group', input.parent],
    ];
    const values = new Map(given.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])));
    const { storeContext, selectContext } = await import('../../../config/edit.ts');
    const options = changeOptions(context);
    const edit = await storeContext(context.host, { name, values }, options);
    reportChange(context, edit, `Context "${name}" created.`);
    if (input.use) await selectContext(context.host, name, options);
    return (await shown(await contextsOf(context))).find((one) => one.name === name);
  },
});
