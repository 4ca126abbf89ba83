import { holdingsAt } from '../../../access/authority.ts';
import { type Decision, decide, grantsIn } from '../../../access/grants.ts';
import { type NearMiss, nearMisses, smallestBuiltIn } from '../../../access/near-misses.ts';
import { compact } from '../../../api/compact.ts';
import type { Context } from '../../../cli/context.ts';
import { defineCommand, defineView } from '../../../cli/define.ts';
import { shellWord } from '../../../shell-word.ts';
import { principalAt } from '../role-bindings/bindings.ts';
import { factsAt, ownHoldings, placeName, type ShownGrant, showGrant } from './facts.ts';
import { capabilityInput, onInput } from './inputs.ts';
import { grantJson, grantLine } from './view.ts';

interface ShownMiss {
  readonly reason: NearMiss['reason'];
  readonly shown: ShownGrant;
}

interface Explanation {
  readonly answer: Decision['answer'];
  readonly who: string;
  readonly identityId: string;
  readonly capability: string;
  readonly location: string;
  readonly locationId: string;
  readonly paths: readonly ShownGrant[];
  readonly conditions: readonly ShownGrant[];
  readonly nearMisses: readonly ShownMiss[];
  /** The roles would do, but the token of this login was made for less. */
  readonly narrowed: boolean;
  /** Name of the smallest built-in role that would do; absent where nothing is missing. */
  readonly smallestRole?: string;
  readonly unseen: readonly string[];
}

const explanationView = defineView<Explanation>({
  text: (it) => `${linesOf(it).join('\n')}\n`,
  json: ({ paths, conditions, nearMisses: misses, ...rest }) =>
    compact({
      ...rest,
      paths: paths.map(grantJson),
      conditions: conditions.map(grantJson),
      nearMisses: misses.map(({ reason, shown }) => ({ reason, ...Object(grantJson(shown)) })),
    }),
});

const verbs: Readonly<Record<Decision['answer'], string>> = {
  yes: 'has',
  no: 'does not have',
  unknown: 'may have, as no list tells,',
};

function* sections(it: Explanation): Generator<readonly [head: string, lines: readonly string[]]> {
  yield ['', it.paths.map(grantLine)];
  if (it.narrowed)
    yield ['The token of this login was made for less than these roles. Get a whole one:', ['chainctl auth login']];
  yield ['It would be given by:', it.conditions.map((shown) => `${grantLine(shown)}: ${shown.grant.who}`)];
  yield [
    'What comes close:',
    it.nearMisses.map(({ reason, shown }) => `${grantLine(shown)}: ${missWords(reason, shown)}`),
  ];
  if (it.smallestRole !== undefined) {
    const place = it.location === it.locationId ? it.locationId : shellWord(it.location);
    const words = `--identity=${shellWord(it.who)} --role=${shellWord(it.smallestRole)} --parent=${place}`;
    yield [
      `The smallest built-in role that has it is "${it.smallestRole}":`,
      [`chainctl iam role-bindings create ${words}`],
    ];
  }
  yield ['What is not seen:', it.unseen];
}

const linesOf = (it: Explanation): string[] => [
  `"${it.who}" ${verbs[it.answer]} "${it.capability}" in "${it.location}".`,
  ...[...sections(it)].flatMap(([head, lines]) =>
    lines.length === 0 ? [] : [...(head === '' ? [] : ['', head]), ...lines.map((line) => `  ${line}`)],
  ),
];

function missWords(reason: NearMiss['reason'], { grant, location }: ShownGrant): string {
  if (reason === 'elsewhere') return `counts in ${location} only`;
  if (reason === 'role') return 'the role does not have it';
  return `expired at ${new Date(grant.endedAt ?? 0).toISOString()}`;
}

export default defineCommand({
  path: ['iam', 'access', 'explain'],
  summary: 'Explain why someone can or cannot do something.',
  description:
    'Names what gives the capability, or what comes close: the right role in another folder, a role that lacks it, an ' +
    'identity that has expired, a token that was narrowed; and the smallest built-in role that would do.',
  inputs: {
    on: onInput,
    who: {
      kind: principalAt('on'),
      positional: 'WHO',
      flag: false,
      required: true,
      help: 'Name or id of an identity, or the address of a user who holds a role.',
      question: 'Who?',
    },
    capability: capabilityInput,
  },
  examples: [
    { text: 'Why was this refused?', args: 'guest-identity groups.create --on=engineering' },
    { text: 'For a script', args: 'guest-identity groups.create --on=engineering --output=json' },
  ],
  view: explanationView,
  formats: ['text', 'json'],
  run: async (context, { who, capability, on }): Promise<Explanation> => {
    const facts = await factsAt(context, on.id, true);
    const name = nameIn(facts, who.id) ?? who.name;
    const subject = { id: who.id, name };
    const { answer, paths, conditions } = decide(facts, subject, capability, on.id);
    const own = await ownHoldings(context);
    const isMe = own.id === who.id;
    const holds = isMe && holdingsAt(own.holdings, capability, on.id).length > 0;
    // The issuer knows of its own caller what no list tells.
    const known: Decision['answer'] = isMe ? (holds ? 'yes' : 'no') : answer;
    const misses = known === 'yes' ? [] : nearMisses(facts, subject, capability, on.id);
    const narrowed = isMe && !holds && paths.length > 0;
    const smallest = known === 'yes' || narrowed ? undefined : smallestBuiltIn(facts.roles, capability)?.name;
    return {
      answer: known,
      who: name,
      identityId: who.id,
      capability,
      location: await placeName(context, on.id),
      locationId: on.id,
      paths: await shownAll(context, paths, on.id),
      conditions: paths.length > 0 ? [] : await shownAll(context, conditions, on.id),
      nearMisses: await Promise.all(
        misses.map(async ({ grant, reason }) => ({ reason, shown: await showGrant(context, grant, on.id) })),
      ),
      narrowed,
      ...(smallest === undefined ? {} : { smallestRole: smallest }),
      unseen: known === 'yes' ? [] : facts.unseen,
    };
  },
});

const shownAll = (context: Context, grants: Decision['paths'], on: string) =>
  Promise.all(grants.map((grant) => showGrant(context, grant, on)));

/** Address or name of somebody who was given by an id. */
function nameIn(facts: Parameters<typeof grantsIn>[0], id: string): string | undefined {
  for (const { identity, who } of grantsIn(facts)) if (identity === id) return who;
  return undefined;
}
