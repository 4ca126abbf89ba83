// SCIM 2.0 (RFC 7643, RFC 7644) at `/scim/v2/<organization>/<identity provider>`. Guarantees: a connector reaches its own
// provider's users and groups and nothing else, and only while provisioning is switched on; each request is one
// transaction; every answer is SCIM JSON.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { grpcCodes, httpStatusOf } from '../../api/status.ts';
import { isUidp } from '../../api/uidp.ts';
import { hasNullCharacter, isObject, parseJson } from '../../json.ts';
import { type HttpHandler, type PlatformUrls, StatusError } from '../core/types.ts';
import { readCredentials } from '../http/credentials.ts';
import { readText } from '../http/request-body.ts';
import { isScimToken } from '../iam/scim-tokens.ts';
import { findProvider, type StoredProvider, scimEndpoint } from '../iam/stored-provider.ts';
import type { SqlRow, Store, Tx } from '../store/database.ts';
import { resourceTypes, schemas, serviceProviderConfig, toResourceType, toSchema } from './discovery.ts';
import {
  createGroup,
  deleteGroup,
  findGroup,
  groupTable,
  patchGroup,
  replaceGroup,
  toGroupResource,
} from './groups.ts';
import { integerIn, maxResults, selectPage, type Table } from './listing.ts';
import type { ScimObject } from './matching.ts';
import { type Projection, project, projectionOf } from './projection.ts';
import { ScimError, toErrorBody } from './scim-error.ts';
import { createUser, deleteUser, findUser, patchUser, replaceUser, toUserResource, userTable } from './users.ts';

export interface ScimOptions {
  readonly store: Store;
  readonly urls: PlatformUrls;
  /** Told what a request turned out to be, for the log. */
  readonly onCall?: (request: IncomingMessage, call: { operation: string }) => void;
}

const prefix = '/scim/v2/';
/** Bytes: a group of ten thousand members has about half of it. */
const maxBodyBytes = 4 * 1024 * 1024;

interface Reply {
  readonly status: number;
  readonly body?: ScimObject;
  readonly headers?: Readonly<Record<string, string>>;
}

interface ScimRequest {
  readonly method: string;
  readonly query: URLSearchParams;
  /** The JSON of the body. Throws a ScimError when it is none. */
  body(): unknown;
  readonly ifMatch: string | undefined;
}

/** Users or groups. */
interface Collection {
  readonly table: Table;
  create(tx: Tx, provider: StoredProvider, input: unknown): SqlRow;
  find(tx: Tx, provider: StoredProvider, id: string): SqlRow;
  replace(tx: Tx, provider: StoredProvider, row: SqlRow, input: unknown): SqlRow;
  patch(tx: Tx, provider: StoredProvider, row: SqlRow, input: unknown): SqlRow;
  remove(tx: Tx, provider: StoredProvider, row: SqlRow): void;
  toResource(tx: Tx, row: SqlRow, base: string, projection: Projection): ScimObject;
}

const collections: Readonly<Record<string, Collection>> = {
  Users: {
    table: userTable,
    create: createUser,
    find: findUser,
    replace: replaceUser,
    patch: patchUser,
    remove: deleteUser,
    toResource: (tx, row, base) => toUserResource(tx, row, base),
  },
  Groups: {
    table: groupTable,
    create: createGroup,
    find: findGroup,
    replace: replaceGroup,
    patch: patchGroup,
    remove: deleteGroup,
    toResource: (tx, row, base, projection) => toGroupResource(tx, row, base, projection.shows('members')),
  },
};

export function createScim({ store, urls, onCall }: ScimOptions): HttpHandler {
  const answer = async (request: IncomingMessage, url: URL): Promise<Reply> => {
    const method = request.method ?? '';
    const { id, rest } = splitPath(url.pathname);
    onCall?.(request, { operation: `scim.${rest[0] ?? ''}` });
    const authorization = request.headers.authorization;
    store.read((tx) => requireConnector(tx, id, authorization));
    const text = await readText(request, maxBodyBytes);
    const call: ScimRequest = {
      method,
      query: url.searchParams,
      body: () => bodyIn(text),
      ifMatch: request.headers['if-match'],
    };
    const base = scimEndpoint(urls.api, id);
    const work = (tx: Tx): Reply => route(tx, requireConnector(tx, id, authorization), rest, call, base);
    return method === 'GET' || rest.at(-1) === '.search' ? store.read(work) : store.transact(work);
  };

  return {
    async handle(request, response, url) {
      if (!url.pathname.startsWith(prefix)) return false;
      try {
        send(response, await answer(request, url));
      } catch (error) {
        const failure = toScimError(error);
        if (failure === undefined) throw error;
        if (!request.complete) response.setHeader('connection', 'close');
        if (failure.status === 401) response.setHeader('www-authenticate', 'Bearer');
        send(response, { status: failure.status, body: toErrorBody(failure) as ScimObject });
      }
      return true;
    },
  };
}

