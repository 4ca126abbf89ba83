import CliTable from 'cli-table3';
import { strlen } from 'cli-table3/src/utils.js';
import type { CellContext, Column } from '../define.ts';
import { type Io, printable } from '../io.ts';
import type { Renderer, RenderInput } from './renderer.ts';

/**
 * The reference's table: one leading blank, ` | ` between columns, centred upper-case heads, a rule crossed by `|`, no
 * frame (outputs.md, new style). Cells are never cut; several values in a cell stand on lines of their own.
 */
export const render: Renderer = (input) => renderColumns(input, (input.view.columns ?? []).filter(isNarrow));

const isNarrow = (column: { readonly wide?: true }) => column.wide !== true;

/** The same with the columns that are given. */
export async function renderColumns<T>(
  { items, io, now }: RenderInput<T>,
  columns: readonly Column<T>[],
): Promise<void> {
  const cell = { now, relativeTimes: io.outIsTty };
  const widths = columns.map(({ head }) => columnsOf(head));
  const lines: (readonly string[])[] = [];
  for await (const item of items) {
    const cells = await Promise.all(columns.map((column) => linesOf(column, item, cell)));
    cells.forEach((values, at) => {
      for (const value of values) widths[at] = Math.max(widths[at] ?? 0, columnsOf(value));
    });
    const height = Math.max(...cells.map((values) => values.length));
    for (let line = 0; line < height; line += 1) lines.push(cells.map((values) => values[line] ?? ''));
  }
  if (columns.length > 0) layOut(lines, columns, widths, io);
}

/**
 * cli-table3 needs a time that grows with the square of what one table holds, and again of the lines in a cell: 46 s for
 * 10,000 rows. So it gets a few lines of one line each at a time, with the widths it would have found for all of them.
 */
function layOut(
  lines: readonly (readonly string[])[],
  columns: readonly Column<never>[],
  widths: readonly number[],
  io: Io,
): void {
  const options = {
    chars: frameless,
    style: { head: [], border: [], 'padding-left': 1, 'padding-right': 1, compact: true },
    colWidths: widths.map((width) => width + 2),
    colAligns: columns.map(({ align }) => align ?? 'left'),
  };
  const heads = new CliTable({ ...options, colAligns: columns.map(() => 'center' as const) });
  heads.push(columns.map(({ head }) => head));
  io.out(`${trimmed(heads.toString())}${widths.map((width) => '-'.repeat(width + 2)).join('|')}\n`);
  for (let at = 0; at < lines.length; at += atOnce) {
    const batch = new CliTable(options);
    batch.push(...lines.slice(at, at + atOnce).map((line) => [...line]));
    io.out(trimmed(batch.toString()));
  }
}

/** Lines that cli-table3 lays out together. */
const atOnce = 16;

const frameless = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '|',
};

const trimmed = (text: string) =>
  text
    .split('\n')
    .map((line) => `${line.trimEnd()}\n`)
    .join('');

// Most cells are plain ASCII, whose width needs no look at each character.
const columnsOf = (text: string) => (/^[ -~]*$/.test(text) ? text.length : strlen(text));

async function linesOf<T>(column: Column<T>, item: T, cell: CellContext): Promise<readonly string[]> {
  const value = String((await column.value(item, cell)) ?? '');
  return value.split('\n').map(printable);
}
