// Facts of the events of this module (semantics 8.3). Guarantees: a field that is not listed is not stored, so a secret that a
// message gains stays out of events.

import { parentOf, rootOf } from '../../api/uidp.ts';
import { type EventBody, type EventFacts, type EventPlace, idOf, textOf } from '../core/event-facts.ts';

export const iamEvents: EventFacts = {
  'chainguard.platform.auth.Session': { place: ofSession, fields: ['identity', 'group'] },
  'chainguard.platform.events.IdentityMetadata': {
    place: nowhere,
    fields: [
      'onboardingQuestions.companyName',
      'onboardingQuestions.providers',
      'onboardingQuestions.product',
      'onboardingQuestions.jobTitle',
      'onboardingQuestions.utmCampaign',
      'onboardingQuestions.utmContent',
      'onboardingQuestions.utmMedium',
      'onboardingQuestions.utmSource',
      'onboardingQuestions.utmTerm',
      'onboardingQuestions.latestFormSubmitUrl',
      'onboardingQuestions.latestInternalReferringUrl',
      'onboardingQuestions.hubspotUtk',
      'onboardingQuestions.selfServe',
      'name',
      'givenName',
      'familyName',
      'updatesOptIn',
    ],
  },
  'chainguard.platform.iam.AcceptTermsResponse': { place: atGroup, fields: ['group', 'documentIds'] },
  'chainguard.platform.iam.AccountAssociation': {
    place: itself,
    fields: [
      'uid',
      'name',
      'description',
      'amazon.account',
      'google.projectId',
      'google.projectNumber',
      'chainguard.serviceBindings',
      'azure.tenantId',
      'azure.clientIds',
      'createTime',
      'updateTime',
      'github.appInstallations',
    ],
  },
  'chainguard.platform.iam.AccountAssociations': {
    place: atGroup,
    fields: [
      'group',
      'amazon.account',
      'google.projectId',
      'google.projectNumber',
      'chainguard.serviceBindings',
      'azure.tenantId',
      'azure.clientIds',
      'name',
      'description',
      'github.appInstallations',
    ],
  },
  'chainguard.platform.iam.BatchCreateRoleBindingsResponse': {
    place: ofFirstBinding,
    fields: [
      'roleBindings.uid',
      'roleBindings.identity.uid',
      'roleBindings.identity.name',
      'roleBindings.identity.description',
      'roleBindings.identity.subject',
      'roleBindings.identity.issuer',
      'roleBindings.identity.email',
      'roleBindings.group.uid',
      'roleBindings.group.name',
      'roleBindings.group.description',
      'roleBindings.role.uid',
      'roleBindings.role.name',
      'roleBindings.role.description',
      'roleBindings.createTime',
      'roleBindings.identityUid',
      'roleBindings.roleUid',
    ],
  },
  'chainguard.platform.iam.BatchDeleteExternalGroupRoleMappingsResponse': {
    place: ofMappings,
    fields: [
      'parent',
      'externalGroupRoleMappings.uid',
      'externalGroupRoleMappings.identityProviderUid',
      'externalGroupRoleMappings.externalGroupId',
      'externalGroupRoleMappings.roleUid',
      'externalGroupRoleMappings.scope',
      'externalGroupRoleMappings.createTime',
      'parentId',
      'items.id',
      'items.identityProviderUidp',
      'items.externalGroupId',
      'items.roleUidp',
      'items.scope',
      'items.createdAt',
    ],
  },
  'chainguard.platform.iam.DeleteAccountAssociationRequest': { place: itself, fields: ['uid'] },
  'chainguard.platform.iam.DeleteAccountAssociationsRequest': { place: atGroup, fields: ['group'] },
  'chainguard.platform.iam.DeleteExternalGroupRoleMappingRequest': { place: ofMapping, fields: ['uid', 'id'] },
  'chainguard.platform.iam.DeleteGroupInviteRequest': { place: inParent, fields: ['uid', 'id'] },
  'chainguard.platform.iam.DeleteGroupRequest': { place: inParent, fields: ['uid', 'id'] },
  'chainguard.platform.iam.DeleteIdentityProviderRequest': { place: inParent, fields: ['uid', 'id'] },
  'chainguard.platform.iam.DeleteIdentityRequest': { place: inParent, fields: ['uid', 'id'] },
  'chainguard.platform.iam.DeleteRoleBindingRequest': { place: inParent, fields: ['uid', 'id'] },
  'chainguard.platform.iam.DeleteRoleRequest': { place: inParent, fields: ['uid', 'id'] },
  'chainguard.platform.iam.ExternalGroupRoleMapping': {
    place: ofMapping,
    fields: [
      'uid',
      'identityProviderUid',
      'externalGroupId',
      'roleUid',
      'scope',
      'createTime',
      'id',
      'identityProviderUidp',
      'roleUidp',
      'createdAt',
    ],
  },
  'chainguard.platform.iam.GenerateScimTokenResponse': {
    place: ofProvider,
    fields: ['endpointUrl', 'expireTime', 'identityProviderUid', 'etag', 'identityProviderId'],
  },
  'chainguard.platform.iam.Group': {
    place: itself,
    fields: [
      'uid',
      'name',
      'description',
      'resourceLimits',
      'verified',
      'createTime',
      'updateTime',
      'kind',
      'status',
      'id',
    ],
  },
  'chainguard.platform.iam.GroupInvite': { place: inParent, fields: ['uid', 'expirationTime', 'id', 'expiration'] },
  'chainguard.platform.iam.Identity': {
    place: inParent,
    fields: [
      'uid',
      'name',
      'description',
      'email',
      'emailUnverified',
      'company',
      'lastSeenTime',
      'createTime',
      'updateTime',
      'claimMatch.issuer',
      'claimMatch.issuerPattern',
      'claimMatch.subject',
      'claimMatch.subjectPattern',
      'claimMatch.audience',
      'claimMatch.audiencePattern',
      'claimMatch.claims',
      'claimMatch.claimPatterns',
      'staticKeys.issuer',
      'staticKeys.subject',
      'staticKeys.issuerKeys',
      'staticKeys.expirationTime',
      'staticKeys.audiences',
      'awsIdentity.awsAccount',
      'awsIdentity.arn',
      'awsIdentity.arnPattern',
      'awsIdentity.userId',
      'awsIdentity.userIdPattern',
      'servicePrincipal',
      'id',
      'createdAt',
      'updatedAt',
      'lastSeen',
      'static.issuer',
      'static.subject',
      'static.issuerKeys',
      'static.expiration',
      'static.audiences',
    ],
  },
  'chainguard.platform.iam.IdentityMetadata': {
    place: nowhere,
    fields: [
      'uid',
      'name',
      'givenName',
      'familyName',
      'company',
      'updatesOptIn',
      'product',
      'jobTitle',
      'utmCampaign',
      'utmContent',
      'utmMedium',
      'utmSource',
      'utmTerm',
      'latestFormSubmitUrl',
      'latestInternalReferringUrl',
      'hubspotUtk',
      'selfServe',
    ],
  },
  'chainguard.platform.iam.IdentityProvider': {
    place: inParent,
    fields: [
      'uid',
      'name',
      'description',
      'createTime',
      'updateTime',
      'defaultRole',
      'oidc.issuer',
      'oidc.clientId',
      'oidc.additionalScopes',
      'oidc.groupsClaim',
      'oidc.correlationRule',
      'oidc.pkceEnabled',
      'scim.enabled',
      'scim.endpointUrl',
      'scim.tokenExpireTime',
      'scim.previousTokenExpireTime',
      'scim.credentialState',
      'scim.etag',
      'id',
    ],
  },
  'chainguard.platform.iam.RegenerateScimTokenResponse': {
    place: ofProvider,
    fields: [
      'endpointUrl',
      'expireTime',
      'identityProviderUid',
      'etag',
      'previousTokenExpireTime',
      'requestedOverlap',
      'identityProviderId',
    ],
  },
  'chainguard.platform.iam.RevokeScimTokenResponse': {
    place: ofProvider,
    fields: ['identityProviderUid', 'etag', 'enabled', 'revokeTime', 'identityProviderId'],
  },
  'chainguard.platform.iam.Role': {
    place: inParent,
    fields: ['uid', 'name', 'description', 'capabilities', 'createTime', 'updateTime', 'id'],
  },
  'chainguard.platform.iam.RoleBinding': {
    place: inParent,
    fields: [
      'uid',
      'identity.uid',
      'identity.name',
      'identity.description',
      'identity.subject',
      'identity.issuer',
      'identity.email',
      'group.uid',
      'group.name',
      'group.description',
      'role.uid',
      'role.name',
      'role.description',
      'createTime',
      'identityUid',
      'roleUid',
      'id',
      'identity',
      'group',
      'role',
    ],
  },
  'chainguard.platform.iam.RoleBindingBatch': {
    place: ofBindings,
    fields: ['roleBindings.id', 'roleBindings.identity', 'roleBindings.group', 'roleBindings.role'],
  },
  'chainguard.platform.iam.SetScimEnabledResponse': {
    place: ofProvider,
    fields: ['identityProviderUid', 'enabled', 'etag', 'identityProviderId'],
  },
};

