import type {
  IamGenerateScimTokenRequest,
  IamGenerateScimTokenResponse,
  IamIdentityProvider,
  IamRegenerateScimTokenRequest,
  IamRegenerateScimTokenResponse,
  IamRevokeScimTokenResponse,
  IamSetScimEnabledRequest,
  IamSetScimEnabledResponse,
} from '../../../api/schema/types/iam.gen.ts';
import type {
  IamV2CreateIdentityProviderRequest,
  IamV2DeleteIdentityProviderRequest,
  IamV2GenerateScimTokenRequest,
  IamV2GenerateScimTokenResponse,
  IamV2GetIdentityProviderRequest,
  IamV2IdentityProvider,
  IamV2ListIdentityProvidersRequest,
  IamV2ListIdentityProvidersResponse,
  IamV2RegenerateScimTokenRequest,
  IamV2RegenerateScimTokenResponse,
  IamV2RevokeScimTokenRequest,
  IamV2RevokeScimTokenResponse,
  IamV2SetScimEnabledRequest,
  IamV2SetScimEnabledResponse,
  IamV2UpdateIdentityProviderRequest,
} from '../../../api/schema/types/iam-v2.gen.ts';
import type { Empty } from '../../../api/schema/types.ts';
import { pageOfSelection, resourceColumns } from '../../api/paging.ts';
import { requiredUidp } from '../../api/selection.ts';
import { fieldMapping } from '../../api/versions/field-mapping.ts';
import { applyMask, type Masked } from '../../api/versions/masks.ts';
import { toWireTime } from '../../api/wire-time.ts';
import type { CallContext } from '../../core/handler.ts';
import type { Caller } from '../../core/types.ts';
import type { Tx } from '../../store/database.ts';
import * as v1 from '../identity-providers.ts';
import * as scim from '../scim-tokens.ts';
import { requireProvider, type StoredProvider, toStoredProvider, toWireProvider } from '../stored-provider.ts';

const fields = fieldMapping<IamIdentityProvider, IamV2IdentityProvider>({
  id: 'uid',
  name: 'name',
  description: 'description',
  defaultRole: 'defaultRole',
  oidc: 'oidc',
});

export function getIdentityProvider(
  tx: Tx,
  _caller: Caller,
  request: IamV2GetIdentityProviderRequest,
  { urls }: CallContext,
): IamV2IdentityProvider {
  const record = requireProvider(tx, requiredUidp('uid', request.uid));
  const { scim } = toWireProvider(record, urls.api, tx.now);
  return { ...toProvider(tx, record, urls.api), ...(scim === undefined ? {} : { scim }) };
}

/** Of SCIM a list says nothing. */
export function listIdentityProviders(
  tx: Tx,
  caller: Caller,
  request: IamV2ListIdentityProvidersRequest,
  { urls }: CallContext,
): IamV2ListIdentityProvidersResponse {
  const selection = v1.identityProviderSelection(tx, caller, request);
  const { items, ...page } = pageOfSelection(tx, selection, request, resourceColumns);
  return { identityProviders: items.map((row) => toProvider(tx, toStoredProvider(row), urls.api)), ...page };
}

export function createIdentityProvider(
  tx: Tx,
  caller: Caller,
  { parent = '', identityProvider = {} }: IamV2CreateIdentityProviderRequest,
  context: CallContext,
  pkce: v1.PkceSupport,
): IamV2IdentityProvider {
  const request = { parentId: parent, identityProvider: fields.toV1(identityProvider) };
  const { id = '' } = v1.createIdentityProvider(tx, caller, request, context, pkce);
  return getIdentityProvider(tx, caller, { uid: id }, context);
}

/** An empty client secret clears the one there is only when the mask names it; it cannot be read and written back. */
export function updateIdentityProvider(
  tx: Tx,
  caller: Caller,
  request: IamV2UpdateIdentityProviderRequest,
  context: CallContext,
  pkce: v1.PkceSupport,
): IamV2IdentityProvider {
  const { resource, hasField } = maskProvider(tx, request);
  const uid = requiredUidp('identity_provider.uid', request.identityProvider?.uid);
  const saysSecret = (resource.oidc?.clientSecret ?? '') !== '' || hasField('oidc.clientSecret');
  v1.updateIdentityProvider(
    tx,
    caller,
    { ...fields.toV1(resource), id: uid },
    { ...context, hasField: () => saysSecret },
    pkce,
  );
  return getIdentityProvider(tx, caller, { uid }, context);
}

