import type {
  RegistryCustomOverlay,
  RegistryRepo,
  RegistrySyncConfig,
} from '../../../api/schema/types/registry.gen.ts';
import type {
  RegistryV2CreateRepoRequest,
  RegistryV2CustomOverlay,
  RegistryV2DeleteRepoRequest,
  RegistryV2GetRepoReadmeRequest,
  RegistryV2GetRepoRequest,
  RegistryV2ListReposRequest,
  RegistryV2ListReposResponse,
  RegistryV2Repo,
  RegistryV2RepoReadme,
  RegistryV2SyncConfig,
  RegistryV2UpdateRepoReadmeRequest,
  RegistryV2UpdateRepoRequest,
} from '../../../api/schema/types/registry-v2.gen.ts';
import type { Empty } from '../../../api/schema/types.ts';
import { pageOfRows, resourceColumns } from '../../api/paging.ts';
import { requiredUidp } from '../../api/selection.ts';
import { fieldMapping, timesOf } from '../../api/versions/field-mapping.ts';
import { applyMask } from '../../api/versions/masks.ts';
import { toWireTime } from '../../api/wire-time.ts';
import { invalidArgument } from '../../core/failures.ts';
import type { Caller } from '../../core/types.ts';
import type { SqlRow, Tx } from '../../store/database.ts';
import { selectRepos } from '../catalog/registry-selection.ts';
import { resolveSource } from '../catalog/repo-sources.ts';
import * as v1 from '../catalog/repos.ts';

const syncLife = 14 * 24 * 60 * 60 * 1000;

const fields = fieldMapping<RegistryRepo, RegistryV2Repo>({
  id: 'uid',
  name: 'name',
  description: 'description',
  bundles: 'bundles',
  aliases: 'aliases',
  activeTags: 'activeTags',
});

const syncFields = fieldMapping<RegistrySyncConfig, RegistryV2SyncConfig>({
  source: 'source',
  uniqueTags: 'uniqueTags',
  expiration: 'expirationTime',
  google: 'google',
  amazon: 'amazon',
  azure: 'azure',
  apkoOverlay: 'apkoOverlay',
  gracePeriod: 'gracePeriod',
});

export function getRepo(tx: Tx, _caller: Caller, request: RegistryV2GetRepoRequest): RegistryV2Repo {
  return toRepo(tx, v1.findRepo(tx, requiredUidp('uid', request.uid)));
}

export function listRepos(tx: Tx, caller: Caller, request: RegistryV2ListReposRequest): RegistryV2ListReposResponse {
  const { name, uidp } = request;
  const rows = selectRepos(tx, caller, { capability: 'repo.list', name, uidp });
  const { items, ...page } = pageOfRows(tx, rows, request, resourceColumns);
  return { repos: items.map((row) => toRepo(tx, row)), ...page };
}

/** A name that is taken is an error, where v1 would change the repository there is. */
export function createRepo(
  tx: Tx,
  caller: Caller,
  { parent = '', repo = {} }: RegistryV2CreateRepoRequest,
): RegistryV2Repo {
  requireInherited({}, repo);
  const request = { parentId: parent, repo: toV1Repo(tx, caller, {}, repo), preventExisting: true };
  const { id } = v1.createRepo(tx, caller, request);
  return getRepo(tx, caller, { uid: id ?? '' });
}

export function updateRepo(
  tx: Tx,
  caller: Caller,
  { repo = {}, updateMask }: RegistryV2UpdateRepoRequest,
): RegistryV2Repo {
  const uid = requiredUidp('repo.uid', repo.uid);
  const row = v1.findRepo(tx, uid);
  const before = toRepo(tx, row);
  const { resource } = applyMask('chainguard.platform.registry.v2.Repo', before, repo, updateMask);
  requireInherited(before, resource);
  const { readme, customOverlay } = v1.attributesOf(row);
  const keepsOverlay = JSON.stringify(resource.customOverlay) === JSON.stringify(before.customOverlay);
  v1.updateRepo(tx, caller, {
    ...toV1Repo(tx, caller, before, resource),
    id: uid,
    ...(readme === undefined ? {} : { readme }),
    // As it was, letter for letter: one that differs has every image built again.
    ...(keepsOverlay && customOverlay !== undefined ? { customOverlay } : {}),
  });
  return getRepo(tx, caller, { uid });
}

export function deleteRepo(tx: Tx, caller: Caller, request: RegistryV2DeleteRepoRequest): Empty {
  return v1.deleteRepo(tx, caller, { id: requiredUidp('uid', request.uid) });
}

export function getRepoReadme(tx: Tx, _caller: Caller, request: RegistryV2GetRepoReadmeRequest): RegistryV2RepoReadme {
  const uid = requiredUidp('uid', request.uid);
  return { uid, content: v1.attributesOf(v1.findRepo(tx, uid)).readme ?? '' };
}

