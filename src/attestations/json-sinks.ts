// Sinks of json-scanner.ts. Guarantees: what is held has a limit; texts come out as the characters they stand for, whatever
// chunks they were cut into.

import { StringDecoder } from 'node:string_decoder';
import type { Sink } from './json-scanner.ts';

/** Hands on the whole value once it is there. One longer than `limit` bytes is a SyntaxError. */
export function whole(limit: number, take: (value: unknown) => void): Sink {
  let pieces: Uint8Array[] = [];
  let size = 0;
  return {
    write(chunk) {
      size += chunk.length;
      if (size > limit) throw new SyntaxError('a value is too large');
      // The chunk may be written over before the value has ended.
      pieces.push(Uint8Array.from(chunk));
    },
    end() {
      const value: unknown = JSON.parse(Buffer.concat(pieces).toString('utf8'));
      pieces = [];
      size = 0;
      take(value);
    },
  };
}

/** Hands on the characters of a text, in pieces; `end` gets false when the value was no text. */
export function text(take: (piece: string) => void, end: (isText: boolean) => void): Sink {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let isText: boolean | undefined;
  const flush = (all: boolean): void => {
    const cut = all ? rest.length : endOfEscapes(rest);
    const piece = rest.slice(0, cut);
    rest = rest.slice(cut);
    if (piece !== '') take(piece.includes('\\') ? (JSON.parse(`"${piece}"`) as string) : piece);
  };
  return {
    write(chunk) {
      let bytes = chunk;
      if (isText === undefined) {
        isText = chunk[0] === 0x22;
        bytes = chunk.subarray(1);
      }
      if (!isText) return;
      rest += decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
      // The last byte may be the closing quote.
      if (rest.length > 64 * 1024) {
        const held = rest.slice(-1);
        rest = rest.slice(0, -1);
        flush(false);
        rest += held;
      }
    },
    end() {
      if (isText === true) {
        rest = rest.slice(0, -1);
        flush(true);
      }
      end(isText === true);
    },
  };
}

/** Returns where a text may be cut so that no escape, and no pair of them that stands for one character, is cut. */
function endOfEscapes(text: string): number {
  let at = text.indexOf('\\');
  while (at >= 0) {
    const length = text[at + 1] === 'u' ? 6 : 2;
    const isHigh = length === 6 && /^d[89ab]/i.test(text.slice(at + 2, at + 4));
    // Its other half follows at once, or it is half a character.
    const end = at + length + (isHigh ? 6 : 0);
    if (end > text.length) return at;
    at = text.indexOf('\\', at + length);
  }
  return text.length;
}

/** Bytes of base64 text that comes in pieces. */
export function base64(take: (bytes: Buffer) => void): { write(piece: string): void; end(): void } {
  let rest = '';
  return {
    write(piece) {
      const clean = rest + (/[^A-Za-z0-9+/=_-]/.test(piece) ? piece.replace(/[^A-Za-z0-9+/=_-]/g, '') : piece);
      const cut = clean.length - (clean.length % 4);
      rest = clean.slice(cut);
      if (cut > 0) take(Buffer.from(clean.slice(0, cut), 'base64'));
    },
    end() {
      if (rest !== '') take(Buffer.from(rest, 'base64'));
      rest = '';
    },
  };
}
