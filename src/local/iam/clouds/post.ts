// One POST to a cloud, with a token that is in none of its errors.

import { ask, type OutgoingAnswer } from '../../core/outgoing.ts';

/** The cloud did not answer. The message is one clause. */
export class CloudUnreachableError extends Error {
  override readonly name = 'CloudUnreachableError';
}

export async function post(url: URL, headers: Readonly<Record<string, string>>, body: string): Promise<OutgoingAnswer> {
  try {
    return await ask(url, { method: 'POST', headers, body, timeoutMs: 10_000, maxBytes: 64 * 1024 });
  } catch (error) {
    throw new CloudUnreachableError(`${url.host}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export const formType = { 'content-type': 'application/x-www-form-urlencoded' } as const;
export const jsonType = { 'content-type': 'application/json' } as const;
