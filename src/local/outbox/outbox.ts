// Events of the API, written in the transaction of the change they tell of. Guarantees: an event exists exactly when its
// change does; bodies are compact protojson without secrets (semantics 8).

import { operations } from '../../api/schema/operations.gen.ts';
import type { AuthSession } from '../../api/schema/types/auth.gen.ts';
import type { Empty, Operation } from '../../api/schema/types.ts';
import { rootOf } from '../../api/uidp.ts';
import type { Wire } from '../../api/wire.ts';
import type { EventBody, EventFacts } from '../core/event-facts.ts';
import type { Announce } from '../core/handler.ts';
import type { Caller } from '../core/types.ts';
import type { Tx } from '../store/database.ts';
import { insertEvent } from './stored-events.ts';

/** How messages become bodies of events. */
export interface Telling {
  readonly wire: Wire;
  /** Of every module. */
  readonly facts: EventFacts;
}

export interface RaisedEvent {
  readonly type: string;
  /** Path of the collection, e.g. `/iam/v1/groups`; the source is the API's URL followed by it. */
  readonly path: string;
  readonly subject: string;
  readonly group: string;
  /** CloudEvents extension attributes, `group` and `bodytype` included. */
  readonly extensions: Readonly<Record<string, string>>;
  readonly body: EventBody;
  readonly audience: string;
}

/** The answer to a deletion of what was not there, where that is no error. */
export const nothingDeleted: Empty = {};

/** The event that this call of `operation` raises, if it raises one. A deletion tells what was asked, the rest what came of it. */
export function toEvent(
  { wire, facts }: Telling,
  operation: Operation,
  request: object,
  response: object,
): RaisedEvent | undefined {
  // A dry run tells what would happen, and nothing does.
  if (operation.event === null || ('dryRun' in request && request.dryRun === true)) return undefined;
  if (response === nothingDeleted) return undefined;
  const answered = operation.response !== 'google.protobuf.Empty';
  const bodyType = answered ? operation.response : operation.request;
  const fact = facts[unversioned(bodyType)];
  if (fact === undefined) throw new TypeError(`no module says what an event of ${bodyType} may tell`);
  const listed = onlyListed(answered ? response : request, treeOf(fact.fields)) as object;
  const body = wire.encodeMessage(bodyType, listed, 'compact');
  const place = fact.place(body, request as EventBody);
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

export function createAnnounce(telling: Telling, apiUrl: string): Announce {
  return (tx, id, { request, response }, who) => {
    const event = toEvent(telling, operations[id], request, response);
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
  const declared = operation.event;
  if (declared === null) throw new TypeError(`${operation.id} raises no event`);
  const { identity = '', group = '' } = session;
  const event: RaisedEvent = {
    type: declared.type,
    path: fixedPart(operation),
    subject: '',
    group,
    extensions: { bodytype: operation.response, ...(group === '' ? {} : { group }) },
    body: { identity, ...(group === '' ? {} : { group }) },
    audience: declared.audience.toLowerCase(),
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
  insertEvent(tx, {
    ...event,
    source: `${apiUrl}${event.path}`,
    actor: { subject: caller.identity, act: caller.actor },
  });
}

/** `chainguard.platform.iam.v2.Group` → `chainguard.platform.iam.Group`. */
function unversioned(bodyType: string): string {
  return bodyType.replace(/\.v2(?:beta1)?(?=\.)/, '');
}

/** Names that are listed, each with those of its fields that are. */
type Listed = ReadonlyMap<string, { readonly isWhole: boolean; readonly fields: Listed | undefined }>;

const trees = new WeakMap<readonly string[], Listed>();

/** Every event asks, and the lists never change. */
function treeOf(fields: readonly string[]): Listed {
  let tree = trees.get(fields);
  if (tree === undefined) {
    tree = toTree(fields);
    trees.set(fields, tree);
  }
  return tree;
}

function toTree(fields: readonly string[]): Listed {
  const names = new Set(fields.map((field) => field.replace(/\..*$/, '')));
  return new Map(
    [...names].map((name) => {
      const inner = fields.filter((field) => field.startsWith(`${name}.`)).map((field) => field.slice(name.length + 1));
      return [name, { isWhole: fields.includes(name), fields: inner.length > 0 ? toTree(inner) : undefined }];
    }),
  );
}

/** Returns what of a message is listed. A name stands for a whole value, unless names of its fields are listed too. */
function onlyListed(value: unknown, listed: Listed): unknown {
  if (Array.isArray(value)) return value.map((one) => onlyListed(one, listed));
  if (typeof value !== 'object' || value === null) return value;
  const kept: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    const place = listed.get(name);
    if (place?.fields !== undefined && typeof inner === 'object' && inner !== null)
      kept[name] = onlyListed(inner, place.fields);
    else if (place?.isWhole === true) kept[name] = inner;
  }
  return kept;
}

/** `/iam/v1/groups/{id=**}` → `/iam/v1/groups`. */
function fixedPart(operation: Operation): string {
  return (operation.bindings[0]?.path ?? '').replace(/[/:]?\{.*$/, '');
}
