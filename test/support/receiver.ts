// A webhook receiver as an outsider would write one: it knows the issuer's URL and its own group, finds the keys by
// discovery, and believes nothing that its token does not cover. Written from semantics 8.2, with jose.

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRemoteJWKSet, jwtVerify } from 'jose';

export interface Received {
  /** `ce-` attributes without their prefix. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every shape
  readonly data: any;
}

export interface Receiver {
  readonly url: string;
  /** Accepted events, in the order they came; one that came twice is here twice. */
  readonly events: Received[];
  /** Why events were not accepted. */
  readonly refused: string[];
  /** Every request, believed or not. */
  requests: number;
  /** What to answer instead, for as many requests as it says something; undefined lets the event be accepted. */
  answer: (event: Received) => number | 'hang' | 'drop' | undefined;
  close(): Promise<void>;
}

/** `issuer` may change between requests, as it does when a platform starts on another port. */
export async function startReceiver(issuer: () => string, group: string): Promise<Receiver> {
  const keySets = new Map<string, ReturnType<typeof createRemoteJWKSet>>();
  const keysOf = async (url: string) => {
    const known = keySets.get(url);
    if (known !== undefined) return known;
    const discovery = (await (await fetch(`${url}/.well-known/openid-configuration`)).json()) as Record<string, string>;
    if (discovery['issuer'] !== url) throw new Error('the document is of another issuer');
    const keys = createRemoteJWKSet(new URL(discovery['jwks_uri'] ?? ''));
    keySets.set(url, keys);
    return keys;
  };

  const verify = async (event: Received): Promise<void> => {
    const [, token] = /^Bearer (\S+)$/.exec(event.headers.authorization ?? '') ?? [];
    if (token === undefined) throw new Error('no token');
    const url = issuer();
    const { payload } = await jwtVerify(token, await keysOf(url), { issuer: url, audience: 'customer' });
    if (payload.sub !== `webhook:${group}`) throw new Error(`the token is for ${payload.sub}`);
    const { digest } = payload['webhook'] as { digest: string };
    const actual = `sha256:${createHash('sha256').update(event.text).digest('hex')}`;
    if (digest !== actual) throw new Error('the token is about other bytes');
    if (event.attributes['specversion'] !== '1.0' || event.attributes['id'] === undefined) {
      throw new Error('not a CloudEvent');
    }
  };

  const receiver: Receiver = {
    url: '',
    events: [],
    refused: [],
    requests: 0,
    answer: () => undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    receiver.requests++;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const attributes = Object.entries(request.headers)
      .filter(([name]) => name.startsWith('ce-'))
      .map(([name, value]) => [name.slice(3), String(value)]);
    const event: Received = {
      attributes: Object.fromEntries(attributes),
      headers: request.headers,
      text,
      data: JSON.parse(text === '' ? '{}' : text),
    };
    const instead = receiver.answer(event);
    if (instead === 'hang') return;
    if (instead === 'drop') {
      request.socket.destroy();
      return;
    }
    if (instead !== undefined) {
      response.writeHead(instead, { location: 'http://127.0.0.1:9/elsewhere' }).end(`answer ${instead}`);
      return;
    }
    try {
      await verify(event);
      receiver.events.push(event);
      response.writeHead(200).end('ok');
    } catch (error) {
      receiver.refused.push(error instanceof Error ? error.message : String(error));
      response.writeHead(403).end();
    }
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      receiver.refused.push(String(error));
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // Listening on a host and a port, not on a pipe.
  const { port } = server.address() as AddressInfo;
  return Object.assign(receiver, { url: `http://127.0.0.1:${port}/events` });
}
