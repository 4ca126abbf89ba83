import { printableLines } from '../io.ts';
import type { Renderer } from './format.ts';

/** A table of GitHub's Markdown with the columns of `table`, written row by row; values show as they are, never as markup. */
export const render: Renderer = async ({ view, items, io, now }) => {
  const columns = (view.columns ?? []).filter((column) => !column.wide);
  const cell = { now, times: 'utc' as const };
  const row = (cells: readonly string[]) => io.out(`|${cells.map((text) => ` ${text} |`).join('')}\n`);
  let started = false;
  const start = () => {
    if (started) return;
    row(columns.map(({ head }) => head));
    row(columns.map(({ align }) => (align === 'right' ? '--:' : '---')));
    started = true;
  };
  for await (const item of items) {
    const values = await Promise.all(columns.map((column) => column.value(item, cell)));
    // After the first item, so that a list that fails at once leaves no table that looks whole.
    start();
    row(values.map((value) => literal(String(value ?? ''))));
  }
  start();
};

/** Markup characters lose their meaning; a line end inside a cell can only be written as HTML. */
function literal(value: string): string {
  return printableLines(value)
    .replace(/[\\`*_[\]|~]/g, (mark) => `\\${mark}`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('\n', '<br>');
}
