// Resources that deciding about an image may reach. Guarantees: the engine itself opens no connection, reads no file
// and starts no program; whoever calls it hands in these, bound to one deadline.

export interface Place {
  readonly registry: string;
  readonly repository: string;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Of an image in an index. */
  readonly platform?: { readonly os?: string };
}

export interface Manifest {
  readonly digest: string;
  readonly artifactType?: string;
  readonly layers?: readonly Descriptor[];
  /** Of an image. */
  readonly config?: Descriptor;
  /** Of an index. */
  readonly manifests?: readonly Descriptor[];
}

/** One repository of a registry. Errors are thrown; what is not there is undefined or empty. */
export interface Repository {
  /** By tag or digest. */
  manifest(reference: string): Promise<Manifest | undefined>;
  /** Checked against its digest. */
  blob(digest: string): Promise<Buffer>;
  referrers(digest: string): Promise<readonly Descriptor[]>;
}

export interface Surroundings {
  /** `pullSecrets` are names that the policy gives, tried before what the workload has. */
  repository(place: Place, pullSecrets: readonly string[]): Repository;
  /** Values of a secret of namespace cosign-system unless another is named; undefined when there is none. */
  secret(name: string, namespace: string | undefined): Promise<Readonly<Record<string, string>> | undefined>;
  /**
   * Returns what `trusted_root.json` holds: the named TrustRoot; else that of the authority at `url`, where its
   * platform is trusted; else that of sigstore on this machine. Undefined when there is none to be had.
   */
  trustRoot(name: string | undefined, url: string | undefined): Promise<object | undefined>;
  /** Values of a ConfigMap, found as a secret is. */
  configMap(name: string, namespace: string | undefined): Promise<Readonly<Record<string, string>> | undefined>;
  /** Of an https URL. */
  download(url: string): Promise<Buffer>;
  /** Returns why the rule does not hold over a JSON document; undefined when it does. Throws nothing. */
  runRule(type: 'cue' | 'rego', text: string, document: string): Promise<string | undefined>;
  /** Milliseconds since the epoch. */
  now(): number;
}
