import type {
  IamV2ListTermsAcceptancesRequest,
  IamV2ListTermsAcceptancesResponse,
} from '../../../api/schema/types/iam-v2.gen.ts';
import { ancestry } from '../../../api/uidp.ts';
import { pageOfRows } from '../../api/paging.ts';
import { requiredUidp } from '../../api/selection.ts';
import { toWireTime } from '../../api/wire-time.ts';
import type { Caller } from '../../core/types.ts';
import type { Tx } from '../../store/database.ts';
import { findGroup } from '../groups.ts';
import { selectAcceptances } from '../terms.ts';

const columns = { doc_id: 'document', accepted_by: 'accepted_by', org_uid: 'group_id', created_at: 'accepted_at' };

/** Terms that the groups above have accepted count here too. */
export function listTermsAcceptances(
  tx: Tx,
  _caller: Caller,
  request: IamV2ListTermsAcceptancesRequest,
): IamV2ListTermsAcceptancesResponse {
  const group = requiredUidp('group', request.group);
  findGroup(tx, group);
  const rows = selectAcceptances(tx, ancestry(group));
  const { items, ...page } = pageOfRows(tx, rows, request, columns, 'doc_id asc');
  return {
    termsAcceptances: items.map((row) => ({
      docId: String(row['document']),
      acceptedBy: String(row['accepted_by']),
      orgUid: String(row['group_id']),
      createTime: toWireTime(Number(row['accepted_at'])),
    })),
    ...page,
  };
}
