import type { RegistryTag } from '../../../api/schema/types/registry.gen.ts';
import type {
  RegistryV2CreateTagRequest,
  RegistryV2DeleteTagRequest,
  RegistryV2GetTagRequest,
  RegistryV2ListTagsRequest,
  RegistryV2ListTagsResponse,
  RegistryV2Tag,
} from '../../../api/schema/types/registry-v2.gen.ts';
import type { Empty } from '../../../api/schema/types.ts';
import { pageOfRows } from '../../api/paging.ts';
import { requiredUidp } from '../../api/selection.ts';
import { fieldMapping } from '../../api/versions/field-mapping.ts';
import { requireCapabilities } from '../../authorization/access.ts';
import type { Caller } from '../../core/types.ts';
import type { Tx } from '../../store/database.ts';
import * as v1 from '../catalog/tags.ts';

const fields = fieldMapping<RegistryTag, RegistryV2Tag>({
  id: 'uid',
  name: 'name',
  digest: 'digest',
  lastUpdated: 'updateTime',
  deprecated: 'deprecated',
  bundles: 'bundles',
});

const columns = { uid: 'id', name: 'name', digest: 'digest', updated_at: 'updated_at' };

export function getTag(tx: Tx, _caller: Caller, request: RegistryV2GetTagRequest): RegistryV2Tag {
  return fields.toV2(v1.toWireTag(v1.findTagRow(tx, requiredUidp('uid', request.uid))));
}

/** v2 leaves out by default the tags that v1 includes by default. */
export function listTags(tx: Tx, caller: Caller, request: RegistryV2ListTagsRequest): RegistryV2ListTagsResponse {
  const { uidp, name = '', updatedSince = '', digest = '' } = request;
  const rows = v1.selectWantedTags(tx, caller, {
    ...(uidp === undefined ? {} : { uidp }),
    name,
    updatedSince,
    digest,
    excludeReferrers: request.includeReferrers !== true,
    excludeDates: request.includeDates !== true,
    excludeEpochs: request.includeEpochs !== true,
  });
  const { items, ...page } = pageOfRows(tx, rows, request, columns);
  return { tags: items.map((row) => fields.toV2(v1.toWireTag(row))), ...page };
}

/** Moves the tag of that name when there is one. */
export function createTag(
  tx: Tx,
  caller: Caller,
  { parent = '', tag = {} }: RegistryV2CreateTagRequest,
): RegistryV2Tag {
  const repository = v1.requireRepository(tx, requiredUidp('parent', parent));
  const existing = tx.get('SELECT id FROM tags WHERE repo = ? AND name = ?', repository.id, tag.name ?? '');
  if (existing === undefined) {
    return fields.toV2(v1.createTag(tx, caller, { repoId: parent, tag: fields.toV1(tag) }));
  }
  const id = String(existing['id']);
  requireCapabilities(tx, caller, ['tag.update'], id);
  return fields.toV2(v1.updateTag(tx, caller, { ...fields.toV1(tag), id }));
}

export function deleteTag(tx: Tx, caller: Caller, request: RegistryV2DeleteTagRequest): Empty {
  return v1.deleteTag(tx, caller, { id: requiredUidp('uid', request.uid) });
}
