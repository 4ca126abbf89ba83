// Reads what an organization has. Guarantees: only lists are asked, each once; a list that this login does not see
// whole is an error or a sentence, because what is missing from it would look as if it were not there.

import { holdingsAt } from '../../../access/authority.ts';
import { type ClientOperationId, capabilitiesOf } from '../../../api/client.ts';
import { rootOf } from '../../../api/uidp.ts';
import type { Context } from '../../../cli/context.ts';
import { organization, type Reference } from '../../../cli/inputs/references.ts';
import { printable } from '../../../cli/io.ts';
import { gather } from '../../../cli/output/format.ts';
import { CliError } from '../../../errors.ts';
import type { State } from '../../../organization/state.ts';
import { ownHoldings, withSharedRoles } from '../access/facts.ts';
import { visibleRoles } from '../roles/role.ts';

/** The organization with this name or id. */
export async function organizationNamed(context: Context, name: string): Promise<Reference> {
  const found = await organization.resolve?.(context, name, {});
  return found ?? { id: name, name };
}

/**
 * As it is now: nothing is remembered from an earlier read. Throws kind `not-found` for an organization that is not
 * visible.
 */
export async function readState(context: Context, { id, name }: Reference): Promise<State> {
  const api = await context.api();
  const below = { uidp: { descendantsOf: id } };
  // Lists that grow with an organization are read item by item: as one answer, fifty thousand bindings are more than a
  // client takes.
  const [groups, folders, roles, providers, identities, mappings, bindings, associations] = await Promise.all([
    api.call('iam.v1.Groups.List', { id }),
    gather(api.list('iam.v1.Groups.List', below)),
    gather(api.list('iam.v1.Roles.List', {})),
    gather(api.list('iam.v1.IdentityProviders.List', below)),
    gather(api.list('iam.v1.Identities.List', below)),
    gather(api.list('iam.v1.ExternalGroupRoleMappings.List', below)),
    gather(withSharedRoles(api.list('iam.v1.RoleBindings.List', below))),
    gather(api.list('iam.v1.GroupAccountAssociations.List', {})),
  ]);
  const found = groups.items?.find((one) => one.id === id);
  if (found === undefined) {
    throw new CliError('not-found', `No organization found for "${name}"`, { code: 'not-found.organization' });
  }
  const isOwn = (place = '') => rootOf(place) === id;
  return {
    organization: found,
    folders: folders.filter((one) => one.id !== id),
    roles: roles.filter((role) => !role.id?.includes('/') || isOwn(role.id)),
    providers,
    identities,
    mappings,
    bindings,
    associations: associations.filter(({ group }) => isOwn(group)),
  };
}

const lists: readonly (readonly [operation: ClientOperationId, what: string])[] = [
  ['iam.v1.Groups.List', 'folders'],
  ['iam.v1.Roles.List', 'roles'],
  ['iam.v1.IdentityProviders.List', 'identity providers'],
  ['iam.v1.Identities.List', 'identities'],
  ['iam.v1.ExternalGroupRoleMappings.List', 'group mappings'],
  ['iam.v1.RoleBindings.List', 'role bindings'],
  ['iam.v1.GroupAccountAssociations.List', 'cloud accounts'],
];

/** Lists of the organization that this login does not see, a sentence each. */
export async function unseenIn(context: Context, { id, name }: Reference): Promise<string[]> {
  const { holdings } = await ownHoldings(context);
  // Asked for here, so that the lists of `readState` and the words of capabilities come from one platform.
  await visibleRoles(context);
  const sentences: string[] = [];
  for (const [operation, what] of lists) {
    const lacking = (await capabilitiesOf(operation)).filter((one) => holdingsAt(holdings, one, id).length === 0);
    if (lacking.length === 0) continue;
    const names = lacking.map((one) => `"${one}"`).join(' and ');
    sentences.push(
      printable(`This login does not see all ${what} of "${name}": it lacks the capability ${names} there.`),
    );
  }
  return sentences;
}

/** Throws kind `permission` when something of the organization is hidden from this login. */
export async function requireSight(context: Context, reference: Reference): Promise<void> {
  const [first, ...details] = await unseenIn(context, reference);
  if (first === undefined) return;
  throw new CliError('permission', first.replace(/\.$/, ''), {
    code: 'access.hidden',
    details,
    hint: 'a plan made without it would be wrong; ask an owner for a role that sees the whole organization',
  });
}
