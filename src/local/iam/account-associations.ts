import { iamSchema } from '../../api/schema/messages/iam.gen.ts';
import type {
  IamAccountAssociations,
  IamAccountAssociationsAzure,
  IamAccountAssociationsChainguard,
  IamAccountAssociationsFilter,
  IamAccountAssociationsGoogle,
  IamAccountAssociationsList,
  IamDeleteAccountAssociationsRequest,
} from '../../api/schema/types/iam.gen.ts';
import type { Empty } from '../../api/schema/types.ts';
import { checkAwsAccount, checkDescription, checkName } from '../api/field-rules.ts';
import {
  type ListContext,
  optionalUidp,
  type Resource,
  requiredUidp,
  type Selection,
  selectVisible,
} from '../api/selection.ts';
import { groupsWith } from '../authorization/access.ts';
import { alreadyExists, invalidArgument, notFound } from '../core/failures.ts';
import type { Caller } from '../core/types.ts';
import type { SqlRow, Tx } from '../store/database.ts';
import { findGroup } from './groups.ts';
import { findIdentity } from './stored-identity.ts';

/** An account association is named by its group. */
const resource: Resource = {
  table: 'account_associations',
  parent: 'parent',
  source: `(SELECT a.*, a.group_id AS id, g.parent
     FROM account_associations a JOIN groups g ON g.id = a.group_id)`,
};

const servicePrincipals = Object.keys(iamSchema.enums['chainguard.platform.iam.ServicePrincipal'] ?? {}).slice(1);

/** One for each group. */
export function createAccountAssociations(
  tx: Tx,
  _caller: Caller,
  request: IamAccountAssociations,
): IamAccountAssociations {
  const association = checkAssociations(tx, request);
  if (findAssociations(tx, association.group) !== undefined) {
    throw alreadyExists(`account association already exists for ${association.group}`);
  }
  return writeAssociations(tx, association);
}

/** Replaces all of it: a cloud that is left out is no longer associated. */
export function updateAccountAssociations(
  tx: Tx,
  _caller: Caller,
  request: IamAccountAssociations,
): IamAccountAssociations {
  const association = checkAssociations(tx, request);
  requireAssociations(tx, association.group);
  return writeAssociations(tx, association);
}

export function listAccountAssociations(
  tx: Tx,
  caller: Caller,
  request: IamAccountAssociationsFilter,
  context?: ListContext,
): IamAccountAssociationsList {
  return { items: selectVisible(tx, associationSelection(tx, caller, request), context?.part).map(toWireAssociations) };
}

/** `group` takes exactly that group. */
export function associationSelection(tx: Tx, caller: Caller, { group, name }: IamAccountAssociationsFilter): Selection {
  const id = optionalUidp('group', group);
  return { resource, visible: groupsWith(tx, caller, ['account_associations.list']), id, name };
}

export function deleteAccountAssociations(
  tx: Tx,
  _caller: Caller,
  request: IamDeleteAccountAssociationsRequest,
): Empty {
  const group = requiredUidp('group', request.group);
  requireAssociations(tx, group);
  tx.run('DELETE FROM account_associations WHERE group_id = ?', group);
  return {};
}

export function findAssociations(tx: Tx, group: string): IamAccountAssociations | undefined {
  const row = findRow(tx, group);
  return row === undefined ? undefined : toWireAssociations(row);
}

export function requireAssociations(tx: Tx, group: string): SqlRow {
  const row = findRow(tx, group);
  if (row === undefined) throw notFound(`${group} has no account association`);
  return row;
}

export function toWireAssociations(row: SqlRow): IamAccountAssociations {
  // Written by writeAssociations only.
  return JSON.parse(String(row['body'])) as IamAccountAssociations;
}

function findRow(tx: Tx, group: string): SqlRow | undefined {
  return tx.get('SELECT * FROM account_associations WHERE group_id = ?', group);
}

type Checked = IamAccountAssociations & { readonly group: string };

export function writeAssociations(tx: Tx, association: Checked): IamAccountAssociations {
  const { group, name = '' } = association;
  tx.run(
    `INSERT INTO account_associations (group_id, name, body, created_at, updated_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (group_id) DO UPDATE SET name = excluded.name, body = excluded.body, updated_at = excluded.updated_at`,
    group,
    name,
    JSON.stringify(association),
    tx.now,
    tx.now,
  );
  tx.run('DELETE FROM service_bindings WHERE group_id = ?', group);
  for (const [principal, identity] of Object.entries(association.chainguard?.serviceBindings ?? {})) {
    tx.run('INSERT INTO service_bindings (group_id, principal, identity) VALUES (?, ?, ?)', group, principal, identity);
  }
  return association;
}

function checkAssociations(tx: Tx, request: IamAccountAssociations): Checked {
  const group = requiredUidp('group', request.group);
  findGroup(tx, group);
  const { name = '', description, amazon, google, azure, chainguard, github } = request;
  return {
    group,
    name: name === '' ? '' : checkName(name),
    description: checkDescription(description),
    ...(amazon === undefined ? {} : { amazon: { account: checkAwsAccount(amazon.account) } }),
    ...(google === undefined ? {} : { google: toGoogle(google) }),
    ...(azure === undefined ? {} : { azure: checkAzure(azure) }),
    ...(chainguard === undefined ? {} : { chainguard: checkServiceBindings(tx, group, chainguard) }),
    ...(github === undefined ? {} : { github }),
  };
}

/**
 * Taken as they are, as production takes them: a project that is none is found out when it is asked (clouds/google.ts).
 */
function toGoogle({ projectId = '', projectNumber = '' }: IamAccountAssociationsGoogle): IamAccountAssociationsGoogle {
  return { projectId, projectNumber };
}

function checkAzure({ tenantId = '', clientIds = {} }: IamAccountAssociationsAzure): IamAccountAssociationsAzure {
  checkGuid('azure.tenant_id', tenantId);
  for (const [component, id] of Object.entries(clientIds)) {
    if (!/^[a-z0-9][a-z0-9._-]*$/i.test(component)) {
      throw invalidArgument(`azure.client_ids: ${JSON.stringify(component)} is not a component`);
    }
    checkGuid(`azure.client_ids[${JSON.stringify(component)}]`, id);
  }
  return { tenantId, clientIds };
}

function checkGuid(field: string, text: string): void {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) {
    throw invalidArgument(`${field}: ${JSON.stringify(text)} is not a GUID`);
  }
}

/** semantics 2, account association `service_bindings`. */
function checkServiceBindings(
  tx: Tx,
  group: string,
  { serviceBindings = {} }: IamAccountAssociationsChainguard,
): IamAccountAssociationsChainguard {
  for (const [principal, id] of Object.entries(serviceBindings)) {
    const field = `chainguard.service_bindings[${JSON.stringify(principal)}]`;
    if (!servicePrincipals.includes(principal)) throw invalidArgument(`${field} is an unknown service`);
    const identity = findIdentity(tx, requiredUidp(field, id));
    // The caller must not learn whether one exists elsewhere.
    if (identity?.parent !== group) throw invalidArgument(`${field}: ${id} is not an identity directly under ${group}`);
    const { relationship } = identity;
    if (relationship.kind !== 'servicePrincipal' || relationship.servicePrincipal !== principal) {
      throw invalidArgument(`${field}: ${id} is not an identity of this service`);
    }
  }
  return { serviceBindings };
}
