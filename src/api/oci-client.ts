// Reading from a registry that speaks the OCI distribution specification. Guarantees: bytes that do not have the digest
// they were asked by are an error; credentials go to the registry's own host and nowhere a redirect points.

import { createHash } from 'node:crypto';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { parseJson } from '../json.ts';
import { challengesIn } from './challenges.ts';
import { send, type WholeResponse } from './transport.ts';

export interface ImageReference {
  /** Host, with the port if it has one. */
  readonly registry: string;
  /** Path in the registry, e.g. `chainguard/nginx`. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** `sha256:…`; wins over the tag. */
  readonly digest: string | undefined;
}

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const referencePattern = new RegExp(
  `^(?:([a-zA-Z0-9.-]+(?::[0-9]+)?|\\[[0-9a-fA-F:]+\\](?::[0-9]+)?)/)?(${component}(?:/${component})*)` +
    '(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?$',
);

/**
 * Reads `host/path:tag@digest`. A first word without dot, colon or `localhost` is part of the path, as for every
 * client; `registry` is then empty. Undefined for what is no reference.
 */
export function parseImageReference(text: string): ImageReference | undefined {
  const slash = text.indexOf('/');
  const first = slash < 0 ? '' : text.slice(0, slash);
  const hasHost = /[.:]/.test(first) || first === 'localhost' || first.startsWith('[');
  const match = referencePattern.exec(hasHost ? text : `-/${text}`);
  if (match === null) return undefined;
  const [, name = '', path = '', tag, digest] = match;
  const registry = hasHost ? name.toLowerCase() : '';
  // Docker's hub keeps its own images there, and lets people leave it out.
  const repository = registry === 'docker.io' && !path.includes('/') ? `library/${path}` : path;
  return { registry, repository, tag, digest };
}

/** Returns what is asked of the registry: the digest when there is one, else the tag, else `latest`. */
export const wantedOf = ({ tag, digest }: ImageReference): string => digest ?? tag ?? 'latest';

export const formatReference = ({ registry, repository, tag, digest }: ImageReference): string =>
  `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;

export interface OciDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os?: string; readonly architecture?: string; readonly variant?: string };
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface OciManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly artifactType?: string;
  /** Of an index. */
  readonly manifests?: readonly OciDescriptor[];
  /** Of an image. */
  readonly config?: OciDescriptor;
  readonly layers?: readonly OciDescriptor[];
}

export interface OciClientOptions {
  readonly host: Host;
  /** Origin, e.g. `https://cgr.dev`. */
  readonly origin: string;
  readonly signal: AbortSignal;
  /** A login to show when nobody may read without; undefined when there is none. */
  readonly login?: (repository: string) => Promise<RegistryLogin | undefined>;
  /** Hint for a missing one. */
  readonly loginHint: string;
  /** Hint for one that may not read the repository. */
  readonly refusedHint?: (repository: string) => Promise<string | undefined>;
}

export type RegistryLogin = (
  | { readonly kind: 'password'; readonly user: string; readonly secret: string }
  /** A refresh token of OAuth2 for the registry's token service. */
  | { readonly kind: 'identity-token'; readonly token: string }
  /** A token that the registry itself takes. */
  | { readonly kind: 'registry-token'; readonly token: string }
) & {
  /** Whether they may go to a token service on another host than the registry's, where the registry says so. */
  readonly leavesHost: boolean;
};

export interface OciClient {
  /** By tag or digest. Throws kind `not-found` when there is none. */
  manifest(repository: string, reference: string): Promise<OciManifest>;
  /** Bytes of a blob, checked against its digest. Throws code `api.too-large` above `maxBlobBytes`. */
  blob(repository: string, digest: string): Promise<Buffer>;
  /** Manifests that refer to this one, all pages of them; empty where the registry keeps none. */
  referrers(repository: string, digest: string): Promise<readonly OciDescriptor[]>;
  /** Any JSON document below `/v2/<repository>/`; `what` is how messages call it. */
  document(repository: string, path: string, what: string): Promise<unknown>;
}

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const maxRedirects = 5;
/** Bytes. Manifests, lists and the like. */
const maxDocumentBytes = 64 * 1024 * 1024;
/** Bytes. What cosign reads of an attestation unless it is told otherwise. */
export const maxBlobBytes = 128 * 1024 * 1024;
/** A page may hold as few as its registry likes; a list that goes on behind these is one without end. */
const maxPages = 10_000;

