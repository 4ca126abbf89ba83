import { defineCommand, defineView } from '../cli/define.ts';
import { boolean } from '../cli/inputs/values.ts';
import { type VersionInfo, versionInfo, versionText } from '../version.ts';

const versionView = defineView<VersionInfo & { readonly asJson: boolean }>({
  json: ({ asJson: _, ...info }) => info,
  text: ({ asJson, ...info }) => (asJson ? `${JSON.stringify(info)}\n` : versionText(info)),
});

export default defineCommand({
  path: ['version'],
  summary: 'Print the version of chainctl.',
  inputs: {
    json: { kind: boolean, hidden: true, help: 'Older spelling of --output=json.' },
  },
  examples: [
    { text: 'What is installed here', args: '' },
    { text: 'The same for a script', args: '--output=json' },
  ],
  view: versionView,
  formats: ['text', 'json'],
  readsConfig: false,
  run: async (_context, input) => ({ ...versionInfo(), asJson: input.json }),
});
