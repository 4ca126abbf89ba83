import { whoCanAll } from '../../../access/grants.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand } from '../../../cli/define.ts';
import { printable } from '../../../cli/io.ts';
import { ordered } from '../../../cli/output/ordered.ts';
import { factsAt, type ShownGrant, showGrant } from './facts.ts';
import { type Asked, capabilityOrCommandInput, onInput } from './inputs.ts';
import { grantOrder, grantView } from './view.ts';

export default defineCommand({
  path: ['iam', 'access', 'who-can'],
  summary: 'List who can do something at a location.',
  description:
    'Lists everybody who has the capability there, in which role, where the role was given and through what: a binding, a ' +
    'group of an identity provider, the default role of one, or an invite that is pending. Who is in such a group is known ' +
    'to the provider only, so the group itself is listed. Of a command in quotes it lists who has all that the command ' +
    'needs. What this login does not see is said on stderr.',
  lists: true,
  inputs: { on: onInput, capability: capabilityOrCommandInput },
  examples: [
    { text: 'Who may create repositories', args: 'repo.create --on=example.com' },
    { text: 'Who may run a command there', args: '"chainctl images repos list" --on=example.com' },
    { text: 'For a review', args: 'role_bindings.create --on=engineering --output=csv' },
  ],
  view: grantView,
  formats: ['table', 'json', 'csv', 'wide', 'markdown', 'id'],
  run: (context, { capability, on }) => ordered(listed(context, capability, on.id), grantOrder),
});

async function* listed(context: Context, asked: Asked, on: string): AsyncGenerator<ShownGrant> {
  const facts = await factsAt(context, on);
  if (asked.capabilities.length > 1 && !context.isJsonAlone) {
    context.io.note(printable(`"${asked.text}" needs ${asked.capabilities.join(', ')}.`));
  }
  for (const grant of whoCanAll(facts, asked.capabilities, on)) yield showGrant(context, grant, on);
  if (!context.isJsonAlone) for (const sentence of facts.unseen) context.io.warn(sentence);
}
