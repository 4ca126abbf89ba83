// Sign-in through an organization's own OpenID provider (protocols 9): authorization code flow, by openid-client.
// Guarantees: https, or http on loopback; PKCE and secret as configured; state, nonce, issuer, audience, time and
// signature checked; no answer is read past a megabyte; what goes wrong at the provider becomes one sentence without
// its details.

import type { Configuration, CustomFetch } from 'openid-client';
import { grpcCodes } from '../../../api/status.ts';
import { hasNullCharacter } from '../../../json.ts';
import { quote } from '../../../quote.ts';
import { isIssuerUrl } from '../../../trust/issuer-keys.ts';
import { failedPrecondition, permissionDenied } from '../../core/failures.ts';
import { isLoopbackHttp, isPlatformUrl } from '../../core/loopback.ts';
import { type PlatformUrls, StatusError } from '../../core/types.ts';
import type { StoredProvider } from '../../iam/stored-provider.ts';
import type { FetchUpstream } from '../fetch-upstream.ts';

/** State kept between leaving for the provider and coming back. */
export interface ProviderTrip {
  readonly nonce: string;
  /** Undefined without PKCE. */
  readonly codeVerifier: string | undefined;
}

export interface ProviderIdentity {
  readonly idToken: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface RelyingParty {
  /** Returns where the browser goes. Throws a StatusError when the provider cannot be used. */
  leave(provider: StoredProvider, state: string): Promise<{ readonly url: URL; readonly trip: ProviderTrip }>;
  /** Returns what the provider says of who came back. `query` is that of the callback. Throws a StatusError. */
  arrive(
    provider: StoredProvider,
    state: string,
    trip: ProviderTrip,
    query: URLSearchParams,
  ): Promise<ProviderIdentity>;
}

const timeoutSeconds = 10;
const clockSkewSeconds = 60;

export function createRelyingParty(urls: PlatformUrls, fetchUpstream: FetchUpstream): RelyingParty {
  const fetchLike = fetchThrough(fetchUpstream);
  const redirectUri = `${urls.issuer}/oauth/callback`;
  return {
    async leave(provider, state) {
      const client = await import('openid-client');
      const configuration = await configure(provider, urls, fetchLike);
      const nonce = client.randomNonce();
      const codeVerifier = provider.pkceEnabled ? client.randomPKCECodeVerifier() : undefined;
      const challenge =
        codeVerifier === undefined
          ? {}
          : {
              code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
              code_challenge_method: 'S256',
            };
      const scope = [...new Set(['openid', 'email', 'profile', ...provider.additionalScopes])].join(' ');
      const url = client.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        response_type: 'code',
        scope,
        state,
        nonce,
        ...challenge,
      });
      if (url.protocol !== 'https:' && !isLoopbackHttp(url)) throw unusable(provider, 'its sign-in page is not https');
      return { url, trip: { nonce, codeVerifier } };
    },

    async arrive(provider, state, trip, query) {
      const client = await import('openid-client');
      const refused = query.get('error');
      if (refused !== null) {
        throw refused === 'access_denied'
          ? permissionDenied('the identity provider refused the sign-in')
          : permissionDenied(`the identity provider answered ${quote(refused)}`);
      }
      const configuration = await configure(provider, urls, fetchLike);
      // Under our own address, whatever name the browser used for it.
      const here = new URL(`${redirectUri}?${query}`);
      const tokens = await attempt(provider, () =>
        client.authorizationCodeGrant(configuration, here, {
          expectedState: state,
          expectedNonce: trip.nonce,
          idTokenExpected: true,
          ...(trip.codeVerifier === undefined ? {} : { pkceCodeVerifier: trip.codeVerifier }),
        }),
      );
      const claims = tokens.claims();
      if (claims === undefined || tokens.id_token === undefined) throw unusable(provider, 'it gave no ID token');
      if (hasNullCharacter(claims.sub))
        throw unusable(provider, 'its ID token has the character U+0000 in its subject');
      return { idToken: tokens.id_token, claims };
    },
  };
}

