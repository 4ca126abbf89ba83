import type { Handlers } from '../core/handler.ts';
import {
  createAccountAssociations,
  deleteAccountAssociations,
  listAccountAssociations,
  updateAccountAssociations,
} from './account-associations.ts';
import { deleteSelf, validate } from './auth.ts';
import {
  createExternalGroupRoleMapping,
  deleteExternalGroupRoleMapping,
  deleteExternalGroupRoleMappings,
  getExternalGroupRoleMapping,
  listExternalGroupRoleMappings,
} from './external-group-role-mappings.ts';
import { checkEligibility, lookupGroup, requestGroupAccess } from './group-access.ts';
import { createGroupInvite, createGroupInviteWithGroup, deleteGroupInvite, listGroupInvites } from './group-invites.ts';
import { createGroup, deleteGroup, listGroups, updateGroup } from './groups.ts';
import { createIdentity, deleteIdentity, listIdentities, lookupIdentity, updateIdentity } from './identities.ts';
import { deleteIdentityProvider, listIdentityProviders } from './identity-providers.ts';
import {
  createRoleBinding,
  createRoleBindings,
  deleteRoleBinding,
  listRoleBindings,
  updateRoleBinding,
} from './role-bindings.ts';
import { createRole, deleteRole, listRoles, updateRole } from './roles.ts';
import { createRootIdentity, updateIdentityMetadata } from './root-identities.ts';
import { generateScimToken, regenerateScimToken, revokeScimToken, setScimEnabled } from './scim-tokens.ts';
import { acceptTerms, listAcceptedTerms } from './terms.ts';

export const handlers: Handlers = {
  'auth.v1.Auth.Validate': validate,
  'auth.v1.Auth.Delete': deleteSelf,
  'events.v1.Identities.Create': createRootIdentity,
  'events.v1.Identities.UpdateMetadata': updateIdentityMetadata,
  'iam.v1.ExternalGroupRoleMappings.Create': createExternalGroupRoleMapping,
  'iam.v1.ExternalGroupRoleMappings.Get': getExternalGroupRoleMapping,
  'iam.v1.ExternalGroupRoleMappings.List': listExternalGroupRoleMappings,
  'iam.v1.ExternalGroupRoleMappings.Delete': deleteExternalGroupRoleMapping,
  'iam.v1.ExternalGroupRoleMappings.BatchDelete': deleteExternalGroupRoleMappings,
  'iam.v1.GroupAccountAssociations.Create': createAccountAssociations,
  'iam.v1.GroupAccountAssociations.Update': updateAccountAssociations,
  'iam.v1.GroupAccountAssociations.List': listAccountAssociations,
  'iam.v1.GroupAccountAssociations.Delete': deleteAccountAssociations,
  'iam.v1.GroupInvites.Create': createGroupInvite,
  'iam.v1.GroupInvites.CreateWithGroup': createGroupInviteWithGroup,
  'iam.v1.GroupInvites.List': listGroupInvites,
  'iam.v1.GroupInvites.Delete': deleteGroupInvite,
  'iam.v1.Groups.Create': createGroup,
  'iam.v1.Groups.Update': updateGroup,
  'iam.v1.Groups.List': listGroups,
  'iam.v1.Groups.Delete': deleteGroup,
  'iam.v1.Groups.LookupGroup': lookupGroup,
  'iam.v1.Groups.RequestGroupAccess': requestGroupAccess,
  'iam.v1.Groups.CheckEligibility': checkEligibility,
  'iam.v1.Identities.Create': createIdentity,
  'iam.v1.Identities.Update': updateIdentity,
  'iam.v1.Identities.List': listIdentities,
  'iam.v1.Identities.Lookup': lookupIdentity,
  'iam.v1.Identities.Delete': deleteIdentity,
  'iam.v1.IdentityProviders.List': listIdentityProviders,
  'iam.v1.IdentityProviders.Delete': deleteIdentityProvider,
  'iam.v1.IdentityProviders.GenerateScimToken': generateScimToken,
  'iam.v1.IdentityProviders.RegenerateScimToken': regenerateScimToken,
  'iam.v1.IdentityProviders.RevokeScimToken': revokeScimToken,
  'iam.v1.IdentityProviders.SetScimEnabled': setScimEnabled,
  'iam.v1.Roles.Create': createRole,
  'iam.v1.Roles.Update': updateRole,
  'iam.v1.Roles.List': listRoles,
  'iam.v1.Roles.Delete': deleteRole,
  'iam.v1.RoleBindings.Create': createRoleBinding,
  'iam.v1.RoleBindings.CreateBatch': createRoleBindings,
  'iam.v1.RoleBindings.Update': updateRoleBinding,
  'iam.v1.RoleBindings.List': listRoleBindings,
  'iam.v1.RoleBindings.Delete': deleteRoleBinding,
  'iam.v1.Terms.AcceptTerms': acceptTerms,
  'iam.v1.Terms.ListAccepted': listAcceptedTerms,
};
