// Authenticates and authorizes requests (protocols 7.4). Guarantees: rights are looked up on every request, so that
// deleting an identity or a binding takes effect at once; a token only narrows them.

import type { IncomingMessage } from 'node:http';
import { grpcCodes } from '../../../api/status.ts';
import { capabilitiesAt, groupsWith } from '../../authorization/access.ts';
import { requireLiveIdentity } from '../../authorization/live-identity.ts';
import { anonymous, type Caller, type PlatformClock, type PlatformUrls, StatusError } from '../../core/types.ts';
import { readCredentials } from '../../http/credentials.ts';
import type { Store, Tx } from '../../store/database.ts';
import { isName, type RepositoryName, splitName } from '../reference.ts';
import { RegistryError, refuse } from '../registry-error.ts';
import { findOrganization, findRepositoryAt, type Organization, type Repository } from '../repositories.ts';
import {
  type Action,
  createRegistryTokens,
  type Grant,
  isRegistryToken,
  type RegistryClaims,
} from './registry-token.ts';

/** Functions of the issuer that the registry uses. Both throw a `StatusError` for what they do not accept. */
export interface RegistryIssuer {
  verifyAccessToken(token: string): Promise<Caller>;
  /** Assumes `identity` with a third party's token; gives an access token for `audience`. */
  exchangeForIdentity(bearer: string, identity: string, audience: string): Promise<string>;
}

export interface Principal {
  /** UIDP; undefined for anonymous. */
  readonly identity: string | undefined;
  readonly actor: Readonly<Record<string, string>>;
  /** A platform token sent straight to `/v2`. Otherwise a registry token came, with the fields below. */
  readonly caller: Caller | undefined;
  readonly grants: readonly Grant[];
  readonly catalog: readonly string[] | undefined;
  /** UIDPs of groups whose blobs a push may reuse. */
  readonly sources: readonly string[];
}

export interface ResolvedRepository {
  readonly organization: Organization;
  /** Undefined only for pushes, to what does not exist yet and the principal may create. */
  readonly repository: Repository | undefined;
  readonly name: RepositoryName;
  readonly capabilities: ReadonlySet<string>;
}

/**
 * Access that a request asks for, of a repository whose name is well-formed; also for the challenge that tells a client
 * what to ask a token for.
 */
export interface AccessRequirement {
  readonly name: string;
  readonly action: Action;
  readonly capabilities: readonly string[];
}

export interface TokenAnswer {
  readonly token: string;
  /** Seconds. */
  readonly expiresIn: number;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
}

export interface Authorization {
  /** Reads the Authorization header of a `/v2` request. Throws 401 with a challenge for `requirements`, or 403. */
  identify(request: IncomingMessage, requirements: readonly AccessRequirement[] | 'catalog'): Promise<Principal>;
  /** Throws unless the principal may do this here and now. */
  authorize(tx: Tx, request: IncomingMessage, principal: Principal, requirement: AccessRequirement): ResolvedRepository;
  /** Like `authorize`, for what a push wants to reuse from elsewhere: undefined instead of a refusal. */
  readable(tx: Tx, principal: Principal, name: string): Repository | undefined;
  /** UIDPs of the organizations whose repositories the principal may list. */
  catalog(tx: Tx, request: IncomingMessage, principal: Principal): string[];
  /** Answers `/token`. */
  token(request: IncomingMessage, scopes: readonly string[]): Promise<TokenAnswer>;
}

// Capabilities that a token of each action carries, of those its holder has. Pulling needs "manifest (list)", whatever
// it is that is pulled (protocols 7.4); lists of tags and referrers have capabilities of their own.
const carried: Readonly<Record<Action, readonly string[]>> = {
  pull: ['repo.list', 'manifest.list', 'tag.list', 'referrers.list'],
  push: ['repo.create', 'manifest.create', 'tag.create', 'tag.update'],
  delete: ['manifest.delete', 'tag.delete'],
};
const actionNames: readonly Action[] = ['pull', 'push', 'delete'];

/** Headers that carry a token end at some size. Organizations come before what is in them. */
const maxSources = 20;
// protocols Q19, in seconds.
const anonymousLifetime = 300;
const maxLifetimeSeconds = 3600;

