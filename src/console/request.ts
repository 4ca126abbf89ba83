// Input of the console from whoever mounts it, once and with each request.

import type { CloudSetup } from './clouds.ts';
import type { PlatformAddresses } from './page.ts';
import type { Session } from './session.ts';

export interface ConsoleOptions {
  /** Prefix of addresses, without a slash at the end. */
  readonly prefix: string;
  readonly platform: PlatformAddresses;
  readonly clouds: CloudSetup;
  readonly now: () => number;
  readonly randomBytes: (count: number) => Uint8Array;
  /**
   * The address of the sign-in that comes back to `next`, and accepts an invite by its code; undefined where a browser
   * cannot sign in.
   */
  readonly signIn?: (next: string, invite?: string) => string;
  /** Next step without one, one sentence. */
  readonly signInHint?: string;
  /** Whether the browser may end its login. */
  readonly canSignOut?: boolean;
}

export interface ConsoleRequest {
  readonly method: 'GET' | 'POST';
  /** Of the address, percent-encoded, with the prefix. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Of a POST. */
  readonly fields: URLSearchParams;
  readonly session: Session | undefined;
  /** Scheme, host and port, as the browser calls them. */
  readonly origin: string;
  /** UIDP or name of the organization that this browser looked at last. */
  readonly lastOrganization: string | undefined;
}