export function updateRepoReadme(
  tx: Tx,
  caller: Caller,
  { repoReadme = {}, updateMask }: RegistryV2UpdateRepoReadmeRequest,
): RegistryV2RepoReadme {
  const uid = requiredUidp('repo_readme.uid', repoReadme.uid);
  const before = getRepoReadme(tx, caller, { uid });
  const { resource } = applyMask('chainguard.platform.registry.v2.RepoReadme', before, repoReadme, updateMask);
  const { createTime: _made, ...repo } = v1.toWireRepo(tx, v1.findRepo(tx, uid));
  v1.updateRepo(tx, caller, { ...repo, readme: resource.content ?? '' });
  return getRepoReadme(tx, caller, { uid });
}

/** A repository that is filled from another has these from there; leaving them out is no change. */
function requireInherited(before: RegistryV2Repo, after: RegistryV2Repo): void {
  if ((after.sync_config?.source ?? '') === '') return;
  const values = ({ catalogTier = unspecified, bundles = [], aliases = [], activeTags = [] }: RegistryV2Repo) => ({
    catalog_tier: catalogTier,
    bundles,
    aliases,
    active_tags: activeTags,
  });
  const kept = values(before);
  const none = values({});
  for (const [field, value] of Object.entries(values(after))) {
    if (JSON.stringify(value) === JSON.stringify(none[field as keyof typeof none])) continue;
    if (JSON.stringify(value) === JSON.stringify(kept[field as keyof typeof kept])) continue;
    throw invalidArgument(`${field} cannot be changed: the repository has it from its source`);
  }
}

const unspecified = 'CATALOG_TIER_UNSPECIFIED';

function toRepo(tx: Tx, row: SqlRow): RegistryV2Repo {
  const repo = v1.toWireRepo(tx, row);
  const { catalogTier, sync_config: sync, customOverlay } = repo;
  return {
    ...fields.toV2(repo),
    ...(catalogTier === undefined ? {} : { catalogTier: `CATALOG_TIER_${catalogTier}` }),
    ...(sync === undefined ? {} : { sync_config: syncFields.toV2(sync) }),
    ...(customOverlay === undefined ? {} : { customOverlay: toOverlay(customOverlay) }),
    ...timesOf(row),
  };
}

function toV1Repo(tx: Tx, caller: Caller, before: RegistryV2Repo, after: RegistryV2Repo): RegistryRepo {
  const { catalogTier = unspecified, sync_config: sync, customOverlay } = after;
  return {
    ...fields.toV1(after),
    // The numbers of the two enums differ, their names do not.
    ...(catalogTier === unspecified ? {} : { catalogTier: catalogTier.replace(/^CATALOG_TIER_/, '') }),
    ...(sync === undefined ? {} : { sync_config: toV1Sync(tx, caller, before.sync_config ?? {}, sync) }),
    ...(customOverlay === undefined ? {} : { customOverlay: toV1Overlay(customOverlay) }),
  };
}

/** A new source fills the repository for two weeks. Only Chainguard sets that and how tags are copied. */
function toV1Sync(
  tx: Tx,
  caller: Caller,
  before: RegistryV2SyncConfig,
  { source = '', google = '', amazon = '', azure = '' }: RegistryV2SyncConfig,
): RegistrySyncConfig {
  const id = resolveSource(tx, caller, source);
  const isNew = id !== '' && id !== before.source;
  return {
    ...syncFields.toV1(before),
    source: id,
    google,
    amazon,
    azure,
    ...(isNew ? { expiration: toWireTime(tx.now + syncLife) } : {}),
  };
}

/** The two overlays differ in how accounts are named. */
function toOverlay({ accounts, ...overlay }: RegistryCustomOverlay): RegistryV2CustomOverlay {
  if (accounts === undefined) return overlay;
  const users = accounts.users?.map(({ userName = '', ...user }) => ({ ...user, username: userName }));
  const groups = accounts.groups?.map(({ groupName = '', ...group }) => ({ ...group, groupname: groupName }));
  return { ...overlay, accounts: { ...accounts, users: users ?? [], groups: groups ?? [] } };
}

function toV1Overlay({ accounts, ...overlay }: RegistryV2CustomOverlay): RegistryCustomOverlay {
  if (accounts === undefined) return overlay;
  const users = accounts.users?.map(({ username = '', ...user }) => ({ ...user, userName: username }));
  const groups = accounts.groups?.map(({ groupname = '', ...group }) => ({ ...group, groupName: groupname }));
  return { ...overlay, accounts: { ...accounts, users: users ?? [], groups: groups ?? [] } };
}
