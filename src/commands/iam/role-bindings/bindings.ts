import type { IamIdentity, IamRoleBindingListBinding } from '../../../api/schema/types/iam.gen.ts';
import { parentOf, rootOf } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { parseBelow, wholeId } from '../../../cli/inputs/ids.ts';
import type { Chosen, Kind } from '../../../cli/inputs/kind.ts';
import type { Reference } from '../../../cli/inputs/references.ts';
import { gather } from '../../../cli/output/format.ts';
import type { Candidate } from '../../../cli/prompts/question.ts';
import { remembered } from '../../../cli/remembered.ts';
import { byShortId, isShortId } from '../../../cli/short-id.ts';
import { CliError } from '../../../errors.ts';
import { identity, visibleIdentities } from '../identities/identity.ts';

/** Bindings at a place and below it; without a place all that the caller sees. Once a run. */
const visibleBindings = remembered(
  async (context: Context, place?: string): Promise<readonly IamRoleBindingListBinding[]> => {
    const filter = place === undefined ? {} : { uidp: { descendantsOf: place } };
    return gather((await context.api()).list('iam.v1.RoleBindings.List', filter));
  },
  (place = '') => place,
);

/** The binding with this id, with the names that only a list has. Throws kind `not-found`. */
export const lookUpBinding = remembered(
  (context: Context, id: string) => fetchBinding(context, id),
  (id) => id,
);

/** As it is now. An update starts from here: while its question stood, somebody may have changed what it leaves alone. */
export async function fetchBinding(context: Context, id: string): Promise<IamRoleBindingListBinding> {
  const [found] = (await (await context.api()).call('iam.v1.RoleBindings.List', { id })).items ?? [];
  if (found !== undefined) return found;
  throw new CliError('not-found', `No role binding found for "${id}"`, { code: 'not-found.role-binding' });
}

export const addressOf = (binding: IamRoleBindingListBinding) => binding.email || binding.emailUnverified || '';

/**
 * Returns who holds the role, as a person would say it: the address of a user, the name of an identity, else the id.
 */
export async function holderOf(context: Context, binding: IamRoleBindingListBinding): Promise<string> {
  const id = binding.identity ?? '';
  const address = addressOf(binding);
  // A user has an address; only assumable identities have a name to look up.
  if (address !== '' || !id.includes('/')) return address || id;
  return (await identitiesById(context, rootOf(id))).get(id)?.name || id;
}

/** Returns when the holder was last seen, as the wire writes times; undefined for a user, of whom no list tells it. */
export async function lastUseOf(context: Context, { identity = '' }: IamRoleBindingListBinding) {
  return identity.includes('/') ? (await identitiesById(context, rootOf(identity))).get(identity)?.lastSeen : undefined;
}

const identitiesById = remembered(
  async (context: Context, organization: string): Promise<ReadonlyMap<string, IamIdentity>> => {
    try {
      return new Map((await visibleIdentities(context, organization)).map((each) => [each.id ?? '', each]));
    } catch (error) {
      // Whoever may list bindings need not be allowed to list identities.
      if (error instanceof CliError && (error.kind === 'permission' || error.kind === 'not-found')) return new Map();
      throw error;
    }
  },
  (organization) => organization,
);

/** `dev@example.com: owner`. */
export async function bindingLine(context: Context, binding: IamRoleBindingListBinding): Promise<string> {
  return `${await holderOf(context, binding)}: ${roleName(binding)}`;
}

export const roleName = ({ role }: IamRoleBindingListBinding) => role?.name || role?.id || '';
export const groupName = (binding: IamRoleBindingListBinding) =>
  binding.group?.name || binding.group?.id || parentOf(binding.id ?? '');

// ---- who may be bound ----

/**
 * Users and assumable identities. Users are in no list of their own: those are offered who hold a role somewhere in the
 * organization. An identity of the organization can be bound in each of its folders.
 */
export const principal: Kind<Reference> = {
  ...identityKindParts(),
  async resolve(context, text, chosen) {
    // A list of bindings shows the ids of users short as well.
    const user = isShortId(text) ? byShortId(text, await visibleUsers(context, chosen)) : [];
    if (user.length === 1 && user[0] !== undefined) return user[0];
    if (!text.includes('@') || identity.resolve === undefined) {
      return toReference(await identity.resolve?.(context, text, inOrganization(chosen)));
    }
    const users = await visibleUsers(context, chosen);
    const found = users.find((user) => user.name === text);
    if (found !== undefined) return found;
    // Another person's address is never proposed: it is one letter away from being given what was not meant for it.
    throw new CliError('not-found', `No identity found for "${text}"`, {
      code: 'not-found.identity',
      hint: 'see who is there with `chainctl iam role-bindings list`, or invite them with `chainctl iam invites create`',
    });
  },
  async candidates(context, chosen) {
    const users = (await visibleUsers(context, chosen)).map(
      (user): Candidate<Reference> => ({ value: user, label: user.name, description: user.id, text: user.id }),
    );
    const identities = (await identity.candidates?.(context, inOrganization(chosen))) ?? [];
    return [...users, ...identities];
  },
};

/** The same for a binding that another input names: who can be bound depends on the organization it is in. */
export const principalAt = (key: string): Kind<Reference> => ({
  ...principal,
  resolve: async (context, text, chosen) =>
    (await principal.resolve?.(context, text, { ...chosen, parent: chosen[key] })) ?? { id: text, name: text },
  candidates: async (context, chosen) =>
    (await principal.candidates?.(context, { ...chosen, parent: chosen[key] })) ?? [],
});

function identityKindParts() {
  const { metavar, noun, parse } = identity;
  return { metavar, parse, ...(noun === undefined ? {} : { noun }) };
}

const toReference = (one: Reference | undefined): Reference => ({ id: one?.id ?? '', name: one?.name ?? '' });

const organizationOf = (chosen: Chosen): string | undefined => {
  const parent = (chosen['parent'] as Reference | undefined)?.id;
  return parent === undefined ? undefined : rootOf(parent);
};

function inOrganization(chosen: Chosen): Chosen {
  const id = organizationOf(chosen);
  return id === undefined ? chosen : { ...chosen, parent: { id, name: id } };
}

/** Named by their address, sorted. */
async function visibleUsers(context: Context, chosen: Chosen): Promise<readonly Reference[]> {
  const users = new Map<string, Reference>();
  for (const binding of await visibleBindings(context, organizationOf(chosen))) {
    const id = binding.identity ?? '';
    const name = addressOf(binding);
    if (name !== '') users.set(id, { id, name });
  }
  return [...users.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1));
}

// ---- which binding ----

export interface BindingReference {
  readonly id: string;
}

/** A binding by its id: it has no name. */
export const bindingKind: Kind<BindingReference> = {
  metavar: 'BINDING_ID',
  noun: 'role binding',
  parse: parseBelow('a role binding'),
  resolve: async (context, text) => ({ id: await wholeId(text, 'role binding', () => visibleBindings(context)) }),
  async candidates(context) {
    const bindings = await visibleBindings(context);
    const rows = await Promise.all(
      bindings.map(async (binding) => ({
        value: { id: binding.id ?? '' },
        label: await bindingLine(context, binding),
        description: groupName(binding),
        text: binding.id ?? '',
      })),
    );
    return rows.sort((a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : a.text < b.text ? -1 : 1));
  },
};
