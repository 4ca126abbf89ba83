import { defineCommand } from '../../cli/define.ts';
import { propertyOptions, reportChange } from './change.ts';
import { setProperty } from './property.ts';

export default defineCommand({
  path: ['config', 'unset'],
  changesHere: true,
  summary: 'Unset a configuration property.',
  description: 'Its default applies again, or what the environment says. Unsetting a property that is not set is fine.',
  inputs: {
    name: {
      kind: setProperty,
      positional: 'PROPERTY_NAME',
      flag: false,
      required: true,
      help: 'Name of the property, such as output.color.pass.',
      question: 'Which property would you like to unset?',
    },
  },
  examples: [{ text: 'Go back to the default color', args: 'output.color.pass' }],
  run: async (context, input) => {
    const { unsetConfigValue } = await import('../../config/edit.ts');
    const edit = await unsetConfigValue(context.host, input.name, propertyOptions(context));
    reportChange(context, edit, `Property "${input.name}" unset.`);
  },
});
