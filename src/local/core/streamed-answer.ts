// An answer that is too long to be made at once: JSON in pieces, made while it is sent.

export class StreamedAnswer {
  /** Pieces of one JSON document, made anew by each call. */
  readonly pieces: () => AsyncIterable<Uint8Array | string>;

  constructor(pieces: StreamedAnswer['pieces']) {
    this.pieces = pieces;
  }

  /** The same as one value, for protocols that know no pieces. */
  async whole(): Promise<object> {
    const all: Buffer[] = [];
    for await (const piece of this.pieces())
      all.push(typeof piece === 'string' ? Buffer.from(piece) : Buffer.from(piece));
    return JSON.parse(Buffer.concat(all).toString('utf8')) as object;
  }
}
