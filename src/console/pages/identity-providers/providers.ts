// Identity providers of an organization, and what their groups may.

import type { IamExternalGroupRoleMapping, IamIdentityProvider } from '../../../api/schema/types/iam.gen.ts';
import { CallFailure } from '../../caller.ts';
import type { Shown, Visit } from '../../page.ts';

export const path = 'settings/identity-providers';

export type Behind = (visit: Visit) => Promise<Shown>;

export const rowId = (id: string): string => `provider-${id.slice(id.lastIndexOf('/') + 1)}`;

export async function providersOf({ caller, organization }: Visit): Promise<readonly IamIdentityProvider[]> {
  const { items = [] } = await caller.call('iam.v1.IdentityProviders.List', {
    uidp: { descendantsOf: organization.id },
  });
  return items;
}

/** None for who may not list them. */
export async function mappingsOf(visit: Visit): Promise<readonly IamExternalGroupRoleMapping[]> {
  if (!visit.may('identity_providers.list') || !visit.may('role_bindings.list')) return [];
  const { items = [] } = await visit.caller.call('iam.v1.ExternalGroupRoleMappings.List', {
    uidp: { descendantsOf: visit.organization.id },
  });
  return items;
}

/** The one that the address names. Throws CallFailure `missing`. */
export async function providerHere(visit: Visit): Promise<IamIdentityProvider & { readonly id: string }> {
  const id = visit.query.get('id') ?? '';
  const found = (await providersOf(visit)).find((each) => each.id === id);
  if (found === undefined) throw new CallFailure('missing', 'It was deleted, or you may not see it any more.');
  return { ...found, id };
}
