import { type Grant, grantsIn, mayConcern } from '../../../access/grants.ts';
import { rootOf } from '../../../api/uidp.ts';
import { defineCommand } from '../../../cli/define.ts';
import { ordered } from '../../../cli/output/ordered.ts';
import { principalAt } from '../role-bindings/bindings.ts';
import { factsAt, type ShownGrant, showGrant } from './facts.ts';
import { inOrganizationInput } from './inputs.ts';
import { grantOrder, heldView } from './view.ts';

export default defineCommand({
  path: ['iam', 'access', 'list'],
  summary: 'List what someone may do, and where.',
  description:
    'Lists every role that someone holds in an organization, where, and through what; for a user also what a group of an ' +
    'identity provider or a pending invite would give. A role counts where it is held and everywhere below.',
  lists: true,
  inputs: {
    in: inOrganizationInput,
    who: {
      kind: principalAt('in'),
      positional: 'WHO',
      flag: false,
      required: true,
      help: 'Name or id of an identity, or the address of a user who holds a role.',
      question: 'Who?',
    },
  },
  examples: [
    { text: 'A user', args: 'dev@example.com --in=example.com' },
    { text: 'An identity, for a script', args: 'guest-identity --in=example.com --output=json' },
  ],
  view: heldView,
  formats: ['table', 'json', 'csv', 'wide', 'markdown', 'id'],
  run: (context, { in: place, who }) => {
    const listed = async function* (): AsyncGenerator<ShownGrant> {
      const root = rootOf(place.id);
      const facts = await factsAt(context, root, true);
      const grants = [...grantsIn(facts)];
      const name = grants.find(({ identity }) => identity === who.id)?.who ?? who.name;
      const isTheirs = (grant: Grant) =>
        grant.through === 'binding' ? grant.identity === who.id : mayConcern(grant, { id: who.id, name });
      for (const grant of grants.filter(isTheirs)) yield showGrant(context, grant, grant.place);
      if (!context.isJsonAlone) for (const sentence of facts.unseen) context.io.warn(sentence);
    };
    return ordered(listed(), grantOrder);
  },
});
