import { defineCommand } from '../../cli/define.ts';
import { propertyOptions, reportChange } from './change.ts';
import { property, propertyValue } from './property.ts';

export default defineCommand({
  path: ['config', 'set'],
  changesHere: true,
  summary: 'Set one property in the configuration file.',
  description:
    'The rest of the file stays as it is, comments and unknown properties included. An empty value is stored as such; ' +
    'to go back to the default use `chainctl config unset`.',
  inputs: {
    name: {
      kind: property,
      positional: 'PROPERTY_NAME',
      flag: false,
      required: true,
      help: 'Name of the property, such as default.group.',
      question: 'Which property would you like to set?',
    },
    value: {
      kind: propertyValue,
      positional: 'PROPERTY_VALUE',
      flag: false,
      required: true,
      help: 'Its new value.',
      question: 'Which value?',
    },
  },
  examples: [
    { text: 'Use another platform', args: 'platform.api https://console-api.enforce.dev' },
    { text: 'Work in one organization without naming it every time', args: 'default.group example.com' },
    { text: 'In one context only', args: 'default.group engineering --context=local' },
  ],
  run: async (context, input) => {
    const { setConfigValue } = await import('../../config/edit.ts');
    const edit = await setConfigValue(context.host, input.name, input.value, propertyOptions(context));
    reportChange(context, edit, `Property "${input.name}" set to "${input.value}".`);
  },
});
