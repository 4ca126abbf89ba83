// JSON of any length, read while it arrives. Guarantees: holds no more than what a sink asked to hold; what is no JSON,
// and a member that a plan asks for and that is there twice, is a SyntaxError.

/** Takes the bytes of one value, in order, as they stand in the document. */
export interface Sink {
  write(chunk: Uint8Array): void;
  /** Called behind the value's last byte. */
  end(): void;
}

/** Names the sink of a value that turns out to be a text where its members were planned for. */
export const asText = Symbol('text');

/** Action for the members of a value: `*` stands for every element of a list. What is not named is passed over. */
export interface Plan {
  readonly [member: string]: Plan | Sink;
  readonly [asText]?: Sink;
}

const isSink = (value: Plan | Sink | undefined): value is Sink => typeof value?.['write'] === 'function';

const deepest = 500;
const maxKeyBytes = 1024;
/** JSON's own numbers are shorter than this unless somebody plays. */
const maxWordBytes = 1024;

const wordPattern = /^(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)$/;

/** Token that is expected next. */
const State = {
  Value: 0,
  FirstElement: 1,
  FirstKey: 2,
  Key: 3,
  Colon: 4,
  After: 5,
  Text: 6,
  Word: 7,
  Done: 8,
} as const;

interface Level {
  readonly isList: boolean;
  readonly plan: Plan | undefined;
  /** Members of the plan that were met. */
  readonly met: Set<string>;
}

export class JsonScanner {
  private state: (typeof State)[keyof typeof State] = State.Value;
  private readonly levels: Level[] = [];
  /** Use of the next value. */
  private next: Plan | Sink | undefined;
  private sink: Sink | undefined;
  /** Depth at which the value of the sink ends. */
  private sinkDepth = 0;
  private isKey = false;
  private escaped = false;
  /** Pieces of a key or word of earlier chunks. */
  private held: Uint8Array[] = [];
  private heldSize = 0;

  constructor(plan: Plan | Sink) {
    this.next = plan;
  }

