// A ClusterImagePolicy as it is decided by (policy-controller 0.13, enforce.md 2). Guarantees: what stands here has
// been checked: exactly one kind of authority, globs and patterns that can be read, a name for each authority.

export interface Policy {
  readonly name: string;
  readonly apiVersion: 'policy.sigstore.dev/v1alpha1' | 'policy.sigstore.dev/v1beta1';
  /** `warn` turns each failure into an admission warning. */
  readonly mode: 'enforce' | 'warn';
  /** The globs that count, those included that the document only implies (enforce.md 3, trap 2). */
  readonly globs: readonly string[];
  /** Kinds of objects it is about; empty for every kind. */
  readonly match: readonly ResourceMatch[];
  readonly authorities: readonly Authority[];
  /** Decides over what the authorities found. */
  readonly policy: Rule | undefined;
}

export interface ResourceMatch {
  readonly group: string;
  /** `*` for every version. */
  readonly version: string;
  readonly resource: string;
  readonly selector: LabelSelector | undefined;
}

export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values: readonly string[];
  }[];
}

export interface Authority {
  readonly name: string;
  readonly kind: AuthorityKind;
  /** Repository of the signatures, when not beside the image. */
  readonly sources: readonly Source[];
  readonly ctlog: CtLog | undefined;
  readonly timestamp: { readonly trustRootRef: string | undefined } | undefined;
  /** Without any, a signature of the image is wanted. */
  readonly attestations: readonly AttestationRule[];
}

export type AuthorityKind =
  | { readonly kind: 'static'; readonly action: 'pass' | 'fail'; readonly message: string }
  | ({ readonly kind: 'key' } & KeySource)
  | {
      readonly kind: 'keyless';
      readonly url: string | undefined;
      readonly caCert: KeySource | undefined;
      readonly trustRootRef: string | undefined;
      readonly identities: readonly IdentityRule[];
      readonly ignoresSct: boolean;
    };

/** Exactly one of the three. */
export interface KeySource {
  /** PEM. */
  readonly data: string | undefined;
  /** In namespace cosign-system unless it says otherwise. */
  readonly secretRef: { readonly name: string; readonly namespace: string | undefined } | undefined;
  readonly kms: string | undefined;
  readonly hashAlgorithm: string;
}

/** Each half is one literal or one pattern, which stands for the whole text. */
export interface IdentityRule {
  readonly issuer: string | undefined;
  readonly issuerPattern: string | undefined;
  readonly subject: string | undefined;
  readonly subjectPattern: string | undefined;
}

export interface Source {
  readonly oci: string | undefined;
  readonly tagPrefix: string | undefined;
  readonly pullSecrets: readonly string[];
}

export interface CtLog {
  readonly url: string | undefined;
  readonly publicKey: KeySource | undefined;
  readonly trustRootRef: string | undefined;
}

export interface AttestationRule {
  readonly name: string;
  readonly predicateType: string;
  readonly policy: Rule | undefined;
}

/** CUE or Rego; exactly one place to have it from. */
export interface Rule {
  readonly type: 'cue' | 'rego';
  readonly data: string | undefined;
  readonly configMapRef:
    | { readonly name: string; readonly key: string; readonly namespace: string | undefined }
    | undefined;
  readonly remote: { readonly url: string; readonly sha256: string } | undefined;
  readonly needs: readonly ('config' | 'spec' | 'metadata' | 'typemeta')[];
}

/** A document that was read. */
export interface PolicyDocument {
  readonly policy: Policy;
  /** The text of this document alone, as its author wrote it. */
  readonly text: string;
  /** Warnings: fields that were read otherwise than written, a sentence each. */
  readonly warnings: readonly string[];
  /** The object that a cluster is given: the document with what was read into it. */
  readonly object: Readonly<Record<string, unknown>>;
}

/** The document cannot be used. The message says what is wrong and in which line. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
}
