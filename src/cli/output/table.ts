import type { CellContext, Column } from '../define.ts';
import { printable } from '../io.ts';
import { displayWidth } from '../width.ts';
import { collect, type Renderer } from './renderer.ts';

/**
 * The reference's table: one leading blank, ` | ` between columns, centred upper-case heads, a rule crossed by `|`, no
 * frame (outputs.md, new style). Cells are never cut; several values in a cell stand on lines of their own. Laid out
 * here because cli-table3 needs 46 s for 10,000 rows and 20 s for the built-in roles, whose cells have fifty lines.
 */
export const render: Renderer = async ({ view, items, io, now }) => {
  const columns = (view.columns ?? []).filter((column) => !column.wide);
  const cell = { now, relativeTimes: io.outIsTty };
  const rows: (readonly Line[])[][] = [];
  for (const item of await collect(items)) {
    rows.push(await Promise.all(columns.map((column) => linesOf(column, item, cell))));
  }
  const heads = columns.map(({ head }) => measured(head));
  const widths = heads.map((head) => head.width);
  for (const row of rows) {
    row.forEach((lines, at) => {
      for (const { width } of lines) widths[at] = Math.max(widths[at] ?? 0, width);
    });
  }

  const text: string[] = [];
  const add = (cells: readonly string[]) => text.push(` ${cells.join(' | ')}`.trimEnd());
  add(heads.map((head, at) => padded(head, widths[at] ?? 0, 'center')));
  text.push(widths.map((width) => '-'.repeat(width + 2)).join('|'));
  for (const row of rows) {
    const height = Math.max(...row.map((lines) => lines.length));
    for (let line = 0; line < height; line += 1) {
      add(row.map((lines, at) => padded(lines[line] ?? blank, widths[at] ?? 0, columns[at]?.align ?? 'left')));
    }
  }
  if (columns.length > 0) io.out(`${text.join('\n')}\n`);
};

interface Line {
  readonly text: string;
  /** In terminal columns. */
  readonly width: number;
}

const measured = (text: string): Line => ({ text, width: displayWidth(text) });

const blank = measured('');

async function linesOf<T>(column: Column<T>, item: T, cell: CellContext): Promise<readonly Line[]> {
  const value = String((await column.value(item, cell)) ?? '');
  return value.split('\n').map((line) => measured(printable(line)));
}

function padded({ text, width }: Line, wanted: number, align: 'left' | 'right' | 'center'): string {
  const missing = wanted - width;
  const before = align === 'left' ? 0 : align === 'right' ? missing : Math.floor(missing / 2);
  return `${' '.repeat(before)}${text}${' '.repeat(missing - before)}`;
}