export function createOciClient(options: OciClientOptions): OciClient {
  const { host, origin, signal } = options;
  const name = new URL(origin).host;
  /** `authorization` by repository, once a challenge was met. */
  const known = new Map<string, string>();

  async function get(url: string, headers: Readonly<Record<string, string>>, maxBytes: number): Promise<WholeResponse> {
    let target = url;
    for (let hop = 0; hop <= maxRedirects; hop += 1) {
      const isOwn = new URL(target).origin === new URL(origin).origin;
      const { authorization, ...others } = headers;
      const shown = isOwn && authorization !== undefined ? { ...others, authorization } : others;
      const response = await send(host, {
        method: 'GET',
        url: target,
        headers: shown,
        signal,
        maxBytes,
      });
      const location = response.headers['location'];
      if (![301, 302, 303, 307, 308].includes(response.status) || typeof location !== 'string') return response;
      const next = new URL(location, target);
      if (next.protocol !== 'https:' && new URL(target).protocol === 'https:') {
        throw failure('api', `${name} points from https to ${next.protocol.replace(':', '')}`);
      }
      target = next.href;
    }
    throw failure('api', `${name} redirects without end`);
  }

  /** Anonymously first, then with the login: public images need none, and none is sent where it is not wanted. */
  async function read(
    repository: string,
    path: string,
    accept: string,
    maxBytes = maxDocumentBytes,
  ): Promise<WholeResponse> {
    const url = `${origin}/v2/${repository}/${path}`;
    const before = known.get(repository);
    let response = await get(url, { accept, ...(before === undefined ? {} : { authorization: before }) }, maxBytes);
    if (response.status !== 401) return response;
    const challenge = challengeOf(response);
    if (challenge === undefined) return response;
    for (const withLogin of [false, true]) {
      const login = withLogin ? await options.login?.(repository) : undefined;
      if (withLogin && login === undefined) break;
      const authorization =
        login?.kind === 'registry-token'
          ? `Bearer ${login.token}`
          : challenge.realm === undefined
            ? login && basic(login)
            : await exchange(repository, challenge, login);
      // Whoever has shown a login lacks no login, but rights.
      if (authorization === undefined && withLogin) return { ...response, status: 403 };
      if (authorization === undefined) continue;
      response = await get(url, { accept, authorization }, maxBytes);
      if (response.status !== 401 && response.status !== 403) {
        known.set(repository, authorization);
        return response;
      }
    }
    return response;
  }

  /** Returns what the token service gives for a scope (distribution token specification); undefined when it refuses. */
  async function exchange(
    repository: string,
    { realm, service, scope = `repository:${repository}:pull` }: TokenService,
    login: RegistryLogin | undefined,
  ): Promise<string | undefined> {
    const url = new URL(realm ?? '', origin);
    if (url.host !== name && (url.protocol !== 'https:' || login?.leavesHost === false)) return undefined;
    const response =
      login?.kind === 'identity-token'
        ? await refreshed(url, { ...(service === undefined ? {} : { service }), scope, refresh_token: login.token })
        : await asked(url, { ...(service === undefined ? {} : { service }), scope }, login && basic(login));
    if (response.status !== 200) return undefined;
    const { token, access_token: other } = documentOf(response.text, name) as {
      token?: unknown;
      access_token?: unknown;
    };
    const bearer = [token, other].find((one): one is string => typeof one === 'string' && one !== '');
    return bearer === undefined ? undefined : `Bearer ${bearer}`;
  }

  function asked(url: URL, parameters: Readonly<Record<string, string>>, authorization: string | undefined) {
    for (const [key, value] of Object.entries(parameters)) url.searchParams.set(key, value);
    const headers = authorization === undefined ? {} : { authorization };
    return send(host, { method: 'GET', url: url.href, headers, signal });
  }

  /** The OAuth2 way (distribution, "Authenticate with OAuth2"): the token travels in the body. */
  function refreshed(url: URL, parameters: Readonly<Record<string, string>>) {
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'chainctl', ...parameters });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return send(host, { method: 'POST', url: url.href, headers, body: form.toString(), signal });
  }

  async function document(
    repository: string,
    path: string,
    accept: string,
    what: string,
    maxBytes?: number,
  ): Promise<WholeResponse> {
    const response = await read(repository, path, accept, maxBytes);
    if (response.status === 200) return response;
    if (response.status === 404) throw failure('not-found', `${what} not found in ${name}`);
    if (response.status === 401) {
      throw failure('auth', `${what} cannot be read without a login to ${name}`, options.loginHint);
    }
    if (response.status === 403) {
      const hint = await options.refusedHint?.(repository);
      throw failure('permission', `${what} may not be read by this login, or is not there`, hint);
    }
    throw failure('api', `${name} answered ${response.status} for ${what}`);
  }

  return {
    async manifest(repository, reference) {
      const what = `${repository}${reference.includes(':') ? '@' : ':'}${reference}`;
      const response = await document(repository, `manifests/${reference}`, manifestTypes, what);
      const digest = `sha256:${createHash('sha256').update(response.bytes).digest('hex')}`;
      if (reference.includes(':')) checkDigest(response.bytes, reference, name);
      const parsed = documentOf(response.text, name) as Omit<OciManifest, 'digest'>;
      const mediaType = parsed.mediaType ?? String(response.headers['content-type'] ?? '');
      return { ...parsed, mediaType, digest: reference.includes(':') ? reference : digest };
    },
    async blob(repository, digest) {
      const what = `${repository}@${digest}`;
      const { bytes } = await document(repository, `blobs/${digest}`, '*/*', what, maxBlobBytes);
      checkDigest(bytes, digest, name);
      return bytes;
    },
    async referrers(repository, digest) {
      const first = await read(repository, `referrers/${digest}`, manifestTypes);
      // Registries of before 1.1 keep the same index under a tag (specification, "Referrers Tag Schema").
      let answer =
        first.status === 200 ? first : await read(repository, `manifests/${digest.replace(':', '-')}`, manifestTypes);
      if (answer.status !== 200) return [];
      const found: OciDescriptor[] = [];
      for (let page = 1; ; page += 1) {
        const { manifests } = documentOf(answer.text, name) as { manifests?: readonly OciDescriptor[] };
        found.push(...(Array.isArray(manifests) ? manifests : []));
        const next = first.status === 200 ? nextPage(answer, repository, digest) : undefined;
        if (next === undefined) return found;
        if (page >= maxPages) throw failure('api', `${name} lists referrers of ${digest} without end`);
        answer = await read(repository, next, manifestTypes);
        // Half a list would pass for the whole.
        if (answer.status !== 200)
          throw failure('api', `${name} answered ${answer.status} for more referrers of ${digest}`);
      }
    },
    document: async (repository, path, what) =>
      documentOf((await document(repository, path, 'application/json', what)).text, name),
  };
}

