/** Notes for the log about a request, taken while it is answered. */
export interface RequestNote {
  readonly operation?: string;
  readonly identity?: string;
  /** HTTP status that equals the status of the inner protocol, such as gRPC's. */
  readonly status?: number;
  readonly error?: string;
}
