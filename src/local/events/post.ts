// One POST to a sink. Guarantees: connects only where `sink-rules` allows, follows no redirect, ends within the time
// given, keeps at most a kilobyte of the answer; a status is an answer, however slowly the rest comes.

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

const maxBytesKept = 1024;
/** Milliseconds for the body, which is only shown: events that come behind this one should not wait for it. */
const patience = 1000;

/** Keeps connections open between deliveries; `close` ends them. */
export function createPost(): { readonly post: Post; close(): void } {
  const agents = new Map<string, HttpAgent>();

  const post: Post = async (url, headers, body, { timeoutMs, signal }) => {
    const { Agent, request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
    const agent = agents.get(url.protocol) ?? new Agent({ keepAlive: true });
    agents.set(url.protocol, agent);
    const timeout = AbortSignal.timeout(timeoutMs);
    return new Promise((resolve, reject) => {
      let isAnswered = false;
      const fail = (error: Error): void => {
        if (!isAnswered) reject(timeout.aborted ? new Error(`no answer within ${timeoutMs / 1000} s`) : error);
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
          isAnswered = true;
          void readStart(response).then((answer) => resolve({ status: response.statusCode ?? 0, answer }));
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

/** As much as came in time. What goes on longer is not worth keeping the connection for. */
async function readStart(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const timer = setTimeout(() => response.destroy(), patience);
  try {
    for await (const chunk of response) {
      // Without an encoding set, a response yields buffers.
      const bytes = chunk as Buffer;
      chunks.push(bytes.subarray(0, maxBytesKept - size));
      size += bytes.length;
      if (size >= maxBytesKept) break;
    }
  } catch {
    // Broken off, by us or by the sink: its status stands.
  } finally {
    clearTimeout(timer);
  }
  // Where a null character ends a text, the rest of the answer would be lost.
  return Buffer.concat(chunks).toString('utf8').replaceAll('\0', '\ufffd');
}