/** Path below the repository of the list's next page (specification, "Listing Referrers"); undefined at its end. */
function nextPage(answer: WholeResponse, repository: string, digest: string): string | undefined {
  const header = [answer.headers['link']].flat().join(', ');
  const target = /<([^>]*)>\s*;[^<]*\brel="?next\b/i.exec(header)?.[1];
  if (target === undefined) return undefined;
  const base = `http://registry.invalid/v2/${repository}/referrers/${digest}`;
  // Whatever host or path it names, the page is one of this list.
  return URL.canParse(target, base) ? `referrers/${digest}${new URL(target, base).search}` : undefined;
}

interface TokenService {
  /** Of the token service; undefined where the registry takes user and password itself. */
  readonly realm: string | undefined;
  readonly service: string | undefined;
  readonly scope: string | undefined;
}

/** The token service where the registry names one, else user and password where it takes those. */
function challengeOf(response: WholeResponse): TokenService | undefined {
  const challenges = challengesIn(response.headers['www-authenticate']);
  for (const { scheme, parameters } of challenges) {
    const realm = parameters.get('realm');
    if (scheme !== 'bearer' || realm === undefined || !URL.canParse(realm, 'https://registry.invalid')) continue;
    return { realm, service: parameters.get('service'), scope: parameters.get('scope') };
  }
  const isBasic = challenges.some(({ scheme }) => scheme === 'basic');
  return isBasic ? { realm: undefined, service: undefined, scope: undefined } : undefined;
}

/** Undefined for a login that is no user and password. */
const basic = (login: RegistryLogin): string | undefined =>
  login.kind === 'password' ? `Basic ${Buffer.from(`${login.user}:${login.secret}`).toString('base64')}` : undefined;

function checkDigest(bytes: Buffer, digest: string, name: string): void {
  const [algorithm = '', hex] = digest.split(':');
  if (createHash(algorithm).update(bytes).digest('hex') !== hex) {
    throw failure('api', `${name} sent something else than ${digest}`);
  }
}

function documentOf(text: string, name: string): unknown {
  const value = parseJson(text);
  if (typeof value === 'object' && value !== null) return value;
  throw failure('api', `${name} did not answer like a registry`);
}

const failure = (kind: 'api' | 'auth' | 'not-found' | 'permission', message: string, hint?: string): CliError =>
  new CliError(kind, message, { code: `registry.${kind}`, ...(hint === undefined ? {} : { hint }) });
