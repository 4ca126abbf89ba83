import { expirationOf, typeOf } from '../../../api/identity-rules.ts';
import type { Context } from '../../../cli/context.ts';
import { defineView } from '../../../cli/define.ts';
import type { Chosen, Kind } from '../../../cli/inputs/kind.ts';
import type { Noun } from '../../../cli/noun-commands.ts';
import { endState, sinceCell } from '../../../cli/output/age.ts';
import { CliError } from '../../../errors.ts';
import { type IdentityReference, identity } from './identity.ts';
import { lookUp } from './look-up.ts';
import { identityView, rolesCell, type ShownIdentity } from './view.ts';

/** An identity that is a pull token, by name or id. */
const pullTokenKind: Kind<IdentityReference> = {
  ...identity,
  metavar: 'PULL_TOKEN',
  noun: 'pull token',
  async resolve(context, text, chosen) {
    const found = await identityNamed(context, text, chosen);
    const whole = await lookUp(context, found);
    if (typeOf(whole) === 'pull_token') return { ...found, identity: whole };
    throw new CliError('usage', `"${text}" is an identity, but no pull token`, {
      code: 'usage.invalid',
      hint: 'see `chainctl auth pull-token list`, or use `chainctl iam identities`',
    });
  },
  candidates: async (context, chosen) =>
    ((await identity.candidates?.(context, chosen)) ?? []).filter(
      ({ value }) => value.identity !== undefined && typeOf(value.identity) === 'pull_token',
    ),
};

async function identityNamed(context: Context, text: string, chosen: Chosen): Promise<IdentityReference> {
  try {
    return (await identity.resolve?.(context, text, chosen)) ?? { id: text, name: text };
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'not-found.identity') throw error;
    throw new CliError('not-found', `No pull token found for "${text}"`, {
      code: 'not-found.pull-token',
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

export const pullTokenNoun: Noun<IdentityReference> = {
  kind: pullTokenKind,
  positional: 'PULL_TOKEN',
  help: 'Name or id of the pull token.',
  called: 'pull token',
};

const day = 86_400_000;

export const pullTokenListView = defineView<ShownIdentity>({
  ...(identityView.id === undefined ? {} : { id: identityView.id }),
  ...(identityView.json === undefined ? {} : { json: identityView.json }),
  columns: [
    { head: 'ID', id: true, value: ({ identity }) => identity.id },
    { head: 'NAME', value: ({ identity }) => identity.name },
    { head: 'DESCRIPTION', rank: 4, value: ({ identity }) => identity.description },
    { head: 'ROLES', rank: 3, value: ({ roles }) => rolesCell(roles()) },
    // Days to come, negative for days gone by (outputs, "auth pull-token list").
    {
      head: 'EXPIRES',
      value: ({ identity }, cell) => daysUntil(expirationOf(identity), cell.now),
      brief: ({ identity }, cell) => sinceCell(identity.static?.expiration, cell),
      state: ({ identity }, cell) => endState(expirationOf(identity), cell),
      align: 'right',
    },
    { head: 'CREATED', rank: 2, value: ({ identity }, cell) => sinceCell(identity.createdAt, cell) },
    { head: 'LAST USED', rank: 1, value: ({ identity }, cell) => sinceCell(identity.lastSeen, cell) },
    { head: 'EXPIRATION', wide: true, value: ({ identity }, cell) => sinceCell(identity.static?.expiration, cell) },
  ],
  envelope: 'items',
  empty: 'There are no such pull tokens.',
});

function daysUntil(end: number | undefined, now: number): number | undefined {
  if (end === undefined) return undefined;
  // Away from zero: a token that lives for hours has a day left, one that died hours ago is a day gone.
  return end > now ? Math.ceil((end - now) / day) : Math.floor((end - now) / day);
}
