// Policies and their versions (enforce.md 1.3). Guarantees: one policy of a name in a group, named as its document is;
// a changed document is a new version and a changed description is none; versions are never written over.

import type {
  IamActivateVersionRequest,
  IamCreatePolicyRequest,
  IamDeletePolicyRequest,
  IamListVersionsRequest,
  IamPolicy,
  IamPolicyFilter,
  IamPolicyList,
  IamPolicyVersion,
  IamPolicyVersionList,
} from '../../api/schema/types/iam.gen.ts';
import type { Empty } from '../../api/schema/types.ts';
import { ancestry, newChildId, parentOf } from '../../api/uidp.ts';
import { readPolicy } from '../../enforce/policy/document.ts';
import { PolicyError } from '../../enforce/policy/types.ts';
import { checkDescription } from '../api/field-rules.ts';
import { type ListContext, type Resource, requiredUidp, selectVisible } from '../api/selection.ts';
import { toWireTime } from '../api/wire-time.ts';
import { groupsWith } from '../authorization/access.ts';
import { alreadyExists, invalidArgument, notFound } from '../core/failures.ts';
import type { CallContext } from '../core/handler.ts';
import type { Caller } from '../core/types.ts';
import { findGroup } from '../iam/groups.ts';
import type { SqlRow, Tx } from '../store/database.ts';

const resource: Resource = { table: 'enforce_policies', parent: 'parent' };

