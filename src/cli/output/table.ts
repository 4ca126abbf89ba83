import type { Column } from '../define.ts';
import { printable } from '../io.ts';
import { collect, type Renderer } from './renderer.ts';

/**
 * The reference's table: one leading blank, ` | ` between columns, centred upper-case heads, a rule crossed by `|`, no
 * frame (outputs.md, new style). Cells are never cut; several values in a cell stand on lines of their own.
 */
export const render: Renderer = async ({ view, items, isList, io, now }) => {
  const Table = (await import('cli-table3')).default;
  const columns = (view.columns ?? []).filter((column) => !column.wide);
  const rows = await collect(items);
  const cell = { now, relativeTimes: io.outIsTty };
  const table = new Table({
    head: columns.map((column) => ({ content: column.head, hAlign: 'center' as const })) as unknown as string[],
    chars: {
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
      right: '',
      'right-mid': '',
      mid: '',
      'mid-mid': '',
      middle: '|',
    },
    style: { head: [], border: [], 'padding-left': 1, 'padding-right': 1 },
    colAligns: columns.map((column) => column.align ?? 'left'),
  });
  for (const row of rows) table.push(await Promise.all(columns.map((column) => cellText(column, row, cell))));
  const [head = '', ...body] = table.toString().split('\n');
  // cli-table3 draws rules between all rows or none; the reference has one, below the heads.
  const lines = [head, head.replace(/[^|]/g, '-'), ...body].map((line) => line.trimEnd());
  if (columns.length > 0) io.out(`${lines.join('\n')}\n`);
  if (isList && rows.length === 0 && view.empty) io.note(view.empty);
};

async function cellText<T>(column: Column<T>, row: T, cell: Parameters<Column<T>['value']>[1]): Promise<string> {
  const value = String((await column.value(row, cell)) ?? '');
  return value.split('\n').map(printable).join('\n');
}
