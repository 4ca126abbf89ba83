import type { Context } from '../../cli/context.ts';
import { defineCommand, defineView } from '../../cli/define.ts';
import type { Kind } from '../../cli/inputs/kind.ts';
import { group, type Reference } from '../../cli/inputs/references.ts';
import { printable } from '../../cli/io.ts';
import { CliError } from '../../errors.ts';
import { isPrivateUrl } from '../../loopback.ts';
import { type FeedEvent, followEvents } from './feed.ts';

/** As in CloudEvents' JSON format; the token of the binary mode is left out. */
function toCloudEvent({ headers, data }: FeedEvent): Record<string, unknown> {
  const attributes = Object.entries(headers).flatMap(([name, value]) =>
    name.startsWith('ce-') ? [[name.slice(3), decoded(value)] as const] : [],
  );
  return { ...Object.fromEntries(attributes), datacontenttype: headers['content-type'], data: JSON.parse(data) };
}

/** Header values are percent-encoded where they hold more than ASCII (CloudEvents HTTP binding 3.1.3.2). */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

const view = defineView<FeedEvent>({
  text: ({ headers }) => {
    const words = ['ce-time', 'ce-type', 'ce-subject', 'ce-actor'].map((name) => decoded(headers[name] ?? ''));
    return `${words.join('  ').trimEnd()}\n`;
  },
  json: toCloudEvent,
  envelope: 'lines',
});

const target: Kind<string> = {
  metavar: 'URL',
  parse: (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url !== undefined && isPrivateUrl(url)) return text;
    throw new Error('must be an https URL, or an http URL of this machine');
  },
};

/** Milliseconds; the platform sends a sign of life every 15 s. */
const silenceMs = 45_000;
const firstPauseMs = 500;
const maxPauseMs = 10_000;

export default defineCommand({
  path: ['events', 'listen'],
  summary: 'Stream events, or forward them to a local URL.',
  description:
    'Until Ctrl-C. With --forward-to every event is posted to your program just as a subscription would, without one and without an address that can be reached from elsewhere. A connection that is cut is made again behind the last event. Only local platforms offer it.',
  inputs: {
    parent: {
      kind: group,
      aliases: ['group'],
      required: true,
      config: 'default.group',
      help: 'Organization or folder whose events are wanted, with everything below it.',
      question: 'Which organization or folder do you want to listen to?',
    },
    forwardTo: { kind: target, help: 'Post each event there, as a CloudEvent with its token.' },
  },
  examples: [
    { text: 'Watch', args: '--parent=example.com' },
    { text: 'One JSON object to a line', args: '--parent=example.com --output=json' },
    { text: 'Into the program you are writing', args: '--parent=example.com --forward-to=http://localhost:8080/hook' },
  ],
  view,
  formats: ['text', 'json'],
  run: (context, { parent, forwardTo }) => listen(context, parent, forwardTo),
});

async function* listen(
  context: Context,
  parent: Reference,
  forwardTo: string | undefined,
): AsyncGenerator<FeedEvent, undefined> {
  const api = await context.api();
  let cursor: string | undefined;
  let pauseMs = firstPauseMs;
  for (;;) {
    try {
      for await (const line of followEvents(api, parent.id, cursor, silenceMs)) {
        pauseMs = firstPauseMs;
        if ('ready' in line) {
          if (cursor === undefined) {
            context.io.note(printable(`Listening to the events of "${parent.name}"; Ctrl-C stops.`));
          }
        } else {
          yield line;
          if (forwardTo !== undefined) await forward(context, line, forwardTo);
        }
        // Only now: an event that could not be printed comes again.
        cursor = line.cursor;
      }
    } catch (error) {
      const isCut = error instanceof CliError && (error.kind === 'network' || error.kind === 'timeout');
      if (cursor === undefined || !isCut) throw error;
    }
    context.io.note(`The connection ended; trying again in ${pauseMs / 1000} s`);
    await context.host.sleep(pauseMs, context.signal);
    pauseMs = Math.min(maxPauseMs, pauseMs * 2);
  }
}

/** Once: whoever writes a receiver wants to see each failure, and the next event. */
async function forward({ host, io, signal }: Context, event: FeedEvent, url: string): Promise<void> {
  const { send } = await import('../../api/transport.ts');
  try {
    const { status } = await send(host, {
      method: 'POST',
      url,
      headers: event.headers,
      body: event.data,
      timeoutMs: 10_000,
      signal,
    });
    io.note(`${status} from ${new URL(url).origin} for ${printable(event.headers['ce-type'] ?? '')}`);
  } catch (error) {
    if (signal.aborted || !(error instanceof CliError)) throw error;
    io.warn(`event not handed on: ${error.message}`);
  }
}