export function createAuthorization(options: {
  readonly store: Store;
  readonly urls: PlatformUrls;
  readonly clock: PlatformClock;
  readonly issuer: RegistryIssuer;
}): Authorization {
  const { store, urls, clock, issuer } = options;
  const origin = new URL(urls.registry);
  const audience = origin.host;
  const tokens = createRegistryTokens(store, audience);
  const nowSeconds = (): number => Math.floor(clock.now() / 1000);

  /** Returns where this client reaches us: another address in the realm would be refused by clients (protocols 7.4). */
  const reached = (request: IncomingMessage): { base: string; host: string } => {
    const host = request.headers.host ?? '';
    if (!/^[A-Za-z0-9._:[\]-]+$/.test(host)) return { base: origin.origin, host: origin.host };
    // A proxy that ends TLS says so; who says it untruly changes the answer to itself only.
    const forwarded = request.headers['x-forwarded-proto'] === 'https';
    const encrypted = forwarded || ('encrypted' in request.socket && request.socket.encrypted === true);
    return { base: host === origin.host ? origin.origin : `${encrypted ? 'https' : 'http'}://${host}`, host };
  };

  const challenge = (
    request: IncomingMessage,
    scopes: readonly string[],
    error?: 'invalid_token' | 'insufficient_scope',
  ): RegistryError => {
    const { base, host } = reached(request);
    const parts = [`realm="${base}/token"`, `service="${host}"`];
    if (scopes.length > 0) parts.push(`scope="${scopes.join(' ')}"`);
    if (error !== undefined) parts.push(`error="${error}"`);
    return new RegistryError(
      401,
      { code: 'UNAUTHORIZED', message: 'Authentication required' },
      { 'WWW-Authenticate': `Bearer ${parts.join(',')}` },
    );
  };

  const hasAudience = (caller: Caller): boolean =>
    caller.audience.some((value) => value === audience || value === 'cgr.dev');

  /** Undefined for tokens the issuer does not accept. */
  const verify = (token: string): Promise<Caller | undefined> => unlessRefused(() => issuer.verifyAccessToken(token));

  /** Capabilities at a place, narrowed by what the token carries. */
  const capabilities = (
    tx: Tx,
    principal: Principal,
    name: string,
    organization: Organization,
    repository: Repository | undefined,
  ): ReadonlySet<string> => {
    const uidp = repository?.id ?? organization.id;
    if (principal.caller !== undefined) return capabilitiesAt(tx, principal.caller, uidp);
    const grant = principal.grants.find((candidate) => candidate.name === name);
    if (principal.identity === undefined || grant === undefined) return new Set();
    return capabilitiesAt(tx, tokenHolder(principal.identity, organization.id, grant.capabilities), uidp);
  };

  const identify = async (
    request: IncomingMessage,
    requirements: readonly AccessRequirement[] | 'catalog',
  ): Promise<Principal> => {
    const scopes = requirements === 'catalog' ? [catalogScope] : requirements.map(scopeOf);
    const credentials = readCredentials(request.headers.authorization);
    // Anything else is asked to go through `/token`, where Basic credentials belong.
    if (credentials.kind !== 'bearer') throw challenge(request, scopes);
    const bearer = credentials.token;
    if (isRegistryToken(bearer)) {
      const claims = tokens.verify(bearer, nowSeconds());
      if (claims === undefined) throw challenge(request, scopes, 'invalid_token');
      const { identity, issuedAt } = claims;
      if (identity !== undefined && !store.read((tx) => isLive(tx, identity, issuedAt))) {
        throw challenge(request, scopes, 'invalid_token');
      }
      const { actor, grants, catalog, sources } = claims;
      return { identity, actor, caller: undefined, grants, catalog, sources };
    }
    const caller = await verify(bearer);
    if (caller === undefined) throw challenge(request, scopes, 'invalid_token');
    if (!hasAudience(caller)) throw forbidden();
    return { identity: caller.identity, actor: caller.actor, caller, grants: [], catalog: undefined, sources: [] };
  };

  const authorize = (
    tx: Tx,
    request: IncomingMessage,
    principal: Principal,
    requirement: AccessRequirement,
  ): ResolvedRepository => {
    const name = splitOrRefuse(requirement.name);
    const organization = findOrganization(tx, name.organization);
    const repository = organization && findRepositoryAt(tx, organization, name.repository);
    const grant = principal.grants.find((candidate) => candidate.name === name.full);
    if (principal.caller === undefined && !grant?.actions.includes(requirement.action)) {
      // Asked for and refused once: asking again would only go in circles.
      if (grant?.refused.includes(requirement.action) && principal.identity !== undefined) {
        throw incapable(name, principal, requirement.capabilities);
      }
      throw challenge(request, [scopeOf(requirement)], 'insufficient_scope');
    }
    const isOpen = repository?.public === true && requirement.action === 'pull';
    if (principal.identity === undefined && !isOpen) throw challenge(request, [scopeOf(requirement)]);
    if (organization === undefined) throw nameUnknown(name);
    const held = capabilities(tx, principal, name.full, organization, repository);
    const missing = requirement.capabilities.filter((capability) => !held.has(capability));
    if (!isOpen && missing.length > 0) throw incapable(name, principal, missing);
    if (repository === undefined) {
      if (requirement.action !== 'push') throw nameUnknown(name);
      if (!held.has('repo.create')) throw incapable(name, principal, ['repo.create']);
    }
    return { organization, repository, name, capabilities: held };
  };

  const readable = (tx: Tx, principal: Principal, full: string): Repository | undefined => {
    const name = splitName(full);
    const organization = name && findOrganization(tx, name.organization);
    const repository = organization && findRepositoryAt(tx, organization, name.repository);
    if (repository === undefined || repository.public) return repository;
    const held = capabilities(tx, principal, full, repository.organization, repository);
    if (held.has('manifest.list')) return repository;
    if (principal.identity === undefined || principal.sources.length === 0) return undefined;
    const ceiling = new Map(principal.sources.map((group) => [group, new Set(['manifest.list'])]));
    const holder: Caller = { ...anonymous, identity: principal.identity, ceiling };
    return capabilitiesAt(tx, holder, repository.id).has('manifest.list') ? repository : undefined;
  };

  const catalog = (tx: Tx, request: IncomingMessage, principal: Principal): string[] => {
    if (principal.caller !== undefined) {
      return groupsWith(tx, principal.caller, ['repo.list']).filter((group) => !group.includes('/'));
    }
    const { identity } = principal;
    if (identity === undefined || principal.catalog === undefined) {
      throw challenge(request, [catalogScope], 'insufficient_scope');
    }
    return principal.catalog.filter((group) =>
      capabilitiesAt(tx, tokenHolder(identity, group, ['repo.list']), group).has('repo.list'),
    );
  };

  /** Undefined when no credentials were sent; throws for those that are not good, public repository or not. */
  const login = async (request: IncomingMessage): Promise<Caller | undefined> => {
    const credentials = readCredentials(request.headers.authorization);
    if (credentials.kind === 'none') return undefined;
    let caller: Caller | undefined;
    if (credentials.kind === 'bearer') {
      caller = await verify(credentials.token);
    } else if (credentials.kind === 'basic') {
      const { user, password } = credentials;
      const identity = toIdentity(user);
      const token =
        identity === undefined
          ? password
          : await unlessRefused(() => issuer.exchangeForIdentity(password, identity, audience));
      caller = token === undefined ? undefined : await verify(token);
    }
    if (caller === undefined || !hasAudience(caller)) throw forbidden();
    return caller;
  };

  /** Returns what of one `scope` can be granted; throws when nothing can. */
  const grantRepository = (tx: Tx, caller: Caller | undefined, full: string, asked: readonly Action[]): Grant => {
    const name = isName(full) ? splitName(full) : undefined;
    if (name === undefined) throw forbidden();
    const organization = findOrganization(tx, name.organization);
    if (organization === undefined) {
      const message = `rpc error: code = InvalidArgument desc = unable to resolve "${name.organization}"`;
      throw refuse(400, 'BAD_REQUEST', message);
    }
    const repository = findRepositoryAt(tx, organization, name.repository);
    const held = caller ? capabilitiesAt(tx, caller, repository?.id ?? organization.id) : new Set<string>();
    const possible: Readonly<Record<Action, boolean>> = {
      pull: repository?.public === true || held.has('manifest.list'),
      push: held.has('manifest.create') && (repository !== undefined || held.has('repo.create')),
      delete: held.has('manifest.delete') || held.has('tag.delete'),
    };
    const actions = asked.filter((action) => possible[action]);
    // Access to a missing repository is granted to those who could create it, because some clients look alone before
    // they push, and others do all of their work with one token; to the rest it is refused like any other, which is
    // deliberately no 404 (protocols 7.4).
    const useful = repository !== undefined || possible.push ? actions : [];
    if (useful.length === 0) {
      if (caller === undefined) throw refuse(401, 'UNAUTHORIZED', 'Authentication required');
      throw forbidden();
    }
    return {
      name: full,
      actions: useful,
      refused: asked.filter((action) => !useful.includes(action)),
      capabilities: useful.flatMap((action) => carried[action].filter((capability) => held.has(capability))),
    };
  };

  const token = async (request: IncomingMessage, scopes: readonly string[]): Promise<TokenAnswer> => {
    const caller = await login(request);
    if (caller === undefined && scopes.length === 0) throw forbidden();
    const grants = new Map<string, Grant>();
    let listed: string[] | undefined;
    let sources: string[] = [];
    const refusals: RegistryError[] = [];
    store.read((tx) => {
      const asked = new Map<string, Set<Action>>();
      for (const scope of scopes) {
        const parsed = parseScope(scope);
        if (parsed === undefined) refusals.push(forbidden());
        else if (parsed === 'catalog') {
          if (caller === undefined) refusals.push(refuse(401, 'UNAUTHORIZED', 'Authentication required'));
          else listed = groupsWith(tx, caller, ['repo.list']).filter((group) => !group.includes('/'));
        } else {
          const actions = asked.get(parsed.name) ?? new Set();
          for (const action of parsed.actions) actions.add(action);
          asked.set(parsed.name, actions);
        }
      }
      for (const [name, actions] of asked) {
        try {
          grants.set(name, grantRepository(tx, caller, name, [...actions]));
        } catch (error) {
          if (!(error instanceof RegistryError)) throw error;
          refusals.push(error);
        }
      }
      // A mount that names no source looks for one wherever its pusher may read, and a token names one repository.
      if (caller !== undefined && [...grants.values()].some(({ actions }) => actions.includes('push'))) {
        sources = groupsWith(tx, caller, ['manifest.list']).slice(0, maxSources);
      }
    });
    // One scope of several is often only a wish (a mount's source); the request fails when none can be had.
    if (grants.size === 0 && listed === undefined && refusals[0] !== undefined) throw refusals[0];
    const now = clock.now();
    const issuedAt = Math.floor(now / 1000);
    const lifetime =
      caller === undefined ? anonymousLifetime : Math.min(maxLifetimeSeconds, caller.expiresAt - issuedAt);
    const claims: RegistryClaims = {
      identity: caller?.identity,
      actor: caller?.actor ?? {},
      issuedAt,
      expiresAt: issuedAt + lifetime,
      grants: [...grants.values()],
      catalog: listed,
      sources,
    };
    // Clients take anything below a minute for a minute (token specification), so say so.
    return { token: tokens.sign(claims), expiresIn: Math.max(60, lifetime), issuedAt: now };
  };

  return { identify, authorize, readable, catalog, token };
}

