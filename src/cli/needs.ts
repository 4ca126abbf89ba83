// Computes what a command needs: the operations that it calls, by the map made of its sources, and what the table of
// operations says of them. Guarantees: nothing is asked, looked up or sent.

import { operationOf } from '../api/client.ts';
import { besideOperations } from '../api/schema/beside.ts';
import { mayChange } from '../api/schema/may-change.ts';
import { isUidp } from '../api/uidp.ts';
import type { Collected } from './collect.ts';
import { type AnyCommand, defineView, type Input, type OperationFacts } from './define.ts';
import type { Need } from './need.ts';
import { spellingOf } from './spelling.ts';

export const needsView = defineView<Need>({
  columns: [
    { head: 'CAPABILITY', value: ({ capability }) => capability },
    { head: 'WHERE', value: ({ place }) => place },
    { head: 'FOR', rank: 2, value: ({ purpose }) => purpose },
    {
      head: 'CHANGES',
      value: ({ changes }) => (changes ? 'yes' : 'no'),
      state: ({ changes }) => (changes ? 'warn' : undefined),
    },
    {
      head: 'OPERATIONS',
      rank: 1,
      value: ({ operations }) => operations.join('\n'),
      brief: ({ operations: [one = '', ...more] }) => (more.length > 0 ? `${one} and ${more.length} more` : one),
    },
  ],
  json: ({ capability, place, isGiven, purpose, operations, changes }) => ({
    capability,
    ...(isGiven ? { place } : { placeDescription: place }),
    purpose,
    operations,
    changes,
  }),
  envelope: 'items',
  empty: 'It uses no capability.',
});

/** Returns what the command needs, given these texts; by place and capability. */
export async function needsOf(definition: AnyCommand, collected: Pick<Collected, 'parsed'>): Promise<Need[]> {
  const needs = new Map<string, Need>();
  for (const [purpose, used] of await usedBy(definition, collected)) {
    for (const facts of used) {
      if (facts.iam !== 'enabled') continue;
      const { place, isGiven } = placeOf(facts, definition, collected);
      for (const capability of facts.capabilities) {
        const key = [capability, place, purpose, mayChange(facts)].join('\u0000');
        const known = needs.get(key)?.operations ?? [];
        needs.set(key, {
          capability,
          place,
          isGiven,
          purpose,
          isAside: purpose === aside,
          operations: [...known, facts.id].sort(),
          changes: mayChange(facts),
        });
      }
    }
  }
  return [...needs.values()].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

const aside = 'saying why nothing is listed';

const sortKey = ({ capability, place, purpose, changes }: Need): string =>
  [changes ? 1 : 0, capability, place, purpose].join('\u0000');

/** Operations by what they are for. */
async function usedBy(
  definition: AnyCommand,
  { parsed }: Pick<Collected, 'parsed'>,
): Promise<(readonly [purpose: string, used: readonly OperationFacts[]])[]> {
  const { needs } = await import('../commands/needs.gen.ts');
  const { run = [], view = [], empty = [], ...inputs } = needs[definition.path.join(' ')] ?? {};
  const named = (await definition.operations?.(Object.fromEntries(parsed))) ?? [];
  const used: (readonly [string, readonly OperationFacts[]])[] = [
    ['the command', [...(await factsOf([...new Set([...run, ...view])])), ...named]],
  ];
  for (const [key, ids] of Object.entries(inputs)) {
    const input = definition.inputs[key];
    if (input === undefined) used.push(['the command', await factsOf(ids)]);
    else if (isLookedUp(input, parsed.get(key))) used.push([`names in ${plain(key, input)}`, await factsOf(ids)]);
  }
  used.push([aside, await factsOf(empty)]);
  return used;
}

const beside: Readonly<Record<string, OperationFacts>> = besideOperations;

export async function factsOf(ids: readonly string[]): Promise<readonly OperationFacts[]> {
  const found = await Promise.all(ids.map(async (id) => beside[id] ?? (await operationOf(id))));
  return found.filter((facts) => facts !== undefined);
}

const plain = (key: string, input: Input) => spellingOf(key, input).replaceAll('`', '');

/** Ids are taken as they are; what nobody gave is looked for only where it has to be there. */
function isLookedUp(input: Input, value: unknown): boolean {
  const texts = [value].flat().filter((text) => typeof text === 'string');
  if (texts.length === 0) return input.required === true || input.requiredUnless !== undefined;
  return input.kind.looksUpIds === true || !texts.every((text) => isUidp(text));
}

/** Fields of requests that hold a location; others hold the id of the thing itself. */
const locationFields: ReadonlySet<string> = new Set(['group', 'parent', 'parent_id', 'registry_id']);

function placeOf(
  { scope, unscoped, readOnly }: OperationFacts,
  { inputs }: AnyCommand,
  { parsed }: Pick<Collected, 'parsed'>,
): Pick<Need, 'place' | 'isGiven'> {
  const locations = Object.entries(inputs).filter(([key, input]) => isLocation(key, input));
  const given = locations.map(([key]) => parsed.get(key)).find((value) => typeof value === 'string');
  const isAbout = scope !== null && !locationFields.has(scope);
  if (isAbout) {
    const things = Object.entries(inputs).filter(
      ([key, input]) => input.positional !== undefined && !isLocation(key, input),
    );
    for (const [key] of things) {
      const texts = [parsed.get(key)].flat().filter((text) => typeof text === 'string');
      if (texts.length > 0) return { place: `where ${texts.map((text) => `"${text}"`).join(', ')} is`, isGiven: false };
    }
    const [thing] = things;
    if (given === undefined && thing !== undefined) return { place: `where ${plain(...thing)} is`, isGiven: false };
  }
  if (typeof given === 'string') return { place: given, isGiven: true };
  if (unscoped && readOnly) return { place: 'wherever something is to be listed', isGiven: false };
  const [location] = locations;
  return { place: location === undefined ? 'where it is' : `the location of ${plain(...location)}`, isGiven: false };
}

const isLocation = (key: string, { config }: Input): boolean =>
  config === 'default.group' || ['parent', 'group', 'on', 'in', 'location'].includes(key);
