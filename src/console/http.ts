// The console behind a server of Node's. Guarantees: a form is taken only from a page of the same origin; pages are not handed
// to other sites; a body has an end.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ConsoleAnswer, messagePage } from './answers.tsx';
import type { Application } from './application.tsx';
import type { Session } from './session.ts';

const maxFormBytes = 256 * 1024;

export interface Serving {
  readonly session: Session | undefined;
  /** Scheme, host and port, as the browser calls them. */
  readonly origin: string;
  readonly lastOrganization: string | undefined;
  /** Sends what goes with the answer, such as cookies. */
  readonly beforeAnswer: (answer: ConsoleAnswer, response: ServerResponse) => void;
}

export async function serveConsole(
  console: Application,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  { session, origin, lastOrganization, beforeAnswer }: Serving,
): Promise<void> {
  const { method } = request;
  const refusal = refusalOf(request);
  if (refusal !== undefined) return send(request, response, refusal);
  let fields = new URLSearchParams();
  if (method === 'POST') {
    const text = await readForm(request);
    if (text === undefined) {
      return send(
        request,
        response,
        messagePage(413, 'This form is too large', [`It may have ${maxFormBytes / 1024} kB.`]),
      );
    }
    fields = new URLSearchParams(text);
  }
  const answer = await console.answer({
    method: method === 'POST' ? 'POST' : 'GET',
    path: url.pathname,
    query: url.searchParams,
    fields,
    session,
    origin,
    lastOrganization,
  });
  beforeAnswer(answer, response);
  send(request, response, answer);
}

/**
 * Returns what is answered instead of a page. A browser says where a form comes from, and for which site and what it
 * asks; a form without that word comes from no browser of today.
 */
function refusalOf({ method, headers }: IncomingMessage): ConsoleAnswer | undefined {
  const { origin, host, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers;
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST')
    return messagePage(405, 'This page cannot be used that way', []);
  const isForeign = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (method === 'POST') {
    const isOwn = origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
    if (isOwn && !isForeign) return undefined;
    return messagePage(403, 'This form was sent from another site', [
      'Nothing has been done. Open the console itself.',
    ]);
  }
  // A link from elsewhere leads here; an image, a script or a frame of another site does not.
  if (isForeign && mode !== 'navigate') return messagePage(403, 'This page was asked for by another site', []);
  return undefined;
}

export async function readForm(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Without an encoding set, a request yields buffers.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxFormBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: ConsoleAnswer,
): void {
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? undefined : body);
}
