import type { OperationTypes } from '../../api/schema/types.gen.ts';
import { listAdvisories, listDocuments, listVulnerabilityMetadata } from '../advisories/advisories.ts';
import { getVulnReport, listVulnCountReports, listVulnReports } from '../advisories/vulnerability-reports.ts';
import {
  createAdvisory,
  createAdvisoryEvent,
  deleteAdvisory,
  listAdvisoryEvents,
  updateAdvisory,
  updateAdvisoryEvent,
} from '../advisories/written-advisories.ts';
import type { StreamedAnswer } from '../core/streamed-answer.ts';
import type { Caller, PlatformUrls } from '../core/types.ts';
import { createSubscription, deleteSubscription, listSubscriptions } from '../events/subscriptions.ts';
import {
  createAccountAssociations,
  deleteAccountAssociations,
  listAccountAssociations,
  updateAccountAssociations,
} from '../iam/account-associations.ts';
import { deleteSelf, validate } from '../iam/auth.ts';
import {
  createExternalGroupRoleMapping,
  deleteExternalGroupRoleMapping,
  deleteExternalGroupRoleMappings,
  getExternalGroupRoleMapping,
  listExternalGroupRoleMappings,
} from '../iam/external-group-role-mappings.ts';
import { checkEligibility, lookupGroup, requestGroupAccess } from '../iam/group-access.ts';
import {
  createGroupInvite,
  createGroupInviteWithGroup,
  deleteGroupInvite,
  listGroupInvites,
} from '../iam/group-invites.ts';
import { createGroup, deleteGroup, listGroups, updateGroup } from '../iam/groups.ts';
import { createIdentity, deleteIdentity, listIdentities, lookupIdentity, updateIdentity } from '../iam/identities.ts';
import { deleteIdentityProvider, listIdentityProviders } from '../iam/identity-providers.ts';
import {
  createRoleBinding,
  createRoleBindings,
  deleteRoleBinding,
  listRoleBindings,
  updateRoleBinding,
} from '../iam/role-bindings.ts';
import { createRole, deleteRole, listRoles, updateRole } from '../iam/roles.ts';
import { createRootIdentity, updateIdentityMetadata } from '../iam/root-identities.ts';
import { generateScimToken, regenerateScimToken, revokeScimToken, setScimEnabled } from '../iam/scim-tokens.ts';
import { acceptTerms, listAcceptedTerms } from '../iam/terms.ts';
import type { Announce } from '../outbox/outbox.ts';
import { getBuildStatus, listBuildReports } from '../registry/builds/build-reports.ts';
import { createDeployment, getDeployment, updateDeployment } from '../registry/catalog/deployments.ts';
import {
  countManifestDigests,
  getArchitectures,
  getImageConfig,
  getRawSbom,
  getSbom,
  getSize,
  listManifestMetadata,
} from '../registry/catalog/image-contents.ts';
import { getRegistrySettings, updateRegistrySettings } from '../registry/catalog/registry-settings.ts';
import { countReposBySource, createRepo, deleteRepo, listRepos, updateRepo } from '../registry/catalog/repos.ts';
import { getSyncStatus, listSyncStatuses } from '../registry/catalog/sync-statuses.ts';
import {
  createTag,
  deleteTag,
  getUpdateStatus,
  listTagHistory,
  listTags,
  summarizeTags,
  updateTag,
} from '../registry/catalog/tags.ts';
import { getPackageVersions, listEolTags } from '../registry/catalog/versions.ts';
import { addChart, findChart, getChart, listChartsByImageRepo } from '../registry/charts/charts.ts';
import {
  addEntitlementImages,
  createEntitlement,
  deleteEntitlement,
  getEffectiveEntitlements,
  getFeatures,
  listCatalogImages,
  listEntitlementImages,
  listEntitlements,
  removeEntitlementImages,
  summarizeEntitlements,
  swapEntitlementImages,
} from '../registry/entitlements/entitlements.ts';
import type { CallSboms } from '../registry/sboms/attested-sboms.ts';
import type { Tx } from '../store/database.ts';
import { ping } from './ping.ts';
import type { ListFacts } from './selection.ts';
import { v2Handlers } from './versions/handlers.ts';

/** What an operation may know of its call besides who calls and what for. */
export interface CallFacts extends ListFacts {
  readonly urls: PlatformUrls;
  /** Whether the JSON body has a key at this path; canonical messages leave out what is empty. */
  names(...path: string[]): boolean;
  /** Bytes of a small blob (64 MiB at most), read at once; undefined when there is none. Larger ones throw. */
  readBlob(digest: string): Uint8Array | undefined;
  /** What is attested of images. */
  readonly sboms: CallSboms;
  /** For what an operation does that another one has an event for. Its own is the router's work. */
  readonly announce: Announce;
}

/**
 * One operation on canonical messages. Runs inside a transaction, so it throws to undo. For a scoped operation the
 * router has checked the capabilities before; an unscoped one checks them itself.
 */
