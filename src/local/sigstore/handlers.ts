// Certificate authorities as the API has them (enforce-api.json, SigstoreService). Guarantees: an authority signs with
// keys of its own, which go with it; one that another cloud keeps is refused, because this platform asks no cloud.

import type {
  IamCreateSigstoreRequest,
  IamDeleteSigstoreRequest,
  IamSigstore,
  IamSigstoreFilter,
  IamSigstoreList,
} from '../../api/schema/types/iam.gen.ts';
import type { Empty } from '../../api/schema/types.ts';
import { newChildId } from '../../api/uidp.ts';
import { checkDescription } from '../api/field-rules.ts';
import { type Resource, requiredUidp, selectVisible } from '../api/selection.ts';
import { groupsWith } from '../authorization/access.ts';
import { alreadyExists, failedPrecondition, invalidArgument, notFound } from '../core/failures.ts';
import type { CallContext, Handlers } from '../core/handler.ts';
import type { Caller, PlatformUrls } from '../core/types.ts';
import { findGroup } from '../iam/groups.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { baseUrl } from './addresses.ts';

const resource: Resource = { table: 'sigstore_authorities', parent: 'parent' };

export const handlers: Handlers = {
  'iam.v1.SigstoreService.Create': create,
  'iam.v1.SigstoreService.List': list,
  'iam.v1.SigstoreService.Update': update,
  'iam.v1.SigstoreService.Delete': remove,
};

function create(tx: Tx, _caller: Caller, request: IamCreateSigstoreRequest, { urls }: CallContext): IamSigstore {
  const parent = requiredUidp('parent_id', request.parentId);
  const { name = '', description, certificateAuthority: elsewhere } = request.sigstore ?? {};
  findGroup(tx, parent);
  refuseElsewhere(elsewhere);
  const id = newChildId(parent, (count) => tx.randomBytes(count));
  const handle = id.slice(parent.length + 1);
  tx.run(
    `INSERT INTO sigstore_authorities (id, parent, name, description, handle, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
    id,
    parent,
    freeName(tx, parent, name),
    checkDescription(description),
    handle,
    tx.now,
  );
  return toWire(find(tx, id), urls);
}

function list(tx: Tx, caller: Caller, request: IamSigstoreFilter, context: CallContext): IamSigstoreList {
  const { id, name, uidp } = request;
  const visible = groupsWith(tx, caller, ['sigstore.list']);
  const rows = selectVisible(tx, { resource, visible, id, name, uidp }, context.part);
  return { items: rows.map((row) => toWire(row, context.urls)) };
}

/** Fields that are not sent stay as they are. */
function update(tx: Tx, _caller: Caller, request: IamSigstore, { hasField, urls }: CallContext): IamSigstore {
  const row = find(tx, requiredUidp('id', request.id));
  refuseElsewhere(request.certificateAuthority);
  const before = String(row['name']);
  const wanted = hasField('name') ? (request.name ?? '') : before;
  tx.run(
    'UPDATE sigstore_authorities SET name = ?, description = ? WHERE id = ?',
    wanted === before ? before : freeName(tx, String(row['parent']), wanted),
    hasField('description') ? checkDescription(request.description) : String(row['description']),
    String(row['id']),
  );
  return toWire(find(tx, String(row['id'])), urls);
}

function remove(tx: Tx, _caller: Caller, request: IamDeleteSigstoreRequest): Empty {
  const id = requiredUidp('id', request.id);
  if (tx.run('DELETE FROM sigstore_authorities WHERE id = ?', id) === 0) throw notFound(`${id} not found`);
  return {};
}

function refuseElsewhere(elsewhere: IamSigstore['certificateAuthority']): void {
  if (elsewhere?.googleCa === undefined && elsewhere?.kmsCa === undefined) return;
  throw failedPrecondition(
    'this platform signs with keys of its own and asks no cloud for certificates; leave certificate_authority out',
  );
}

/** It stands in certificates, and is how people tell authorities apart. */
function freeName(tx: Tx, parent: string, name: string): string {
  if (name.length === 0 || name.length > 60 || /[\p{Cc}\p{Cf}/]/u.test(name)) {
    throw invalidArgument(
      `name: ${JSON.stringify(name)} must be 1 to 60 characters, without "/" and control characters`,
    );
  }
  if (tx.get('SELECT 1 FROM sigstore_authorities WHERE parent = ? AND name = ?', parent, name) !== undefined) {
    throw alreadyExists(`certificate authority ${JSON.stringify(name)} already exists in ${parent}`);
  }
  return name;
}

function find(tx: Tx, id: string): SqlRow {
  const row = tx.get('SELECT * FROM sigstore_authorities WHERE id = ?', id);
  if (row === undefined) throw notFound(`${id} not found`);
  return row;
}

const toWire = (row: SqlRow, urls: PlatformUrls): IamSigstore => ({
  id: String(row['id']),
  name: String(row['name']),
  description: String(row['description']),
  // As a policy's keyless.url has it behind the scheme.
  hostname: baseUrl(urls, String(row['handle'])).replace(/^https?:\/\//, ''),
});
