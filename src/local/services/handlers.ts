import type { OperationTypes } from '../../api/schema/types.gen.ts';
import type { Tx } from '../store/database.ts';
import type { Caller } from '../types.ts';
import { deleteSelf, validate } from './auth.ts';
import { createGroup, deleteGroup, listGroups, updateGroup } from './groups.ts';
import { createIdentity, deleteIdentity, listIdentities, lookupIdentity, updateIdentity } from './identities.ts';
import {
  createRoleBinding,
  createRoleBindings,
  deleteRoleBinding,
  listRoleBindings,
  updateRoleBinding,
} from './role-bindings.ts';
import { createRole, deleteRole, listRoles, updateRole } from './roles.ts';

/**
 * One operation on canonical messages. Runs inside a transaction, so it throws to undo. For a scoped operation the
 * router has checked the capabilities before; an unscoped one checks them itself.
 */
export type Handler<Id extends keyof OperationTypes> = (
  tx: Tx,
  caller: Caller,
  request: OperationTypes[Id]['request'],
) => OperationTypes[Id]['response'];

/** What this platform does. An operation that is not here answers 501. */
export const handlers: { readonly [Id in keyof OperationTypes]?: Handler<Id> } = {
  'auth.v1.Auth.Validate': validate,
  'auth.v1.Auth.Delete': deleteSelf,
  'iam.v1.Groups.Create': createGroup,
  'iam.v1.Groups.Update': updateGroup,
  'iam.v1.Groups.List': listGroups,
  'iam.v1.Groups.Delete': deleteGroup,
  'iam.v1.Identities.Create': createIdentity,
  'iam.v1.Identities.Update': updateIdentity,
  'iam.v1.Identities.List': listIdentities,
  'iam.v1.Identities.Lookup': lookupIdentity,
  'iam.v1.Identities.Delete': deleteIdentity,
  'iam.v1.Roles.Create': createRole,
  'iam.v1.Roles.Update': updateRole,
  'iam.v1.Roles.List': listRoles,
  'iam.v1.Roles.Delete': deleteRole,
  'iam.v1.RoleBindings.Create': createRoleBinding,
  'iam.v1.RoleBindings.CreateBatch': createRoleBindings,
  'iam.v1.RoleBindings.Update': updateRoleBinding,
  'iam.v1.RoleBindings.List': listRoleBindings,
  'iam.v1.RoleBindings.Delete': deleteRoleBinding,
};
