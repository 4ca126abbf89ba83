// The issuer of the platform: token exchange and browser login over HTTP. Guarantees: answers only its own paths; a
// failed exchange is google.rpc.Status JSON; no answer with a token is cached.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { authSchema } from '../../api/schema/messages/auth.gen.ts';
import { oidcSchema } from '../../api/schema/messages/oidc.gen.ts';
import { oidcOperations } from '../../api/schema/operations/oidc.gen.ts';
import type { AuthGetHeadlessSessionRequest } from '../../api/schema/types/auth.gen.ts';
import type { OidcExchangeRefreshTokenRequest, OidcExchangeRequest } from '../../api/schema/types/oidc.gen.ts';
import { grpcCodes } from '../../api/status.ts';
import { createRouteMatcher, createWire } from '../../api/wire.ts';
import { unauthenticated } from '../core/failures.ts';
import type { OnOccurrence } from '../core/occurrence.ts';
import { type Caller, type HttpHandler, type PlatformClock, type PlatformUrls, StatusError } from '../core/types.ts';
import { sendJson, sendStatus, toStatusError } from '../http/answers.ts';
import { tokenOf } from '../http/credentials.ts';
import { readText } from '../http/request-body.ts';
import type { PkceSupport } from '../iam/identity-providers.ts';
import { decodeJwt } from '../keys/jwt.ts';
import type { Store } from '../store/database.ts';
import { createAccessTokens } from './access-tokens.ts';
import { createAwsVerifier } from './aws-verify.ts';
import { type BrowserSessions, createBrowserSessions } from './browser-sessions.ts';
import { createDeviceCodes } from './device-codes.ts';
import { serveDeviceCode, serveDeviceToken } from './device-endpoints.ts';
import { deviceCodePath, requireGet, tokenPath } from './discovery.ts';
import { createFetchUpstream, type FetchUpstream } from './fetch-upstream.ts';
import { createHeadlessSessions } from './headless-sessions.ts';
import { createImpersonation, type SignImpersonation } from './impersonation.ts';
import { createOwnIdTokens } from './own-id-tokens.ts';
import { createPkceCheck } from './pkce-support.ts';
import type { AgentProof } from './prepared.ts';
import { createBrowserLogin } from './sign-in/browser-login.ts';
import { createSts, type Sts, type VerifyAws } from './sts.ts';
import { tellOfExchanges } from './told-exchanges.ts';
import { createUpstream } from './upstream.ts';

export interface IssuerOptions {
  readonly store: Store;
  readonly urls: PlatformUrls;
  readonly clock: PlatformClock;
  /** Name of the API in tokens besides its address. */
  readonly audiences?: readonly string[] | undefined;
  /** How documents of real issuers are fetched; over the network unless said otherwise. */
  readonly fetchUpstream?: FetchUpstream;
  /** Addresses where issuers and their key sets may be although the address is private or not the issuer's own. */
  readonly issuerOrigins?: ReadonlySet<string> | undefined;
  /** How AWS is asked; AWS identities are refused without it. */
  readonly verifyAws?: VerifyAws;
  /** Endpoint of AWS when `verifyAws` does not say it, e.g. `https://sts.amazonaws.com`. */
  readonly awsSts?: string;
  /** Proof that the sign-in page asks for; nothing when left out. */
  readonly signInCode?: string | undefined;
  /** Told of exchanges and sign-ins. */
  readonly tell?: OnOccurrence | undefined;
}

export interface Issuer extends HttpHandler {
  /** The caller of an API request. Throws StatusError UNAUTHENTICATED. */
  verifyAccessToken(token: string): Promise<Caller>;
  /** The operations that are the issuer's own, without HTTP: by id, with a canonical message. Throw StatusError. */
  readonly operations: Readonly<Record<string, IssuerOperation>>;
  /** The exchanges without HTTP. Throw StatusError. */
  readonly exchange: Sts['exchange'];
  readonly exchangeRefreshToken: Sts['exchangeRefreshToken'];
  readonly verifyLogin: Sts['verifyLogin'];
  readonly agentProof: (bearer: string) => AgentProof;
  /** Returns what an issuer publishes about PKCE, for who wants to use it as a provider. Never throws. */
  pkceSupport(issuer: string): Promise<PkceSupport>;
  readonly signImpersonation: SignImpersonation;
  /** Logins of the console. */
  readonly sessions: BrowserSessions;
  /** Assumes `identity` with a third party's token; gives an access token for `audience`. Throws StatusError. */
  exchangeForIdentity(bearer: string, identity: string, audience: string): Promise<string>;
}

/** `authorization` is the header or the metadata of that name. */
type IssuerOperation = (message: object, authorization: string | undefined) => Promise<object>;

// Parameters of an exchange are a handful of short words.
const maxFormBytes = 64 * 1024;

