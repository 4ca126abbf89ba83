import type { IncomingMessage } from 'node:http';
import { invalidArgument } from '../core/failures.ts';

/** The body as text, undefined when there is none. Throws INVALID_ARGUMENT past `limit` bytes or when it is not UTF-8. */
export async function readText(request: IncomingMessage, limit: number): Promise<string | undefined> {
  const tooLarge = invalidArgument(`the request body is larger than ${limit} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge;
  const chunks: Buffer[] = [];
  let size = 0;
  // Destroying the request would take the connection away from the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    // Without an encoding set, a request yields buffers.
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > limit) throw tooLarge;
    chunks.push(bytes);
  }
  if (size === 0) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw invalidArgument('the request body is not UTF-8');
  }
}
