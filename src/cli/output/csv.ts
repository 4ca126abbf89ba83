import { printableLines } from '../io.ts';
import type { Renderer } from './renderer.ts';

/**
 * RFC 4180 with a header, every column including the wide ones, written row by row. Times are RFC 3339 wherever it goes:
 * a spreadsheet cannot compute with "3d ago".
 */
export const render: Renderer = async ({ view, items, io, now }) => {
  const columns = view.columns ?? [];
  const cell = { now, relativeTimes: false };
  const line = (fields: readonly string[]) => io.out(`${fields.map(field).join(',')}\r\n`);
  let started = false;
  const start = () => {
    if (!started) line(columns.map(({ head }) => head));
    started = true;
  };
  for await (const item of items) {
    const values = await Promise.all(columns.map((column) => column.value(item, cell)));
    // After the first item, so that a list that fails at once leaves nothing behind that parses.
    start();
    line(values.map((value) => String(value ?? '')));
  }
  start();
};

function field(value: string): string {
  const text = printableLines(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
