// Reads an answer from standard input. Guarantees: no byte behind the line is taken from a pipe, whose rest belongs to
// whoever reads it next (script-contracts 1.2); of files only those are read that one answer fills; and a line that
// never comes does not keep the process from ending: a read in libuv's thread pool would, because process.exit waits
// for it.

import { fstatSync, read, readSync } from 'node:fs';
import { type ConnectOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { ReadStream } from 'node:tty';
import { isExecutable } from './build.ts';

const newline = 10;
/** Bytes. A line this long is no answer; the rest of it is not read. */
const maxLineBytes = 64 * 1024;
/** `yes\r\n`, in bytes. */
const maxAnswerBytes = 5;

/**
 * One line of a pipe, or the whole of a file of one line (shells write `<<<` to one). Undefined at the end of the pipe,
 * for a file that somebody has read already, and for anything else. Calls `ask` before it waits. Rejects with the
 * signal's reason.
 */
export async function readAnswer(ask: () => void, signal?: AbortSignal): Promise<string | undefined> {
  const stats = statsOf(0);
  if (stats?.isFile()) {
    const answer = wholeFile(stats.size);
    if (answer !== undefined) ask();
    return answer;
  }
  if (!stats?.isFIFO() && !stats?.isSocket()) return undefined;
  ask();
  return line(isExecutable ? readBytes : openPipe, signal);
}

/** A line of the terminal; undefined at its end. Rejects with the signal's reason. */
export const readLine = (signal?: AbortSignal): Promise<string | undefined> =>
  line(isExecutable ? readBytes : openTerminal, signal);

/** Hands over one byte after the other until `take` says false. */
type Open = (take: (byte: number) => boolean, end: () => void, fail: (error: Error) => void) => void;

function line(open: Open, signal: AbortSignal | undefined): Promise<string | undefined> {
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
      if (byte !== newline) bytes.push(byte);
      const goesOn = byte !== newline && bytes.length < maxLineBytes;
      if (!goesOn) finish(false);
      return goesOn;
    };
    open(take, () => finish(true), reject);
  });
}

const openTerminal: Open = (take, end, fail) => {
  // It gives a line at a time.
  const terminal = new ReadStream(0);
  terminal.on('data', (chunk: Buffer) => {
    for (const byte of chunk) if (!take(byte)) return void terminal.pause().unref();
  });
  terminal.on('end', end).on('error', fail);
};

const openPipe: Open = (take, end, fail) => {
  const options: SocketConstructorOpts & ConnectOpts = {
    fd: 0,
    readable: true,
    writable: false,
    // A buffer of one byte is what makes it take no more than the line.
    onread: {
      buffer: Buffer.alloc(1),
      callback: (_count, buffer) => {
        const goesOn = take(buffer[0] ?? newline);
        if (!goesOn) pipe.pause().unref();
        return goesOn;
      },
    },
  };
  const pipe = new Socket(options);
  pipe.on('end', end).on('error', fail);
  pipe.resume();
};

/**
 * Reads pipes and terminals in the executable: Bun has no sockets on descriptors that are open already, and a second
 * ReadStream of the terminal gives it nothing. Its process.exit waits for no read.
 */
const readBytes: Open = (take, end, fail) => {
  const buffer = Buffer.alloc(1);
  const next = () =>
    read(0, buffer, 0, 1, null, (error, count) => {
      if (error?.code === 'EAGAIN') setTimeout(next, 20);
      else if (error !== null) fail(error);
      else if (count === 0) end();
      else if (take(buffer[0] ?? newline)) next();
    });
  next();
};

/** The line that a file consists of, if nobody has read on in it: a loop over a file of one line has. */
function wholeFile(size: number): string | undefined {
  if (size > maxAnswerBytes) return undefined;
  const buffer = Buffer.alloc(maxAnswerBytes);
  const whole = buffer.toString('utf8', 0, readSync(0, buffer, 0, maxAnswerBytes, 0));
  const [text, ...more] = whole.split(/\r?\n/);
  if (more.join('') !== '' || more.length > 1) return undefined;
  const left = buffer.toString('utf8', 0, readSync(0, buffer, 0, maxAnswerBytes, null));
  return left === whole ? text : undefined;
}

function statsOf(fd: number) {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}
