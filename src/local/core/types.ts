// Types shared by the parts of the local platform.

import type { IncomingMessage, ServerResponse } from 'node:http';

/** Caller, as a verified platform token says. */
export interface Caller {
  /** UIDP of the identity. */
  readonly identity: string;
  readonly issuer: string;
  readonly audience: readonly string[];
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly email: string | undefined;
  /** Claims of the upstream login (`act`), string values. */
  readonly actor: Readonly<Record<string, string>>;
  /** Upstream profile claims (`upstream`), when there are any. */
  readonly profile: Readonly<Record<string, unknown>> | undefined;
  /** Whether the token was asked to carry less than its identity held. */
  readonly narrowed: boolean;
  /**
   * Capabilities frozen into the token (`cap`), by group. A ceiling: what the caller may do is this and what its role
   * bindings give it now, so that revoking works at once (semantics 3.1, protocols 3.6).
   */
  readonly ceiling: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Caller without a token, where that is allowed. Holds nothing. */
export const anonymous: Caller = {
  identity: '',
  issuer: '',
  audience: [],
  issuedAt: 0,
  expiresAt: 0,
  email: undefined,
  actor: {},
  profile: undefined,
  narrowed: false,
  ceiling: new Map(),
};

/** The public addresses of a running platform, without trailing slash. */
export interface PlatformUrls {
  readonly api: string;
  readonly issuer: string;
  readonly registry: string;
  readonly console: string;
}

/** The clock and the randomness of a platform; tests move and seed them. */
export interface PlatformClock {
  /** Milliseconds since the epoch. */
  now(): number;
  randomBytes(count: number): Uint8Array;
}

/** One protocol on the shared origin: true when it answered, false when the path is not its own. */
export interface HttpHandler {
  handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean>;
}

/** A failure that goes over the wire as google.rpc.Status (semantics 7). */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  /** gRPC code. */
  readonly code: number;
  readonly details: readonly Record<string, unknown>[];

  constructor(code: number, message: string, details: readonly Record<string, unknown>[] = []) {
    super(message);
    this.code = code;
    this.details = details;
  }
}
