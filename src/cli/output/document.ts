import type { RenderInput } from './format.ts';

/** Returns what `-o json` writes, as a value: the item, or the list in its envelope. `lines` is an array here. */
export async function documentOf<T>({ view, items, isList }: RenderInput<T>): Promise<unknown> {
  const shape = (item: T): unknown => plain(view.json === undefined ? item : view.json(item));
  const all: unknown[] = [];
  for await (const item of items) all.push(shape(item));
  if (!isList) return all[0];
  const { envelope = 'items' } = view;
  return envelope === 'array' || envelope === 'lines' ? all : { [envelope]: all };
}

/** As JSON has it: without what is undefined, dates and the like as their texts. */
const plain = (value: unknown): unknown => (value === undefined ? null : JSON.parse(JSON.stringify(value)));
