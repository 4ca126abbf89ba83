import type {
  IamAcceptTermsRequest,
  IamAcceptTermsResponse,
  IamTermsFilter,
  IamTermsList,
} from '../../api/schema/types/iam.gen.ts';
import { requiredUidp } from '../api/selection.ts';
import { toWireTime } from '../api/wire-time.ts';
import { invalidArgument } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { findGroup } from './groups.ts';

/** The documents there are (semantics 9). */
const documents = ['guardener-tos.v1', 'sfdpa.v1', 'skills-tos.v1'];

/** Accepting again changes nothing: the first acceptance is the one that counts. */
export function acceptTerms(tx: Tx, caller: Caller, request: IamAcceptTermsRequest): IamAcceptTermsResponse {
  const group = requiredUidp('group', request.group);
  const documentIds = [...new Set(request.documentIds ?? [])];
  if (documentIds.length === 0) throw invalidArgument('document_ids is required');
  const unknown = documentIds.find((id) => !documents.includes(id));
  if (unknown !== undefined) throw invalidArgument(`document_ids: ${JSON.stringify(unknown)} is not a document`);
  findGroup(tx, group);
  for (const document of documentIds) {
    tx.run(
      `INSERT INTO terms_acceptances (group_id, document, accepted_by, accepted_at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
      group,
      document,
      caller.identity,
      tx.now,
    );
  }
  return { group, documentIds };
}

export function listAcceptedTerms(tx: Tx, _caller: Caller, request: IamTermsFilter): IamTermsList {
  const group = requiredUidp('group', request.group);
  findGroup(tx, group);
  return {
    items: selectAcceptances(tx, [group]).map((row) => ({
      docId: String(row['document']),
      acceptedBy: String(row['accepted_by']),
      acceptedAt: toWireTime(Number(row['accepted_at'])),
    })),
  };
}

/** Returns what these groups have accepted, by document. */
export function selectAcceptances(tx: Tx, groups: readonly string[]): SqlRow[] {
  return tx.all(
    `SELECT *, group_id || ' ' || document AS id FROM terms_acceptances
     WHERE group_id IN (SELECT value FROM json_each(?)) ORDER BY document, group_id`,
    JSON.stringify(groups),
  );
}
