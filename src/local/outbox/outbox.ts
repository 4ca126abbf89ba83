// Events of the API, written in the transaction of the change they tell of. Guarantees: an event exists exactly when its
// change does; bodies are compact protojson without secrets (semantics 8).

import { operations } from '../../api/schema/operations.gen.ts';
import type { AuthSession, Empty } from '../../api/schema/types.gen.ts';
import type { Operation } from '../../api/schema/types.ts';
import { parentOf, rootOf } from '../../api/uidp.ts';
import type { Wire } from '../../api/wire.ts';
import type { Announce } from '../core/handler.ts';
import type { Caller } from '../core/types.ts';
import type { Tx } from '../store/database.ts';
import { newUuid } from '../store/uuid.ts';

type Body = Readonly<Record<string, unknown>>;

interface Place {
  readonly subject: string;
  readonly group: string;
  readonly identityProvider?: string;
}

export interface RaisedEvent {
  readonly type: string;
  /** Path of the collection, e.g. `/iam/v1/groups`; the source is the API's URL followed by it. */
  readonly path: string;
  readonly subject: string;
  readonly group: string;
  /** CloudEvents extension attributes, `group` and `bodytype` included. */
  readonly extensions: Readonly<Record<string, string>>;
  readonly body: Body;
  readonly audience: string;
}

/** The answer to a deletion of what was not there, where that is no error. */
export const nothingDeleted: Empty = {};

/** The event that this call of `operation` raises, if it raises one. A deletion tells what was asked, the rest what came of it. */
export function toEvent(wire: Wire, operation: Operation, request: object, response: object): RaisedEvent | undefined {
  // A dry run tells what would happen, and nothing does.
  if (operation.event === null || ('dryRun' in request && request.dryRun === true)) return undefined;
  if (response === nothingDeleted) return undefined;
  const answered = operation.response !== 'google.protobuf.Empty';
  const bodyType = answered ? operation.response : operation.request;
  const body = wire.encodeMessage(bodyType, redact(bodyType, answered ? response : request), 'compact');
  const place =
    bodyType === 'chainguard.platform.registry.AddChartResponse' ? ofChart(request) : placeOf(bodyType, body);
  const available: Record<string, string | undefined> = {
    group: place.group,
    identityprovider: place.identityProvider,
  };
  const extensions: Record<string, string> = { bodytype: bodyType };
  for (const name of operation.event.extensions) {
    const value = available[name];
    if (value !== undefined && value !== '') extensions[name] = value;
  }
  return {
    type: operation.event.type,
    path: fixedPart(operation),
    subject: place.subject,
    group: place.group,
    extensions,
    body,
    audience: operation.event.audience.toLowerCase(),
  };
}

export function createAnnounce(wire: Wire, apiUrl: string): Announce {
  return (tx, id, { request, response }, who) => {
    const event = toEvent(wire, operations[id], request, response);
    if (event !== undefined) recordEvent(tx, event, who, apiUrl);
  };
}

/** Somebody got an account, or joined a group by invite, while signing in and not by the API call for it. */
export function recordRegistration(
  tx: Tx,
  apiUrl: string,
  session: AuthSession,
  act: Readonly<Record<string, string>>,
): void {
  const operation = operations['auth.v1.Auth.Register'];
  const { identity = '', group = '' } = session;
  const event: RaisedEvent = {
    type: operation.event.type,
    path: fixedPart(operation),
    subject: '',
    group,
    extensions: { bodytype: operation.response, ...(group === '' ? {} : { group }) },
    body: { identity, ...(group === '' ? {} : { group }) },
    audience: operation.event.audience.toLowerCase(),
  };
  recordEvent(tx, event, { identity, actor: act }, apiUrl);
}

/**
 * A sign-in that got roles from the groups of its provider: no role binding shows them, so the event is the only trace
 * (protocols 9). That there is one is public and its type is not, so this one is the local platform's own.
 */
export function recordGroupRoles(
  tx: Tx,
  apiUrl: string,
  login: { readonly identity: string; readonly provider: string; readonly groupRoles: readonly object[] },
  act: Readonly<Record<string, string>>,
): void {
  const { identity, provider, groupRoles } = login;
  const group = rootOf(provider);
  const event: RaisedEvent = {
    type: 'dev.chainguard.api.iam.external_group_role_mappings.granted.v1',
    path: '/iam/v1/externalGroupRoleMappings',
    subject: identity,
    group,
    extensions: { group, identityprovider: provider },
    body: { identity, identityProviderUidp: provider, roles: groupRoles },
    audience: 'customer',
  };
  recordEvent(tx, event, { identity, actor: act }, apiUrl);
}

