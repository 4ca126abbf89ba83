// Operations of v2 in this module. Guarantees: these are translations; what is valid, allowed and remembered is decided
// by the functions of v1.

import { handlersOfBoth } from '../../api/versions/both.ts';
import { acceptTerms } from '../terms.ts';
import * as associations from './account-associations.ts';
import * as mappings from './external-group-role-mappings.ts';
import * as invites from './group-invites.ts';
import * as groups from './groups.ts';
import * as identities from './identities.ts';
import * as providers from './identity-providers.ts';
import * as roleBindings from './role-bindings.ts';
import * as roles from './roles.ts';
import { listTermsAcceptances } from './terms.ts';

export const handlers = handlersOfBoth({
  'iam.v2.AccountAssociationsService.GetAccountAssociation': associations.getAccountAssociation,
  'iam.v2.AccountAssociationsService.CreateAccountAssociation': associations.createAccountAssociation,
  'iam.v2.AccountAssociationsService.DeleteAccountAssociation': associations.deleteAccountAssociation,
  'iam.v2.AccountAssociationsService.ListAccountAssociations': associations.listAccountAssociations,
  'iam.v2.AccountAssociationsService.UpdateAccountAssociation': associations.updateAccountAssociation,
  'iam.v2.ExternalGroupRoleMappingsService.GetExternalGroupRoleMapping': mappings.getExternalGroupRoleMapping,
  'iam.v2.ExternalGroupRoleMappingsService.CreateExternalGroupRoleMapping': mappings.createExternalGroupRoleMapping,
  'iam.v2.ExternalGroupRoleMappingsService.DeleteExternalGroupRoleMapping': mappings.deleteExternalGroupRoleMapping,
  'iam.v2.ExternalGroupRoleMappingsService.BatchDeleteExternalGroupRoleMappings':
    mappings.deleteExternalGroupRoleMappings,
  'iam.v2.ExternalGroupRoleMappingsService.ListExternalGroupRoleMappings': mappings.listExternalGroupRoleMappings,
  'iam.v2.GroupInvitesService.CreateGroupInvite': invites.createGroupInvite,
  'iam.v2.GroupInvitesService.GetGroupInvite': invites.getGroupInvite,
  'iam.v2.GroupInvitesService.DeleteGroupInvite': invites.deleteGroupInvite,
  'iam.v2.GroupInvitesService.ListGroupInvites': invites.listGroupInvites,
  'iam.v2.GroupsService.GetGroup': groups.getGroup,
  'iam.v2.GroupsService.DeleteGroup': groups.deleteGroup,
  'iam.v2.GroupsService.ListGroups': groups.listGroups,
  'iam.v2.GroupsService.CreateGroup': groups.createGroup,
  'iam.v2.GroupsService.UpdateGroup': groups.updateGroup,
  'iam.v2.GroupsService.LookupGroup': groups.lookupGroup,
  'iam.v2.GroupsService.RequestGroupAccess': groups.requestGroupAccess,
  'iam.v2.GroupsService.CheckEligibility': groups.checkEligibility,
  'iam.v2.IdentitiesService.CreateIdentity': identities.createIdentity,
  'iam.v2.IdentitiesService.GetIdentity': identities.getIdentity,
  'iam.v2.IdentitiesService.DeleteIdentity': identities.deleteIdentity,
  'iam.v2.IdentitiesService.UpdateIdentity': identities.updateIdentity,
  'iam.v2.IdentitiesService.ListIdentities': identities.listIdentities,
  'iam.v2.IdentitiesService.LookupIdentity': identities.lookupIdentity,
  'iam.v2.IdentitiesService.UpdateIdentityMetadata': identities.updateIdentityMetadata,
  'iam.v2.IdentityProvidersService.ListIdentityProviders': providers.listIdentityProviders,
  'iam.v2.IdentityProvidersService.GetIdentityProvider': providers.getIdentityProvider,
  'iam.v2.IdentityProvidersService.DeleteIdentityProvider': providers.deleteIdentityProvider,
  'iam.v2.IdentityProvidersService.GenerateScimToken': providers.generateScimToken,
  'iam.v2.IdentityProvidersService.RegenerateScimToken': providers.regenerateScimToken,
  'iam.v2.IdentityProvidersService.RevokeScimToken': providers.revokeScimToken,
  'iam.v2.IdentityProvidersService.SetScimEnabled': providers.setScimEnabled,
  'iam.v2.RoleBindingsService.GetRoleBinding': roleBindings.getRoleBinding,
  'iam.v2.RoleBindingsService.CreateRoleBinding': roleBindings.createRoleBinding,
  'iam.v2.RoleBindingsService.DeleteRoleBinding': roleBindings.deleteRoleBinding,
  'iam.v2.RoleBindingsService.ListRoleBindings': roleBindings.listRoleBindings,
  'iam.v2.RoleBindingsService.BatchCreateRoleBindings': roleBindings.createRoleBindings,
  'iam.v2.RoleBindingsService.UpdateRoleBinding': roleBindings.updateRoleBinding,
  'iam.v2.RolesService.GetRole': roles.getRole,
  'iam.v2.RolesService.ListRoles': roles.listRoles,
  'iam.v2.RolesService.CreateRole': roles.createRole,
  'iam.v2.RolesService.UpdateRole': roles.updateRole,
  'iam.v2.RolesService.DeleteRole': roles.deleteRole,
  'iam.v2.TermsService.AcceptTerms': acceptTerms,
  'iam.v2.TermsService.ListTermsAcceptances': listTermsAcceptances,
});