function inParent(body: EventBody): EventPlace {
  const id = idOf(body);
  return { subject: id, group: parentOf(id) };
}

function itself(body: EventBody): EventPlace {
  return { subject: idOf(body), group: idOf(body) };
}

function atGroup(body: EventBody): EventPlace {
  return { subject: textOf(body['group']), group: textOf(body['group']) };
}

function ofSession(body: EventBody): EventPlace {
  return { subject: '', group: textOf(body['group']) };
}

function nowhere(body: EventBody): EventPlace {
  return { subject: textOf(body['uid']), group: '' };
}

function bindingsOf(body: EventBody): EventBody[] {
  return Array.isArray(body['roleBindings']) ? (body['roleBindings'] as EventBody[]) : [];
}

function ofBindings(body: EventBody): EventPlace {
  const ids = bindingsOf(body).map((binding) => textOf(binding['id']));
  return { subject: ids.join(','), group: parentOf(ids[0] ?? '') };
}

function ofFirstBinding(body: EventBody): EventPlace {
  const group = parentOf(textOf(bindingsOf(body)[0]?.['uid']));
  return { subject: group, group };
}

function ofMapping(body: EventBody): EventPlace {
  const id = idOf(body);
  return { subject: id, group: rootOf(id), identityProvider: parentOf(id) };
}

function ofMappings(body: EventBody): EventPlace {
  const provider = textOf(body['parentId'] ?? body['parent']);
  return { subject: provider, group: rootOf(provider), identityProvider: provider };
}

function ofProvider(body: EventBody): EventPlace {
  const provider = textOf(body['identityProviderId'] ?? body['identityProviderUid']);
  return { subject: provider, group: parentOf(provider) };
}
