// How long the platform waits for a client. Guarantees: a connection whose client is gone, or sends nothing more of what
// it began, gives its descriptor back; a large body over a slow line is left alone.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Milliseconds. */
export interface Patience {
  /** Until the first byte of a connection. */
  readonly firstByteMs: number;
  /** Until the head of an HTTP/1 request is whole. */
  readonly headMs: number;
  /** How long a body may stand still. */
  readonly bodyMs: number;
  /** How long an HTTP/2 connection without calls is kept. gRPC clients connect again by themselves. */
  readonly idleMs: number;
  /** How long a refused client has to read why. */
  readonly lingerMs: number;
}

export const defaultPatience: Patience = {
  firstByteMs: 30_000,
  headMs: 10_000,
  bodyMs: 30_000,
  idleMs: 300_000,
  lingerMs: 1_000,
};

/** Bytes by which a body must grow in `bodyMs`. Nobody pushes images over a slower line, and a trickle stays below. */
const leastProgress = 1024;

export interface BodyWatch {
  /** Watches the body of a request that has just come. */
  add(request: IncomingMessage, response: ServerResponse): void;
  stop(): void;
}

/** Calls `onSlow` once for each request whose body does not arrive, whether a handler reads it or not. */
export function watchBodies(
  { bodyMs }: Patience,
  onSlow: (request: IncomingMessage, response: ServerResponse) => void,
): BodyWatch {
  const watched = new Map<Socket, { request: IncomingMessage; response: ServerResponse; seen: number }>();
  const look = (): void => {
    for (const [socket, body] of watched) {
      const { request, response } = body;
      if (request.complete || socket.destroyed) {
        watched.delete(socket);
        continue;
      }
      // Bytes are counted as they leave the network: what we have and do not read is our own delay.
      const grown = socket.bytesRead - body.seen;
      body.seen = socket.bytesRead;
      if (grown >= leastProgress || request.readableLength > 0) continue;
      watched.delete(socket);
      onSlow(request, response);
    }
  };
  const timer = setInterval(look, bodyMs).unref();
  return {
    add(request, response) {
      const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
      if (length === undefined && encoding === undefined) return;
      // Requests of one connection follow each other, so the newest is the one that may stand still.
      watched.set(request.socket, { request, response, seen: request.socket.bytesRead });
    },
    stop: () => clearInterval(timer),
  };
}

/** Writes the last words of a connection and ends it, even when the client never ends its own half. */
export function endThenDestroy(socket: Socket, patience: Patience, lastWords: string): void {
  if (!socket.writable) return;
  socket.end(lastWords);
  destroyLater(socket, patience);
}

/** Destroying at once would reset the connection, and a reset takes the answer away from who has not read it yet. */
export function destroyLater(socket: Socket, { lingerMs }: Patience): void {
  setTimeout(() => socket.destroy(), lingerMs).unref();
}