/** Returns what an update makes of the provider. */
export function maskProvider(tx: Tx, request: IamV2UpdateIdentityProviderRequest): Masked<IamV2IdentityProvider> {
  const { identityProvider = {}, updateMask } = request;
  const record = requireProvider(tx, requiredUidp('identity_provider.uid', identityProvider.uid));
  const message = 'chainguard.platform.iam.v2.IdentityProvider';
  return applyMask(message, toProvider(tx, record, ''), identityProvider, updateMask);
}

export function deleteIdentityProvider(tx: Tx, caller: Caller, request: IamV2DeleteIdentityProviderRequest): Empty {
  return v1.deleteIdentityProvider(tx, caller, { id: requiredUidp('uid', request.uid) });
}

const generating = fieldMapping<IamGenerateScimTokenRequest, IamV2GenerateScimTokenRequest>({
  identityProviderId: 'identityProviderUid',
  expireTime: 'expireTime',
  neverExpires: 'neverExpires',
});
const generated = fieldMapping<IamGenerateScimTokenResponse, IamV2GenerateScimTokenResponse>({
  token: 'token',
  endpointUrl: 'endpointUrl',
  expireTime: 'expireTime',
  identityProviderId: 'identityProviderUid',
  etag: 'etag',
});
const regenerating = fieldMapping<IamRegenerateScimTokenRequest, IamV2RegenerateScimTokenRequest>({
  identityProviderId: 'identityProviderUid',
  overlap: 'overlap',
  expireTime: 'expireTime',
  etag: 'etag',
  neverExpires: 'neverExpires',
});
const regenerated = fieldMapping<IamRegenerateScimTokenResponse, IamV2RegenerateScimTokenResponse>({
  token: 'token',
  endpointUrl: 'endpointUrl',
  expireTime: 'expireTime',
  identityProviderId: 'identityProviderUid',
  etag: 'etag',
  previousTokenExpireTime: 'previousTokenExpireTime',
  requestedOverlap: 'requestedOverlap',
});
const revoked = fieldMapping<IamRevokeScimTokenResponse, IamV2RevokeScimTokenResponse>({
  identityProviderId: 'identityProviderUid',
  etag: 'etag',
  enabled: 'enabled',
  revokeTime: 'revokeTime',
});
const enabling = fieldMapping<IamSetScimEnabledRequest, IamV2SetScimEnabledRequest>({
  identityProviderId: 'identityProviderUid',
  enabled: 'enabled',
  etag: 'etag',
});
const enabled = fieldMapping<IamSetScimEnabledResponse, IamV2SetScimEnabledResponse>({
  identityProviderId: 'identityProviderUid',
  enabled: 'enabled',
  etag: 'etag',
});

export function generateScimToken(
  tx: Tx,
  caller: Caller,
  request: IamV2GenerateScimTokenRequest,
  context: CallContext,
): IamV2GenerateScimTokenResponse {
  return generated.toV2(scim.generateScimToken(tx, caller, generating.toV1(request), context));
}

export function regenerateScimToken(
  tx: Tx,
  caller: Caller,
  request: IamV2RegenerateScimTokenRequest,
  context: CallContext,
): IamV2RegenerateScimTokenResponse {
  return regenerated.toV2(scim.regenerateScimToken(tx, caller, regenerating.toV1(request), context));
}

export function revokeScimToken(
  tx: Tx,
  caller: Caller,
  { identityProviderUid = '' }: IamV2RevokeScimTokenRequest,
): IamV2RevokeScimTokenResponse {
  return revoked.toV2(scim.revokeScimToken(tx, caller, { identityProviderId: identityProviderUid }));
}

export function setScimEnabled(
  tx: Tx,
  caller: Caller,
  request: IamV2SetScimEnabledRequest,
): IamV2SetScimEnabledResponse {
  return enabled.toV2(scim.setScimEnabled(tx, caller, enabling.toV1(request)));
}

function toProvider(tx: Tx, record: StoredProvider, apiUrl: string): IamV2IdentityProvider {
  return {
    ...fields.toV2(toWireProvider(record, apiUrl, tx.now)),
    createTime: toWireTime(record.createdAt),
    updateTime: toWireTime(record.updatedAt),
  };
}
