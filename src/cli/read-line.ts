// One line of standard input. Promises: no byte behind the line is taken from a pipe or file, whose rest belongs to
// whoever reads it next (script-contracts 1.2), and a line that never comes does not keep the process from ending: a
// read in libuv's thread pool would, because process.exit waits for it.

import { fstatSync, readSync } from 'node:fs';
import { type ConnectOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { isatty, ReadStream } from 'node:tty';

const newline = 10;

/** Undefined at the end of the stream. Rejects with the signal's reason. */
export function readLine(signal?: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const bytes: number[] = [];
    const finish = (ended: boolean) => {
      signal?.removeEventListener('abort', stop);
      const text = Buffer.from(bytes).toString('utf8').replace(/\r$/, '');
      resolve(ended && bytes.length === 0 ? undefined : text);
    };
    const stop = () => reject(signal?.reason);
    if (signal?.aborted) return stop();
    signal?.addEventListener('abort', stop, { once: true });
    const take = (byte: number): boolean => {
      if (byte === newline) finish(false);
      else bytes.push(byte);
      return byte !== newline;
    };
    listen(take, () => finish(true), reject);
  });
}

/** Hands over one byte after the other until `take` says false. */
function listen(take: (byte: number) => boolean, end: () => void, fail: (error: Error) => void): void {
  const stats = statsOf(0);
  if (stats === undefined) {
    end();
  } else if (isatty(0)) {
    // A terminal gives a line at a time.
    const terminal = new ReadStream(0);
    terminal.on('data', (chunk: Buffer) => {
      for (const byte of chunk) if (!take(byte)) return void terminal.pause().unref();
    });
    terminal.on('end', end).on('error', fail);
  } else if (stats.isFIFO() || stats.isSocket()) {
    const options: SocketConstructorOpts & ConnectOpts = {
      fd: 0,
      readable: true,
      writable: false,
      // A buffer of one byte is what makes it take no more than the line.
      onread: {
        buffer: Buffer.alloc(1),
        callback: (_count, buffer) => {
          const goOn = take(buffer[0] ?? newline);
          if (!goOn) pipe.pause().unref();
          return goOn;
        },
      },
    };
    const pipe = new Socket(options);
    pipe.on('end', end).on('error', fail);
    pipe.resume();
  } else {
    const buffer = Buffer.alloc(1);
    try {
      while (readSync(0, buffer, 0, 1, null) === 1) if (!take(buffer[0] ?? newline)) return;
      end();
    } catch (error) {
      // A folder as standard input holds no answer either.
      if (error instanceof Error && 'code' in error && (error.code === 'EISDIR' || error.code === 'EOF')) end();
      else fail(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

function statsOf(fd: number) {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}
