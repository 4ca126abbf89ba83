// The registry's face: `/v2/…` of the OCI distribution specification 1.1 and `/token`. Guarantees: every byte written is
// checked against its digest before it can be read, and nothing is answered that the caller may not see.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { grpcCodes } from '../../api/status.ts';
import { notFound } from '../core/failures.ts';
import type { Announce } from '../core/handler.ts';
import { type HttpHandler, type PlatformClock, type PlatformUrls, StatusError } from '../core/types.ts';
import { attestationPublicKeyPem } from '../keys/attestation-key.ts';
import type { BlobStore } from '../store/blob-store.ts';
import type { Store } from '../store/database.ts';
import { createAuthorization, type RegistryIssuer } from './distribution/authorization.ts';
import { deleteBlob, pullBlob, pullManifest, pushManifest, removeManifest } from './distribution/content-routes.ts';
import { type Exchange, type RegistryParts, sendBytes, sendJson } from './distribution/exchange.ts';
import { listCatalog, listHistory, listReferrers, listRepositoryTags } from './distribution/listing-routes.ts';
import { sweepUploads } from './distribution/upload-maintenance.ts';
import { continueUpload, startUpload } from './distribution/upload-routes.ts';
import { isName, parseTarget, type Target } from './reference.ts';
import { RegistryError, refuse, sendRegistryError } from './registry-error.ts';
import { createPullLog } from './registry-events.ts';

export interface RegistryOptions {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly urls: PlatformUrls;
  readonly clock: PlatformClock;
  readonly issuer: RegistryIssuer;
  readonly announce: Announce;
}

/** Ours: the public half of the key that the platform's attestations are signed with, PEM, for everybody. */
const attestationKeyPath = '/local/v1/attestation-key.pem';

/** Also clears away what uploads a crash left behind; the data folder must be this process's alone. */
export function createRegistry(options: RegistryOptions): HttpHandler {
  const { store, blobs, announce } = options;
  const parts: RegistryParts = {
    store,
    blobs,
    authorization: createAuthorization(options),
    logPull: createPullLog(store),
    announce,
  };
  sweepUploads(parts);

  return {
    async handle(request, response, url) {
      if (url.pathname === attestationKeyPath) {
        sendAttestationKey(parts, { request, response, url });
        return true;
      }
      const isToken = url.pathname === '/token';
      if (!isToken && url.pathname !== '/v2' && !url.pathname.startsWith('/v2/')) return false;
      if (!isToken) response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
      const exchange: Exchange = { request, response, url };
      try {
        await (isToken ? answerToken(parts, exchange) : answer(parts, exchange));
      } catch (error) {
        fail(request, response, error);
      }
      return true;
    },
  };
}

async function answer(parts: RegistryParts, exchange: Exchange): Promise<void> {
  const target = parseTarget(exchange.url.pathname);
  if (target === undefined) throw refuse(404, 'UNSUPPORTED', 'no such endpoint');
  if ('name' in target && !isName(target.name)) throw refuse(400, 'NAME_INVALID', 'invalid repository name');
  const method = exchange.request.method ?? '';
  const supported = routes(parts, exchange, target);
  const route = supported[method];
  if (route === undefined) {
    const allow = Object.keys(routes(parts, exchange, target)).join(', ');
    throw new RegistryError(405, { code: 'UNSUPPORTED', message: `${method} is not supported here` }, { Allow: allow });
  }
  await route();
}

type Routes = Readonly<Record<string, () => Promise<void>>>;

function routes(parts: RegistryParts, exchange: Exchange, target: Target): Routes {
  const reading = (route: () => Promise<void>): Routes => ({ GET: route, HEAD: route });
  switch (target.kind) {
    case 'ping':
      return reading(() => ping(parts, exchange));
    case 'catalog':
      return reading(() => listCatalog(parts, exchange));
    case 'uploads':
      return { POST: () => startUpload(parts, exchange, target.name) };
    case 'upload': {
      const route = () => continueUpload(parts, exchange, target.name, target.id);
      return { ...reading(route), PATCH: route, PUT: route, DELETE: route };
    }
    case 'blob':
      return {
        ...reading(() => pullBlob(parts, exchange, target.name, target.digest)),
        DELETE: () => deleteBlob(parts, exchange, target.name, target.digest),
      };
    case 'manifest':
      return {
        ...reading(() => pullManifest(parts, exchange, target.name, target.reference)),
        PUT: () => pushManifest(parts, exchange, target.name, target.reference),
        DELETE: () => removeManifest(parts, exchange, target.name, target.reference),
      };
    case 'tags':
      return reading(() => listRepositoryTags(parts, exchange, target.name));
    case 'referrers':
      return reading(() => listReferrers(parts, exchange, target.name, target.digest));
    case 'history':
      return reading(() => listHistory(parts, exchange, target.name, target.tag));
  }
}

/** Clients start here to learn where tokens come from. */
async function ping(parts: RegistryParts, exchange: Exchange): Promise<void> {
  await parts.authorization.identify(exchange.request, []);
  sendJson(exchange, {});
}

function sendAttestationKey({ store }: RegistryParts, exchange: Exchange): void {
  const { method } = exchange.request;
  if (method !== 'GET' && method !== 'HEAD') throw new StatusError(grpcCodes.UNIMPLEMENTED, 'Method Not Allowed');
  const pem = store.read(attestationPublicKeyPem);
  if (pem === undefined) throw notFound('nothing has been attested on this platform yet');
  sendBytes(exchange, Buffer.from(pem), 'application/x-pem-file');
}

async function answerToken(parts: RegistryParts, exchange: Exchange): Promise<void> {
  const { request, url } = exchange;
  // Clients that try the OAuth2 form with POST fall back to GET on a 404 (protocols 7.4).
  if (request.method !== 'GET') throw refuse(404, 'UNSUPPORTED', 'tokens are asked for with GET');
  const scopes = url.searchParams.getAll('scope').flatMap((scope) => scope.split(' ').filter((word) => word !== ''));
  const { token, expiresIn, issuedAt } = await parts.authorization.token(request, scopes);
  const body = {
    token,
    access_token: token,
    expires_in: expiresIn,
    issued_at: new Date(issuedAt).toISOString(),
  };
  sendJson(exchange, body, { 'Cache-Control': 'no-store' });
}

/** Answers a refusal; anything else is the server's to log and to answer. */
function fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const refusal = error instanceof RegistryError ? error : isDiskFull(error) ? diskFull : undefined;
  if (refusal === undefined || response.headersSent) throw error;
  // Somebody who broke off inside a body is not there to read why it was not taken.
  if (request.destroyed && !request.complete) return;
  sendRegistryError(response, refusal);
  // The rest of a body that somebody began to read is Node's no more, and would stand in the next request's way.
  request.resume();
}

const diskFull = refuse(507, 'UNKNOWN', 'the platform cannot write: its disk is full');

function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === 'EDQUOT') || /ENOSPC|database or disk is full/.test(error.message);
}
