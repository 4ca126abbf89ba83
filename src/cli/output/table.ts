import type { CellContext, Column } from '../define.ts';
import { type Io, printable } from '../io.ts';
import { displayWidth } from '../width.ts';
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
  const widths = columns.map(({ head }) => displayWidth(head));
  const lines: (readonly string[])[] = [];
  for await (const item of items) {
    const cells = await Promise.all(columns.map((column) => linesOf(column, item, cell)));
    cells.forEach((values, at) => {
      for (const value of values) widths[at] = Math.max(widths[at] ?? 0, displayWidth(value));
    });
    const height = Math.max(...cells.map((values) => values.length));
    for (let line = 0; line < height; line += 1) lines.push(cells.map((values) => values[line] ?? ''));
  }
  if (columns.length > 0) layOut(lines, columns, widths, io);
}

function layOut(
  lines: readonly (readonly string[])[],
  columns: readonly Column<never>[],
  widths: readonly number[],
  io: Io,
): void {
  const row = (cells: readonly string[], alignOf: (at: number) => Align) =>
    `${cells
      .map((text, at) => ` ${aligned(text, widths[at] ?? 0, alignOf(at))} `)
      .join('|')
      .trimEnd()}\n`;
  const heads = columns.map(({ head }) => head);
  io.out(`${row(heads, () => 'center')}${widths.map((width) => '-'.repeat(width + 2)).join('|')}\n`);
  const text = (line: readonly string[]) => row(line, (at) => columns[at]?.align ?? 'left');
  for (let at = 0; at < lines.length; at += atOnce)
    io.out(
      lines
        .slice(at, at + atOnce)
        .map(text)
        .join(''),
    );
}

/** Lines that are written together. */
const atOnce = 500;

type Align = 'left' | 'right' | 'center';

/** What cannot be halved stands after a centred text. */
function aligned(text: string, width: number, align: Align): string {
  const room = width - displayWidth(text);
  const before = align === 'left' ? 0 : align === 'right' ? room : Math.floor(room / 2);
  return `${' '.repeat(before)}${text}${' '.repeat(room - before)}`;
}

async function linesOf<T>(column: Column<T>, item: T, cell: CellContext): Promise<readonly string[]> {
  const value = String((await column.value(item, cell)) ?? '');
  return value.split('\n').map(printable);
}
