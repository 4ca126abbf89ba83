// One POST to a sink. Promises: connects only where `sink-rules` allows, follows no redirect, ends within the time
// given, keeps at most a kilobyte of the answer.

import type { ClientRequest, Agent as HttpAgent, IncomingMessage } from 'node:http';
import { sinkLookup } from './sink-rules.ts';

export interface Posted {
  readonly status: number;
  /** The beginning of the body. */
  readonly answer: string;
}

export interface PostOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Rejects with an Error whose message is a clause when there was no answer. */
export type Post = (
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  options: PostOptions,
) => Promise<Posted>;

const mostKept = 1024;
const socketsPerSink = 8;

/** Keeps connections open between deliveries; `close` ends them. */
export function createPost(): { readonly post: Post; close(): void } {
  const agents = new Map<string, HttpAgent>();

  const post: Post = async (url, headers, body, { timeoutMs, signal }) => {
    const { Agent, request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
    const agent = agents.get(url.protocol) ?? new Agent({ keepAlive: true, maxSockets: socketsPerSink });
    agents.set(url.protocol, agent);
    const timeout = AbortSignal.timeout(timeoutMs);
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        reject(timeout.aborted ? new Error(`no answer within ${timeoutMs / 1000} s`) : error);
      };
      const call: ClientRequest = request(
        url,
        {
          method: 'POST',
          agent,
          headers: { ...headers, 'content-length': Buffer.byteLength(body) },
          lookup: sinkLookup(url),
          signal: AbortSignal.any([signal, timeout]),
        },
        (response) => {
          readStart(response).then((answer) => resolve({ status: response.statusCode ?? 0, answer }), fail);
        },
      );
      call.on('error', fail);
      call.end(body);
    });
  };

  return {
    post,
    close() {
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

/** What goes on longer is not worth keeping the connection for. */
async function readStart(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    // Without an encoding set, a response yields buffers.
    const bytes = chunk as Buffer;
    chunks.push(bytes.subarray(0, mostKept - size));
    size += bytes.length;
    if (size >= mostKept) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
