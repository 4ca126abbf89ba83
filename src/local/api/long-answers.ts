// Lists that may be long, read and written part by part. Guarantees: others are answered between two parts, and memory
// does not grow with the list, nor with the slowness of who reads it; a list that fails in the middle never looks whole.

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import type { Part } from './selection.ts';

/** Gives one part of an answer, or all of it without a part. Throws what the operation throws. */
export type Run = (part?: Part) => Promise<object>;

interface List {
  readonly items: readonly object[];
}

/** Rows of one part: some two milliseconds, beside which the transaction of each does not count. */
const batchSize = 200;

export interface Sending {
  readonly encode: (answer: object) => string;
  /** For an answer that has no parts: with a length, and one status for all of it. */
  readonly sendWhole: (answer: object) => Promise<void>;
}

export async function sendInParts(response: ServerResponse, run: Run, { encode, sendWhole }: Sending): Promise<void> {
  let part: Part = { most: batchSize, after: undefined, next: undefined };
  let answer = await run(part);
  if (part.next === undefined) return sendWhole(answer);
  const [head, tail] = around(encode({ ...answer, items: [] }));
  const itemsOf = (list: object): string => encode(list).slice(head.length, -tail.length);
  response.writeHead(200, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.write(head);
  let separator = '';
  for (;;) {
    const items = itemsOf(answer);
    const isTaken = items === '' || response.write(separator + items);
    if (items !== '') separator = ',';
    if (!isTaken) await once(response, 'drain', { signal: gone.signal }).catch(() => undefined);
    // A reader who keeps up drains it before the event loop turns, so waiting for that alone would let nobody else in.
    await turn();
    // Nobody reads it any more.
    if (gone.signal.aborted) return;
    if (part.next === undefined) break;
    part = { most: batchSize, after: part.next, next: undefined };
    answer = await run(part);
  }
  response.end(tail);
}

/** The same for who needs all of it at once. */
export async function inOnePiece(run: Run): Promise<object> {
  let part: Part = { most: batchSize, after: undefined, next: undefined };
  const first = await run(part);
  if (part.next === undefined) return first;
  const items = [...(first as List).items];
  while (part.next !== undefined) {
    await turn();
    part = { most: batchSize, after: part.next, next: undefined };
    for (const item of ((await run(part)) as List).items) items.push(item);
  }
  return { ...first, items };
}

/** Returns what an answer without items has before and behind them. */
function around(empty: string): [head: string, tail: string] {
  const at = empty.indexOf('"items":[]') + '"items":['.length;
  return [empty.slice(0, at), empty.slice(at)];
}
