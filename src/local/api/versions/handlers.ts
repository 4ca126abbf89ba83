// What of v2 this platform does with its store alone. Guarantees: v2 and v2beta1 are the same functions, and those are
// translations: what is valid, allowed and remembered is decided by the services of v1.

import type { OperationTypes } from '../../../api/schema/types.gen.ts';
import * as subscriptions from '../../events/v2/subscriptions.ts';
import { acceptTerms } from '../../iam/terms.ts';
import * as associations from '../../iam/v2/account-associations.ts';
import * as mappings from '../../iam/v2/external-group-role-mappings.ts';
import * as invites from '../../iam/v2/group-invites.ts';
import * as groups from '../../iam/v2/groups.ts';
import * as identities from '../../iam/v2/identities.ts';
import * as providers from '../../iam/v2/identity-providers.ts';
import * as roleBindings from '../../iam/v2/role-bindings.ts';
import * as roles from '../../iam/v2/roles.ts';
import { listTermsAcceptances } from '../../iam/v2/terms.ts';
import * as images from '../../registry/v2/images.ts';
import * as repos from '../../registry/v2/repos.ts';
import * as tags from '../../registry/v2/tags.ts';
import type { Handler } from '../handlers.ts';

type Versioned = Extract<keyof OperationTypes, `${string}.v2.${string}`>;
type Mirrored = Extract<keyof OperationTypes, `${string}.v2${'' | 'beta1'}.${string}`>;

const handlers: { readonly [Id in Versioned]?: Handler<Id> } = {
  'events.v2.SubscriptionsService.GetSubscription': subscriptions.getSubscription,
  'events.v2.SubscriptionsService.CreateSubscription': subscriptions.createSubscription,
  'events.v2.SubscriptionsService.ListSubscriptions': subscriptions.listSubscriptions,
  'events.v2.SubscriptionsService.DeleteSubscription': subscriptions.deleteSubscription,
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
  'registry.v2.ImagesService.GetArchitectures': images.getArchitectures,
  'registry.v2.ImagesService.GetSize': images.getSize,
  'registry.v2.ReposService.GetRepo': repos.getRepo,
  'registry.v2.ReposService.CreateRepo': repos.createRepo,
  'registry.v2.ReposService.UpdateRepo': repos.updateRepo,
  'registry.v2.ReposService.DeleteRepo': repos.deleteRepo,
  'registry.v2.ReposService.ListRepos': repos.listRepos,
  'registry.v2.ReposService.GetRepoReadme': repos.getRepoReadme,
  'registry.v2.ReposService.UpdateRepoReadme': repos.updateRepoReadme,
  'registry.v2.TagsService.GetTag': tags.getTag,
  'registry.v2.TagsService.ListTags': tags.listTags,
  'registry.v2.TagsService.CreateTag': tags.createTag,
  'registry.v2.TagsService.DeleteTag': tags.deleteTag,
};

/** Each under both names: the messages are the same field for field (semantics 10), so one function is right for both. */
export const v2Handlers = inBothVersions(handlers) as { readonly [Id in Mirrored]?: Handler<Id> };

export function inBothVersions<T>(operations: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(operations).flatMap(([id, operation]) => [
      [id, operation],
      [id.replace('.v2.', '.v2beta1.'), operation],
    ]),
  );
}
