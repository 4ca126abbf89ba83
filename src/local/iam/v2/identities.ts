import type { EventsIdentityMetadataOnboardingQuestions } from '../../../api/schema/types/events.gen.ts';
import type { IamIdentity, IamIdentityStaticKeys } from '../../../api/schema/types/iam.gen.ts';
import type {
  IamV2CreateIdentityRequest,
  IamV2DeleteIdentityRequest,
  IamV2GetIdentityRequest,
  IamV2Identity,
  IamV2IdentityMetadata,
  IamV2IdentityStaticKeys,
  IamV2ListIdentitiesRequest,
  IamV2ListIdentitiesResponse,
  IamV2LookupIdentityRequest,
  IamV2LookupIdentityResponse,
  IamV2UpdateIdentityMetadataRequest,
  IamV2UpdateIdentityRequest,
} from '../../../api/schema/types/iam-v2.gen.ts';
import type { Empty } from '../../../api/schema/types.ts';
import { checkDescription, checkIssuerUrl } from '../../api/field-rules.ts';
import { pageOfSelection, resourceColumns } from '../../api/paging.ts';
import { requiredUidp } from '../../api/selection.ts';
import { fieldMapping, sameNumber } from '../../api/versions/field-mapping.ts';
import { applyMask } from '../../api/versions/masks.ts';
import { toWireTime } from '../../api/wire-time.ts';
import type { Caller } from '../../core/types.ts';
import type { Tx } from '../../store/database.ts';
import * as v1 from '../identities.ts';
import { maxStaticLifetimeMs } from '../relationships.ts';
import * as profile from '../root-identities.ts';
import { findUser, type StoredIdentity, toStoredIdentity, toWireIdentity, userIdOf } from '../stored-identity.ts';

const fields = fieldMapping<IamIdentity, IamV2Identity>({
  id: 'uid',
  name: 'name',
  description: 'description',
  createdAt: 'createTime',
  updatedAt: 'updateTime',
  lastSeen: 'lastSeenTime',
  claimMatch: 'claimMatch',
  awsIdentity: 'awsIdentity',
});

const keyFields = fieldMapping<IamIdentityStaticKeys, IamV2IdentityStaticKeys>({
  issuer: 'issuer',
  subject: 'subject',
  issuerKeys: 'issuerKeys',
  expiration: 'expirationTime',
  audiences: 'audiences',
});

const principals = ['chainguard.platform.iam.ServicePrincipal', 'chainguard.platform.iam.v2.ServicePrincipal'] as const;

const kinds: Readonly<Record<string, string>> = {
  RELATIONSHIP_TYPE_CLAIM_MATCH: 'claimMatch',
  RELATIONSHIP_TYPE_STATIC: 'static',
  RELATIONSHIP_TYPE_AWS_IDENTITY: 'awsIdentity',
  RELATIONSHIP_TYPE_SERVICE_PRINCIPAL: 'servicePrincipal',
};

export function getIdentity(tx: Tx, _caller: Caller, request: IamV2GetIdentityRequest): IamV2Identity {
  return toIdentity(v1.requireIdentity(tx, requiredUidp('uid', request.uid)));
}

export function listIdentities(
  tx: Tx,
  caller: Caller,
  request: IamV2ListIdentitiesRequest,
): IamV2ListIdentitiesResponse {
  const { uidp, name, relationshipType = '' } = request;
  const of = v1.identitySelection(tx, caller, uidp === undefined ? {} : { uidp });
  const selection = { ...of, name, also: { kind: kinds[relationshipType] } };
  const { items, ...page } = pageOfSelection(tx, selection, request, resourceColumns);
  return { identities: items.map((row) => toIdentity(toStoredIdentity(row))), ...page };
}

export function createIdentity(tx: Tx, caller: Caller, request: IamV2CreateIdentityRequest): IamV2Identity {
  const { parent = '', identity = {} } = request;
  const { id = '' } = v1.createIdentity(tx, caller, { parentId: parent, identity: toV1Identity(identity, tx.now) });
  setCompany(tx, id, identity.company);
  return getIdentity(tx, caller, { uid: id });
}