/** Returns what `authorize` found for anything but a push. */
export function existing(place: ResolvedRepository): Repository {
  if (place.repository === undefined) throw new TypeError('only a push may go to a repository that does not exist');
  return place.repository;
}

const catalogScope = 'registry:catalog:*';

function scopeOf(requirement: AccessRequirement): string {
  // Clients that push also look what is there already.
  return `repository:${requirement.name}:${requirement.action === 'push' ? 'pull,push' : requirement.action}`;
}

/** `type:name:actions`; a name may hold colons. Undefined for what this registry has no such thing as. */
function parseScope(scope: string): { name: string; actions: Action[] } | 'catalog' | undefined {
  const [, type, name, list = ''] = /^([a-z]+)(?:\([a-z]+\))?:(.+):([a-z*,]*)$/.exec(scope) ?? [];
  if (type === 'registry' && name === 'catalog') return 'catalog';
  if (type !== 'repository' || name === undefined) return undefined;
  const words = list.split(',');
  return { name, actions: words.includes('*') ? [...actionNames] : actionNames.filter((name) => words.includes(name)) };
}

/** The identity a user name stands for, `_` for `/` where tools allow no slash; undefined for any other word. */
function toIdentity(user: string): string | undefined {
  return /^[0-9a-f]{40}(?:[/_][0-9a-f]{16})*$/.test(user) ? user.replaceAll('_', '/') : undefined;
}