export function createPolicy(tx: Tx, caller: Caller, request: IamCreatePolicyRequest): IamPolicy {
  const parent = requiredUidp('parent_id', request.parentId);
  const given = request.policy ?? {};
  const { document, name } = checkDocument(given.document, given.name);
  const description = checkDescription(given.description);
  findGroup(tx, parent);
  if (tx.get('SELECT 1 FROM enforce_policies WHERE parent = ? AND name = ?', parent, name) !== undefined) {
    throw alreadyExists(`policy ${JSON.stringify(name)} already exists in ${parent}`);
  }
  const id = newChildId(parent, (count) => tx.randomBytes(count));
  const version = newChildId(id, (count) => tx.randomBytes(count));
  tx.run(
    `INSERT INTO enforce_policies (id, parent, name, description, enforced, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    id,
    parent,
    name,
    description,
    version,
    tx.now,
    tx.now,
  );
  addVersion(tx, caller, { id: version, policy: id, number: 1, document });
  return toWirePolicy(tx, findPolicy(tx, id));
}

/** Fields that are not sent stay as they are; the name cannot change, because clusters know the policy by it. */
export function updatePolicy(tx: Tx, caller: Caller, request: IamPolicy, context: CallContext): IamPolicy {
  const before = findPolicy(tx, requiredUidp('id', request.id));
  const id = String(before['id']);
  const description = context.hasField('description')
    ? checkDescription(request.description)
    : String(before['description']);
  let enforced = String(before['enforced']);
  if (request.document !== undefined && request.document !== '') {
    const { document, name } = checkDocument(request.document, request.name);
    if (name !== before['name']) {
      throw invalidArgument(
        `document: the policy is called ${JSON.stringify(before['name'])}, and its document ${JSON.stringify(name)}`,
      );
    }
    const current = tx.get('SELECT document FROM enforce_policy_versions WHERE id = ?', enforced);
    if (current?.['document'] !== document) {
      const last = tx.get('SELECT MAX(number) AS number FROM enforce_policy_versions WHERE policy = ?', id);
      enforced = newChildId(id, (count) => tx.randomBytes(count));
      addVersion(tx, caller, { id: enforced, policy: id, number: Number(last?.['number'] ?? 0) + 1, document });
    }
  }
  tx.run(
    'UPDATE enforce_policies SET description = ?, enforced = ?, updated_at = ? WHERE id = ?',
    description,
    enforced,
    tx.now,
    id,
  );
  return toWirePolicy(tx, findPolicy(tx, id));
}

export function listPolicies(tx: Tx, caller: Caller, request: IamPolicyFilter, context?: ListContext): IamPolicyList {
  const { id, name, uidp } = request;
  const visible = groupsWith(tx, caller, ['policy.list']);
  const rows = selectVisible(tx, { resource, visible, id, name, uidp }, context?.part);
  return { items: rows.map((row) => toWirePolicy(tx, row)) };
}

export function deletePolicy(tx: Tx, _caller: Caller, request: IamDeletePolicyRequest): Empty {
  const id = requiredUidp('id', request.id);
  if (tx.run('DELETE FROM enforce_policies WHERE id = ?', id) === 0) throw notFound(`${id} not found`);
  // An agent that is away, or that is gone, would leave images flagged by it.
  tx.run(
    `DELETE FROM enforce_objects WHERE cluster IN (SELECT id FROM enforce_clusters) AND kind = 'result' AND key = ?`,
    id,
  );
  return {};
}

/** The newest first. */
export function listVersions(tx: Tx, _caller: Caller, request: IamListVersionsRequest): IamPolicyVersionList {
  const policy = findPolicy(tx, requiredUidp('policy_id', request.policyId));
  const rows = tx.all(
    'SELECT * FROM enforce_policy_versions WHERE policy = ? ORDER BY number DESC',
    String(policy['id']),
  );
  return { items: rows.map((row) => toWireVersion(row, policy)) };
}

export function activateVersion(tx: Tx, _caller: Caller, request: IamActivateVersionRequest): IamPolicy {
  const version = requiredUidp('version_id', request.versionId);
  const id = parentOf(version);
  if (tx.get('SELECT 1 FROM enforce_policy_versions WHERE id = ? AND policy = ?', version, id) === undefined) {
    throw notFound(`${version} not found`);
  }
  tx.run('UPDATE enforce_policies SET enforced = ?, updated_at = ? WHERE id = ?', version, tx.now, id);
  return toWirePolicy(tx, findPolicy(tx, id));
}

/** Returns what counts in a cluster: the policies of its group and of every group above it, the nearest first. */
export function effectivePolicies(tx: Tx, cluster: string): IamPolicy[] {
  return ancestry(parentOf(cluster)).flatMap((group) =>
    tx.all('SELECT * FROM enforce_policies WHERE parent = ? ORDER BY name', group).map((row) => toWirePolicy(tx, row)),
  );
}

function findPolicy(tx: Tx, id: string): SqlRow {
  const row = tx.get('SELECT * FROM enforce_policies WHERE id = ?', id);
  if (row === undefined) throw notFound(`${id} not found`);
  return row;
}

/** Returns the document and the name in it. Throws INVALID_ARGUMENT, naming the line. */
function checkDocument(document: string | undefined, name: string | undefined): { document: string; name: string } {
  if (document === undefined || document === '') throw invalidArgument('document is required');
  try {
    const { policy } = readPolicy(document);
    if (name !== undefined && name !== '' && name !== policy.name) {
      throw invalidArgument(
        `name: ${JSON.stringify(name)} is not the name in the document, ${JSON.stringify(policy.name)}`,
      );
    }
    return { document, name: policy.name };
  } catch (error) {
    if (error instanceof PolicyError) throw invalidArgument(`document: ${error.message}`);
    throw error;
  }
}

interface NewVersion {
  readonly id: string;
  readonly policy: string;
  readonly number: number;
  readonly document: string;
}

function addVersion(tx: Tx, caller: Caller, { id, policy, number, document }: NewVersion): void {
  tx.run(
    `INSERT INTO enforce_policy_versions (id, policy, number, document, author, author_email, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    id,
    policy,
    number,
    document,
    caller.identity,
    caller.email ?? '',
    tx.now,
  );
}

function toWirePolicy(tx: Tx, row: SqlRow): IamPolicy {
  const version = tx.get('SELECT * FROM enforce_policy_versions WHERE id = ?', String(row['enforced']));
  if (version === undefined) throw new Error('a policy has no version that counts');
  return {
    id: String(row['id']),
    name: String(row['name']),
    description: String(row['description']),
    document: String(version['document']),
    createdAt: toWireTime(Number(row['created_at'])),
    updatedAt: toWireTime(Number(row['updated_at'])),
    enforcedVersion: toWireVersion(version, row),
  };
}

function toWireVersion(row: SqlRow, policy: SqlRow): IamPolicyVersion {
  return {
    id: String(row['id']),
    name: String(policy['name']),
    description: String(policy['description']),
    document: String(row['document']),
    author: { id: String(row['author']), email: String(row['author_email']) },
    createdAt: toWireTime(Number(row['created_at'])),
    label: `v${row['number']}`,
  };
}
