// Group mappings as the two nouns that manage them do it: `iam external-group-role-mappings` names the identity
// provider by a flag, `iam identity-providers group-mappings` by its place. Guarantees: what is deleted is what was
// agreed to.

import type { IamExternalGroupRoleMapping } from '../../../api/schema/types/iam.gen.ts';
import { parentOf } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import type { Inputs } from '../../../cli/define.ts';
import { parseId, wholeId } from '../../../cli/inputs/ids.ts';
import type { Chosen, Kind } from '../../../cli/inputs/kind.ts';
import { organizationOf, type Reference } from '../../../cli/inputs/references.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { printable } from '../../../cli/io.ts';
import { nameThenId, ordered } from '../../../cli/output/ordered.ts';
import type { Candidate, Question } from '../../../cli/prompts/question.ts';
import { remembered } from '../../../cli/remembered.ts';
import { CliError } from '../../../errors.ts';
import { roleAt } from '../roles/role.ts';
import { type ShownMapping, shown } from './view.ts';

const externalGroup: Kind<string> = {
  metavar: 'GROUP',
  parse: (text) => {
    if (text === '' || text.length > 512 || /\p{Cc}/u.test(text)) {
      throw new Error('must be 1 to 512 characters without control characters');
    }
    return text;
  },
};

/** Inputs of a mapping, asked for in this order: the scope depends on the provider, the role on the scope. */
export const mappingInputs = {
  externalGroupId: {
    kind: externalGroup,
    required: true,
    help: 'Group as the claim of the identity provider names it: often a name, an object id with Entra ID.',
    question: 'What is the group’s name in the identity provider?',
  },
  scope: {
    kind: organizationOf('idp'),
    required: true,
    help: 'Organization in which the role counts: the one of the identity provider.',
    question: 'In which organization does the role count?',
  },
  role: {
    kind: roleAt('scope'),
    required: true,
    help: 'Role, by name or id, that members of the group get.',
    question: 'Which role do members of the group get?',
  },
} as const satisfies Inputs;

export interface MappingInput {
  readonly idp: Reference;
  readonly externalGroupId: string;
  readonly scope: Reference;
  readonly role: Reference;
}

export async function createMapping(context: Context, input: MappingInput): Promise<IamExternalGroupRoleMapping> {
  return (await context.api()).call('iam.v1.ExternalGroupRoleMappings.Create', {
    parentId: input.idp.id,
    mapping: {
      identityProviderUidp: input.idp.id,
      externalGroupId: input.externalGroupId,
      roleUidp: input.role.id,
      scope: input.scope.id,
    },
  });
}

interface MappingPlace {
  readonly parent?: Reference | undefined;
  readonly idp?: Reference | undefined;
}

/** For the two commands that list them. */
export function listMappings(context: Context, place: MappingPlace): AsyncIterable<ShownMapping> {
  return ordered(shownMappings(context, place), ({ mapping: { externalGroupId = '', id = '' } }) =>
    nameThenId({ name: externalGroupId, id }),
  );
}

async function* shownMappings(context: Context, { parent, idp }: MappingPlace): AsyncGenerator<ShownMapping> {
  const mappings = (await context.api()).list('iam.v1.ExternalGroupRoleMappings.List', {
    ...(parent === undefined ? {} : { uidp: { descendantsOf: parent.id } }),
    ...(idp === undefined ? {} : { identityProviderUidp: idp.id }),
  });
  for await (const one of mappings) yield shown(context, one);
}

/** Ordered by group, then by id; looked up once in a run. */
const mappingsOf = remembered(
  async (context: Context, idp: Reference | undefined): Promise<readonly IamExternalGroupRoleMapping[]> => {
    const filter = idp === undefined ? {} : { identityProviderUidp: idp.id };
    const answer = await (await context.api()).call('iam.v1.ExternalGroupRoleMappings.List', filter);
    return [...(answer.items ?? [])].sort(byGroupThenId);
  },
  (idp) => idp?.id ?? '',
);

const byGroupThenId = (a: IamExternalGroupRoleMapping, b: IamExternalGroupRoleMapping) =>
  compare(a.externalGroupId ?? '', b.externalGroupId ?? '') || compare(a.id ?? '', b.id ?? '');

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Mappings have no name: one is given by its id, or picked among those of the chosen identity provider. */
const mapping: Kind<Reference> = {
  metavar: 'MAPPING_ID',
  noun: 'mapping',
  parse: parseId('a mapping'),
  resolve: async (context, id, chosen) => {
    const idp = idpOf(chosen);
    const text = await wholeId(id, 'mapping', () => mappingsOf(context, idp));
    if (idp !== undefined && parentOf(text) !== idp.id) {
      throw new CliError('usage', `"${text}" is not a mapping of the identity provider "${idp.name}"`, {
        code: 'usage.invalid',
      });
    }
    return { id: text, name: text };
  },
  candidates: async (context, chosen): Promise<readonly Candidate<Reference>[]> =>
    (await mappingsOf(context, idpOf(chosen))).map(({ id = '', externalGroupId = '' }) => ({
      value: { id, name: id },
      label: externalGroupId,
      description: id,
      text: id,
    })),
};

const idpOf = (chosen: Chosen) => chosen['idp'] as Reference | undefined;

/** Mappings to delete; `idp` comes before these. */
export const deletionInputs = {
  all: { kind: boolean, help: 'Delete every mapping of the identity provider.' },
  mapping: {
    kind: mapping,
    positional: 'MAPPING_ID',
    flag: false,
    requiredUnless: 'all',
    help: 'Id of the mapping.',
    question: 'Which mapping would you like to delete?',
  },
} as const satisfies Inputs;

interface Deletion {
  readonly idp: Reference | undefined;
  readonly all: boolean;
  readonly mapping: Reference | undefined;
}

export async function confirmDeletion(
  context: Context,
  { idp, all, mapping: one }: Deletion,
): Promise<Question | undefined> {
  if (!all || idp === undefined) {
    return one === undefined
      ? undefined
      : { message: printable(`This deletes the mapping "${one.id}". Do you want to continue?`), default: false };
  }
  const amount = (await mappingsOf(context, idp)).length;
  if (amount === 0) return undefined;
  const message = `This deletes ${counted(amount)} of the identity provider "${idp.name}". Do you want to continue?`;
  return { message: printable(message), default: false };
}

const counted = (amount: number) => (amount === 1 ? 'the only mapping' : `all ${amount} mappings`);

export async function deleteMappings(context: Context, { idp, all, mapping: one }: Deletion): Promise<void> {
  const api = await context.api();
  if (one !== undefined) {
    await api.call('iam.v1.ExternalGroupRoleMappings.Delete', { id: one.id });
    context.io.note(printable(`Deleted the mapping "${one.id}".`));
    return;
  }
  if (!all || idp === undefined) return;
  const ids = (await mappingsOf(context, idp)).flatMap(({ id }) => id ?? []);
  if (ids.length === 0) {
    context.io.note(printable(`The identity provider "${idp.name}" has no mappings.`));
    return;
  }
  const answer = await api.call('iam.v1.ExternalGroupRoleMappings.BatchDelete', { parentId: idp.id, ids });
  const amount = answer.items?.length ?? ids.length;
  context.io.note(`Deleted ${amount} ${amount === 1 ? 'mapping' : 'mappings'}.`);
}
