// Making and reading identities. Guarantees: an identity whose roles could not be bound is taken back, and when that fails too it
// is said what is left.

import type { IamIdentity, IamRole } from '../api/schema/types/iam.gen.ts';
import { type Caller, CallFailure } from './caller.ts';

export async function createIdentity(
  caller: Caller,
  parent: string,
  identity: IamIdentity,
  roles: readonly string[],
): Promise<IamIdentity & { readonly id: string }> {
  const made = await caller.call('iam.v1.Identities.Create', { parentId: parent, identity });
  const id = made.id ?? '';
  const bindings = [...new Set(roles)].map((role) => ({ identity: id, role }));
  try {
    // One call for all: the platform makes all bindings of a batch or none.
    if (bindings.length > 1) await caller.call('iam.v1.RoleBindings.CreateBatch', { parent, roleBindings: bindings });
    const [only] = bindings;
    if (bindings.length === 1 && only) await caller.call('iam.v1.RoleBindings.Create', { parent, roleBinding: only });
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error;
    try {
      await caller.call('iam.v1.Identities.Delete', { id });
    } catch {
      const left = `The identity ${id} was made but has no role, and could not be removed again: ${error.message}`;
      throw new CallFailure(error.kind, left, error);
    }
    throw error;
  }
  return { ...made, id };
}

/** Identities of an organization and its folders. */
export async function identitiesOf(caller: Caller, organization: string): Promise<readonly IamIdentity[]> {
  return (await caller.call('iam.v1.Identities.List', { uidp: { descendantsOf: organization } })).items ?? [];
}

/** The identity, or CallFailure `missing`. */
export async function identityOf(caller: Caller, id: string): Promise<IamIdentity & { readonly id: string }> {
  const found = id === '' ? [] : ((await caller.call('iam.v1.Identities.List', { id })).items ?? []);
  const [identity] = found;
  if (identity === undefined) throw new CallFailure('missing', 'It was deleted, or you may not see it any more.');
  return { ...identity, id };
}

/** Roles that can be given in an organization: the built-in ones and its own, by name. */
export async function rolesOf(
  caller: Caller,
): Promise<readonly (IamRole & { readonly id: string; readonly name: string })[]> {
  const { items = [] } = await caller.call('iam.v1.Roles.List', {});
  return items
    .flatMap((role) => (role.id && role.name ? [{ ...role, id: role.id, name: role.name }] : []))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