  /** Throws SyntaxError. */
  push(chunk: Uint8Array): void {
    let sinkFrom = 0;
    let from = 0;
    let at = 0;
    const { length } = chunk;
    const endValue = (end: number): void => {
      if (this.sink !== undefined && this.levels.length === this.sinkDepth) {
        const { sink } = this;
        this.sink = undefined;
        if (end > sinkFrom) sink.write(chunk.subarray(sinkFrom, end));
        sink.end();
      }
      this.state = this.levels.length === 0 ? State.Done : State.After;
    };
    while (at < length) {
      const byte = chunk[at] as number;
      if (this.state === State.Text) {
        let end = at;
        if (this.escaped) {
          this.escaped = false;
          end += 1;
        }
        let inner = 0;
        for (; end < length; end += 1) {
          inner = chunk[end] as number;
          if (inner === 0x22 || inner === 0x5c || inner < 0x20) break;
        }
        if (end >= length) {
          at = length;
          continue;
        }
        if (inner < 0x20) throw new SyntaxError('a control character in a text');
        at = end + 1;
        if (inner === 0x5c) {
          this.escaped = true;
          continue;
        }
        if (this.isKey) {
          this.endKey(chunk, from, at);
          this.state = State.Colon;
        } else endValue(at);
        continue;
      }
      if (this.state === State.Word) {
        if (isWordByte(byte)) {
          at += 1;
          continue;
        }
        this.endWord(chunk, from, at);
        endValue(at);
        continue;
      }
      if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
        at += 1;
        continue;
      }
      switch (this.state) {
        case State.FirstElement:
        case State.Value: {
          if (byte === 0x5d && this.state === State.FirstElement) {
            this.levels.pop();
            at += 1;
            endValue(at);
            break;
          }
          const planned = this.next;
          const wanted = byte === 0x22 && planned !== undefined && !isSink(planned) ? planned[asText] : planned;
          this.next = undefined;
          if (isSink(wanted)) {
            this.sink = wanted;
            this.sinkDepth = this.levels.length;
            sinkFrom = at;
          }
          from = at;
          if (byte === 0x7b || byte === 0x5b) {
            if (this.levels.length >= deepest) throw new SyntaxError('nested too deeply');
            const isList = byte === 0x5b;
            const plan = isSink(wanted) ? undefined : wanted;
            this.levels.push({ isList, plan, met: new Set() });
            this.state = isList ? State.FirstElement : State.FirstKey;
            if (isList) this.next = wantedOf(plan, '*');
          } else if (byte === 0x22) {
            this.isKey = false;
            this.state = State.Text;
          } else if (isWordByte(byte)) {
            this.state = State.Word;
          } else throw new SyntaxError('a value was expected');
          at += 1;
          break;
        }
        case State.FirstKey:
        case State.Key:
          if (byte === 0x22) {
            this.isKey = true;
            this.state = State.Text;
            from = at;
          } else if (byte === 0x7d && this.state === State.FirstKey) {
            this.levels.pop();
            endValue(at + 1);
          } else throw new SyntaxError('a member was expected');
          at += 1;
          break;
        case State.Colon:
          if (byte !== 0x3a) throw new SyntaxError('a colon was expected');
          this.state = State.Value;
          at += 1;
          break;
        case State.After: {
          const level = this.levels.at(-1);
          at += 1;
          if (byte === 0x2c) {
            this.state = level?.isList === true ? State.Value : State.Key;
            if (level?.isList === true) this.next = wantedOf(level.plan, '*');
          } else if (byte === (level?.isList === true ? 0x5d : 0x7d)) {
            this.levels.pop();
            endValue(at);
          } else throw new SyntaxError('a comma was expected');
          break;
        }
        default:
          throw new SyntaxError('something stands behind the document');
      }
    }
    if (this.sink !== undefined && length > sinkFrom) this.sink.write(chunk.subarray(sinkFrom));
    const isHeld = (this.state === State.Text && this.isKey) || this.state === State.Word;
    if (isHeld) this.hold(chunk.subarray(from));
  }

  /** Throws SyntaxError when the document is not whole. */
  end(): void {
    if (this.state === State.Word && this.levels.length === 0) {
      this.endWord(new Uint8Array(), 0, 0);
      this.sink?.end();
      this.state = State.Done;
    }
    if (this.state !== State.Done) throw new SyntaxError('the document ends too early');
  }

  private hold(piece: Uint8Array): void {
    this.heldSize += piece.length;
    const limit = this.isKey ? maxKeyBytes : maxWordBytes;
    // A key that long is none we look for; a word that long is none.
    if (this.heldSize > limit && !(this.state === State.Text)) throw new SyntaxError('a number is too long');
    if (this.heldSize <= limit) this.held.push(Uint8Array.from(piece));
  }

  private take(chunk: Uint8Array, from: number, end: number): string {
    const pieces = [...this.held, chunk.subarray(this.held.length > 0 ? 0 : from, end)];
    const text = this.heldSize > maxKeyBytes ? '""' : Buffer.concat(pieces).toString('utf8');
    this.held = [];
    this.heldSize = 0;
    return text;
  }

  private endKey(chunk: Uint8Array, from: number, end: number): void {
    const level = this.levels.at(-1);
    if (level?.plan === undefined) {
      this.held = [];
      this.heldSize = 0;
      return;
    }
    const key = String(JSON.parse(this.take(chunk, from, end)));
    // The plan's word for elements is no member.
    this.next = key === '*' ? undefined : wantedOf(level.plan, key);
    if (this.next === undefined) return;
    // Readers differ in which of the two they take: what one of them has verified another would not read.
    if (level.met.has(key)) throw new SyntaxError(`the member ${JSON.stringify(key)} is there twice`);
    level.met.add(key);
  }

  private endWord(chunk: Uint8Array, from: number, end: number): void {
    if (!wordPattern.test(this.take(chunk, from, end))) throw new SyntaxError('a value was expected');
  }
}

const wantedOf = (plan: Plan | undefined, key: string): Plan | Sink | undefined =>
  plan !== undefined && Object.hasOwn(plan, key) ? plan[key] : undefined;

/** Letters, digits and signs of `true`, `false`, `null` and numbers. */
const isWordByte = (byte: number): boolean =>
  (byte >= 0x61 && byte <= 0x7a) ||
  (byte >= 0x30 && byte <= 0x39) ||
  byte === 0x2d ||
  byte === 0x2b ||
  byte === 0x2e ||
  byte === 0x45;
