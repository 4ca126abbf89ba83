import { defineCommand, defineView } from '../cli/define.ts';
import { boolean, integer, named } from '../cli/inputs/values.ts';
import { CliError } from '../errors.ts';
import type { ConsoleServer } from './console/serve.ts';

interface Opened {
  readonly server: ConsoleServer;
  readonly shown: boolean;
}

const view = defineView<Opened>({
  json: ({ server: { url, file } }) => ({ url, file }),
  text: ({ server, shown }) =>
    shown
      ? `The console is open in your browser until Ctrl-C, at ${server.url}\n`
      : `Open this file in a browser of this machine; it works once, until Ctrl-C:\n\n    ${server.file}\n\n` +
        `A browser that cannot read it asks for the code in it, at ${server.url}\n`,
});

export default defineCommand({
  path: ['console'],
  summary: 'Open the web console for your login.',
  description:
    'Serves the pages of the console on this machine, for one browser, with the login of the command line: pull tokens, ' +
    'people, identities, roles, cloud accounts, images and events. It ends with Ctrl-C, and the session with it.',
  inputs: {
    page: {
      kind: named('PAGE'),
      positional: 'PAGE',
      flag: false,
      help: 'Page to open, such as "settings/pull-tokens". Defaults to the overview.',
    },
    port: {
      kind: integer,
      default: '0',
      help: 'Port on 127.0.0.1; 0 is any free port.',
    },
    noBrowser: { kind: boolean, help: 'Say what to open and start no browser.' },
  },
  examples: [
    { text: 'The overview, in your browser', args: '' },
    { text: 'The pull tokens', args: 'settings/pull-tokens' },
    { text: 'For a browser that you open yourself', args: '--no-browser --port=8089' },
  ],
  view,
  formats: ['text', 'json'],
  validate: ({ page, port = 0 }) => [
    ...(page === undefined || /^\/?[a-z0-9-]+(\/[a-z0-9-]+)*\/?$/i.test(page)
      ? []
      : ['PAGE must be the path of a page, such as "settings/pull-tokens"']),
    ...(port >= 0 && port <= 65_535 ? [] : ['`--port` must be a number from 0 to 65535']),
  ],
  run: async (context, { page, port, noBrowser }): Promise<Opened> => {
    // Whoever is not logged in hears it here, and not from a page.
    await context.token(context.config.get('platform.audience'));
    const { startConsole } = await import('./console/serve.ts');
    const server = await startConsole(context, { page: page ?? '', port });
    const shown = !noBrowser && (await context.host.openBrowser(server.file));
    return { server, shown };
  },
  afterRender: async (context, [opened]) => {
    if (opened === undefined) throw new CliError('internal', 'The console was not started');
    await new Promise<void>((resolve) => {
      if (context.signal.aborted) resolve();
      context.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await opened.server.stop();
    context.io.note('The console has ended.');
  },
});
