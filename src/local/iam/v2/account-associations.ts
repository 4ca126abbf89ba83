import type {
  IamAccountAssociations,
  IamAccountAssociationsCheckRequest,
  IamAccountAssociationsStatus,
} from '../../../api/schema/types/iam.gen.ts';
import type {
  IamV2AccountAssociation,
  IamV2CheckAccountAssociationRequest,
  IamV2CheckAccountAssociationResponse,
  IamV2CreateAccountAssociationRequest,
  IamV2DeleteAccountAssociationRequest,
  IamV2GetAccountAssociationRequest,
  IamV2ListAccountAssociationsRequest,
  IamV2ListAccountAssociationsResponse,
  IamV2UpdateAccountAssociationRequest,
} from '../../../api/schema/types/iam-v2.gen.ts';
import type { Empty } from '../../../api/schema/types.ts';
import { pageOfSelection, resourceColumns } from '../../api/paging.ts';
import { requiredUidp } from '../../api/selection.ts';
import { deleteIfThere } from '../../api/versions/deletion.ts';
import { fieldMapping, sameNumber, timesOf } from '../../api/versions/field-mapping.ts';
import { applyMask } from '../../api/versions/masks.ts';
import type { Caller } from '../../core/types.ts';
import type { SqlRow, Tx } from '../../store/database.ts';
import * as v1 from '../account-associations.ts';

const fields = fieldMapping<IamAccountAssociations, IamV2AccountAssociation>({
  group: 'uid',
  name: 'name',
  description: 'description',
  amazon: 'amazon',
  google: 'google',
  chainguard: 'chainguard',
  azure: 'azure',
  github: 'github',
});

const columns = { ...resourceColumns, group: 'group_id' };

export function getAccountAssociation(
  tx: Tx,
  _caller: Caller,
  request: IamV2GetAccountAssociationRequest,
): IamV2AccountAssociation {
  return toAssociation(v1.requireAssociations(tx, requiredUidp('uid', request.uid)));
}

export function listAccountAssociations(
  tx: Tx,
  caller: Caller,
  request: IamV2ListAccountAssociationsRequest,
): IamV2ListAccountAssociationsResponse {
  const { name = '', uidp } = request;
  const selection = { ...v1.associationSelection(tx, caller, { name }), uidp };
  const { items, ...page } = pageOfSelection(tx, selection, request, columns, 'group asc');
  return { accountAssociations: items.map(toAssociation), ...page };
}

export function createAccountAssociation(
  tx: Tx,
  caller: Caller,
  { parent = '', accountAssociation = {} }: IamV2CreateAccountAssociationRequest,
): IamV2AccountAssociation {
  v1.createAccountAssociations(tx, caller, { ...fields.toV1(accountAssociation), group: parent });
  return getAccountAssociation(tx, caller, { uid: parent });
}

export function updateAccountAssociation(
  tx: Tx,
  caller: Caller,
  { accountAssociation = {}, updateMask }: IamV2UpdateAccountAssociationRequest,
): IamV2AccountAssociation {
  const uid = requiredUidp('account_association.uid', accountAssociation.uid);
  const before = getAccountAssociation(tx, caller, { uid });
  const message = 'chainguard.platform.iam.v2.AccountAssociation';
  const { resource } = applyMask(message, before, accountAssociation, updateMask);
  v1.updateAccountAssociations(tx, caller, { ...fields.toV1(resource), group: uid });
  return getAccountAssociation(tx, caller, { uid });
}

export function deleteAccountAssociation(tx: Tx, caller: Caller, request: IamV2DeleteAccountAssociationRequest): Empty {
  return deleteIfThere(() => v1.deleteAccountAssociations(tx, caller, { group: requiredUidp('uid', request.uid) }));
}

const clouds = [
  'chainguard.platform.iam.v2.AccountProviderType',
  'chainguard.platform.iam.AccountAssociationsCheckRequest.AccountType',
] as const;
const states = [
  'chainguard.platform.iam.AccountAssociationsStatus.State',
  'chainguard.platform.iam.v2.CheckStatus',
] as const;

export function toV1Check(request: IamV2CheckAccountAssociationRequest): IamAccountAssociationsCheckRequest {
  const { uid = '', providerType = 'ACCOUNT_PROVIDER_TYPE_UNSPECIFIED' } = request;
  return { group: uid, accountType: sameNumber(...clouds, providerType) };
}

export function toCheckResponse(status: IamAccountAssociationsStatus): IamV2CheckAccountAssociationResponse {
  const { ready = 'UNKNOWN', reason = '', message = '' } = status;
  return { status: sameNumber(...states, ready), reason, message };
}

function toAssociation(row: SqlRow): IamV2AccountAssociation {
  return { ...fields.toV2(v1.toWireAssociations(row)), ...timesOf(row) };
}
