// A list while it arrives: `{"items":[…]}` cut into the texts of its items. Guarantees: an item is handed on as soon as
// its last byte is there; texts may hold braces, quotes and escapes, and characters may be split between chunks.

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openers: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const closers: ReadonlySet<number> = new Set([0x5d, 0x7d]);
const isBlank = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

/** Returns where the next quote or backslash stands; the end of the chunk when there is none. */
function nextMark(chunk: Buffer, from: number): number {
  let at = from;
  while (at < chunk.length && chunk[at] !== quote && chunk[at] !== backslash) at += 1;
  return at;
}

/** Bytes of one item; what is longer is no item of any list. */
const maxItemBytes = 16 * 1024 * 1024;

export class ItemSplitter {
  /** Braces and brackets that are open. */
  private depth = 0;
  private inText = false;
  private escaped = false;
  /** The member of the document that is being read. */
  private member = '';
  private afterColon = false;
  /** Pieces of the item, or of the member's name, that were in earlier chunks. */
  private earlier: Buffer[] = [];
  private size = 0;
  private started = false;

  /** `key` is the member of the document that holds the list. */
  constructor(private readonly key = 'items') {}

  /** Texts of the items that end in this chunk. Throws SyntaxError for what is no such document. */
  *push(chunk: Buffer): Generator<string> {
    let from = this.isCollecting() ? 0 : -1;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.inText) {
        // Most bytes of a list are inside texts, and most of them say nothing here.
        if (!this.escaped && byte !== backslash && byte !== quote) {
          at = nextMark(chunk, at) - 1;
          continue;
        }
        if (this.escaped) this.escaped = false;
        else if (byte === backslash) this.escaped = true;
        else if (byte === quote) {
          this.inText = false;
          if (this.depth === 1 && !this.afterColon) {
            this.member = String(JSON.parse(this.take(chunk, from, at + 1)));
            from = -1;
          }
        }
        continue;
      }
      if (isBlank(byte)) continue;
      if (!this.started) {
        if (byte !== 0x7b) throw new SyntaxError('not an object');
        this.started = true;
        this.depth = 1;
        continue;
      }
      if (this.depth === 0) throw new SyntaxError('something stands behind the document');
      const inList = this.depth === 2 && this.isList();
      if (inList && from < 0 && byte !== comma && !closers.has(byte)) from = at;
      if (this.depth === 1 && !this.afterColon && byte === quote) from = at;
      if (inList && from >= 0 && (byte === comma || closers.has(byte))) {
        yield this.take(chunk, from, at);
        from = -1;
      }
      if (byte === quote) this.inText = true;
      else if (openers.has(byte)) this.depth += 1;
      else if (closers.has(byte)) this.depth -= 1;
      else if (this.depth === 1 && byte === colon) this.afterColon = true;
      else if (this.depth === 1 && byte === comma) this.afterColon = false;
    }
    if (from >= 0) {
      this.earlier.push(Buffer.from(chunk.subarray(from)));
      this.size += chunk.length - from;
      if (this.size > maxItemBytes) throw new SyntaxError('an item is too large');
    }
  }

  /** True once the document is complete. */
  get isWhole(): boolean {
    return this.started && this.depth === 0;
  }

  /** Whether the next byte that is no blank belongs to an item of the list, or ends the list. */
  get isBetween(): boolean {
    return this.depth === 2 && !this.inText && this.isList() && !this.isCollecting();
  }

  private isList(): boolean {
    return this.afterColon && this.member === this.key;
  }

  private isCollecting(): boolean {
    return this.earlier.length > 0;
  }

  private take(chunk: Buffer, from: number, to: number): string {
    if (this.earlier.length === 0) return chunk.toString('utf8', from, to);
    const text = Buffer.concat([...this.earlier, chunk.subarray(Math.max(from, 0), to)]).toString('utf8');
    this.earlier = [];
    this.size = 0;
    return text;
  }
}