/** A caller that has `held` in one organization as far as its token goes; its bindings are looked up live. */
function tokenHolder(identity: string, organization: string, held: readonly string[]): Caller {
  return { ...anonymous, identity, ceiling: new Map([[organization, new Set(held)]]) };
}

function isLive(tx: Tx, identity: string, issuedAt: number): boolean {
  try {
    requireLiveIdentity(tx, { identity, issuedAt });
    return true;
  } catch (error) {
    if (error instanceof StatusError) return false;
    throw error;
  }
}

// Not being able to tell is no refusal: the client should try again.
const unavailable: readonly number[] = [grpcCodes.UNAVAILABLE, grpcCodes.DEADLINE_EXCEEDED, grpcCodes.INTERNAL];

async function unlessRefused<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StatusError && !unavailable.includes(error.code)) return undefined;
    throw error;
  }
}

function splitOrRefuse(full: string): RepositoryName {
  const name = splitName(full);
  if (name === undefined) throw refuse(404, 'NAME_UNKNOWN', `repository does not exist "${full}"`);
  return name;
}

function forbidden(): RegistryError {
  return refuse(403, 'FORBIDDEN', 'Forbidden');
}

/** Ends with the line that tells why, for whoever reads it in a client that is not ours. */
export function incapable(
  { full, organization }: RepositoryName,
  { identity }: Principal,
  [missing]: readonly string[],
): RegistryError {
  const line = `chainctl iam access explain ${identity} ${missing} --on=${organization}`;
  const why = identity === undefined || missing === undefined ? '' : `; see why with \`${line}\``;
  return refuse(403, 'FORBIDDEN', `caller does not have the required capabilities at "${full}"${why}`);
}

function nameUnknown(name: RepositoryName): RegistryError {
  return refuse(404, 'NAME_UNKNOWN', `repository does not exist "${name.full}"`);
}