async function configure(provider: StoredProvider, urls: PlatformUrls, fetchLike: CustomFetch): Promise<Configuration> {
  const client = await import('openid-client');
  const { issuer, clientId, clientSecret } = provider;
  const url = isIssuerUrl(issuer) ? new URL(issuer) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && !isLoopbackHttp(url))) {
    throw unusable(provider, 'its issuer is not an https URL');
  }
  if (isPlatformUrl(url, urls)) throw unusable(provider, 'its issuer is this platform itself');
  const execute = [client.enableNonRepudiationChecks];
  if (url.protocol === 'http:') execute.push(client.allowInsecureRequests);
  const metadata = { [client.clockTolerance]: clockSkewSeconds };
  const discovered = await attempt(provider, () =>
    client.discovery(url, clientId, metadata, client.None(), {
      execute,
      timeout: timeoutSeconds,
      [client.customFetch]: fetchLike,
    }),
  );
  const server = discovered.serverMetadata();
  // Secrets travel in the header unless the provider says that it wants them in the form only (OpenID Connect Core 9).
  const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  const authentication =
    clientSecret === ''
      ? client.None()
      : methods.includes('client_secret_basic')
        ? client.ClientSecretBasic(clientSecret)
        : client.ClientSecretPost(clientSecret);
  const configuration = new client.Configuration(server, clientId, metadata, authentication);
  configuration.timeout = timeoutSeconds;
  configuration[client.customFetch] = fetchLike;
  for (const step of execute) step(configuration);
  return configuration;
}

/** The library would follow any address and read an answer whole, a packed one unpacked; ours does neither. */
function fetchThrough(fetchUpstream: FetchUpstream): CustomFetch {
  return async (url, { method, headers, body }) => {
    const answer = await fetchUpstream(new URL(url), {
      method: method === 'POST' ? 'POST' : 'GET',
      headers: Object.fromEntries(new Headers(headers)),
      ...(body === undefined || body === null ? {} : { body: String(body) }),
      timeoutMs: timeoutSeconds * 1000,
    }).catch((error: unknown) => {
      // An answer came, and was too large.
      if (error instanceof RangeError) throw error;
      // The library's own fetch rejects with this.
      throw new TypeError('fetch failed', { cause: error });
    });
    const shown = new Headers();
    for (const [name, value] of Object.entries(answer.headers)) {
      for (const item of [value ?? []].flat()) shown.append(name, item);
    }
    const isEmpty = [204, 205, 304].includes(answer.status);
    return new Response(isEmpty ? null : answer.text, { status: answer.status, headers: shown });
  };
}

async function attempt<T>(provider: StoredProvider, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toStatus(provider, error);
  }
}

/** By the stable words of the library's errors, never by their sentences. */
function toStatus(provider: StoredProvider, error: unknown): StatusError {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const reason = error instanceof Error && 'error' in error && typeof error.error === 'string' ? error.error : '';
  if (reason !== '') return permissionDenied(`the identity provider answered ${quote(reason)}`);
  if (code === 'OAUTH_WWW_AUTHENTICATE_CHALLENGE') {
    return permissionDenied('the identity provider does not accept the client id and secret it was set up with');
  }
  if (code === 'OAUTH_TIMEOUT' || (error instanceof TypeError && code === '')) {
    return new StatusError(
      grpcCodes.UNAVAILABLE,
      `the identity provider at ${quote(provider.issuer)} cannot be reached`,
    );
  }
  return permissionDenied(
    `the answer of the identity provider at ${quote(provider.issuer)} is not good${code === '' ? '' : ` (${code})`}`,
  );
}

function unusable(provider: StoredProvider, reason: string): StatusError {
  return failedPrecondition(`identity provider ${quote(provider.name)} cannot be used: ${reason}`);
}
