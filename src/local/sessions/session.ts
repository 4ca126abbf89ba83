/** Person who signed in, in the upstream's words: what tokens carry of a login. */
export interface Actor {
  readonly act: Readonly<Record<string, string>>;
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  /** Profile claims; none for assumed identities (protocols 4.4). */
  readonly profile: Readonly<Record<string, unknown>> | undefined;
}

/** Limits that a request sets for a token. An empty list narrows nothing. */
export interface Limits {
  /** UIDPs or names of groups. */
  readonly scopes: readonly string[];
  /** Dotted capability names. */
  readonly capabilities: readonly string[];
}
