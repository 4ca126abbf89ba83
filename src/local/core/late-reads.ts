// Reads that a call needs besides rows. Handlers run in a transaction and cannot wait: what they ask for and is not
// there yet is noted, read after the transaction, and there when they run again.

/** Reads of one call. */
export interface LateReads {
  /** Returns whether something asked for is still to be read; nothing that was made without it may be kept. */
  isWaiting(): boolean;
  load(): Promise<void>;
}

/** Sources of a call's late reads, by module. */
export class LateReader<Reads extends LateReads> {
  readonly #calls = new WeakMap<object, Reads>();
  readonly #absent: string;

  /** `absent`: the message of the defect that the module is not there. */
  constructor(absent: string) {
    this.#absent = absent;
  }

  begin(call: object, reads: Reads): Reads {
    this.#calls.set(call, reads);
    return reads;
  }

  of({ call }: { readonly call: object }): Reads {
    const reads = this.#calls.get(call);
    if (reads === undefined) throw new TypeError(this.#absent);
    return reads;
  }
}
