// One GET of a document that a third-party issuer publishes. Promises: never follows a redirect, ends within five
// seconds, reads at most 1 MiB, sends no credential.

export interface UpstreamDocument {
  readonly status: number;
  readonly text: string;
}

/** Fetches a URL; rejects with an Error whose message is one clause, or resolves whatever the status. */
export type FetchUpstream = (url: URL) => Promise<UpstreamDocument>;

const timeoutMs = 5_000;
const mostBytes = 1024 * 1024;

export const fetchUpstream: FetchUpstream = async (url) => {
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const fail = (error: Error) => {
      const isTimeout = signal.aborted;
      reject(isTimeout ? new Error(`it did not answer within ${timeoutMs / 1000} s`) : error);
    };
    const call = request(url, { signal, agent: false, headers: { accept: 'application/json' } }, (response) => {
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
    call.end();
  });
};
