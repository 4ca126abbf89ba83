import { partsOf } from '../../arrivals.ts';
import { printableJson } from '../io.ts';
import { type Batch, batched } from './batch.ts';
import type { Renderer, RenderInput } from './format.ts';

/**
 * One document: one line without blanks in a pipe (script-contracts 1.5), indented on a terminal. A list is written as
 * its items arrive, so memory stays flat; a failure half-way is reported after what was written, never by a shorter document
 * that still parses.
 */
export const render: Renderer = (input) => batched(input.io, (batch) => write(input, batch));

async function write<T>({ view, items, isList, io }: RenderInput<T>, batch: Batch): Promise<void> {
  const indent = io.outIsTty ? 2 : undefined;
  const shape = (item: T) => (view.json ? view.json(item) : item);
  if (view.envelope === 'lines') {
    for await (const item of items) batch.out(`${printableJson(shape(item))}\n`);
    return;
  }
  if (!isList) {
    for await (const item of items) batch.out(`${printableJson(shape(item), indent)}\n`);
    return;
  }
  const { envelope = 'items' } = view;
  const array = envelope === 'array';
  const open = array ? '[' : indent ? `{\n  "${envelope}": [` : `{"${envelope}":[`;
  const close = array ? ']' : indent ? ']\n}' : ']}';
  const margin = indent ? `\n${' '.repeat(array ? 2 : 4)}` : '';
  let wrote = false;
  for await (const part of partsOf(items)) {
    if (part.length === 0) continue;
    // Items that came together are written together: those between the brackets, with a comma between each two.
    const text = indent
      ? part.map((item) => `${margin}${printableJson(shape(item), indent).replaceAll('\n', margin)}`).join(',')
      : printableJson(part.map(shape)).slice(1, -1);
    batch.out(`${wrote ? ',' : open}${text}`);
    wrote = true;
  }
  if (!wrote) batch.out(open);
  batch.out(`${wrote && indent ? (array ? '\n' : '\n  ') : ''}${close}\n`);
}
