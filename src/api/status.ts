// gRPC status codes and the HTTP statuses they travel as (semantics 7).

export const grpcCodes = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

// In code order. FAILED_PRECONDITION is 400, not 412.
const httpStatuses: readonly number[] = [
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
];

/** The HTTP status an answer with this gRPC code has; 500 for numbers outside 0–16. */
export function httpStatusOf(code: number): number {
  return httpStatuses[code] ?? 500;
}

// Several codes share a status; these are what a status alone says when the reply carries no code of its own.
// 502 counts as UNAVAILABLE as for the token exchange (semantics 3.5).
const codes: Readonly<Record<number, number>> = {
  400: grpcCodes.INVALID_ARGUMENT,
  401: grpcCodes.UNAUTHENTICATED,
  403: grpcCodes.PERMISSION_DENIED,
  404: grpcCodes.NOT_FOUND,
  409: grpcCodes.ALREADY_EXISTS,
  429: grpcCodes.RESOURCE_EXHAUSTED,
  499: grpcCodes.CANCELLED,
  500: grpcCodes.INTERNAL,
  501: grpcCodes.UNIMPLEMENTED,
  502: grpcCodes.UNAVAILABLE,
  503: grpcCodes.UNAVAILABLE,
  504: grpcCodes.DEADLINE_EXCEEDED,
};

/** The gRPC code for a reply that has only an HTTP status: OK for 2xx, UNKNOWN when the table has none. */
export function codeOfHttpStatus(status: number): number {
  if (status >= 200 && status < 300) return grpcCodes.OK;
  return codes[status] ?? grpcCodes.UNKNOWN;
}

/** Text that does not follow the wire rules. `code` is the gRPC code to answer with. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code: number;

  constructor(message: string, code: number = grpcCodes.INVALID_ARGUMENT) {
    super(message);
    this.code = code;
  }
}
