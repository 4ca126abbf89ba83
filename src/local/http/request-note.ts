/** What the log learns of a request while it is answered. */
export interface RequestNote {
  readonly operation?: string;
  readonly identity?: string;
  /** Where the protocol inside has a status of its own, as gRPC does: the HTTP status that says the same. */
  readonly status?: number;
  readonly error?: string;
}
