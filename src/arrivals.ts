// A list while it arrives. Guarantees: who takes it item by item and who takes it in parts get the same items in the same
// order; what has arrived together is one part, because awaiting each item costs more than making it.

/** Items that come in parts. Can be read once. */
export class Arrivals<T> implements AsyncIterable<T> {
  /** `parts`: what came together; a part may be empty. */
  constructor(readonly parts: AsyncIterable<readonly T[]>) {}

  [Symbol.asyncIterator](): AsyncIterator<T> {
    const parts = this.parts[Symbol.asyncIterator]();
    let part: readonly T[] = [];
    let at = 0;
    const next = async (): Promise<IteratorResult<T>> => {
      while (at >= part.length) {
        const result = await parts.next();
        if (result.done) return { done: true, value: undefined };
        part = result.value;
        at = 0;
      }
      at += 1;
      return { done: false, value: part[at - 1] as T };
    };
    return {
      next,
      return: async () => {
        await parts.return?.();
        return { done: true, value: undefined };
      },
    };
  }

  /** Returns the list of what each item becomes, without those that become undefined. */
  map<U extends object>(change: (item: T) => U | undefined): Arrivals<U> {
    return new Arrivals(changed(this.parts, change));
  }

  /** The same list, each item told when its part is taken. */
  tap(tell: (item: T) => void): Arrivals<T> {
    return new Arrivals(told(this.parts, tell));
  }
}

/** The items of any list in parts: those that arrived together, else one by one. */
export function partsOf<T>(items: AsyncIterable<T> | Iterable<T>): AsyncIterable<readonly T[]> {
  return items instanceof Arrivals ? items.parts : singly(items);
}

async function* singly<T>(items: AsyncIterable<T> | Iterable<T>): AsyncGenerator<readonly T[]> {
  for await (const item of items) yield [item];
}

async function* changed<T, U>(
  parts: AsyncIterable<readonly T[]>,
  change: (item: T) => U | undefined,
): AsyncGenerator<readonly U[]> {
  for await (const part of parts) {
    const results: U[] = [];
    for (const item of part) {
      const result = change(item);
      if (result !== undefined) results.push(result);
    }
    yield results;
  }
}

async function* told<T>(parts: AsyncIterable<readonly T[]>, tell: (item: T) => void): AsyncGenerator<readonly T[]> {
  for await (const part of parts) {
    for (const item of part) tell(item);
    yield part;
  }
}
