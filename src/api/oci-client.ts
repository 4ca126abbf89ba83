// Reading from a registry that speaks the OCI distribution specification. Promises: bytes that do not have the digest
// they were asked by are an error; credentials go to the registry's own host and nowhere a redirect points.

import { createHash } from 'node:crypto';
import { CliError } from '../errors.ts';
import type { Host } from '../host.ts';
import { type HttpResponse, send } from './transport.ts';

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
 * Reads `host/path:tag@digest`. A first word without dot, colon or `localhost` is part of the path, as for every client;
 * `registry` is then empty. Undefined for what is no reference.
 */
export function parseImageReference(text: string): ImageReference | undefined {
  const slash = text.indexOf('/');
  const first = slash < 0 ? '' : text.slice(0, slash);
  const hasHost = /[.:]/.test(first) || first === 'localhost' || first.startsWith('[');
  const match = referencePattern.exec(hasHost ? text : `-/${text}`);
  if (match === null) return undefined;
  const [, registry = '', repository = '', tag, digest] = match;
  return { registry: hasHost ? registry.toLowerCase() : '', repository, tag, digest };
}

/** What is asked of the registry: the digest when there is one, else the tag, else `latest`. */
export const wantedOf = ({ tag, digest }: ImageReference): string => digest ?? tag ?? 'latest';

