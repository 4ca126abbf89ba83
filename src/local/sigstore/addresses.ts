import type { PlatformUrls } from '../core/types.ts';

/** Returns where an authority answers: what cosign takes as the URL of Fulcio. */
export const baseUrl = (urls: PlatformUrls, handle: string): string => `${urls.api}/local/sigstore/${handle}`;
