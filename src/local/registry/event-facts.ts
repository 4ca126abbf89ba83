// Facts of the events of this module (semantics 8.3). Guarantees: a field that is not listed is not stored, so a secret that a
// message gains stays out of events.

import { parentOf, rootOf } from '../../api/uidp.ts';
import { type EventBody, type EventFacts, type EventPlace, idOf, textOf } from '../core/event-facts.ts';

export const registryEvents: EventFacts = {
  'chainguard.platform.registry.AddChartResponse': {
    place: ofChart,
    fields: ['repos.name', 'repos.created', 'repos.id'],
  },
  'chainguard.platform.registry.AddEntitlementImagesResponse': {
    place: atParent,
    fields: ['images.id', 'images.name', 'images.catalogTier', 'images.type', 'images.expirationTime', 'parent'],
  },
  'chainguard.platform.registry.DeleteRepoRequest': { place: inParent, fields: ['uid', 'id'] },
  'chainguard.platform.registry.DeleteTagRequest': { place: atOrganization, fields: ['uid', 'id'] },
  'chainguard.platform.registry.RemoveEntitlementImagesResponse': {
    place: atParent,
    fields: ['images.id', 'images.name', 'images.catalogTier', 'images.type', 'images.expirationTime', 'parent'],
  },
  'chainguard.platform.registry.Repo': {
    place: inParent,
    fields: [
      'uid',
      'name',
      'description',
      'catalogTier',
      'bundles',
      'aliases',
      'activeTags',
      'sync_config.source',
      'sync_config.uniqueTags',
      'sync_config.expirationTime',
      'sync_config.google',
      'sync_config.amazon',
      'sync_config.azure',
      'sync_config.apkoOverlay',
      'sync_config.gracePeriod',
      'customOverlay.contents.packages',
      'customOverlay.contents.runtimeRepositories',
      'customOverlay.contents.runtimeKeyring.name',
      'customOverlay.contents.runtimeKeyring.content',
      'customOverlay.environment',
      'customOverlay.annotations',
      'customOverlay.accounts.runAs',
      'customOverlay.accounts.users.username',
      'customOverlay.accounts.users.uid',
      'customOverlay.accounts.users.gid',
      'customOverlay.accounts.users.groupName',
      'customOverlay.accounts.users.shell',
      'customOverlay.accounts.users.homeDir',
      'customOverlay.accounts.groups.groupname',
      'customOverlay.accounts.groups.gid',
      'customOverlay.accounts.groups.members',
      'customOverlay.certificates.additional.name',
      'customOverlay.certificates.additional.content',
      'customOverlay.certificates.providers',
      'createTime',
      'updateTime',
      'id',
      'readme',
      'sync_config.expiration',
      'sync_config.syncApks',
      'customOverlay.accounts.groups.groupName',
      'customOverlay.accounts.users.userName',
    ],
  },
  'chainguard.platform.registry.RepoReadme': { place: inParent, fields: ['uid', 'content'] },
  'chainguard.platform.registry.SwapEntitlementImagesResponse': {
    place: atParent,
    fields: [
      'removed.id',
      'removed.name',
      'removed.catalogTier',
      'removed.type',
      'removed.expirationTime',
      'added.id',
      'added.name',
      'added.catalogTier',
      'added.type',
      'added.expirationTime',
      'parent',
    ],
  },
  'chainguard.platform.registry.Tag': {
    place: atOrganization,
    fields: ['uid', 'name', 'digest', 'updateTime', 'deprecated', 'bundles', 'id', 'lastUpdated'],
  },
};

function inParent(body: EventBody): EventPlace {
  const id = idOf(body);
  return { subject: id, group: parentOf(id) };
}

/** The SDK maps neither; the organization is what published samples have (semantics 12). */
function atOrganization(body: EventBody): EventPlace {
  const id = idOf(body);
  return { subject: id, group: rootOf(id) };
}

/** Internal: about the organization whose images these are. */
function atParent(body: EventBody): EventPlace {
  return { subject: textOf(body['parent']), group: textOf(body['parent']) };
}

/** The answer lists repositories; the event is about the organization that has them now. */
function ofChart(_body: EventBody, request: EventBody): EventPlace {
  return { subject: textOf(request['parentId']), group: textOf(request['parentId']) };
}