export function createIssuer(options: IssuerOptions): Issuer {
  const { store, urls, clock, awsSts } = options;
  const verifyAws =
    options.verifyAws ??
    (awsSts === undefined ? undefined : createAwsVerifier({ endpoint: awsSts, audiences: [urls.issuer], clock }));
  const accessTokens = createAccessTokens(store, urls.issuer, clock, {
    api: urls.api,
    aliases: options.audiences ?? [],
  });
  const origins = options.issuerOrigins ?? new Set();
  const fetchDocument = options.fetchUpstream ?? createFetchUpstream(origins);
  const upstream = createUpstream(store, urls, clock, fetchDocument, origins);
  const ownIdTokens = createOwnIdTokens(store, urls.issuer, clock);
  const exchanges = createSts({ store, urls, clock, upstream, accessTokens, ownIdTokens, verifyAws });
  const sts = options.tell === undefined ? exchanges : tellOfExchanges(exchanges, options.tell);
  const headless = createHeadlessSessions(clock);
  const devices = createDeviceCodes(clock);
  const sessions = createBrowserSessions({
    exchange: sts.exchangeRefreshToken,
    audience: urls.api,
    clock,
    url: urls.console,
  });
  const browserLogin = createBrowserLogin({
    sessions,
    store,
    urls,
    clock,
    sts,
    ownIdTokens,
    headless,
    devices,
    fetchUpstream: fetchDocument,
    signInCode: options.signInCode,
  });
  const wire = createWire(oidcSchema);
  const authWire = createWire(authSchema);
  const match = createRouteMatcher(Object.values(oidcOperations));

  // The codec has checked each message against the schema that these types are generated from.
  const ownOperations = {
    'oidc.v1.SecurityTokenService.Exchange': (message, authorization) =>
      sts.exchange(bearerOf(authorization), message as OidcExchangeRequest),
    'oidc.v1.SecurityTokenService.ExchangeRefreshToken': (message, authorization) =>
      sts.exchangeRefreshToken(bearerOf(authorization), message as OidcExchangeRefreshTokenRequest),
    'auth.v1.Auth.GetHeadlessSession': async (message) =>
      headless.read((message as AuthGetHeadlessSessionRequest).code ?? ''),
  } satisfies Record<string, IssuerOperation>;

  /** Query or form, by proto or JSON name; a JSON body is not looked at (semantics 3.5). */
  const serveExchange = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const contentType = request.headers['content-type'];
    const found = match(request.method ?? '', url.pathname, contentType);
    if (found.status !== 'found') throw new StatusError(grpcCodes.UNIMPLEMENTED, 'Method Not Allowed');
    const { operation } = found;
    const body = await readText(request, maxFormBytes);
    const message = wire.decodeRequest(found, { query: url.searchParams, body, contentType });
    const answer = await ownOperations[operation.id](message, request.headers.authorization);
    sendJson(response, 200, wire.encodeResponse(operation.response, answer));
  };

  const serve = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean> => {
    switch (url.pathname) {
      case '/sts/exchange':
      case '/sts/exchange_refresh_token':
        await serveExchange(request, response, url);
        return true;
      case '/sts/headless_sessions': {
        requireGet(request);
        const session = headless.read(url.searchParams.get('code') ?? '');
        sendJson(response, 200, authWire.encodeResponse('chainguard.platform.auth.HeadlessSession', session));
        return true;
      }
      case deviceCodePath:
        await serveDeviceCode(request, response, devices, urls.issuer);
        return true;
      case tokenPath:
        await serveDeviceToken(request, response, devices);
        return true;
      default:
        return browserLogin.handle(request, response, url);
    }
  };

  return {
    async handle(request, response, url) {
      try {
        return await serve(request, response, url);
      } catch (error) {
        const { status, unexpected } = toStatusError(error);
        // An unforeseen error is the server's to log and to answer.
        if (unexpected) throw error;
        sendStatus(response, status);
        return true;
      }
    },
    operations: ownOperations,
    verifyAccessToken: (token) => accessTokens.verify(token),
    exchange: sts.exchange,
    exchangeRefreshToken: sts.exchangeRefreshToken,
    verifyLogin: sts.verifyLogin,
    agentProof: (bearer) => ({
      async asIdentity(identity) {
        await sts.exchange(bearer, { identity, aud: [urls.api] });
        return decodeJwt(bearer);
      },
      asPublished: () => sts.verifyAgent(bearer),
    }),
    pkceSupport: createPkceCheck(store, urls, fetchDocument),
    sessions,
    signImpersonation: createImpersonation(store, urls.issuer, clock),
    async exchangeForIdentity(bearer, identity, audience) {
      const { token } = await sts.exchange(bearer, { identity, aud: [audience] });
      return token ?? '';
    },
  };
}

function bearerOf(authorization: string | undefined): string {
  const token = tokenOf(authorization);
  if (token === undefined) throw unauthenticated('a bearer token is required');
  return token;
}
