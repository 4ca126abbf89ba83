// Tells the protocol of a connection, by its first bytes (RFC 9113 3.4): HTTP/2 with prior knowledge begins with a
// preface that is no HTTP/1 request. So REST, registry and gRPC share one port without TLS.

import type { Socket } from 'node:net';
import type { Patience } from './patience.ts';

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Hands the connection on with nothing of it read. One that says nothing in time is dropped. */
export function chooseProtocol(
  socket: Socket,
  { firstByteMs }: Patience,
  to: { http1: () => void; http2: () => void },
): void {
  let seen = Buffer.alloc(0);
  const drop = (): void => {
    socket.destroy();
  };
  const look = (): void => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, preface.length);
    const isPreface = seen.subarray(0, length).equals(preface.subarray(0, length));
    // POST and PUT begin with a P too; three letters tell.
    if (isPreface && length < 3) return;
    // `drop` stays for errors: nobody else listens until the server of its protocol has the connection.
    socket.off('readable', look).off('end', drop).off('timeout', drop);
    socket.setTimeout(0);
    socket.unshift(seen);
    if (isPreface) to.http2();
    else to.http1();
  };
  socket.on('readable', look).on('error', drop).on('end', drop).on('timeout', drop);
  socket.setTimeout(firstByteMs);
}