/** `/scim/v2/<UIDP>/Users/<id>`: the id is as deep as the group that the provider was made in. */
function splitPath(path: string): { id: string; rest: string[] } {
  let parts: string[];
  try {
    parts = path.slice(prefix.length).split('/').map(decodeURIComponent);
  } catch {
    throw noSuchEndpoint();
  }
  let length = 1;
  while (length < parts.length && isUidp(parts.slice(0, length + 1).join('/'))) length += 1;
  const id = parts.slice(0, length).join('/');
  if (!isUidp(id)) throw noSuchEndpoint();
  const rest = parts.slice(length);
  return { id, rest: rest.at(-1) === '' ? rest.slice(0, -1) : rest };
}

/** One answer for a provider that does not exist and for a token that is not its own. */
function requireConnector(tx: Tx, id: string, authorization: string | undefined): StoredProvider {
  const credentials = readCredentials(authorization);
  const token = credentials.kind === 'bearer' ? credentials.token : undefined;
  const provider = findProvider(tx, id);
  if (token === undefined || provider === undefined || !isScimToken(provider, token, tx.now)) {
    throw new ScimError(401, 'The SCIM token is missing, or is not good for this identity provider');
  }
  if (!provider.scim.enabled) throw new ScimError(403, 'Provisioning is switched off for this identity provider');
  return provider;
}

function route(tx: Tx, provider: StoredProvider, rest: string[], call: ScimRequest, base: string): Reply {
  const [first = '', second, ...more] = rest;
  if (more.length > 0) throw noSuchEndpoint();
  if (first === '.search' && second === undefined)
    return searchCall(tx, provider, Object.values(collections), call, base);
  const collection = Object.hasOwn(collections, first) ? collections[first] : undefined;
  if (collection !== undefined) {
    if (second === '.search') return searchCall(tx, provider, [collection], call, base);
    return second === undefined
      ? collectionCall(tx, provider, collection, call, base)
      : resourceCall(tx, provider, collection, second, call, base);
  }
  const documents = discovery(first, base);
  if (documents === undefined) throw noSuchEndpoint();
  if (call.method !== 'GET') throw notAllowed(call.method);
  if (call.query.has('filter')) throw new ScimError(403, 'What the service says of itself cannot be filtered');
  if (!Array.isArray(documents)) {
    if (second !== undefined) throw noSuchEndpoint();
    return { status: 200, body: documents };
  }
  if (second === undefined) return { status: 200, body: toList(documents, documents.length, 1) };
  const document = documents.find(({ id }) => id === second);
  if (document === undefined) throw noSuchEndpoint();
  return { status: 200, body: document };
}

function discovery(name: string, base: string): ScimObject | ScimObject[] | undefined {
  switch (name) {
    case 'ServiceProviderConfig':
      return serviceProviderConfig(base);
    case 'ResourceTypes':
      return resourceTypes.map((type) => toResourceType(type, base));
    case 'Schemas':
      return schemas.map((schema) => toSchema(schema, base));
    default:
      return undefined;
  }
}

function collectionCall(
  tx: Tx,
  provider: StoredProvider,
  collection: Collection,
  call: ScimRequest,
  base: string,
): Reply {
  const projection = projectionOf(collection.table.type, call.query);
  switch (call.method) {
    case 'GET': {
      const page = selectPage(tx, provider.id, collection.table, call.query);
      const resources = page.rows.map((row) => project(collection.toResource(tx, row, base, projection), projection));
      return { status: 200, body: toList(resources, page.total, page.startIndex) };
    }
    case 'POST':
      return one(
        201,
        collection.toResource(tx, collection.create(tx, provider, call.body()), base, projection),
        projection,
      );
    default:
      throw notAllowed(call.method);
  }
}

