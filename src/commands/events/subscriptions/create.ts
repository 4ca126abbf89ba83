import { defineCommand } from '../../../cli/define.ts';
import type { Kind } from '../../../cli/inputs/kind.ts';
import { group } from '../../../cli/inputs/references.ts';
import { printable } from '../../../cli/io.ts';
import { subscriptionView } from './view.ts';

const sinkKind: Kind<string> = {
  metavar: 'SINK_URL',
  parse: (text) => {
    const scheme = URL.canParse(text) ? new URL(text).protocol : '';
    if (scheme !== 'https:' && scheme !== 'http:') throw new Error('must be an http or https URL');
    return text;
  },
};

export default defineCommand({
  path: ['events', 'subscriptions', 'create'],
  summary: 'Send events to an address.',
  description: 'The address gets what happens from now on in the location and in everything below it, as CloudEvents.',
  inputs: {
    parent: {
      kind: group,
      aliases: ['group'],
      required: true,
      config: 'default.group',
      help: 'Organization or folder whose events are sent.',
      question: 'Which organization or folder sends its events?',
    },
    sink: {
      kind: sinkKind,
      positional: 'SINK_URL',
      flag: false,
      required: true,
      help: 'Where events are posted to.',
      question: 'Where should events be posted to?',
    },
  },
  examples: [{ text: 'To a service of your own', args: 'https://events.example.com/hook --parent=example.com --yes' }],
  // The address is shown in lists and logs.
  validate: ({ sink }) => {
    const url = sink === undefined ? undefined : new URL(sink);
    return !url?.username && !url?.password ? [] : ['`SINK_URL` must not hold a user name or a password'];
  },
  view: subscriptionView,
  formats: ['table', 'json', 'id'],
  confirm: ({ sink, parent }) => ({
    message: printable(`This sends the events of "${parent.name}" to ${sink}. Do you want to continue?`),
    default: true,
  }),
  run: async (context, { sink, parent }) =>
    (await context.api()).call('events.v1.Subscriptions.Create', { parentId: parent.id, subscription: { sink } }),
});
