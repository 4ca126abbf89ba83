import { partsOf } from '../../arrivals.ts';
import type { CellValue } from '../define.ts';
import { printableLines } from '../io.ts';
import { type Batch, batched } from './batch.ts';
import type { Renderer, RenderInput } from './format.ts';

/**
 * RFC 4180 with a header, every column including the wide ones, written row by row. Times are RFC 3339 wherever it goes:
 * a spreadsheet cannot compute with "3 days ago".
 */
export const render: Renderer = (input) => batched(input.io, (batch) => write(input, batch));

async function write<T>({ view, items, now, rawCsv }: RenderInput<T>, batch: Batch): Promise<void> {
  const columns = view.columns ?? [];
  const cell = { now, times: 'utc' as const };
  const line = (fields: readonly string[]) => batch.out(`${fields.join(',')}\r\n`);
  let started = false;
  const start = () => {
    if (!started) line(columns.map(({ head }) => quoted(head)));
    started = true;
  };
  for await (const part of partsOf(items)) {
    for (const item of part) {
      const found = columns.map((column) => column.value(item, cell));
      // Awaiting what is there already costs more than writing it.
      const isThere = !found.some((value) => value instanceof Promise);
      const values = isThere ? (found as CellValue[]) : await Promise.all(found);
      // After the first item, so that a list that fails at once leaves nothing behind that parses.
      const isFirst = !started;
      start();
      line(values.map((value) => quoted(typeof value === 'string' && !rawCsv ? inert(value) : String(value ?? ''))));
      if (isFirst) batch.flush();
    }
  }
  start();
}

/** Spreadsheets run what begins like a formula, also behind quotes; an apostrophe makes it a text (OWASP, CSV Injection). */
const inert = (value: string) => (/^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/.test(value) ? `'${value}` : value);

/** Most cells are, and need no look at each character. */
const plain = /^[!#-+\--~][ !#-+\--~]*(?<! )$/;

function quoted(value: string): string {
  if (plain.test(value)) return value;
  const text = printableLines(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
