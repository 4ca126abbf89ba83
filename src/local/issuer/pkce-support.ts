import { isObject } from '../../json.ts';
import { isIssuerUrl } from '../../trust/issuer-keys.ts';
import { isLoopbackHttp, isPlatformUrl } from '../core/loopback.ts';
import type { PlatformUrls } from '../core/types.ts';
import type { PkceSupport } from '../iam/identity-providers.ts';
import { publicKeys } from '../keys/signing-keys.ts';
import type { Store } from '../store/database.ts';
import type { FetchUpstream } from './fetch-upstream.ts';

/** `no` only when the issuer's configuration lists methods and S256 is none of them (protocols 9). */
export function createPkceCheck(
  store: Store,
  urls: PlatformUrls,
  fetchDocument: FetchUpstream,
): (issuer: string) => Promise<PkceSupport> {
  return async (issuer) => {
    if (!isIssuerUrl(issuer) || publicKeys(store, issuer).length > 0) return 'unknown';
    const url = new URL(issuer);
    if ((url.protocol !== 'https:' && !isLoopbackHttp(url)) || isPlatformUrl(url, urls)) return 'unknown';
    try {
      const document = await fetchDocument(new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`));
      const configuration: unknown = document.status === 200 ? JSON.parse(document.text) : undefined;
      const methods = isObject(configuration) ? configuration['code_challenge_methods_supported'] : undefined;
      if (!Array.isArray(methods)) return 'unknown';
      return methods.includes('S256') ? 'yes' : 'no';
    } catch {
      // An issuer that cannot be asked has not said no.
      return 'unknown';
    }
  };
}