export const formatReference = ({ registry, repository, tag, digest }: ImageReference): string =>
  `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;

export interface OciDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os?: string; readonly architecture?: string; readonly variant?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface OciManifest {
  readonly digest: string;
  readonly mediaType: string;
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
  /** A bearer to show when nobody may read without; undefined when there is none. */
  readonly token?: () => Promise<string | undefined>;
}

export interface OciClient {
  /** By tag or digest. Throws kind `not-found` when there is none. */
  manifest(repository: string, reference: string): Promise<OciManifest>;
  /** Text of a blob, checked against its digest. */
  blob(repository: string, digest: string): Promise<string>;
  /** Manifests that refer to this one; empty where the registry keeps none. */
  referrers(repository: string, digest: string): Promise<readonly OciDescriptor[]>;
  /** Any JSON document below `/v2/<repository>/`. */
  document(repository: string, path: string): Promise<unknown>;
}

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const mostRedirects = 5;
/** Attestations with thousands of packages stay far below this. */
const longestDocument = 64 * 1024 * 1024;

export function createOciClient(options: OciClientOptions): OciClient {
  const { host, origin, signal } = options;
  const name = new URL(origin).host;
  /** `authorization` by repository, once a challenge was met. */
  const known = new Map<string, string>();

  async function get(url: string, headers: Readonly<Record<string, string>>): Promise<HttpResponse> {
    let target = url;
    for (let hop = 0; hop <= mostRedirects; hop += 1) {
      const isOwn = new URL(target).origin === new URL(origin).origin;
      const { authorization, ...others } = headers;
      const shown = isOwn && authorization !== undefined ? { ...others, authorization } : others;
      const response = await send(host, {
        method: 'GET',
        url: target,
        headers: shown,
        signal,
        maxBytes: longestDocument,
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
  async function read(repository: string, path: string, accept: string): Promise<HttpResponse> {
    const url = `${origin}/v2/${repository}/${path}`;
    const before = known.get(repository);
    let response = await get(url, { accept, ...(before === undefined ? {} : { authorization: before }) });
    if (response.status !== 401) return response;
    const challenge = challengeOf(response);
    if (challenge === undefined) return response;
    for (const withLogin of [false, true]) {
      const bearer = await exchange(repository, challenge, withLogin);
      if (bearer === undefined) continue;
      const authorization = `Bearer ${bearer}`;
      const answer = await get(url, { accept, authorization });
      if (answer.status !== 401 && answer.status !== 403) {
        known.set(repository, authorization);
        return answer;
      }
      response = answer;
    }
    return response;
  }

  /** What the token service gives for a scope (distribution token specification); undefined when it refuses. */
  async function exchange(repository: string, challenge: Challenge, withLogin: boolean): Promise<string | undefined> {
    const url = new URL(challenge.realm, origin);
    if (url.protocol !== 'https:' && url.host !== name) return undefined;
    if (challenge.service !== undefined) url.searchParams.set('service', challenge.service);
    url.searchParams.set('scope', challenge.scope ?? `repository:${repository}:pull`);
    const login = withLogin ? await options.token?.() : undefined;
    if (withLogin && (login === undefined || url.host !== name)) return undefined;
    const basic = login === undefined ? {} : { authorization: `Basic ${toBase64(`_token:${login}`)}` };
    const response = await send(host, { method: 'GET', url: url.href, headers: basic, signal });
    if (response.status !== 200) return undefined;
    const { token, access_token: other } = parseJson(response.text, name) as {
      token?: unknown;
      access_token?: unknown;
    };
    return [token, other].find((one): one is string => typeof one === 'string' && one !== '');
  }

  async function document(repository: string, path: string, accept: string, what: string): Promise<HttpResponse> {
    const response = await read(repository, path, accept);
    if (response.status === 200) return response;
    if (response.status === 404) throw failure('not-found', `${what} not found in ${name}`);
    if (response.status === 401) {
      throw failure(
        'auth',
        `${what} cannot be read without a login to ${name}`,
        'run `chainctl auth configure-docker`',
      );
    }
    if (response.status === 403) throw failure('permission', `${what} may not be read by this login, or is not there`);
    throw failure('api', `${name} answered ${response.status} for ${what}`);
  }

  return {
    async manifest(repository, reference) {
      const what = `${repository}${reference.includes(':') ? '@' : ':'}${reference}`;
      const response = await document(repository, `manifests/${reference}`, manifestTypes, what);
      const digest = `sha256:${createHash('sha256').update(response.text).digest('hex')}`;
      if (reference.includes(':')) checkDigest(response.text, reference, name);
      const parsed = parseJson(response.text, name) as Omit<OciManifest, 'digest'>;
      const mediaType = parsed.mediaType ?? String(response.headers['content-type'] ?? '');
      return { ...parsed, mediaType, digest: reference.includes(':') ? reference : digest };
    },
    async blob(repository, digest) {
      const response = await document(repository, `blobs/${digest}`, '*/*', `${repository}@${digest}`);
      checkDigest(response.text, digest, name);
      return response.text;
    },
    async referrers(repository, digest) {
      const response = await read(repository, `referrers/${digest}`, manifestTypes);
      // Registries of before 1.1 keep the same index under a tag (specification, "Referrers Tag Schema").
      const answer =
        response.status === 200
          ? response
          : await read(repository, `manifests/${digest.replace(':', '-')}`, manifestTypes);
      if (answer.status !== 200) return [];
      const { manifests = [] } = parseJson(answer.text, name) as { manifests?: OciDescriptor[] };
      return manifests;
    },
    document: async (repository, path) =>
      parseJson((await document(repository, path, 'application/json', repository)).text, name),
  };
}

interface Challenge {
  readonly realm: string;
  readonly service: string | undefined;
  readonly scope: string | undefined;
}

function challengeOf(response: HttpResponse): Challenge | undefined {
  const header = response.headers['www-authenticate'];
  const text = Array.isArray(header) ? header.find((one) => /^bearer /i.test(one)) : header;
  if (text === undefined || !/^bearer /i.test(text)) return undefined;
  const parameters = new Map(
    [...text.matchAll(/([a-z]+)="([^"]*)"/gi)].map(([, key = '', value = '']) => [key.toLowerCase(), value]),
  );
  const realm = parameters.get('realm');
  return realm === undefined || !URL.canParse(realm, 'https://registry.invalid')
    ? undefined
    : { realm, service: parameters.get('service'), scope: parameters.get('scope') };
}

function checkDigest(text: string, digest: string, name: string): void {
  const [algorithm = '', hex] = digest.split(':');
  if (createHash(algorithm).update(text).digest('hex') !== hex) {
    throw failure('api', `${name} sent something else than ${digest}`);
  }
}

function parseJson(text: string, name: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // What was said is no better than what is missing.
  }
  throw failure('api', `${name} did not answer like a registry`);
}

const failure = (kind: 'api' | 'auth' | 'not-found' | 'permission', message: string, hint?: string): CliError =>
  new CliError(kind, message, { code: `registry.${kind}`, ...(hint === undefined ? {} : { hint }) });

const toBase64 = (text: string) => Buffer.from(text).toString('base64');
