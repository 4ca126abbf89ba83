import type { Context } from '../../cli/context.ts';
import { defineCommand, defineView } from '../../cli/define.ts';
import { boolean, choice } from '../../cli/inputs/values.ts';
import type { Platform } from '../../local/platform.ts';
import type { PlatformFile } from '../../local/platform-file.ts';
import { isLoopbackHost } from '../../loopback.ts';
import { type Registered, registerContext } from './context.ts';
import { dataDirInput, folderOf, localCommand } from './folder.ts';
import { audienceName, hostName, listenAddress } from './listen.ts';
import { placeLines, platformJson } from './view.ts';

interface Started {
  readonly info: PlatformFile;
  /** One that was there before. */
  readonly already: boolean;
  /** The one this process serves. */
  readonly here?: Platform;
  /** Undefined when the configuration could not be changed. */
  readonly context: Registered | undefined;
  /** Next commands, one each. */
  readonly next: readonly string[];
}

const startedView = defineView<Started>({
  json: (started) => platformJson(started.info),
  text: ({ info, already, here, next }) =>
    [
      already ? 'The platform is already running\n\n' : 'The platform is running\n\n',
      placeLines(info),
      '\nUse it in a shell:\n\n',
      ...next.map((line) => `  ${line}\n`),
      here === undefined ? '' : '\nCtrl-C stops it.\n',
      '\n',
    ].join(''),
});

export default defineCommand({
  path: ['local', 'start'],
  changesHere: true,
  summary: 'Start the platform.',
  description:
    'Serves until Ctrl-C, with one line per request on stderr, or in the background with --detach. Everything it ' +
    'acknowledges is on the disk, so it may be killed at any moment. A folder that is served already is left alone and ' +
    'its addresses are printed.',
  inputs: {
    dataDir: dataDirInput,
    detach: {
      kind: boolean,
      help: 'Return once it answers and leave it running; it logs to platform.log in its folder.',
    },
    listen: {
      kind: listenAddress,
      help:
        'Where to listen. On loopback unless told otherwise; port 0, and nothing, mean the port of last time or one the ' +
        'system chooses.',
    },
    audience: {
      kind: audienceName,
      many: true,
      help:
        'An audience besides its own address whose tokens the API takes, such as "https://console-api.enforce.dev", for ' +
        'programs that have it built in. Not the global flag of this name.',
    },
    hostAlias: {
      kind: hostName,
      many: true,
      help: 'A host name that it answers to besides loopback ones, on any port: for a proxy in front of it.',
    },
    seed: {
      kind: choice('demo', 'empty'),
      default: 'demo',
      help: 'What a new folder is filled with: an example organization with people and images, or nothing.',
    },
    noSignInCode: {
      kind: boolean,
      help: 'Let anyone who reaches the sign-in page sign in, without the code that only you can read; for containers.',
    },
  },
  examples: [
    { text: 'In this terminal, until Ctrl-C', args: '' },
    { text: 'In the background, for a script', args: '--detach --output=json' },
    {
      text: "Behind a proxy that answers for production's addresses",
      args: '--audience https://console-api.enforce.dev --host-alias console-api.enforce.dev --host-alias issuer.enforce.dev',
    },
    { text: 'In a folder of its own', args: '--data-dir ./platform --listen 127.0.0.1:8080' },
  ],
  view: startedView,
  formats: ['text', 'json'],
  // A platform must start whatever the configuration of the user says: it is none of its business.
  readsConfig: false,
  run: async (context, input): Promise<Started> => {
    const folder = folderOf(context, input.dataDir);
    const { listen, seed } = input;
    const asksForCode = !input.noSignInCode;
    if (listen !== undefined && !isLoopbackHost(listen.host)) {
      context.io.warn(
        `listening on ${listen.host} lets everyone who reaches this machine talk to the platform${asksForCode ? '' : ', and sign in to it as anybody'}`,
      );
    }
    const { audience = [], hostAlias = [] } = input;
    const options = { folder, seed, asksForCode, audience, hostAlias, ...(listen === undefined ? {} : { listen }) };
    const started = input.detach
      ? await (await import('./start-detached.ts')).startDetached(context, options)
      : await (await import('./start-here.ts')).startHere(context, options);
    if (started.already) {
      context.io.note(`A platform is already running in "${folder}" (process ${started.info.pid}).`);
      if (audience.length + hostAlias.length > 0) {
        context.io.warn('`--audience` and `--host-alias` say how a platform starts, and change nothing of this one');
      }
    }
    const registered = await registerContext(context, started.info);
    const next = nextCommands(context, folder, started.here !== undefined, registered);
    return { ...started, context: registered, next };
  },
  afterRender: async (context, [started]) => {
    await offerContext(context, started?.context);
    const platform = started?.here;
    if (platform === undefined) return;
    await new Promise<void>((resolve) => {
      if (context.signal.aborted) resolve();
      context.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    context.io.note('Stopping the platform.');
    await platform.stop();
  },
});

/** Once: who said no knows how. */
async function offerContext(context: Context, registered: Registered | undefined): Promise<void> {
  if (registered === undefined || !registered.isNew || registered.isSelected || !context.io.interactive) return;
  const { name } = registered;
  const question = `Should commands act on "${name}" from now on, in every shell?`;
  if (!(await context.prompts.confirm({ message: question, default: true }))) return;
  const { selectContext } = await import('../../config/edit.ts');
  await selectContext(context.host, name, { signal: context.signal });
  context.io.note('They do. `chainctl config contexts use production` leads back.');
}

function nextCommands(
  context: Context,
  folder: string,
  inForeground: boolean,
  registered: Registered | undefined,
): string[] {
  const select =
    registered === undefined ? [] : [`chainctl config contexts use ${registered.name}   # or, in every shell`];
  return [
    `eval "$(${localCommand(context, folder, 'env')})"`,
    ...(registered?.isSelected ? [] : select),
    'chainctl auth login',
    ...(inForeground ? [] : [localCommand(context, folder, 'stop')]),
  ];
}
