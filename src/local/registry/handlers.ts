import type { Handlers } from '../core/handler.ts';
import { getBuildStatus, listBuildReports } from './builds/build-reports.ts';
import { createDeployment, getDeployment, updateDeployment } from './catalog/deployments.ts';
import {
  countManifestDigests,
  getArchitectures,
  getImageConfig,
  getRawSbom,
  getSbom,
  getSize,
  listManifestMetadata,
} from './catalog/image-contents.ts';
import { getRegistrySettings, updateRegistrySettings } from './catalog/registry-settings.ts';
import { countReposBySource, createRepo, deleteRepo, listRepos, updateRepo } from './catalog/repos.ts';
import { getSyncStatus, listSyncStatuses } from './catalog/sync-statuses.ts';
import {
  createTag,
  deleteTag,
  getUpdateStatus,
  listTagHistory,
  listTags,
  summarizeTags,
  updateTag,
} from './catalog/tags.ts';
import { getPackageVersions, listEolTags } from './catalog/versions.ts';
import { addChart, findChart, getChart, listChartsByImageRepo } from './charts/charts.ts';
import {
  addEntitlementImages,
  listCatalogImages,
  listEntitlementImages,
  removeEntitlementImages,
  swapEntitlementImages,
} from './entitlements/entitlement-images.ts';
import {
  createEntitlement,
  deleteEntitlement,
  getEffectiveEntitlements,
  getFeatures,
  listEntitlements,
  summarizeEntitlements,
} from './entitlements/entitlements.ts';

export const handlers: Handlers = {
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
  'registry.v1.Registry.ListManifestMetadata': listManifestMetadata,
  'registry.v1.Registry.GetManifestDigestCount': countManifestDigests,
  'registry.v1.Registry.GetPackageVersionMetadata': getPackageVersions,
  'registry.v1.Registry.ListBuildReports': listBuildReports,
  'registry.v1.Registry.GetBuildStatus': getBuildStatus,
  'registry.v1.Registry.GetUpdateStatus': getUpdateStatus,
};
