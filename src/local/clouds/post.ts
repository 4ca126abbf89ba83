// One POST to a cloud. Promises: never follows a redirect, ends within ten seconds, reads at most 64 KiB; the token it
// carries is in none of its errors.

export interface CloudReply {
  readonly status: number;
  readonly text: string;
}

/** The cloud did not answer. The message is one clause. */
export class CloudUnreachableError extends Error {
  override readonly name = 'CloudUnreachableError';
}

const timeoutMs = 10_000;
const mostBytes = 64 * 1024;

export async function post(url: URL, headers: Readonly<Record<string, string>>, body: string): Promise<CloudReply> {
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const fail = (error: Error) => {
      const reason = signal.aborted ? `no answer within ${timeoutMs / 1000} s` : error.message;
      reject(new CloudUnreachableError(`${url.host}: ${reason}`));
    };
    const options = {
      method: 'POST',
      signal,
      agent: false,
      headers: { accept: 'application/json', 'content-length': String(Buffer.byteLength(body)), ...headers },
    } as const;
    const call = request(url, options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > mostBytes) response.destroy(new Error(`its answer is larger than ${mostBytes} bytes`));
        else chunks.push(chunk);
      });
      response.on('error', fail);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    call.on('error', fail);
    call.end(body);
  });
}

export const formType = { 'content-type': 'application/x-www-form-urlencoded' } as const;
export const jsonType = { 'content-type': 'application/json' } as const;