export type Handler<Id extends keyof OperationTypes> = (
  tx: Tx,
  caller: Caller,
  request: OperationTypes[Id]['request'],
  facts: CallFacts,
) => OperationTypes[Id]['response'] | StreamedAnswer;

/** What this platform does with its store alone. An operation that is neither here nor in `outside.ts` answers 501. */
export const handlers: { readonly [Id in keyof OperationTypes]?: Handler<Id> } = {
  ...v2Handlers,
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
  'advisory.v1.SecurityAdvisory.ListDocuments': listDocuments,
  'advisory.v1.SecurityAdvisory.ListVulnerabilityMetadata': listVulnerabilityMetadata,
  'events.v1.Subscriptions.Create': createSubscription,
  'events.v1.Subscriptions.List': listSubscriptions,
  'events.v1.Subscriptions.Delete': deleteSubscription,
  'ping.v1.PingService.Ping': ping,
  'ping.v2.PingService.Ping': ping,
  'ping.v2beta1.PingService.Ping': ping,
  'registry.v1.Charts.AddChart': addChart,
  'registry.v1.Charts.FindChart': findChart,
  'registry.v1.Entitlements.ListEntitlements': listEntitlements,
  'registry.v1.Entitlements.CreateEntitlement': createEntitlement,
  'registry.v1.Entitlements.DeleteEntitlement': deleteEntitlement,
  'registry.v1.Entitlements.ListEntitlementImages': listEntitlementImages,
  'registry.v1.Entitlements.ListEntitlementCatalogImages': listCatalogImages,
  'registry.v1.Entitlements.Summary': summarizeEntitlements,
  'registry.v1.Entitlements.GetEffectiveEntitlements': getEffectiveEntitlements,
  'registry.v1.Entitlements.GetFeatures': getFeatures,
  'registry.v1.Entitlements.AddEntitlementImages': addEntitlementImages,
  'registry.v1.Entitlements.RemoveEntitlementImages': removeEntitlementImages,
  'registry.v1.Entitlements.SwapEntitlementImages': swapEntitlementImages,
  'registry.v1.Registry.CreateDeployment': createDeployment,
  'registry.v1.Registry.UpdateDeployment': updateDeployment,
  'registry.v1.Registry.GetDeployment': getDeployment,
  'registry.v1.Registry.GetSyncStatus': getSyncStatus,
  'registry.v1.Registry.ListSyncStatuses': listSyncStatuses,
  'registry.v1.Registry.CreateRepo': createRepo,
  'registry.v1.Registry.UpdateRepo': updateRepo,
  'registry.v1.Registry.ListRepos': listRepos,
  'registry.v1.Registry.GetRepoCountBySource': countReposBySource,
  'registry.v1.Registry.DeleteRepo': deleteRepo,
  'registry.v1.Registry.CreateTag': createTag,
  'registry.v1.Registry.UpdateTag': updateTag,
  'registry.v1.Registry.DeleteTag': deleteTag,
  'registry.v1.Registry.ListTags': listTags,
  'registry.v1.Registry.GetRegistrySettings': getRegistrySettings,
  'registry.v1.Registry.UpdateRegistrySettings': updateRegistrySettings,
  'registry.v1.Registry.GetRepoTagsSummary': summarizeTags,
  'registry.v1.Registry.ListEolTags': listEolTags,
  'registry.v1.Registry.ListTagHistory': listTagHistory,
  'registry.v1.Registry.GetSbom': getSbom,
  'registry.v1.Registry.GetChart': getChart,
  'registry.v1.Registry.ListChartsByImageRepo': listChartsByImageRepo,
  'registry.v1.Registry.GetImageConfig': getImageConfig,
  'registry.v1.Registry.GetArchs': getArchitectures,
  'registry.v1.Registry.GetSize': getSize,
  'registry.v1.Registry.GetRawSbom': getRawSbom,
  'registry.v1.Registry.GetVulnReport': getVulnReport,
  'registry.v1.Registry.ListManifestMetadata': listManifestMetadata,
  'registry.v1.Registry.GetManifestDigestCount': countManifestDigests,
  'registry.v1.Registry.GetPackageVersionMetadata': getPackageVersions,
  'registry.v1.Registry.ListBuildReports': listBuildReports,
  'registry.v1.Registry.GetBuildStatus': getBuildStatus,
  'registry.v1.Registry.GetUpdateStatus': getUpdateStatus,
  'registry.v1.Vulnerabilities.ListVulnCountReports': listVulnCountReports,
  'registry.v1.Vulnerabilities.ListVulnReports': listVulnReports,
  'vulnerabilities.v1.Advisories.List': listAdvisories,
  'vulnerabilities.v1.Advisories.Create': createAdvisory,
  'vulnerabilities.v1.Advisories.Update': updateAdvisory,
  'vulnerabilities.v1.Advisories.Delete': deleteAdvisory,
  'vulnerabilities.v1.Advisories.CreateAdvisoryEvent': createAdvisoryEvent,
  'vulnerabilities.v1.Advisories.ListAdvisoryEvents': listAdvisoryEvents,
  'vulnerabilities.v1.Advisories.UpdateAdvisoryEvent': updateAdvisoryEvent,
};