/** A list whose parameters come in the body (RFC 7644, 3.4.3), of one kind or of all. */
function searchCall(
  tx: Tx,
  provider: StoredProvider,
  searched: readonly Collection[],
  call: ScimRequest,
  base: string,
): Reply {
  if (call.method !== 'POST') throw notAllowed(call.method);
  const query = toQuery(call.body());
  const pages = searched.map((collection) => {
    const projection = projectionOf(collection.table.type, query);
    const page = selectPage(tx, provider.id, collection.table, query);
    const resources = page.rows.map((row) => project(collection.toResource(tx, row, base, projection), projection));
    return { ...page, resources };
  });
  const [only, ...others] = pages;
  if (only !== undefined && others.length === 0) {
    return { status: 200, body: toList(only.resources, only.total, only.startIndex) };
  }
  // Pages of several kinds have no order in common, so there is only the first one.
  if ((integerIn(query, 'startIndex') ?? 1) > 1) {
    throw new ScimError(400, 'A search over all kinds of resources has one page', 'invalidValue');
  }
  const total = pages.reduce((sum, page) => sum + page.total, 0);
  if (total > maxResults) throw new ScimError(400, 'There are too many results', 'tooMany');
  return {
    status: 200,
    body: toList(
      pages.flatMap(({ resources }) => resources),
      total,
      1,
    ),
  };
}

const searchSchema = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';

function toQuery(body: unknown): URLSearchParams {
  const { schemas } = isObject(body) ? body : {};
  if (!isObject(body) || !Array.isArray(schemas) || !schemas.includes(searchSchema)) {
    throw new ScimError(400, `schemas must name ${searchSchema}`, 'invalidSyntax');
  }
  const query = new URLSearchParams();
  for (const name of ['attributes', 'excludedAttributes', 'filter', 'startIndex', 'count']) {
    const value = body[name];
    if (value === undefined || value === null) continue;
    query.set(name, Array.isArray(value) ? value.join(',') : String(value));
  }
  return query;
}

function resourceCall(
  tx: Tx,
  provider: StoredProvider,
  collection: Collection,
  id: string,
  call: ScimRequest,
  base: string,
): Reply {
  const projection = projectionOf(collection.table.type, call.query);
  const row = collection.find(tx, provider, id);
  if (call.method !== 'GET') requireVersion(row, call.ifMatch);
  const answer = (changed: SqlRow): Reply => one(200, collection.toResource(tx, changed, base, projection), projection);
  switch (call.method) {
    case 'GET':
      return answer(row);
    case 'PUT':
      return answer(collection.replace(tx, provider, row, call.body()));
    case 'PATCH':
      return answer(collection.patch(tx, provider, row, call.body()));
    case 'DELETE':
      collection.remove(tx, provider, row);
      return { status: 204 };
    default:
      throw notAllowed(call.method);
  }
}

/** RFC 7644, 3.14. */
function requireVersion(row: SqlRow, ifMatch: string | undefined): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  const own = `"${String(row['version'])}"`;
  const tags = ifMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (!tags.includes(own)) throw new ScimError(412, 'The resource has changed since it was read');
}

function one(status: number, resource: ScimObject, projection: Projection): Reply {
  const meta = resource['meta'] as ScimObject;
  const [location, version] = [String(meta['location']), String(meta['version'])];
  return {
    status,
    body: project(resource, projection),
    headers: { location, etag: version },
  };
}

function toList(resources: readonly ScimObject[], total: number, startIndex: number): ScimObject {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: total,
    startIndex,
    itemsPerPage: resources.length,
    Resources: resources,
  };
}

function bodyIn(text: string | undefined): unknown {
  const body = parseJson(text ?? '');
  if (body === undefined) throw new ScimError(400, 'The request body is not valid JSON', 'invalidSyntax');
  if (hasNullCharacter(body)) {
    throw new ScimError(400, 'A text holds the character U+0000, which cannot be kept', 'invalidValue');
  }
  return body;
}

function toScimError(error: unknown): ScimError | undefined {
  if (error instanceof ScimError) return error;
  if (!(error instanceof StatusError)) return undefined;
  // A rule of the platform stands in the way of what is otherwise well said.
  if (error.code === grpcCodes.FAILED_PRECONDITION) return new ScimError(409, error.message);
  return new ScimError(httpStatusOf(error.code), error.message);
}

function noSuchEndpoint(): ScimError {
  return new ScimError(404, 'There is no such endpoint');
}

function notAllowed(method: string): ScimError {
  return new ScimError(405, `${method} cannot be done here`);
}

function send(response: ServerResponse, { status, body, headers = {} }: Reply): void {
  const text = body === undefined ? undefined : JSON.stringify(body);
  response.writeHead(status, {
    ...(text === undefined
      ? {}
      : { 'content-type': 'application/scim+json; charset=utf-8', 'content-length': Buffer.byteLength(text) }),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(text);
}
