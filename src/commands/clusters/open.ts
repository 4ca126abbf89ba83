import { rootOf } from '../../api/uidp.ts';
import { defineCommand, defineView } from '../../cli/define.ts';
import { boolean } from '../../cli/inputs/values.ts';
import { clusterInput } from './cluster.ts';

interface Opened {
  readonly url: string;
  readonly shown: boolean;
}

const view = defineView<Opened>({
  text: ({ url, shown }) => (shown ? `Opened ${url} in your browser.\n` : `Open ${url} in a browser.\n`),
  json: ({ url }) => ({ url }),
});

export default defineCommand({
  path: ['clusters', 'open'],
  summary: 'Open a cluster in the web console.',
  description:
    'In the console of the platform, which asks who you are. `chainctl console clusters` has a login already.',
  inputs: {
    cluster: clusterInput,
    noBrowser: { kind: boolean, help: 'Print the address and start no browser.' },
  },
  examples: [
    { text: 'By name', args: 'production' },
    { text: 'The address alone', args: 'production --no-browser --output=json' },
  ],
  view,
  formats: ['text', 'json'],
  run: async (context, { cluster: { id = '' }, noBrowser }): Promise<Opened> => {
    const base = context.config.get('platform.console').replace(/\/$/, '');
    const url = `${base}/${rootOf(id)}/clusters/cluster?id=${encodeURIComponent(id)}`;
    return { url, shown: !noBrowser && (await context.host.openBrowser(url)) };
  },
});