export function updateIdentity(tx: Tx, caller: Caller, request: IamV2UpdateIdentityRequest): IamV2Identity {
  const { identity = {}, updateMask } = request;
  const uid = requiredUidp('identity.uid', identity.uid);
  const before = getIdentity(tx, caller, { uid });
  const { resource } = applyMask('chainguard.platform.iam.v2.Identity', before, identity, updateMask);
  v1.updateIdentity(tx, caller, { ...toV1Identity(resource, tx.now), id: uid });
  setCompany(tx, uid, resource.company);
  return getIdentity(tx, caller, { uid });
}

export function deleteIdentity(tx: Tx, caller: Caller, request: IamV2DeleteIdentityRequest): Empty {
  return v1.deleteIdentity(tx, caller, { id: requiredUidp('uid', request.uid) });
}

/** Of somebody who has never signed in, the id that the account will have (semantics 4). */
export function lookupIdentity(
  tx: Tx,
  caller: Caller,
  request: IamV2LookupIdentityRequest,
): IamV2LookupIdentityResponse {
  const { issuer = '', subject = '' } = request;
  if (issuer !== '' && subject !== '' && findUser(tx, issuer, subject) === undefined) {
    return { uid: userIdOf(checkIssuerUrl('issuer', issuer), subject) };
  }
  return { uid: v1.lookupIdentity(tx, caller, request).id ?? '' };
}

const questions = fieldMapping<EventsIdentityMetadataOnboardingQuestions, IamV2IdentityMetadata>({
  companyName: 'company',
  product: 'product',
  jobTitle: 'jobTitle',
  utmCampaign: 'utmCampaign',
  utmContent: 'utmContent',
  utmMedium: 'utmMedium',
  utmSource: 'utmSource',
  utmTerm: 'utmTerm',
  latestFormSubmitUrl: 'latestFormSubmitUrl',
  latestInternalReferringUrl: 'latestInternalReferringUrl',
  hubspotUtk: 'hubspotUtk',
  selfServe: 'selfServe',
});

/** Providers in use, for which v2 has no field, stay as v1 set them. */
export function updateIdentityMetadata(
  tx: Tx,
  caller: Caller,
  { identityMetadata = {}, updateMask }: IamV2UpdateIdentityMetadataRequest,
): IamV2IdentityMetadata {
  const { onboardingQuestions = {}, updatesOptIn = false } = profile.metadataOf(tx, caller.identity);
  const before: IamV2IdentityMetadata = { ...questions.toV2(onboardingQuestions), updatesOptIn };
  const message = 'chainguard.platform.iam.v2.IdentityMetadata';
  const { resource } = applyMask(message, before, identityMetadata, updateMask);
  const { providers } = onboardingQuestions;
  const written = profile.writeMetadata(tx, caller, {
    onboardingQuestions: { ...questions.toV1(resource), ...(providers === undefined ? {} : { providers }) },
    updatesOptIn: resource.updatesOptIn === true,
  });
  const { onboardingQuestions: answers = {}, ...login } = written;
  return { ...questions.toV2(answers), ...login, uid: caller.identity };
}

function setCompany(tx: Tx, id: string, company: string | undefined): void {
  tx.run('UPDATE identities SET company = ? WHERE id = ?', checkDescription(company), id);
}

function toIdentity(record: StoredIdentity): IamV2Identity {
  const identity = toWireIdentity(record);
  const { email, emailVerified, company } = record;
  return {
    ...fields.toV2(identity),
    company,
    ...(email === null ? {} : emailVerified ? { email } : { emailUnverified: email }),
    ...(identity.static === undefined ? {} : { staticKeys: keyFields.toV2(identity.static) }),
    ...(identity.servicePrincipal === undefined
      ? {}
      : { servicePrincipal: sameNumber(...principals, identity.servicePrincipal) }),
  };
}

/** Static keys live as long as they may unless they say otherwise; in v1 it is thirty days. */
function toV1Identity(identity: IamV2Identity, now: number): IamIdentity {
  const { staticKeys, servicePrincipal } = identity;
  const lasting = { expirationTime: toWireTime(now + maxStaticLifetimeMs) };
  const [one, two] = principals;
  return {
    ...fields.toV1(identity),
    ...(staticKeys === undefined ? {} : { static: keyFields.toV1({ ...lasting, ...staticKeys }) }),
    ...(servicePrincipal === undefined ? {} : { servicePrincipal: sameNumber(two, one, servicePrincipal) }),
  };
}
