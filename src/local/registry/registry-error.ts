import type { ServerResponse } from 'node:http';

/** Codes of the distribution specification, and the three that protocols 7.4 tabulates for this registry. */
export type RegistryErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'UNSUPPORTED'
  | 'TOOMANYREQUESTS'
  | 'FORBIDDEN'
  | 'BAD_REQUEST'
  | 'UNKNOWN';

export interface RegistryProblem {
  readonly code: RegistryErrorCode;
  readonly message: string;
  readonly detail?: unknown;
}

/** A refusal in the registry's wire shape: a status, one or more problems, and headers that belong to the status. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly status: number;
  readonly problems: readonly RegistryProblem[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    problems: RegistryProblem | readonly RegistryProblem[],
    headers: Readonly<Record<string, string>> = {},
  ) {
    const list = 'code' in problems ? [problems] : problems;
    super(list.map((problem) => `${problem.code}: ${problem.message}`).join('; '));
    this.status = status;
    this.problems = list;
    this.headers = headers;
  }
}

export function refuse(status: number, code: RegistryErrorCode, message: string, detail?: unknown): RegistryError {
  return new RegistryError(status, detail === undefined ? { code, message } : { code, message, detail });
}

export function sendRegistryError(response: ServerResponse, error: RegistryError): void {
  const body = Buffer.from(`${JSON.stringify({ errors: error.problems })}\n`);
  response.writeHead(error.status, {
    'Content-Type': 'application/json',
    'Content-Length': String(body.length),
    ...error.headers,
  });
  // node:http drops the body of an answer to HEAD by itself.
  response.end(body);
}