export function recordEvent(
  tx: Tx,
  event: RaisedEvent,
  caller: Pick<Caller, 'identity' | 'actor'>,
  apiUrl: string,
): void {
  tx.run(
    `INSERT INTO outbox (id, type, source, subject, group_id, extensions, body, actor, audience, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    newUuid(tx),
    event.type,
    `${apiUrl}${event.path}`,
    event.subject,
    event.group,
    JSON.stringify(event.extensions),
    JSON.stringify(event.body),
    JSON.stringify({ subject: caller.identity, act: caller.actor }),
    event.audience,
    tx.now,
  );
}

/** Subject and group by kind of body (semantics 8.3). */
function placeOf(bodyType: string, body: Body): Place {
  const id = textOf(body['id'] ?? body['uid']);
  switch (unversioned(bodyType)) {
    case 'chainguard.platform.iam.Group':
    case 'chainguard.platform.iam.AccountAssociation':
    case 'chainguard.platform.iam.DeleteAccountAssociationRequest':
      return { subject: id, group: id };
    case 'chainguard.platform.iam.AccountAssociations':
    case 'chainguard.platform.iam.DeleteAccountAssociationsRequest':
    case 'chainguard.platform.iam.AcceptTermsResponse':
      return { subject: textOf(body['group']), group: textOf(body['group']) };
    case 'chainguard.platform.iam.RoleBindingBatch': {
      const bindings = Array.isArray(body['roleBindings']) ? (body['roleBindings'] as Body[]) : [];
      const ids = bindings.map((binding) => textOf(binding['id']));
      return { subject: ids.join(','), group: parentOf(ids[0] ?? '') };
    }
    case 'chainguard.platform.iam.BatchCreateRoleBindingsResponse': {
      const [first] = Array.isArray(body['roleBindings']) ? (body['roleBindings'] as Body[]) : [];
      const group = parentOf(textOf(first?.['uid']));
      return { subject: group, group };
    }
    case 'chainguard.platform.iam.ExternalGroupRoleMapping':
    case 'chainguard.platform.iam.DeleteExternalGroupRoleMappingRequest':
      return { subject: id, group: rootOf(id), identityProvider: parentOf(id) };
    case 'chainguard.platform.iam.BatchDeleteExternalGroupRoleMappingsResponse': {
      const provider = textOf(body['parentId'] ?? body['parent']);
      return { subject: provider, group: rootOf(provider), identityProvider: provider };
    }
    case 'chainguard.platform.iam.GenerateScimTokenResponse':
    case 'chainguard.platform.iam.RegenerateScimTokenResponse':
    case 'chainguard.platform.iam.RevokeScimTokenResponse':
    case 'chainguard.platform.iam.SetScimEnabledResponse': {
      const provider = textOf(body['identityProviderId'] ?? body['identityProviderUid']);
      return { subject: provider, group: parentOf(provider) };
    }
    case 'chainguard.platform.events.IdentityMetadata':
    case 'chainguard.platform.iam.IdentityMetadata':
      return { subject: textOf(body['uid']), group: '' };
    // The SDK maps neither; the organization is what published samples have (semantics 12).
    case 'chainguard.platform.registry.Tag':
    case 'chainguard.platform.registry.DeleteTagRequest':
      return { subject: id, group: rootOf(id) };
    // Internal: about the organization whose images these are.
    case 'chainguard.platform.registry.AddEntitlementImagesResponse':
    case 'chainguard.platform.registry.RemoveEntitlementImagesResponse':
    case 'chainguard.platform.registry.SwapEntitlementImagesResponse':
      return { subject: textOf(body['parent']), group: textOf(body['parent']) };
    case 'chainguard.platform.auth.Session':
      return { subject: '', group: textOf(body['group']) };
    default:
      return { subject: id, group: parentOf(id) };
  }
}

/** The answer lists repositories; the event is about the organization that has them now. */
function ofChart(request: object): Place {
  const { parentId } = request as Body;
  return { subject: textOf(parentId), group: textOf(parentId) };
}

/** `chainguard.platform.iam.v2.Group` → `chainguard.platform.iam.Group`: most bodies of v2 are about what v1 has too. */
function unversioned(bodyType: string): string {
  return bodyType.replace(/\.v2(?:beta1)?(?=\.)/, '');
}

/** Secrets never enter the store of events (semantics 8.3, redaction). */
function redact(bodyType: string, body: object): object {
  const kind = unversioned(bodyType);
  if (kind === 'chainguard.platform.iam.GroupInvite') {
    const { id, expiration, uid, expirationTime } = body as Body;
    return { id, expiration, uid, expirationTime };
  }
  if (kind === 'chainguard.platform.iam.IdentityProvider') {
    const { oidc, ...rest } = body as { readonly oidc?: Body };
    if (oidc === undefined) return rest;
    const { clientSecret: _secret, ...open } = oidc;
    return { ...rest, oidc: open };
  }
  if (scimTokens.includes(kind)) {
    const { token: _token, ...rest } = body as Body;
    return rest;
  }
  return body;
}

const scimTokens = [
  'chainguard.platform.iam.GenerateScimTokenResponse',
  'chainguard.platform.iam.RegenerateScimTokenResponse',
];

/** `/iam/v1/groups/{id=**}` → `/iam/v1/groups`. */
function fixedPart(operation: Operation): string {
  return (operation.bindings[0]?.path ?? '').replace(/[/:]?\{.*$/, '');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
